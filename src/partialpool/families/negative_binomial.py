"""Negative binomial outcomes: overdispersed counts, with predictors for mean and log shape."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from partialpool.families.base import Array, Family
from partialpool.families.links import log_expits
from partialpool.families.poisson import check_counts, draw_counts, log_location
from partialpool.families.support import Additions, OutcomeLike, row_weights, totals
from partialpool.kernels.math.special import gamma_differences, trigamma
from partialpool.kernels.math.vectorised import exponential, exponential_ratio, log_one_plus_ratio, where
from partialpool.kernels.native.compiling import inlined
from partialpool.priors.base import Prior
from partialpool.priors.student_t import HalfCauchy

NEAR_POISSON = -12.0  # log of mean over shape


@inlined
def log_cell(stats, i, eta, log_shape):
    """Log likelihood of w counts y with mean exp(eta) and shape exp(log_shape), less w log(y!)."""
    w, y = stats[0, i], stats[1, i]
    mu, shape = exponential(eta), exponential(log_shape)
    log_odds = eta - log_shape
    log_rest, smaller, larger = log_one_plus_ratio(*exponential_ratio(-abs(log_odds)))
    failure = where(log_odds >= 0.0, smaller, larger)  # shape / (mu + shape)
    log_success, log_failure = min(log_odds, 0.0) - log_rest, -max(log_odds, 0.0) - log_rest
    log_rising, rising_slope = gamma_differences(shape, y)
    value = log_rising + shape * log_failure + y * log_success
    by_mu = failure * (y - mu)
    by_shape = shape * (rising_slope + log_failure) - by_mu
    variance = smaller * larger
    total = mu + shape
    second = trigamma(y + shape) - trigamma(shape) + 1.0 / shape - 1.0 / total - (mu - y) / (total * total)
    return (
        w * value,
        w * by_mu,
        w * by_shape,
        w * (y + shape) * variance,
        w * (mu - y) * variance,
        -w * (shape * shape * second + by_shape),
    )


class NegativeBinomial(Family):
    """Counts with variance mu + mu^2 / shape and a log link.

    A cell keeps its count and how many rows have it: there are no smaller sufficient statistics.

    Examples
    --------
    >>> NegativeBinomial().links
    {'mu': 'log', 'shape': 'log'}
    """

    name = "negative_binomial"
    parameters = ("mu", "shape")
    cells = {"log": log_cell}  # noqa: RUF012
    keeps_outcome = True
    mean_word = "rate"

    def check(self, outcome: OutcomeLike) -> None:
        """Raise unless outcomes are counts."""
        check_counts(outcome, self.name)

    def statistics(self, outcome: OutcomeLike, index: NDArray[np.int64], n_cells: int) -> Array:
        """(2, n_cells): rows and the count they share."""
        counts = np.zeros(n_cells)
        counts[index] = outcome.values
        return np.stack([totals(index, row_weights(outcome), n_cells), counts])

    def location_scale(self, outcome: OutcomeLike, offset: Array | None) -> tuple[float, float]:
        """Log of the mean count, and one."""
        return log_location(outcome, offset), 1.0

    def auxiliary_prior(self, parameter: str, scale: float) -> Prior:
        """A heavy tail: near-Poisson data have a large shape."""
        return HalfCauchy(5.0)

    def draw(self, rng: np.random.Generator, linear: Mapping[str, Array], additions: Additions) -> Array:
        """Draw counts, as Poisson counts with gamma rates."""
        with np.errstate(over="ignore"):
            mean, shape = np.broadcast_arrays(self.mean(linear), np.exp(linear["shape"]))
            return draw_counts(rng, rng.gamma(shape, mean / shape))

    def log_likelihood(self, outcome: OutcomeLike, linear: Mapping[str, Array]) -> Array:
        """Log negative binomial probabilities."""
        from scipy.special import betaln

        y, eta, log_shape = outcome.values, linear["mu"], linear["shape"]
        shape = np.exp(log_shape)
        # Neither term loses digits where the shape is large: no difference of large log gammas.
        constant = -betaln(shape, y + 1.0) - np.log(shape + y)
        log_p, log_q = log_expits(eta - log_shape)
        return np.asarray(constant + shape * log_q + y * log_p)

    def cdf(self, values: Array, linear: Mapping[str, Array], additions: Additions) -> Array:
        """Sum of negative binomial probabilities, an incomplete beta function of mu / (mu + shape)."""
        from scipy.special import betainc, betaincc, expit

        counts, log_odds = np.broadcast_arrays(np.maximum(values, 0.0), linear["mu"] - linear["shape"])
        shape = np.broadcast_to(np.exp(linear["shape"]), counts.shape)
        # Of two equal forms the second is ten times as slow, and keeps its digits where the shape is huge.
        usual = log_odds > NEAR_POISSON
        below = np.empty(counts.shape)
        betainc(shape, counts + 1.0, expit(-log_odds), out=below, where=usual)
        betaincc(counts + 1.0, shape, expit(log_odds), out=below, where=~usual)
        return np.where(values < 0, 0.0, below)

    @property
    def stan(self) -> str:
        """``neg_binomial_2_log``."""
        return "neg_binomial_2_log({mu}, {shape})"

    @property
    def equation(self) -> str:
        """``NegativeBinomial(mu, shape)``."""
        return "NegativeBinomial(mu, shape)"
