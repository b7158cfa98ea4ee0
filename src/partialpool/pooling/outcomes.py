"""Expected outcomes of groups: each draw's mean over the group's own rows, without a draws-by-rows matrix."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import OptionError, build
from partialpool.formula.records import Design, Outcome, Predictor
from partialpool.predict.linear import BLOCK_BYTES, linear_predictors, row_blocks
from partialpool.results.fitted import Fitted

Floats = NDArray[np.float64]
Index = NDArray[np.int64]


@dataclass(frozen=True)
class SortedRows:
    """The distinct rows of each group, groups one after another.

    Attributes
    ----------
    design
        C distinct rows; their outcomes are left out.
    group
        (C,) the group of each, ascending.
    weight
        (C,) how much each counts: rows times trials.
    """

    design: Design
    group: Index
    weight: Floats


def known_outcome(design: Design) -> Outcome:
    """Take the outcome of rows that were fitted.

    Raises
    ------
    OptionError
        The rows have none.
    """
    if design.outcome is None:
        raise build(OptionError, "The rows have no outcome, so poolings cannot be compared on them.")
    return design.outcome


def group_outcomes(
    fitted: Fitted, group: Index, n_groups: int, design: Design | None = None, max_bytes: int = BLOCK_BYTES
) -> Iterator[tuple[slice, Floats]]:
    """Walk the groups' expected outcomes block by block.

    Parameters
    ----------
    fitted
        Any of the poolings.
    group
        (n,) the group of each row.
    n_groups
        J.
    design
        The rows and terms that count; the fit's own when None.
    max_bytes
        Size of the largest matrix that is held.

    Yields
    ------
    A block of groups, and (S, block) means over each group's rows, weighted by trials and frequency
    weights; NaN for a group whose weights are all zero.
    """
    own = fitted.model.design
    rows = sorted_rows(
        own if design is None else design, group, fitted.model.family.unit_weights(known_outcome(own))
    )
    values = fitted.values
    for groups in row_blocks(n_groups, len(values), max_bytes):
        inside = slice(*np.searchsorted(rows.group, [groups.start, groups.stop]))
        totals = np.zeros((len(values), groups.stop - groups.start))
        for block in row_blocks(inside.stop - inside.start, len(values), max_bytes):
            cells = slice(inside.start + block.start, inside.start + block.stop)
            _add_by_group(totals, _expected(fitted, rows.design, values, cells), rows, cells, groups.start)
        weight = np.bincount(rows.group[inside] - groups.start, rows.weight[inside], totals.shape[1])
        with np.errstate(invalid="ignore"):
            yield groups, totals / weight


def sorted_rows(design: Design, group: Index, weight: Floats) -> SortedRows:
    """Sort rows by group and join those that no linear predictor can tell apart.

    Parameters
    ----------
    design
        n rows.
    group
        (n,) the group of each row.
    weight
        (n,) how much each row counts.
    """
    columns = [group, *(c for p in design.predictors.values() for c in _columns(p))]
    order = np.lexsort(columns[::-1])
    differs = np.zeros(len(order), dtype=bool)
    differs[:1] = True
    for column in columns:
        differs[1:] |= np.diff(column[order]) != 0
    first = np.flatnonzero(differs)
    taken = order[first]
    return SortedRows(_take(design, taken), group[taken], np.add.reduceat(weight[order], first))


def _columns(predictor: Predictor) -> Iterator[NDArray[np.generic]]:
    """List the (n,) arrays that decide a row's linear predictor."""
    yield from predictor.population.matrix.T
    for term in predictor.groups:
        yield term.grouping.index
        yield from term.matrix.T
    if predictor.offset is not None:
        yield predictor.offset


def _take(design: Design, rows: Index) -> Design:
    predictors = {name: _take_predictor(p, rows) for name, p in design.predictors.items()}
    return Design(None, predictors, n_rows=len(rows))


def _take_predictor(predictor: Predictor, rows: Index) -> Predictor:
    groups = tuple(
        replace(t, matrix=t.matrix[rows], grouping=replace(t.grouping, index=t.grouping.index[rows]))
        for t in predictor.groups
    )
    population = replace(predictor.population, matrix=predictor.population.matrix[rows])
    offset = None if predictor.offset is None else predictor.offset[rows]
    return Predictor(predictor.parameter, population, groups, offset)


def _expected(fitted: Fitted, design: Design, values: Floats, rows: slice) -> Floats:
    """Compute the expected outcome of one unit, (S, rows)."""
    family = fitted.model.family
    linear = linear_predictors(design, family, fitted.model.layout, values, rows)
    return family.mean(linear)


def _add_by_group(totals: Floats, means: Floats, rows: SortedRows, cells: slice, first_group: int) -> None:
    """Add the weighted means of some cells to their groups' totals, in place."""
    present, starts = np.unique(rows.group[cells], return_index=True)
    totals[:, present - first_group] += np.add.reduceat(means * rows.weight[cells], starts, axis=1)
