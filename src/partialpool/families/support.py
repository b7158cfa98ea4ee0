"""Outcomes as families read them: rows, weights, and what is outside a family's support."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import DataError, build

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Addition:
    """A column that outcomes of some families have besides their values, ``y | name(column) ~ ...``.

    Attributes
    ----------
    what
        How messages call it.
    counts
        Whether it holds whole numbers from 0.
    """

    what: str
    counts: bool = False


ADDITIONS = {"trials": Addition("number of trials", counts=True)}
Additions = Mapping[str, Array]


class OutcomeLike(Protocol):
    """The left-hand side of a formula, as far as families read it."""

    @property
    def name(self) -> str:
        """The outcome's name."""

    @property
    def values(self) -> Array:
        """(n,) outcomes, or successes."""

    @property
    def additions(self) -> Additions:
        """(n,) columns that belong to the outcome, by what the formula calls them: ``"trials"``."""

    @property
    def sources(self) -> Mapping[str, str]:
        """What each of them is in the formula."""

    @property
    def weights(self) -> Array | None:
        """(n,) frequency weights."""

    @property
    def levels(self) -> tuple[str, ...] | None:
        """Labels of an outcome that has any."""

    @property
    def ordered(self) -> bool:
        """Whether the user gave the labels an order."""


def row_weights(outcome: OutcomeLike) -> Array:
    """(n,) frequency weights, ones where there are none."""
    return np.ones(len(outcome.values)) if outcome.weights is None else outcome.weights


def totals(index: NDArray[np.int64], weights: Array, n_cells: int) -> Array:
    """(n_cells,) sums of weights by cell."""
    return np.bincount(index, weights, n_cells).astype(float)


def refuse_rows(
    outcome: OutcomeLike,
    bad: NDArray[np.bool_],
    family: str,
    allowed: str,
    hint: str,
    *,
    subject: str = "",
    tell: Callable[[int], str] | None = None,
) -> None:
    """Raise DataError naming the first rows whose outcome is outside a family's support.

    Parameters
    ----------
    subject
        What the message is about; the outcome when left out.
    tell
        From a row to what it has; the outcome's value when left out.
    """
    rows = np.flatnonzero(bad)
    if not len(rows):
        return
    tell = tell or (lambda r: f"{outcome.values[r]:g}")
    shown = ", ".join(f"row {r}: {tell(r)}" for r in rows[:5])
    raise build(
        DataError,
        f"{subject or f'Outcome {outcome.name!r} has'} {len(rows)} of {len(bad)} rows outside the support of "
        f"the family {family!r} ({shown}{', ...' if len(rows) > 5 else ''}; rows count from 0).",
        allowed=allowed,
        hint=hint,
    )


def is_whole(values: Array) -> NDArray[np.bool_]:
    """Which values are whole numbers."""
    return np.asarray(values == np.floor(values))
