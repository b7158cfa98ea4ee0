"""The linear predictor of every draw at every row, whole or in blocks of rows that fit in memory."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from partialpool.formula.design_rows import take_rows
from partialpool.formula.records import Design, GroupTerm, Predictor
from partialpool.model.parameters import Parameters
from partialpool.model.spec import ModelSpec

Floats = NDArray[np.float64]

BLOCK_BYTES = 64 * 2**20


def linear_predictor(parameters: Parameters, predictor: Predictor, values: Floats, rows: slice) -> Floats:
    """Compute offset + X beta + sum of Z b for some rows.

    Parameters
    ----------
    parameters
        Say which values are the predictor's coefficients and group effects.
    predictor
        The matrices, group indices and offset, of n rows; it may lack group-level terms.
    values
        (S, n_values) flat vectors, one a draw.
    rows
        Which of the n rows.

    Returns
    -------
    (S, n_rows) on the scale of the link. A group whose index is -1, which the fit does not have, adds
    nothing.
    """
    design = predictor.population.matrix[rows]
    eta = values[:, parameters.by_name[predictor.parameter].places] @ design.T
    for term in predictor.groups:
        _add_group_effects(eta, term, parameters.places(predictor.parameter, term), values, rows)
    if predictor.offset is not None:
        eta += predictor.offset[rows]
    return eta


def linear_predictors(model: ModelSpec, design: Design, values: Floats, rows: slice) -> dict[str, Floats]:
    """Compute the linear predictor of every parameter of a model's family.

    Parameters
    ----------
    model
        Whose parameters the values are of.
    design
        Rows with its terms, or fewer group-level ones.
    values
        (S, n_values) flat vectors.

    Returns
    -------
    By parameter, (S, n_rows) on the scale of its link; (S, 1) for a parameter without a formula.
    """
    if design.row is not None:
        design, rows = take_rows(design, rows), slice(None)
    linear = {n: linear_predictor(model.parameters, p, values, rows) for n, p in design.predictors.items()}
    for part in model.parameters.predictors:
        if part.predictor is None:
            (coefficient,) = part.coefficients
            value = values[:, coefficient.value, np.newaxis]
            linear[part.parameter] = coefficient.scale.free(value)
    return linear


def row_blocks(n_rows: int, n_draws: int, max_bytes: int = BLOCK_BYTES) -> Iterator[slice]:
    """Cut rows into blocks whose draws-by-rows matrix of floats stays below a size.

    A block has one row at least, whatever the number of draws.

    Examples
    --------
    >>> list(row_blocks(5, n_draws=10, max_bytes=160))
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    step = max(1, max_bytes // (8 * max(1, n_draws)))
    for start in range(0, n_rows, step):
        yield slice(start, min(start + step, n_rows))


def _add_group_effects(
    eta: Floats, term: GroupTerm, places: NDArray[np.int64], values: Floats, rows: slice
) -> None:
    """Add Z b of one group-level term, whose effects have (d, J) places, to `eta`, in place."""
    for member, matrix in term.shares(rows):
        known = member.index >= 0
        if not known.any():
            continue
        known_groups = np.where(known, member.index, 0)
        weights = np.where(known[:, np.newaxis], matrix, 0.0)
        for weight, own in zip(weights.T, places, strict=True):
            effects = np.take(values, own[known_groups], axis=1)
            effects *= weight
            eta += effects
