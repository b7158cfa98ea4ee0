"""Binomial outcomes: k successes of n trials."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import FamilyError, build
from partialpool.families.base import Array, Family
from partialpool.families.links import log_expits
from partialpool.families.support import Additions, OutcomeLike, is_whole, refuse_rows, row_weights, totals
from partialpool.kernels.math.special import mills_ratio
from partialpool.kernels.math.vectorised import (
    exponential,
    exponential_less_one,
    exponential_ratio,
    log_one_plus_any,
    log_one_plus_ratio,
    logarithm,
    where,
)
from partialpool.kernels.native.compiling import inlined

LOG_SQRT_TWO_PI = 0.9189385332046727


@inlined
def logit_cell(stats, i, eta):
    """Log likelihood of k successes of n: k eta - n log(1 + exp(eta))."""
    n, k = stats[0, i], stats[1, i]
    log_rest, smaller, larger = log_one_plus_ratio(*exponential_ratio(-abs(eta)))
    p = where(eta >= 0.0, larger, smaller)
    value = k * eta - n * (max(eta, 0.0) + log_rest)
    return value, k - n * p, n * smaller * larger


@inlined
def logit_unit_cell(stats, i, eta):
    """Log likelihood of one trial, short of the log of a ratio; the ratio's two numbers; the derivative."""
    k = stats[1, i]
    above, below = exponential_ratio(-abs(eta))
    both = above + below
    p = where(eta >= 0.0, below, above) / both
    return k * eta - max(eta, 0.0), both, below, k - p


@inlined
def probit_cell(stats, i, eta):
    """Log likelihood k log Phi(eta) + (n - k) log Phi(-eta)."""
    n, k = stats[0, i], stats[1, i]
    mills = mills_ratio(abs(eta))
    log_density = -0.5 * eta * eta - LOG_SQRT_TWO_PI
    density = exponential(log_density)
    smaller = density * mills
    log_smaller, log_larger = log_density + logarithm(mills), log_one_plus_any(-smaller)
    steep, flat = 1.0 / mills, density / (1.0 - smaller)
    positive = eta >= 0.0
    log_p, log_q = where(positive, log_larger, log_smaller), where(positive, log_smaller, log_larger)
    up, down = where(positive, flat, steep), where(positive, steep, flat)
    curvature = k * up * (eta + up) + (n - k) * down * (down - eta)
    return k * log_p + (n - k) * log_q, k * up - (n - k) * down, curvature


@inlined
def cloglog_cell(stats, i, eta):
    """Log likelihood with 1 - p = exp(-exp(eta))."""
    n, k = stats[0, i], stats[1, i]
    u = exponential(min(max(eta, -700.0), 700.0))
    p = -exponential_less_one(-u)
    ratio = u * where(u < 700.0, exponential(-u), 0.0) / p
    value = k * logarithm(p) - (n - k) * u
    return value, k * ratio - (n - k) * u, k * ratio * (u + ratio - 1.0) + (n - k) * u


class Binomial(Family):
    """k successes of n trials: ``k | trials(n) ~ ...`` or ``p(k, n) ~ ...``.

    Links: logit, probit, cloglog. Sufficient statistics of a cell: trials, successes.

    Examples
    --------
    >>> Binomial().link
    'logit'
    """

    name = "binomial"
    cells = {"logit": logit_cell, "probit": probit_cell, "cloglog": cloglog_cell}  # noqa: RUF012
    unit_cells = {"logit": logit_unit_cell}  # noqa: RUF012
    additions: ClassVar[tuple[str, ...]] = ("trials",)
    needs_trials = True
    bounded = True
    labels = "two"
    mean_word = "probability"
    mean_symbol = "p"

    def trials(self, outcome: OutcomeLike) -> Array:
        """(n,) trials of each row."""
        return outcome.additions["trials"]

    def check(self, outcome: OutcomeLike) -> None:
        """Raise unless 0 <= successes <= trials, all whole numbers."""
        if "trials" not in outcome.additions:
            raise build(
                FamilyError,
                f"The family 'binomial' needs the number of trials of {outcome.name!r}.",
                hint=f"'{outcome.name} | trials(n) ~ ...', or family='bernoulli' for zeros and ones",
            )
        values, trials = outcome.values, outcome.additions["trials"]
        named = f"trials {outcome.sources['trials']!r}" if "trials" in outcome.sources else "trials"
        refuse_rows(
            outcome,
            (trials < 0) | ~is_whole(trials),
            self.name,
            "trials that are whole numbers, 0 or more",
            "check the trials",
            subject=f"The {named} of outcome {outcome.name!r} have",
            tell=lambda row: f"{trials[row]:g}",
        )
        refuse_rows(
            outcome,
            (values < 0) | ~is_whole(values),
            self.name,
            "successes that are whole numbers, 0 or more",
            "the outcome is a count of successes, not a proportion: use 'k | trials(n)'",
        )
        refuse_rows(
            outcome,
            values > trials,
            self.name,
            f"successes up to the row's {named}",
            "are successes and trials swapped?",
            tell=lambda row: f"{values[row]:g} of {trials[row]:g} trials",
        )

    def statistics(self, outcome: OutcomeLike, index: NDArray[np.int64], n_cells: int) -> Array:
        """(2, n_cells): trials and successes."""
        weights = row_weights(outcome)
        return np.stack(
            [
                totals(index, weights * self.trials(outcome), n_cells),
                totals(index, weights * outcome.values, n_cells),
            ]
        )

    def unit_outcome(self, outcome: OutcomeLike) -> Array:
        """(n,) proportions; rows without trials count as 0 of weight 0."""
        return np.asarray(outcome.values / np.maximum(self.trials(outcome), 1.0))

    def unit_weights(self, outcome: OutcomeLike) -> Array:
        """(n,) trials, times the row's weight."""
        return row_weights(outcome) * self.trials(outcome)

    def location_scale(self, outcome: OutcomeLike, offset: Array | None) -> tuple[float, float]:
        """Zero and one: the scale of the link itself."""
        return 0.0, 1.0

    def draw(self, rng: np.random.Generator, linear: Mapping[str, Array], additions: Additions) -> Array:
        """Draw successes."""
        n = additions.get("trials", np.ones(1))
        return rng.binomial(n.astype(np.int64), self.mean(linear)).astype(float)

    def log_likelihood(self, outcome: OutcomeLike, linear: Mapping[str, Array]) -> Array:
        """Log binomial probabilities."""
        from scipy.special import gammaln

        k, n = outcome.values, self.trials(outcome)
        log_p, log_q = self._log_probabilities(linear["mu"])
        constant = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
        return np.asarray(
            constant + np.where(k > 0, k * log_p, 0.0) + np.where(n - k > 0, (n - k) * log_q, 0.0)
        )

    def cdf(self, values: Array, linear: Mapping[str, Array], additions: Additions) -> Array:
        """Sum of binomial probabilities, an incomplete beta function of 1 - p."""
        from scipy.special import betainc

        n = additions.get("trials", np.ones(1))
        _, log_q = self._log_probabilities(linear["mu"])
        inside = (values >= 0) & (values < n)
        below = betainc(np.where(inside, n - values, 1.0), np.where(inside, values + 1.0, 1.0), np.exp(log_q))
        return np.where(inside, below, np.where(values < 0, 0.0, 1.0))

    def _log_probabilities(self, eta: Array) -> tuple[Array, Array]:
        if self.link == "logit":
            return log_expits(eta)
        if self.link == "probit":
            from scipy.special import log_ndtr

            return log_ndtr(eta), log_ndtr(-eta)
        rate = np.exp(eta)
        return np.log(-np.expm1(-rate)), -rate

    @property
    def stan(self) -> str:
        """``binomial_logit`` or ``binomial`` with the inverse link."""
        if self.link == "logit":
            return "binomial_logit(trials, {mu})"
        return f"binomial(trials, {self.mean_link.stan}({{mu}}))"

    @property
    def equation(self) -> str:
        """``Binomial(trials, p)``."""
        return "Binomial(trials, p)"
