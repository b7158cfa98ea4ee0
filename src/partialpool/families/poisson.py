"""Poisson outcomes: counts."""

from __future__ import annotations

import math
from collections.abc import Mapping

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
from partialpool.kernels.math.vectorised import exponential
from partialpool.kernels.native.compiling import inlined


@inlined
def log_cell(stats, i, eta):
    """Log likelihood of counts that sum to s over w rows: s eta - w exp(eta)."""
    w, s = stats[0, i], stats[1, i]
    expected = w * exponential(eta)
    return s * eta - expected, s - expected, expected


def check_counts(outcome: OutcomeLike, family: str) -> None:
    """Raise unless outcomes are whole numbers, 0 or more, without trials."""
    bad = (outcome.values < 0) | ~is_whole(outcome.values)
    refuse_rows(outcome, bad, family, "whole numbers, 0 or more", "family='gaussian' for measurements")


LARGEST_OFFSET = 300.0  # its exponential is beyond any count


def log_location(outcome: OutcomeLike, offset: Array | None) -> float:
    """Log of the mean outcome at an offset of zero, for default priors."""
    weights = row_weights(outcome)
    total = float(np.sum(weights * outcome.values))
    shifts = np.zeros(len(weights)) if offset is None else offset
    largest, row = float(np.max(shifts)), int(np.argmax(shifts))
    if largest > LARGEST_OFFSET:
        raise build(
            DataError,
            f"The offset of {outcome.name!r} is {largest:g} in row {row} (counted from 0): "
            f"on the log scale that stands for exp({largest:g}).",
            hint="offset(log(exposure)) in place of offset(exposure)",
        )
    exposure = np.sum(weights * np.exp(shifts - largest))
    # Half a count keeps the logarithm finite when every count is zero.
    return math.log(max(total, 0.5) / float(exposure)) - largest


LARGEST_RATE = 1e18  # what numpy can draw from


def draw_counts(rng: np.random.Generator, rates: Array) -> Array:
    """Draw Poisson counts; a rate beyond 1e18, as wide priors have it, counts as 1e18."""
    return rng.poisson(np.minimum(rates, LARGEST_RATE)).astype(float)


class Poisson(Family):
    """Counts with a log link.

    Sufficient statistics of a cell: rows, sum of counts. Exposure goes in as ``offset(log(exposure))``.

    Examples
    --------
    >>> Poisson().links
    {'mu': 'log'}
    """

    name = "poisson"
    cells = {"log": log_cell}  # noqa: RUF012
    mean_word = "rate"
    mean_symbol = "lambda"

    def check(self, outcome: OutcomeLike) -> None:
        """Raise unless outcomes are counts."""
        check_counts(outcome, self.name)

    def statistics(self, outcome: OutcomeLike, index: NDArray[np.int64], n_cells: int) -> Array:
        """(2, n_cells): rows and sums."""
        weights = row_weights(outcome)
        return np.stack([totals(index, weights, n_cells), totals(index, weights * outcome.values, n_cells)])

    def location_scale(self, outcome: OutcomeLike, offset: Array | None) -> tuple[float, float]:
        """Log of the mean count, and one."""
        return log_location(outcome, offset), 1.0

    def draw(self, rng: np.random.Generator, linear: Mapping[str, Array], additions: Additions) -> Array:
        """Draw counts."""
        with np.errstate(over="ignore"):
            return draw_counts(rng, self.mean(linear))

    def log_likelihood(self, outcome: OutcomeLike, linear: Mapping[str, Array]) -> Array:
        """Log Poisson probabilities."""
        from scipy.special import gammaln

        eta = linear["mu"]
        return np.asarray(outcome.values * eta - np.exp(eta) - gammaln(outcome.values + 1))

    def cdf(self, values: Array, linear: Mapping[str, Array], additions: Additions) -> Array:
        """Sum of Poisson probabilities, an incomplete gamma function."""
        from scipy.special import gammaincc

        with np.errstate(over="ignore"):
            rates = self.mean(linear)
        return np.where(values < 0, 0.0, gammaincc(np.maximum(values, 0.0) + 1.0, rates))

    @property
    def stan(self) -> str:
        """``poisson_log``."""
        return "poisson_log({mu})"

    @property
    def equation(self) -> str:
        """``Poisson(lambda)``."""
        return "Poisson(lambda)"
