"""Where the rows of a prediction come from: the fitted rows or a new table, a piece at a time."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from partialpool.data.checks import Missing, count_rows, first_labels
from partialpool.data.tables import read_table
from partialpool.errors import DataError, build
from partialpool.formula.conform import conform
from partialpool.formula.design_rows import take_piece
from partialpool.formula.group_records import Grouping
from partialpool.formula.known_covariances import label_texts
from partialpool.formula.reading import NewRows, new_rows
from partialpool.formula.recipe import Recipe
from partialpool.formula.records import Design
from partialpool.predict.asked import Asked
from partialpool.predict.evaluate import Rows
from partialpool.predict.relatives import uncovered
from partialpool.results.fitted import Fitted

# Rows that are read at once: enough for the overhead of reading to vanish, few enough for memory.
PIECE = 2**17


@dataclass(frozen=True)
class Source:
    """Rows that can be read a piece at a time.

    Attributes
    ----------
    n_rows
        How many.
    labels
        (n,) what the table calls them.
    read
        From a slice of rows to the rows.
    """

    n_rows: int
    labels: pd.Index
    read: Callable[[slice], Rows]

    def pieces(self) -> Iterator[tuple[slice, Rows]]:
        """Walk all rows."""
        for start in range(0, self.n_rows, PIECE):
            piece = slice(start, min(start + PIECE, self.n_rows))
            yield piece, self.read(piece)


def fitted_rows(fitted: Fitted, asked: Asked) -> Source:
    """Predict for the rows that were fitted, numbered from 0.

    Raises
    ------
    DataError
        When the fit was kept without its rows.
    """
    fitted.require_rows("A prediction for the fitted rows")
    design = fitted.model.design
    own = _unread(asked.like(design)) if asked.average else asked.like(design)
    outcome = design.outcome

    def read(piece: slice) -> Rows:
        rows = take_piece(own, piece)
        return Rows(rows, rows.groupings, {} if outcome is None else outcome.take(piece).additions)

    return Source(design.n_rows, pd.RangeIndex(design.n_rows), read)


def table_rows(fitted: Fitted, recipe: Recipe, data: Any, asked: Asked, missing: Missing) -> Source:
    """Predict for the rows of a new table.

    Raises
    ------
    DataError
        When the table lacks a column or a value, has a group that is new where none may be, or one that a
        known covariance does not cover.
    """
    table = read_table(data, recipe.text_columns)
    drawn = asked.kind == "outcome"
    chosen = new_rows(recipe, table, missing, asked.factors, read_groups=not asked.average, additions=drawn)
    like = asked.like(fitted.model.design)

    def read(piece: slice) -> Rows:
        plain = chosen.plain(piece)
        design = chosen.design(plain)
        return Rows(conform(design, like), design.groupings, chosen.additions(plain) if drawn else {})

    if asked.new_groups == "error" and not asked.average:
        _refuse_new(chosen, asked)
    if asked.new_groups == "population" and not asked.average:
        _refuse_uncovered(chosen, like)
    every = len(chosen.positions) == len(table)
    labels = table.index if every else table.index.take(chosen.positions)
    return Source(len(chosen.positions), labels, read)


def _unread(design: Design) -> Design:
    """Forget which groups rows are of."""
    predictors = {
        name: replace(p, groups=tuple(replace(t, grouping=t.grouping.unread()) for t in p.groups))
        for name, p in design.predictors.items()
    }
    return replace(design, predictors=predictors)


def _refuse_new(chosen: NewRows, asked: Asked) -> None:
    """Raise when rows have groups that the fit never saw, naming them and counting the rows."""
    for name, found in _new_groups(chosen, asked.factors).items():
        plural = "group" if len(found) == 1 else "groups"
        raise build(
            DataError,
            f"Factor {name!r} has {len(found):,} {plural} that the fit never saw, in "
            f"{count_rows(sum(found.values()))}: {first_labels(found)}.",
            hint="new_groups='population' to draw their effects from the fitted population of groups",
        )


def _refuse_uncovered(chosen: NewRows, like: Design) -> None:
    """Raise when rows have new groups of which a known covariance says nothing."""
    known = {
        (term.grouping.name, term.covariance.name): {*term.covariance.labels}
        for predictor in like.predictors.values()
        for term in predictor.groups
        if term.covariance is not None
    }
    if not known:
        return
    new = _new_groups(chosen, [factor for factor, _ in known])
    for (factor, name), labels in known.items():
        groups = new.get(factor, {})
        texts = dict(zip(label_texts(groups), groups.values(), strict=True))
        missing = {label: n for label, n in texts.items() if label not in labels}
        if missing:
            raise uncovered(factor, name, missing)


def _new_groups(chosen: NewRows, factors: Collection[str]) -> dict[str, dict[Any, int]]:
    """By factor, how many rows each of the groups has that the fit never saw."""
    found: dict[str, dict[Any, int]] = {}
    for start in range(0, len(chosen.positions), PIECE):
        for name, grouping in chosen.groupings(slice(start, start + PIECE)).items():
            if grouping.unseen is None or name not in factors:
                continue
            own = found.setdefault(name, {})
            for label, n in zip(grouping.unseen.labels.tolist(), _rows_of_new(grouping), strict=True):
                own[label] = own.get(label, 0) + n
    return found


def _rows_of_new(grouping: Grouping) -> list[int]:
    """Count the rows of each new group; a row of which two memberships are of it counts once."""
    assert grouping.unseen is not None, "called for factors with new groups"
    size, keys = len(grouping.unseen.labels), []
    for unseen in (m.unseen for m in grouping.memberships if m.unseen is not None):
        rows = np.flatnonzero(unseen >= 0)
        keys.append(rows * size + unseen[rows])
    counts: list[int] = np.bincount(np.unique(np.concatenate(keys)) % size, minlength=size).tolist()
    return counts
