"""The log likelihood of rows under every draw: whole, in blocks, or of the distinct rows alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from partialpool.data.collapse import CellIndex, collapse
from partialpool.formula.design_rows import take_rows
from partialpool.formula.records import Outcome
from partialpool.model.names import ROWS, SAMPLES
from partialpool.model.spec import ModelSpec
from partialpool.predict.linear import BLOCK_BYTES, linear_predictors, row_blocks
from partialpool.results.fitted import Fitted

if TYPE_CHECKING:
    import xarray as xr

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

WHAT = "The log likelihood of the rows"


def log_likelihood(fitted: Fitted) -> Floats:
    """Compute the log density of each row's outcome, constants included.

    A row with a frequency weight counts as that many rows.

    Returns
    -------
    (chains, draws, n): all of it in memory, 8 bytes a draw and row.

    Raises
    ------
    DataError
        When the fit was kept without its rows.
    """
    fitted.require_rows(WHAT)
    n = fitted.model.design.n_rows
    out = np.empty((len(fitted.values), n))
    distinct = distinct_rows(fitted.model)
    for rows in row_blocks(n, len(out)):
        out[:, rows] = _weighted(fitted, distinct, rows)
    return out.reshape(*fitted.draws.values.shape[:2], n)


def log_likelihood_blocks(fitted: Fitted, max_bytes: int = BLOCK_BYTES) -> Iterator[xr.DataArray]:
    """Compute the same as `log_likelihood`, a block of rows at a time.

    Parameters
    ----------
    max_bytes
        Size of a block; a block has one row at least.

    Yields
    ------
    (chain, draw, __obs__) log densities of consecutive rows, with the rows' numbers from 0 along ``__obs__``.

    Raises
    ------
    DataError
        When the fit was kept without its rows; on the call, before the first block.
    """
    fitted.require_rows(WHAT)
    return _blocks(fitted, max_bytes)


def _blocks(fitted: Fitted, max_bytes: int) -> Iterator[xr.DataArray]:
    import xarray as xr

    n_chains, n_draws, _ = fitted.draws.values.shape
    outcome, distinct = outcome_of(fitted.model), distinct_rows(fitted.model)
    for rows in row_blocks(fitted.model.design.n_rows, n_chains * n_draws, max_bytes):
        values = _weighted(fitted, distinct, rows).reshape(n_chains, n_draws, -1)
        labels = (np.arange(n_chains), np.arange(n_draws), np.arange(rows.start, rows.stop))
        dims = (*SAMPLES, ROWS)
        yield xr.DataArray(values, dict(zip(dims, labels, strict=True)), dims, name=outcome.name)


def _weighted(fitted: Fitted, distinct: CellIndex, rows: slice) -> Floats:
    """(S, n_rows) of some rows, times their weights; rows that are the same are computed once."""
    own, position = np.unique(distinct.cell[rows], return_inverse=True)
    values = unit_log_likelihood(fitted, distinct.first_row[own])[:, position]
    weights = outcome_of(fitted.model).weights
    return values if weights is None else values * weights[rows]


def unit_log_likelihood(fitted: Fitted, rows: Rows) -> Floats:
    """Compute the log density of single rows, constants included: a weighted row counts once.

    Parameters
    ----------
    rows
        Numbers of the rows that are wanted.

    Returns
    -------
    (S, n_rows), chains one after another.
    """
    model = fitted.model
    design = take_rows(model.design, rows)
    assert design.outcome is not None, "models are built from rows with an outcome"
    linear = linear_predictors(model, design, fitted.values, slice(None))
    return model.family.log_likelihood(design.outcome, linear)


def unit_blocks(fitted: Fitted, rows: Rows) -> Iterator[tuple[slice, Floats]]:
    """Go through `unit_log_likelihood` of some rows in blocks that fit in memory.

    Yields
    ------
    Which of `rows`, and (S, n_block).
    """
    for block in row_blocks(len(rows), len(fitted.values)):
        yield block, unit_log_likelihood(fitted, rows[block])


def log_mean_likelihood(log_likelihood: Floats) -> Floats:
    """Log of the mean over draws of the likelihood, (S, n) to (n,).

    Examples
    --------
    >>> log_mean_likelihood(np.log([[0.2, 0.5], [0.4, 0.1]])).round(3)
    array([-1.204, -1.204])
    """
    largest = np.max(log_likelihood, axis=0)
    shift = np.where(np.isfinite(largest), largest, 0.0)
    with np.errstate(divide="ignore"):
        return np.asarray(shift + np.log(np.mean(np.exp(log_likelihood - shift), axis=0)))


def distinct_rows(model: ModelSpec) -> CellIndex:
    """Find the rows whose log likelihood is the same under every draw.

    They share their cell, their outcome and their trials; weights make no difference, since they say how
    often a row is there.
    """
    outcome = outcome_of(model)
    keys = [model.cells.index.cell, outcome.values]
    keys += outcome.additions.values()
    return collapse(keys, model.design.n_rows)


def outcome_of(model: ModelSpec) -> Outcome:
    """Return the outcome of a model, which has one."""
    assert model.design.outcome is not None, "models are built from rows with an outcome"
    return model.design.outcome
