"""Gaussian outcomes, with a predictor for the mean and one for the log of sigma."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import FamilyError, build
from partialpool.families.base import Array, Family
from partialpool.families.support import Additions, OutcomeLike, row_weights, totals
from partialpool.kernels.math.vectorised import exponential
from partialpool.kernels.native.compiling import inlined
from partialpool.priors.base import Prior
from partialpool.priors.gamma import Exponential

LOG_SQRT_TWO_PI = 0.9189385332046727


@inlined
def identity_cell(stats, i, mu, log_sigma):
    """Log likelihood of w outcomes with mean m and squared deviations q from it.

    -w log(sigma) - (q + w (m - mu)^2) / (2 sigma^2), its derivatives by mu and log sigma, and
    minus its second ones.
    """
    w, m, q = stats[0, i], stats[1, i], stats[2, i]
    precision = exponential(-2.0 * log_sigma)
    error = m - mu
    squares = (q + w * error * error) * precision
    value = -w * (log_sigma + LOG_SQRT_TWO_PI) - 0.5 * squares
    slope = w * error * precision
    return value, slope, squares - w, w * precision, 2.0 * slope, 2.0 * squares


@inlined
def log_cell(stats, i, eta, log_sigma):
    """The same with mu = exp(eta); second derivatives that involve eta are the expected ones."""
    mu = exponential(eta)
    value, by_mu, by_sigma, curvature, _, sigma_curvature = identity_cell(stats, i, mu, log_sigma)
    return value, by_mu * mu, by_sigma, curvature * mu * mu, 0.0, sigma_curvature


class Gaussian(Family):
    """Real outcomes with normal errors of sd sigma.

    Links of the mean: identity, log. Sufficient statistics of a cell: rows, mean, squared deviations.

    Examples
    --------
    >>> Gaussian().links
    {'mu': 'identity', 'sigma': 'log'}
    """

    name = "gaussian"
    parameters = ("mu", "sigma")
    cells = {"identity": identity_cell, "log": log_cell}  # noqa: RUF012
    information_powers = {"sigma": -2.0}  # noqa: RUF012
    discrete = False
    residual_sd = "sigma"

    @property
    def quadratic(self) -> bool:
        """With the identity link."""
        return self.link == "identity"

    def check(self, outcome: OutcomeLike) -> None:
        """Refuse trials and a log link over outcomes whose mean is not positive."""
        mean = float(np.average(outcome.values, weights=row_weights(outcome)))
        if self.link == "log" and mean <= 0:
            raise build(
                FamilyError,
                f"Outcome {outcome.name!r} has mean {mean:g}: its log does not exist.",
                hint="the identity link",
            )

    def statistics(self, outcome: OutcomeLike, index: NDArray[np.int64], n_cells: int) -> Array:
        """(3, n_cells): rows, mean, squared deviations from it."""
        weights = row_weights(outcome)
        n = totals(index, weights, n_cells)
        mean = totals(index, weights * outcome.values, n_cells) / np.maximum(n, np.finfo(float).tiny)
        squares = totals(index, weights * (outcome.values - mean[index]) ** 2, n_cells)
        return np.stack([n, mean, squares])

    def location_scale(self, outcome: OutcomeLike, offset: Array | None) -> tuple[float, float]:
        """Mean and sd of the outcome less its offset; log of the mean and one for the log link."""
        values = outcome.values if offset is None else outcome.values - offset
        weights = row_weights(outcome)
        if self.link == "log":
            mean = float(np.average(outcome.values, weights=weights))
            return math.log(mean) - (
                0.0 if offset is None else float(np.average(offset, weights=weights))
            ), 1.0
        mean = float(np.average(values, weights=weights))
        sd = math.sqrt(float(np.average((values - mean) ** 2, weights=weights)))
        return mean, sd if sd > 0 else 1.0

    def auxiliary_prior(self, parameter: str, scale: float) -> Prior:
        """Exponential with the outcome's sd as its mean."""
        return Exponential(float(f"{1.0 / scale:.4g}"))  # what a person reads is what is used

    def draw(self, rng: np.random.Generator, linear: Mapping[str, Array], additions: Additions) -> Array:
        """Draw outcomes."""
        return np.asarray(rng.normal(self.mean(linear), np.exp(linear["sigma"])))

    def log_likelihood(self, outcome: OutcomeLike, linear: Mapping[str, Array]) -> Array:
        """Log normal densities."""
        z = (outcome.values - self.mean(linear)) * np.exp(-linear["sigma"])
        return np.asarray(-0.5 * z**2 - linear["sigma"] - LOG_SQRT_TWO_PI)

    def cdf(self, values: Array, linear: Mapping[str, Array], additions: Additions) -> Array:
        """Normal distribution function."""
        from scipy.special import ndtr

        with np.errstate(over="ignore"):
            return np.asarray(ndtr((values - self.mean(linear)) * np.exp(-linear["sigma"])))

    @property
    def stan(self) -> str:
        """``normal``."""
        return "normal({mu}, {sigma})" if self.link == "identity" else "normal(exp({mu}), {sigma})"

    @property
    def equation(self) -> str:
        """``Normal(mu, sigma)``."""
        return "Normal(mu, sigma)"
