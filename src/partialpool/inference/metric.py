"""The metric of a run: how far a momentum moves a position, learnt from draws and their gradients.

For a normal posterior gradients are as informative as draws: a coordinate's variance is the root of the
variance of its draws over that of its gradients, without error from two draws on. Estimates and their
low-rank form follow Seyboldt, Carlson and Carpenter (2026), "Preconditioning Hamiltonian Monte Carlo by
minimizing Fisher divergence".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

RIDGE = 1e-5  # keeps covariances within the span of the draws invertible
NEGLIGIBLE = 2.0  # variances of directions between 1/2 and 2 are left to the diagonal
MAX_RATIO = 1e10
COORDINATES = 512  # looked at together, so that draws of many are never copied whole


@dataclass(frozen=True)
class Metric:
    """T = S (I + U' C U), with S and C diagonal; momenta are standard normal, positions move along T p.

    Attributes
    ----------
    scale
        (n,) S, about the posterior's sds.
    directions
        (k, n) U, orthonormal rows.
    stretch
        (k,) C: along a direction the sd is 1 + C times what the scale says.
    """

    scale: Floats
    directions: Floats
    stretch: Floats

    def whiten(self, positions: Floats, gradients: Floats) -> tuple[Floats, Floats]:
        """Positions and gradients, (m, n) each, in the coordinates where this metric is the identity."""
        z, force = positions / self.scale, gradients * self.scale
        shrink = self.stretch / (1.0 + self.stretch)
        z = z - (z @ self.directions.T * shrink) @ self.directions
        return z, force + (force @ self.directions.T * self.stretch) @ self.directions


def unit_metric(n: int) -> Metric:
    """Metric of a standard normal."""
    return diagonal_metric(np.ones(n))


def diagonal_metric(scale: Floats) -> Metric:
    """Metric without directions."""
    return Metric(scale, np.zeros((0, len(scale))), np.zeros(0))


def learn_metric(positions: Floats, gradients: Floats, low_rank: bool) -> Metric:
    """Estimate the metric from (m, n) positions and gradients of the log density there."""
    scale = in_blocks(_scales, positions, gradients)
    if not low_rank:
        return diagonal_metric(scale)
    directions, variances = principal_directions(*diagonal_metric(scale).whiten(positions, gradients))
    return Metric(scale, directions, np.sqrt(variances) - 1.0)


def scales_within(metric: Metric, positions: Floats, gradients: Floats) -> Floats:
    """(n,) scales of (m, n) draws and gradients where a metric is the identity: 1 if it fits them."""
    if len(metric.stretch):
        return _scales(*metric.whiten(positions, gradients))
    return in_blocks(lambda x, g, scale: _scales(x / scale, g * scale), positions, gradients, metric.scale)


def in_blocks(statistic: Callable[..., Floats], *arrays: Floats) -> Floats:
    """(n,) a statistic of each coordinate of (..., n) arrays, some coordinates at a time."""
    starts = range(0, max(arrays[0].shape[-1], 1), COORDINATES)
    blocks = ((array[..., at : at + COORDINATES] for array in arrays) for at in starts)
    return np.concatenate([statistic(*block) for block in blocks])


def _scales(positions: Floats, gradients: Floats) -> Floats:
    """(n,) sds of a normal with these draws and gradients: fourth roots of ratios of variances."""
    spread, force = positions.var(axis=0), gradients.var(axis=0)
    known = (spread > 0.0) & (force > 0.0) & np.isfinite(spread) & np.isfinite(force)
    ratio = np.ones_like(spread)
    np.divide(spread, force, out=ratio, where=known)
    return np.clip(ratio, 1.0 / MAX_RATIO, MAX_RATIO) ** 0.25


def principal_directions(positions: Floats, gradients: Floats) -> tuple[Floats, Floats]:
    """Directions in which the variance of standardised draws is far from 1, and those variances.

    Within the span of draws and gradients the covariance is the geometric mean of that of the draws and the
    inverse of that of the gradients: it is the one that maps the gradients' covariance on the draws'.

    Parameters
    ----------
    positions, gradients
        (m, n).

    Returns
    -------
    (k, n) orthonormal rows and (k,) variances.
    """
    m = len(positions)
    x, g = positions - positions.mean(axis=0), gradients - gradients.mean(axis=0)
    basis = _span(np.concatenate([x, g]))
    a, b = x @ basis.T, g @ basis.T
    ridge = RIDGE * np.eye(len(basis))
    mean = _geometric_mean(b.T @ b / m + ridge, a.T @ a / m + ridge)
    variances, vectors = np.linalg.eigh(mean)
    far = (variances > NEGLIGIBLE) | (variances < 1.0 / NEGLIGIBLE)
    return np.ascontiguousarray(vectors[:, far].T @ basis), variances[far]


def _span(rows: Floats) -> Floats:
    """Orthonormal rows that span the given ones."""
    _, sizes, basis = np.linalg.svd(rows, full_matrices=False)
    return np.asarray(basis[sizes > 1e-8 * sizes[0]])


def _geometric_mean(precision: Floats, covariance: Floats) -> Floats:
    """The symmetric positive A with A precision A = covariance."""
    values, vectors = np.linalg.eigh(precision)
    root = (vectors * np.sqrt(values)) @ vectors.T
    inverse_root = (vectors / np.sqrt(values)) @ vectors.T
    values, vectors = np.linalg.eigh(root @ covariance @ root)
    middle = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    mean = inverse_root @ middle @ inverse_root
    return np.asarray(0.5 * (mean + mean.T))
