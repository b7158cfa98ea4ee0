"""Expected outcomes of groups: each draw's mean over the group's own rows, without a draws-by-rows matrix."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from partialpool.data.collapse import collapse
from partialpool.errors import OptionError, build
from partialpool.families.base import Family
from partialpool.formula.design_rows import joined_rows, take_rows
from partialpool.formula.records import Design, Outcome
from partialpool.predict.linear import BLOCK_BYTES, linear_predictors, row_blocks
from partialpool.results.fitted import Fitted

Floats = NDArray[np.float64]
Index = NDArray[np.int64]

_LARGEST_LOG = 300.0  # of an exposure: sums over rows stay finite


@dataclass(frozen=True)
class SortedRows:
    """The distinct rows of each group, sorted by group.

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


def unit_outcomes(fitted: Fitted) -> tuple[Floats, Floats]:
    """Outcomes of one unit, and how many units each row represents: both (n,).

    A unit is a row, or one of its trials. Where the mean has a log link, an offset is the log of a row's
    exposure, and a unit is one of exposure: outcomes are then rates, and so are comparable between rows.
    """
    family, outcome = fitted.model.family, known_outcome(fitted.model.design)
    weight = family.unit_weights(outcome)
    unit = np.where(weight > 0, family.unit_outcome(outcome), 0.0)
    design = fitted.model.design
    if design.main.offset is None or family.link != "log":
        return unit, weight
    exposure = np.exp(np.clip(design.by_row(design.main.offset), -_LARGEST_LOG, _LARGEST_LOG))
    return unit / exposure, weight * exposure


def _per_exposure(design: Design, family: Family) -> Design:
    """Leave out the offset of a log link, so that means are those of one unit of exposure."""
    if family.link != "log":
        return design
    return replace(
        design,
        predictors={**design.predictors, design.main.parameter: replace(design.main, offset=None)},
    )


def group_outcomes(
    fitted: Fitted, group: Index, n_groups: int, design: Design | None = None, max_bytes: int = BLOCK_BYTES
) -> Iterator[tuple[slice, Floats]]:
    """Iterate over the groups' expected outcomes in blocks.

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
    A block of groups, and (S, block) means over each group's rows, weighted by trials, frequency weights and
    exposure (see `unit_outcomes`); NaN for a group whose weights are all zero.
    """
    own = fitted.model.design if design is None else design
    rows = sorted_rows(_per_exposure(own, fitted.model.family), group, unit_outcomes(fitted)[1])
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
    """Sort rows by group and join those with equal predictors.

    Parameters
    ----------
    design
        n rows.
    group
        (n,) the group of each row.
    weight
        (n,) how much each row counts.
    """
    cells = collapse([group, joined_rows(design)], design.n_rows, order=group)
    first = cells.first_row
    totals = np.bincount(cells.cell, weight, cells.n_cells).astype(np.float64)
    return SortedRows(take_rows(design, first), group[first], totals)


def _expected(fitted: Fitted, design: Design, values: Floats, rows: slice) -> Floats:
    """Compute the expected outcome of one unit, (S, rows)."""
    family = fitted.model.family
    linear = linear_predictors(fitted.model, design, values, rows)
    return family.mean(linear)


def _add_by_group(totals: Floats, means: Floats, rows: SortedRows, cells: slice, first_group: int) -> None:
    """Add the weighted means of some cells to their groups' totals, in place."""
    present, starts = np.unique(rows.group[cells], return_index=True)
    totals[:, present - first_group] += np.add.reduceat(means * rows.weight[cells], starts, axis=1)
