"""Bernoulli outcomes: one yes or no a row."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from partialpool.families.base import Array
from partialpool.families.binomial import Binomial
from partialpool.families.support import Additions, OutcomeLike, refuse_rows


class Bernoulli(Binomial):
    """Zeros and ones: a binomial of one trial a row.

    Links: logit, probit, cloglog. Sufficient statistics of a cell: rows, ones.

    Examples
    --------
    >>> Bernoulli(link="probit").links
    {'mu': 'probit'}
    """

    name = "bernoulli"
    additions = ()
    needs_trials = False

    def trials(self, outcome: OutcomeLike) -> Array:
        """Ones."""
        return np.ones(len(outcome.values))

    def check(self, outcome: OutcomeLike) -> None:
        """Raise unless every outcome is 0 or 1."""
        bad = (outcome.values != 0) & (outcome.values != 1)
        refuse_rows(
            outcome,
            bad,
            self.name,
            "0 and 1, False and True, or two labels",
            "'binomial' with trials(n) for successes of n, 'poisson' for counts, 'gaussian' for measurements",
        )

    def draw(self, rng: np.random.Generator, linear: Mapping[str, Array], additions: Additions) -> Array:
        """Draw zeros and ones, ten times as fast as from a binomial."""
        p = self.mean(linear)
        return (rng.random(p.shape) < p).astype(float)

    def log_likelihood(self, outcome: OutcomeLike, linear: Mapping[str, Array]) -> Array:
        """Log probabilities of what was observed."""
        log_p, log_q = self._log_probabilities(linear["mu"])
        return np.where(outcome.values == 1, log_p, log_q)

    def cdf(self, values: Array, linear: Mapping[str, Array], additions: Additions) -> Array:
        """Nothing below 0, 1 - p below 1, everything from 1."""
        _, log_q = self._log_probabilities(linear["mu"])
        return np.where(values < 1, np.where(values < 0, 0.0, np.exp(log_q)), 1.0)

    @property
    def stan(self) -> str:
        """``bernoulli_logit`` or ``bernoulli`` with the inverse link."""
        if self.link == "logit":
            return "bernoulli_logit({mu})"
        return f"bernoulli({self.mean_link.stan}({{mu}}))"

    @property
    def equation(self) -> str:
        """``Binomial(1, p)``."""
        return "Binomial(1, p)"
