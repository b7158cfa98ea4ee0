"""Predictions of a fit: for the fitted rows or new ones, as labelled draws or as a summary table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from partialpool.data.checks import Missing
from partialpool.data.collapse import collapse, stable_order
from partialpool.formula.design_rows import joined_rows
from partialpool.formula.recipe import Recipe
from partialpool.predict.asked import Groups, check_asked
from partialpool.predict.evaluate import Evaluator, Rows
from partialpool.predict.labelled import labelled
from partialpool.predict.linear import row_blocks
from partialpool.predict.log_likelihood import outcome_of
from partialpool.predict.members import members
from partialpool.predict.outcomes import strip_blocks
from partialpool.predict.populations import group_populations
from partialpool.predict.sources import Source, fitted_rows, table_rows
from partialpool.results.fitted import Fitted
from partialpool.results.summaries import DEFAULT_PROB, check_prob, hdi, interval_names

if TYPE_CHECKING:
    import xarray as xr

Floats = NDArray[np.float64]
Index = NDArray[np.int64]

MAX_BYTES = 2**24


def predict(
    fitted: Fitted,
    recipe: Recipe,
    data: Any = None,
    kind: str = "mean",
    *,
    groups: Groups = "all",
    new_groups: str = "population",
    summary: bool = False,
    prob: float = DEFAULT_PROB,
    seed: int | None = None,
    missing: Missing = "error",
) -> xr.DataTree | pd.DataFrame:
    """Predict with every posterior draw, for the fitted rows or for new ones.

    Parameters
    ----------
    fitted, recipe
        The fit, and how a table becomes its design.
    data
        Any table that `read_table` takes; None for the fitted rows.
    kind, groups, new_groups, summary, prob, seed, missing
        See `Fit.predict`.

    Raises
    ------
    OptionError
        When an option has a value that is not allowed.
    DataError
        When the table cannot be used, or the fit has no rows and none are given.
    """
    asked = check_asked(fitted.model.design, kind, groups, new_groups, seed)
    check_prob(prob)
    source = fitted_rows(fitted, asked) if data is None else table_rows(fitted, recipe, data, asked, missing)
    inside = members(recipe.keep_factors(asked.factors))
    evaluator = Evaluator(fitted, asked, group_populations(fitted), inside)
    if summary:
        return summarise(evaluator, source, prob)
    draws = all_draws(evaluator, source)
    return labelled(fitted, asked, source, draws, evaluator.axis, recipe.outcome, data is None)


def summarise(evaluator: Evaluator, source: Source, prob: float, max_bytes: int = MAX_BYTES) -> pd.DataFrame:
    """Summarise the draws of every row, holding those of a block of rows at a time.

    Parameters
    ----------
    max_bytes
        Size of the largest matrix of draws by rows that is held.

    Returns
    -------
    A row for each row of the source, by its labels: ``mean``, ``sd`` and the ends of the highest density
    interval, named as `interval_names` does. Where there are categories a row for each of them, too, whose
    index has a further level that is called after the outcome.
    """
    shape = source.n_rows, *_axis_shape(evaluator)
    figures = np.empty((4, *shape))
    for rows, own, draws in _blocks(evaluator, source, max_bytes):
        found = np.empty((4, *draws.shape[1:]))
        found[0], found[1] = draws.mean(axis=0), draws.std(axis=0)
        found[2:] = np.moveaxis(hdi(np.moveaxis(draws, 0, -1), prob), -1, 0)
        figures[:, rows] = found[:, own]
    columns = ["mean", "sd", *interval_names(prob)]
    index = _row_index(evaluator, source)
    return pd.DataFrame(figures.reshape(4, -1).T, index=index, columns=columns, copy=False)


def _axis_shape(evaluator: Evaluator) -> tuple[int, ...]:
    return (len(evaluator.axis),) if evaluator.axis else ()


def _row_index(evaluator: Evaluator, source: Source) -> pd.Index:
    """Label the rows of a summary: by the source's labels, and by categories where there are any."""
    if not evaluator.axis:
        return source.labels
    outcome = outcome_of(evaluator.fitted.model).name
    n = len(evaluator.axis)
    rows = source.labels.repeat(n)
    levels = [rows.get_level_values(i) for i in range(rows.nlevels)]
    categories = np.tile(np.array(evaluator.axis, dtype=object), source.n_rows)
    return pd.MultiIndex.from_arrays([*levels, categories], names=[*rows.names, outcome])


def all_draws(evaluator: Evaluator, source: Source, max_bytes: int = MAX_BYTES) -> Floats:
    """Collect the draws of every row: (S, n), or (S, n, C) of categories, 8 bytes each."""
    found = np.empty((len(evaluator.fitted.values), source.n_rows, *_axis_shape(evaluator)))
    for rows, own, draws in _blocks(evaluator, source, max_bytes):
        found[:, rows] = draws[:, own]
    return found


def _blocks(
    evaluator: Evaluator, source: Source, max_bytes: int
) -> Iterator[tuple[Index | slice, Index | slice, Floats]]:
    """Walk rows, each row's column among the draws that follow, and (S, columns) draws."""
    walk = _each_row if evaluator.asked.kind == "outcome" else _joined_rows
    max_bytes //= max(1, len(evaluator.axis))
    for piece, rows in source.pieces():
        yield from walk(evaluator, rows, piece.start, max_bytes)


def _each_row(
    evaluator: Evaluator, rows: Rows, first_row: int, max_bytes: int
) -> Iterator[tuple[slice, slice, Floats]]:
    """Draw outcomes, which rows do not share."""
    for block in strip_blocks(rows.design.n_rows, len(evaluator.fitted.values), max_bytes):
        positions = slice(first_row + block.start, first_row + block.stop)
        yield positions, slice(None), evaluator.outcomes(rows.take(block), positions.start)


def _joined_rows(
    evaluator: Evaluator, rows: Rows, first_row: int, max_bytes: int
) -> Iterator[tuple[Index, Index, Floats]]:
    """Compute what is the same for rows that cannot be told apart once."""
    cells = collapse([joined_rows(rows.design)], rows.design.n_rows)
    order = stable_order(cells.cell)
    starts = np.searchsorted(cells.cell[order], np.arange(cells.n_cells + 1))
    for block in row_blocks(cells.n_cells, len(evaluator.fitted.values), max_bytes):
        inside = order[starts[block.start] : starts[block.stop]]
        draws = evaluator.values(rows.take(cells.first_row[block]))
        yield first_row + inside, cells.cell[inside] - block.start, draws
