"""Quadrature nodes over standardised group effects, for integrands close to a normal density."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import combinations, product

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Equally spaced nodes a dimension, their distance, and the radius beyond which they are left out. For
# integrands near exp(-z'z/2) the trapezoidal rule converges geometrically: its error is about 2 exp(-2 pi^2 /
# step^2).
GRIDS = {1: (0.95, 4.75), 2: (1.3, 4.0)}
# For the integrands of small groups, which are far from that: 69 and 171 nodes.
FINER_GRIDS = {2: (1.0, 4.5), 3: (1.3, 4.5)}
# Nodes in more dimensions: a fixed low-discrepancy set of normal points.
RANDOMISED, MORE_RANDOMISED = 256, 1024
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
    if dimensions in GRIDS:
        return grid(dimensions, *GRIDS[dimensions])
    return _degree_seven() if dimensions == 3 else _randomised(dimensions, RANDOMISED)


@cache
def finer_nodes(dimensions: int) -> Nodes | None:
    """Nodes for integrands that are less close to it; None where `nodes` are enough for those too."""
    if dimensions == 1:
        return None
    if dimensions in FINER_GRIDS:
        return grid(dimensions, *FINER_GRIDS[dimensions])
    return _randomised(dimensions, MORE_RANDOMISED)


def grid(dimensions: int, step: float, radius: float) -> Nodes:
    """Equally spaced nodes within a radius."""
    one = step * np.arange(-np.floor(radius / step + 1e-9), np.floor(radius / step + 1e-9) + 1)
    points = np.stack(np.meshgrid(*[one] * dimensions, indexing="ij"), axis=-1).reshape(-1, dimensions)
    points = np.ascontiguousarray(points[np.sum(points**2, axis=1) <= radius**2 + 1e-9])
    return Nodes(points, np.full(len(points), dimensions * np.log(step)))


def _degree_seven() -> Nodes:
    """27 nodes in three dimensions, exact for a normal density times polynomials of degree seven.

    Integrands are a normal density times 1 + terms of third and fourth order + ..., so this is right to one
    order more than Laplace's method with its next-order terms (Stroud 1971, rule E3^r2 7-1 with lower signs).
    """
    root = np.sqrt(15.0)
    orbits = (  # how many coordinates are not zero, their size, each node's weight
        (0, 0.0, (720 - 8 * root) / 2205),
        (1, np.sqrt((15 - root) / 2), (270 + 46 * root) / 15435),
        (2, np.sqrt(6 + root), (162 - 41 * root) / 6174),
        (3, np.sqrt(9 - 2 * root), (783 + 202 * root) / 24696),
    )
    points, weights = [], []
    for size, at, weight in orbits:
        for axes in combinations(range(3), size):
            for signs in product((-at, at), repeat=size):
                points.append(np.zeros(3))
                points[-1][list(axes)] = signs
                weights.append(weight)
    nodes = np.array(points)
    log_density = -0.5 * np.sum(nodes**2, axis=1) - 1.5 * np.log(2 * np.pi)
    return Nodes(nodes, np.log(weights) - log_density)


def _randomised(dimensions: int, size: int) -> Nodes:
    """Importance sampling at the same points for every group: what it errs by hardly depends on the rest."""
    from scipy.stats import norm, qmc

    points = SPREAD * norm.ppf(qmc.Sobol(dimensions, rng=np.random.default_rng(0)).random(size))
    log_density = np.sum(norm.logpdf(points, scale=SPREAD), axis=1)
    return Nodes(np.ascontiguousarray(points), -log_density - np.log(size))
