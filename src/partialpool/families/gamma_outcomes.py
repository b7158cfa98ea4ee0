"""Gamma outcomes: positive measurements, with predictors for the log mean and the log shape."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from partialpool.families.base import Array, Family
from partialpool.families.support import Additions, OutcomeLike, refuse_rows, row_weights, totals
from partialpool.kernels.math.special import log_gamma_excess
from partialpool.kernels.math.vectorised import exponential
from partialpool.kernels.native.compiling import inlined
from partialpool.priors.base import Prior
from partialpool.priors.student_t import HalfCauchy


@inlined
def log_cell(stats, i, eta, log_shape):
    """Log likelihood of w outcomes with mean m and mean log l, mean exp(eta) and shape a = exp(log_shape).

    w (a (l - eta - m exp(-eta) + 1) - c(a) - l) with c(a) = log Gamma(a) - a log(a) + a, and its derivatives
    by eta and log a. Written so, no digits are lost where the shape is large.
    """
    w, m, l = stats[0, i], stats[1, i], stats[2, i]  # noqa: E741
    shape, ratio = exponential(log_shape), m * exponential(-eta)
    excess, slope, bend = log_gamma_excess(shape)
    inside = l - eta - ratio + 1.0
    by_mean, by_shape = w * shape * (ratio - 1.0), w * shape * (inside - slope)
    value = w * (shape * inside - excess - l)
    return value, by_mean, by_shape, w * shape * ratio, -by_mean, w * bend - by_shape


class Gamma(Family):
    """Positive outcomes with variance mu^2 / shape and a log link.

    The density has shape and rate shape / mu. Sufficient statistics of a cell: rows, mean, mean of logs.

    Examples
    --------
    >>> Gamma().links
    {'mu': 'log', 'shape': 'log'}
    """

    name = "gamma"
    parameters = ("mu", "shape")
    cells = {"log": log_cell}  # noqa: RUF012
    information_powers = {"shape": 1.0}  # noqa: RUF012
    discrete = False

    def check(self, outcome: OutcomeLike) -> None:
        """Raise unless every outcome is positive."""
        refuse_rows(
            outcome,
            outcome.values <= 0,
            self.name,
            "numbers above 0",
            "family='gaussian' for measurements of both signs; zeros are a process of their own",
        )

    def statistics(self, outcome: OutcomeLike, index: NDArray[np.int64], n_cells: int) -> Array:
        """(3, n_cells): rows, mean, mean of logs."""
        weights = row_weights(outcome)
        n = totals(index, weights, n_cells)
        some = np.where(n > 0, n, 1.0)
        sums = (totals(index, weights * v, n_cells) for v in (outcome.values, np.log(outcome.values)))
        mean, mean_log = (total / some for total in sums)
        return np.stack([n, mean, mean_log])

    def location_scale(self, outcome: OutcomeLike, offset: Array | None) -> tuple[float, float]:
        """Log of the mean outcome at an offset of zero, and one."""
        weights = row_weights(outcome)
        shifts = np.zeros(len(weights)) if offset is None else offset
        largest = float(np.max(shifts))
        exposure = float(np.sum(weights * np.exp(shifts - largest)))
        return math.log(float(np.sum(weights * outcome.values)) / exposure) - largest, 1.0

    def auxiliary_prior(self, parameter: str, scale: float) -> Prior:
        """A heavy tail: outcomes that hardly vary about their mean have a large shape."""
        return HalfCauchy(5.0)

    def draw(self, rng: np.random.Generator, linear: Mapping[str, Array], additions: Additions) -> Array:
        """Draw outcomes; one below the smallest number is that number."""
        with np.errstate(over="ignore"):
            mean, shape = np.broadcast_arrays(self.mean(linear), np.exp(linear["shape"]))
            return np.maximum(rng.gamma(shape, mean / shape), np.finfo(float).tiny)

    def log_likelihood(self, outcome: OutcomeLike, linear: Mapping[str, Array]) -> Array:
        """Log gamma densities."""
        from scipy.special import gammaln

        y, log_shape = outcome.values, linear["shape"]
        shape, log_ratio = np.exp(log_shape), np.log(y) - linear["mu"]
        return np.asarray(shape * (log_shape + log_ratio - np.exp(log_ratio)) - gammaln(shape) - np.log(y))

    def cdf(self, values: Array, linear: Mapping[str, Array], additions: Additions) -> Array:
        """Regularised incomplete gamma function of shape and shape x value / mean."""
        from scipy.special import gammainc

        shape = np.exp(linear["shape"])
        with np.errstate(over="ignore"):
            return np.asarray(gammainc(shape, shape * np.maximum(values, 0.0) * np.exp(-linear["mu"])))

    @property
    def stan(self) -> str:
        """``gamma`` with its rate from mean and shape."""
        return "gamma({shape}, exp(log({shape}) - {mu}))"

    @property
    def equation(self) -> str:
        """``Gamma(shape, shape / mu)``."""
        return "Gamma(shape, shape / mu)"
