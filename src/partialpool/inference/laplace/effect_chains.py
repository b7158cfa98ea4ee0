"""What the chains that draw group effects are given: proposals for Metropolis steps, an order of points."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

STRETCH = 0.52  # of the tails of proposals of effects


def stretched_normals(n: int, rng: np.random.Generator) -> Floats:
    """(n, 3) shuffled proposals: numbers, minus their log density, uniform numbers to accept them by.

    A normal number w becomes sinh(STRETCH w) / STRETCH, one from each n-th part of the distribution (Jones &
    Pewsey 2009, "Sinh-arcsinh distributions"). Tails lighter than the target's would trap a chain there;
    these are those of a t distribution of 7 degrees of freedom, as far as n draws show them.
    """
    from scipy.special import ndtri

    w = ndtri((rng.permutation(n) + rng.random(n)) / n)
    rarity = 0.5 * w**2 + np.log(np.cosh(STRETCH * w))
    return np.stack([np.sinh(STRETCH * w) / STRETCH, rarity, rng.random(n)], axis=1)


def walks(n: int, n_effects: int, n_groups: int, rng: np.random.Generator) -> Integers:
    """(2, D, J) where each effect begins to read n proposals, and a stride that leads to all of them."""
    strides, shape = np.arange(1, max(n, 2)), (n_effects, n_groups)
    strides = strides[np.gcd(strides, n) == 1]
    return np.stack([rng.integers(n, size=shape), rng.choice(strides, shape)])


def to_and_fro(points: Floats) -> Integers:
    """(N,) order of (N, D) points in which neighbours are close to each other: a path through narrow strips.

    Examples
    --------
    >>> to_and_fro(np.array([[3.0], [1.0], [2.0]])).tolist()
    [1, 2, 0]
    """
    n, dimensions = points.shape
    if not dimensions:
        return np.arange(n)
    order = np.argsort(points[:, 0], kind="stable")
    if dimensions == 1:
        return order
    strips = np.array_split(order, max(round(n ** (1.0 / dimensions)), 1))
    paths = [strip[to_and_fro(points[strip, 1:])] for strip in strips]
    return np.concatenate([path[:: -1 if i % 2 else 1] for i, path in enumerate(paths)])
