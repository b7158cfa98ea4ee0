"""Quadrature nodes over standardised group effects, for integrands close to a normal density."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Equally spaced nodes a dimension, their distance, and the radius beyond which they are left out. For
# integrands near exp(-z'z/2) the trapezoidal rule converges geometrically: its error is about 2 exp(-2 pi^2 /
# step^2).
GRIDS = {1: (0.95, 4.75), 2: (1.3, 4.0), 3: (1.6, 3.6)}
LARGEST_GRID = 3
RANDOMISED = 256  # nodes in more dimensions: a fixed low-discrepancy set of normal points
SPREAD = 1.15  # its sd, a little more than the integrand's


@dataclass(frozen=True)
class Nodes:
    """Points and weights: the integral of f is close to the sum of exp(log_weights) f(points).

    Attributes
    ----------
    points
        (M, D).
    log_weights
        (M,).
    """

    points: Floats
    log_weights: Floats


@cache
def nodes(dimensions: int) -> Nodes:
    """Nodes for an integrand close to a standard normal density in so many dimensions.

    Examples
    --------
    >>> rule = nodes(1)
    >>> total = np.sum(np.exp(rule.log_weights - 0.5 * np.sum(rule.points**2, axis=1)))
    >>> print(f"{total / np.sqrt(2 * np.pi):.4f}")
    1.0000
    """
    return grid(dimensions, *GRIDS[dimensions]) if dimensions <= LARGEST_GRID else _randomised(dimensions)


def grid(dimensions: int, step: float, radius: float) -> Nodes:
    """Equally spaced nodes within a radius."""
    one = step * np.arange(-np.floor(radius / step + 1e-9), np.floor(radius / step + 1e-9) + 1)
    points = np.stack(np.meshgrid(*[one] * dimensions, indexing="ij"), axis=-1).reshape(-1, dimensions)
    points = np.ascontiguousarray(points[np.sum(points**2, axis=1) <= radius**2 + 1e-9])
    return Nodes(points, np.full(len(points), dimensions * np.log(step)))


def _randomised(dimensions: int) -> Nodes:
    """Importance sampling at the same points for every group: what it errs by hardly depends on the rest."""
    from scipy.stats import norm, qmc

    points = SPREAD * norm.ppf(qmc.Sobol(dimensions, rng=np.random.default_rng(0)).random(RANDOMISED))
    log_density = np.sum(norm.logpdf(points, scale=SPREAD), axis=1)
    return Nodes(np.ascontiguousarray(points), -log_density - np.log(RANDOMISED))
