"""The left side of a formula becomes numbers: outcome, trials, weights."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from partialpool.data.checks import count_rows, first_labels, first_rows
from partialpool.errors import DataError, build
from partialpool.families.base import Family
from partialpool.families.support import ADDITIONS
from partialpool.formula.column import Column, column
from partialpool.formula.records import Floats, Outcome
from partialpool.formula.syntax.left import LeftSide
from partialpool.formula.syntax.scan import Piece

_SHOWN = 10  # labels in a message


@dataclass(frozen=True)
class OutcomeRecipe:
    """A left side that has met its first table.

    Attributes
    ----------
    columns
        The columns it reads.
    levels
        The labels of an outcome that has any, in the order of their codes 0, 1, ...; or None.
    """

    columns: tuple[str, ...]
    value: Column
    additions: Mapping[str, Column]
    weights: Column | None
    levels: tuple[str, ...] | None

    def evaluate(self, table: pd.DataFrame) -> Outcome:
        """Compute the outcome of rows.

        Raises
        ------
        DataError
            When a label is not known, a weight is negative, or a number is not finite.
        """
        labels = _labels(self.value.piece, table)
        values = (
            self.value.evaluate(table) if labels is None else _coded(labels, self.value.name, self.levels)
        )
        additions = {name: own.evaluate(table) for name, own in self.additions.items()}
        sources = {name: own.name for name, own in self.additions.items()}
        return Outcome(self.value.name, values, additions, self.frequency(table), self.levels, sources)

    @property
    def parts(self) -> tuple[Column, ...]:
        """All that is evaluated."""
        return (self.value, *self.additions.values(), *([self.weights] if self.weights else []))

    def frequency(self, table: pd.DataFrame) -> Floats | None:
        """Compute how many rows each row stands for, (n,); None where each stands for itself.

        Raises
        ------
        DataError
            When a weight is negative, or not a finite number.
        """
        if self.weights is None:
            return None
        weights = self.weights.evaluate(table)
        if (weights < 0).any():
            positions = table.index[weights < 0]
            raise build(
                DataError,
                f"Weights {self.weights.name!r} are negative in {count_rows(len(positions))} "
                f"({first_rows(positions)}, counted from 0).",
                allowed="how many identical rows each row stands for: numbers from 0",
            )
        return weights


def fit_outcome(
    left: LeftSide, table: pd.DataFrame, ordered: Collection[str] = ()
) -> tuple[OutcomeRecipe, Outcome]:
    """Read the left side for the first time.

    Parameters
    ----------
    left
        The parts of the left side.
    table
        Plain columns (see :func:`partialpool.formula.plain.plain_columns`).
    ordered
        Columns of labels that the user has given an order.

    Returns
    -------
    The recipe for other rows, and the outcome.

    Raises
    ------
    DataError
        When a label is chosen that is not one of two, a weight is negative, or a number is not finite.
    """
    labels = _labels(left.value, table)
    levels = None if labels is None else _levels(labels, left.success, labels.name in ordered)
    recipe = outcome_recipe(left, levels)
    if labels is None and left.success is not None:
        raise left.value.error(
            f"The outcome {left.value.source!r} has numbers, no labels.", hint="leave the brackets out"
        )
    weights = recipe.frequency(table)
    for part in (recipe.value, *recipe.additions.values()) if labels is None else ():
        part.learn(table, weights)
    return recipe, recipe.evaluate(table)


def outcome_recipe(left: LeftSide, levels: tuple[str, ...] | None) -> OutcomeRecipe:
    """Put the parts of a left side together; its transforms with a memory have learnt nothing yet.

    Parameters
    ----------
    levels
        The labels of an outcome that has any, in the order of their codes 0, 1, ...; or None.
    """
    return OutcomeRecipe(
        columns=left.columns,
        value=column(left.value, "Outcome"),
        additions={n: column(piece, ADDITIONS[n].what.capitalize()) for n, piece in left.additions.items()},
        weights=None if left.weights is None else column(left.weights, "Weight"),
        levels=levels,
    )


def name_of_outcome(family: Family, outcome: Outcome) -> str:
    """Name the outcome; where one of two labels counts as 1, with that: ``"answer[yes]"``."""
    if family.labels != "two" or outcome.levels is None:
        return outcome.name
    return f"{outcome.name}[{outcome.levels[-1]}]"


def _labels(value: Piece, table: pd.DataFrame) -> pd.Series | None:
    """Return the outcome's column where it holds labels, not numbers."""
    if len(value) != 1 or not value.tokens[0].is_name:
        return None
    found = table[value.tokens[0].value]
    return found if isinstance(found.dtype, pd.CategoricalDtype) else None


def _levels(labels: pd.Series, success: str | None, ordered: bool) -> tuple[str, ...]:
    """Order the labels: as their categories are, but of two the chosen one last.

    Two labels without an order are sorted: categories have an order in some kinds of tables and none in
    others, and success would change with the kind of file.
    """
    levels = tuple(str(level) for level in labels.cat.categories)
    if len(levels) == 2 and not ordered:
        levels = (min(levels), max(levels))
    if success is None:
        return levels
    if success not in levels:
        raise build(DataError, f"Outcome {labels.name!r} has no label {success!r}.", allowed=_allowed(levels))
    if len(levels) != 2:
        raise build(
            DataError,
            f"Outcome {labels.name!r} has {count_labels(levels)}, and [{success}] chooses one of two.",
            hint=f"a column that says whether {labels.name} is {success}",
        )
    return levels[::-1] if success == levels[0] else levels


def count_labels(levels: Sequence[str]) -> str:
    """Count labels and name the first ones: ``"3 labels: a, b, c"``."""
    return f"{len(levels)} label{'s' * (len(levels) != 1)}: {first_labels(levels, _SHOWN)}"


def _allowed(levels: Sequence[str]) -> str:
    return " and ".join(levels) if len(levels) <= 2 else first_labels(levels, _SHOWN)


def _coded(labels: pd.Series, name: str, levels: tuple[str, ...] | None) -> Floats:
    known = list(levels or ())
    codes = pd.Index(known).get_indexer(labels.cat.categories.map(str))[labels.cat.codes]
    if (codes < 0).any():
        positions = labels.index[codes < 0]
        raise build(
            DataError,
            f"Outcome {name!r} has a label that the model does not know, {labels[positions[0]]!r}, in "
            f"{count_rows(len(positions))} ({first_rows(positions)}, counted from 0).",
            allowed=_allowed(known) if known else "numbers",
        )
    return codes.astype(np.float64)
