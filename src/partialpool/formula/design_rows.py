"""Rows of a design: taken, and joined where no linear predictor can tell them apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.data.collapse import collapse
from partialpool.formula.group_records import Grouping
from partialpool.formula.records import Design, Predictor

Index = NDArray[np.int64]


def joined_rows(design: Design) -> Index:
    """Number the rows so that those of equal linear predictors have the same number, (n,)."""
    keys = list(_keys(design))
    return design.by_row(collapse(keys, design.n_combinations).cell)


def _keys(design: Design) -> Iterator[NDArray[Any]]:
    """List the (m,) arrays that decide a combination's linear predictors."""
    for predictor in design.predictors.values():
        yield from predictor.population.matrix.T
        for term in predictor.groups:
            yield from term.grouping.arrays
            yield from term.matrix.T
        if predictor.offset is not None:
            yield predictor.offset


def take_rows(design: Design, rows: Index | slice = slice(None)) -> Design:
    """Make the design of some of its rows, in the order given, each of them a combination of its own.

    Parameters
    ----------
    rows
        Numbers of rows, of which one may come twice; or a slice, which shares memory with the design where
        its rows are combinations.
    """
    outcome = None if design.outcome is None else design.outcome.take(rows)
    own = rows if design.row is None else design.row[rows]
    groupings = {id(term.grouping): term.grouping for p in design.predictors.values() for term in p.groups}
    taken = {key: grouping.take(own) for key, grouping in groupings.items()}  # which terms share
    predictors = {name: _take_predictor(p, own, taken) for name, p in design.predictors.items()}
    n_rows = len(range(design.n_rows)[rows]) if isinstance(rows, slice) else len(rows)
    return replace(design, outcome=outcome, predictors=predictors, n_rows=n_rows, frame=None)


def take_piece(design: Design, piece: slice) -> Design:
    """Make the design of consecutive rows: with all combinations where these are fewer than the rows."""
    few = design.row is not None and design.n_combinations <= len(range(design.n_rows)[piece])
    return share_rows(design, piece) if few else take_rows(design, piece)


def share_rows(design: Design, rows: Index | slice) -> Design:
    """Make the design of some of its rows, which share the combinations of the whole.

    Parameters
    ----------
    rows
        As of `take_rows`.
    """
    if design.frame is None:
        return take_rows(design, rows)
    outcome = None if design.outcome is None else design.outcome.take(rows)
    frame = design.frame.take(rows)
    return replace(design, outcome=outcome, n_rows=frame.n_rows, frame=frame)


def _take_predictor(predictor: Predictor, rows: Index | slice, taken: Mapping[int, Grouping]) -> Predictor:
    population = replace(predictor.population, matrix=predictor.population.matrix[rows])
    groups = tuple(
        replace(term, matrix=term.matrix[rows], grouping=taken[id(term.grouping)])
        for term in predictor.groups
    )
    offset = None if predictor.offset is None else predictor.offset[rows]
    return Predictor(predictor.parameter, population, groups, offset)
