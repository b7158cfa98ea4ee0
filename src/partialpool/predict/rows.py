"""Rows of a design: taken, and joined where no linear predictor can tell them apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.formula.records import Design, GroupTerm, Outcome, Predictor

Index = NDArray[np.int64]


def row_keys(design: Design) -> Iterator[NDArray[Any]]:
    """List the (n,) arrays that decide a row's linear predictors."""
    for predictor in design.predictors.values():
        yield from predictor.population.matrix.T
        for term in predictor.groups:
            yield from term.grouping.arrays
            yield from term.matrix.T
        if predictor.offset is not None:
            yield predictor.offset


def take_rows(design: Design, rows: Index | slice) -> Design:
    """Make the design of some of its rows, in the order given.

    Parameters
    ----------
    rows
        Numbers of rows, of which one may come twice; or a slice, which shares memory with the design.
    """
    outcome = None if design.outcome is None else _take_outcome(design.outcome, rows)
    predictors = {name: _take_predictor(p, rows) for name, p in design.predictors.items()}
    n_rows = len(range(design.n_rows)[rows]) if isinstance(rows, slice) else len(rows)
    return replace(design, outcome=outcome, predictors=predictors, n_rows=n_rows)


def _take_outcome(outcome: Outcome, rows: Index | slice) -> Outcome:
    return replace(
        outcome,
        values=outcome.values[rows],
        trials=None if outcome.trials is None else outcome.trials[rows],
        weights=None if outcome.weights is None else outcome.weights[rows],
    )


def _take_predictor(predictor: Predictor, rows: Index | slice) -> Predictor:
    population = replace(predictor.population, matrix=predictor.population.matrix[rows])
    groups = tuple(_take_term(term, rows) for term in predictor.groups)
    offset = None if predictor.offset is None else predictor.offset[rows]
    return Predictor(predictor.parameter, population, groups, offset)


def _take_term(term: GroupTerm, rows: Index | slice) -> GroupTerm:
    return replace(term, matrix=term.matrix[rows], grouping=term.grouping.take(rows))
