"""Outcomes that are one of K categories: what ordered and unordered ones have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Self

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import DataError, build
from partialpool.families.base import Array, Family
from partialpool.families.support import (
    Additions,
    OutcomeLike,
    is_whole,
    refuse_rows,
    row_weights,
    totals,
)

MOST_CATEGORIES = 60  # a cell has a number of second derivatives that grows with the square


@dataclass(frozen=True)
class CategoryFamily(Family):
    """Base of families of K categories, which are known once the family is bound to an outcome.

    Outcomes are labels, or whole numbers of which each that occurs is a category. Sufficient statistics of a
    cell: rows, then rows of each category.

    Parameters
    ----------
    names
        (K,) what the categories are called; empty before an outcome is met.
    codes
        (K,) their numbers among the outcome's values, ascending.
    """

    names: tuple[str, ...] = ()
    codes: tuple[float, ...] = ()
    any_number = True
    coupled = True
    labels = "any"
    mean_word = "category"

    def bind(self, outcome: OutcomeLike) -> Self:
        """Learn the categories: an outcome's labels, or the numbers that occur."""
        if self.names:
            return self
        if outcome.levels is not None:
            names, codes = outcome.levels, tuple(float(code) for code in range(len(outcome.levels)))
        else:
            codes = tuple(np.unique(outcome.values).tolist())
            names = tuple(f"{code:.0f}" for code in codes)
        return replace(self, names=names, codes=codes)

    def require_bound(self) -> None:
        """Raise ValueError unless there are as many labels, all different, as ascending numbers."""
        words = all(isinstance(name, str) for name in self.names) and len({*self.names}) == len(self.names)
        numbers = all(isinstance(code, float) for code in self.codes)
        if not words or not numbers or not 2 <= len(self.names) == len(self.codes) <= MOST_CATEGORIES:
            raise ValueError(f"the family {self.name!r} has no such categories")
        if any(not a < b for a, b in pairwise(self.codes)):
            raise ValueError(f"the categories' numbers of the family {self.name!r} do not ascend")

    @property
    def categories(self) -> tuple[str, ...]:
        """Labels of the categories."""
        return self.names

    def check(self, outcome: OutcomeLike) -> None:
        """Raise unless outcomes are labels or whole numbers, of two or more categories."""
        if self.names:
            self._check_known(outcome)
        if outcome.levels is None:
            refuse_rows(
                outcome,
                ~is_whole(outcome.values),
                self.name,
                "labels, or whole numbers that stand for categories",
                "family='gaussian' for measurements",
            )
        n = len(np.unique(outcome.values))
        if n < 2 or n > MOST_CATEGORIES:
            raise build(
                DataError,
                f"Outcome {outcome.name!r} has {n} categor{'y' if n == 1 else 'ies'}.",
                allowed=f"2 to {MOST_CATEGORIES} categories for the family {self.name!r}",
                hint="check the column" if n < 2 else "family='gaussian' for measurements",
            )

    def _check_known(self, outcome: OutcomeLike) -> None:
        """Raise unless an outcome has the categories of the one that the family is bound to."""
        if outcome.levels is not None and outcome.levels != self.names:
            raise build(
                DataError,
                f"The labels of outcome {outcome.name!r} are {', '.join(outcome.levels[:10])}.",
                allowed=f"those that the family is bound to: {', '.join(self.names[:10])}",
                hint=f"family={self.name!r}, which takes the labels of the table",
            )
        if outcome.levels is None:
            refuse_rows(
                outcome,
                ~np.isin(outcome.values, self.codes),
                self.name,
                f"the categories that the family is bound to: {', '.join(self.names[:10])}",
                f"family={self.name!r}, which takes the numbers of the table",
            )

    def positions(self, values: Array) -> NDArray[np.int64]:
        """Number of each outcome's category, from 0."""
        return np.searchsorted(self.codes, values).astype(np.int64)

    def statistics(self, outcome: OutcomeLike, index: NDArray[np.int64], n_cells: int) -> Array:
        """(1 + K, n_cells): rows, and rows of each category."""
        weights, own = row_weights(outcome), self.positions(outcome.values)
        counts = [totals(index, weights * (own == k), n_cells) for k in range(len(self.names))]
        return np.stack([np.sum(counts, axis=0), *counts])

    def location_scale(self, outcome: OutcomeLike, offset: Array | None) -> tuple[float, float]:
        """Zero and one: the scale of the link itself."""
        return 0.0, 1.0

    def effect_scale(self, parameter: str) -> str:
        """That of the probabilities: log odds for the logit."""
        return self.link

    def shares(self, outcome: OutcomeLike) -> Array:
        """(K,) shares of the categories, each as if it had been seen half a time more."""
        counts = self.statistics(outcome, np.zeros(len(outcome.values), np.int64), 1)[1:, 0] + 0.5
        return np.asarray(counts / counts.sum())

    def log_probability(self, k: int, linear: Mapping[str, Array]) -> Array:
        """Log probability of category k, from 0."""
        raise NotImplementedError

    def log_probabilities(self, linear: Mapping[str, Array]) -> Array:
        """Log probability of each category, along a last axis."""
        each = [self.log_probability(k, linear) for k in range(len(self.names))]
        return np.stack(np.broadcast_arrays(*each), axis=-1)

    def mean(self, linear: Mapping[str, Array]) -> Array:
        """Probabilities of the categories, along a last axis."""
        return np.asarray(np.exp(self.log_probabilities(linear)))

    def expected(self, linear: Mapping[str, Array]) -> Array:
        """Mean of the numbers that stand for the categories."""
        return np.asarray(self.mean(linear) @ np.array(self.codes))

    def draw(self, rng: np.random.Generator, linear: Mapping[str, Array], additions: Additions) -> Array:
        """Draw the numbers that stand for categories."""
        below = np.cumsum(self.mean(linear), axis=-1)[..., :-1]
        drawn = np.sum(rng.random(below.shape[:-1])[..., np.newaxis] >= below, axis=-1)
        return np.asarray(np.array(self.codes)[drawn])

    def log_likelihood(self, outcome: OutcomeLike, linear: Mapping[str, Array]) -> Array:
        """Log probability of each row's category; no array has a number for each row and category."""
        return self.by_category(self.positions(outcome.values), linear, self.log_probability)

    def by_category(
        self,
        own: NDArray[np.int64],
        linear: Mapping[str, Array],
        function: Callable[[int, Mapping[str, Array]], Array],
    ) -> Array:
        """Compute a function of (n,) numbers and the predictors, for all rows of a number at a time."""
        found = np.empty(np.broadcast_shapes(own.shape, *(np.shape(linear[p]) for p in self.parameters)))
        for k in np.unique(own):
            rows = np.flatnonzero(own == k)
            found[..., rows] = function(int(k), {p: _of(eta, rows) for p, eta in linear.items()})
        return found

    def cdf(self, values: Array, linear: Mapping[str, Array], additions: Additions) -> Array:
        """Sum of the probabilities of the categories with numbers up to a value."""
        upto = np.searchsorted(self.codes, values, side="right").astype(np.int64)
        return self.by_category(upto, linear, self.cumulated)

    def cumulated(self, n: int, linear: Mapping[str, Array]) -> Array:
        """Probability of the first n categories."""
        if n in (0, len(self.names)):
            return np.full(1, float(n > 0))
        return np.asarray(np.sum([np.exp(self.log_probability(k, linear)) for k in range(n)], axis=0))

    def tallied(self, values: Array) -> Array:
        """Numbers of the categories, from 0."""
        return self.positions(values).astype(float)

    def stan_values(self, values: Array) -> Array:
        """Numbers of the categories, from 1."""
        return np.asarray(self.positions(values) + 1.0)


def _of(eta: Array, rows: NDArray[np.int64]) -> Array:
    """Predictors of some rows; one column is that of all rows."""
    return eta if np.ndim(eta) and eta.shape[-1] == 1 else eta[..., rows]
