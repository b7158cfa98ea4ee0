"""The metric of a run: how far a momentum moves a position, learnt from draws and their gradients.

For a normal posterior gradients are as informative as draws: a coordinate's variance is the root of the
variance of its draws over that of its gradients, without error from two draws on. Estimates and their
low-rank form follow Seyboldt, Carlson and Carpenter (2026), "Preconditioning Hamiltonian Monte Carlo by
minimizing Fisher divergence".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

RIDGE = 1e-5  # keeps covariances within the span of the draws invertible
NEGLIGIBLE = 2.0  # variances of directions between 1/2 and 2 are left to the diagonal
DRAWS = 400  # at most that directions are learnt from
CANDIDATES = 10  # the smallest and the largest variances that are measured although they seem negligible
ROUNDING = 1e-12  # of the largest square of a size
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


def learn_metric(positions: Floats, gradients: Floats, low_rank: bool, known: Metric | None = None) -> Metric:
    """Estimate the metric from (m, n) positions and gradients of the log density there.

    Directions are sought in one half of the draws and measured in the other: the farthest of thousands of
    directions in a few draws are chance, and the other half does not know them.

    Parameters
    ----------
    low_rank
        Whether it may have directions.
    known
        The metric of an earlier round, whose directions are measured again beside those that it lacks: draws
        fewer than coordinates show a direction in part, so it takes shape from round to round.
    """
    scale = in_blocks(_scales, positions, gradients)
    if not low_rank:
        return diagonal_metric(scale)
    every = -(-len(positions) // DRAWS)
    x, g = positions[::every] / scale, gradients[::every] * scale
    finite = np.all(np.isfinite(x) & np.isfinite(g), axis=1)  # on the way from a start far away
    x, g = x[finite], g[finite]
    x, g = x - x.mean(axis=0), g - g.mean(axis=0)
    before = replace(known or unit_metric(len(scale)), scale=np.ones_like(scale))
    found = principal_directions(*before.whiten(x[::2], g[::2]))
    basis = _orthonormal(before.directions, found)
    variances, vectors = np.linalg.eigh(_mean_covariance(x[1::2] @ basis.T, g[1::2] @ basis.T))
    far = _far(variances)
    return Metric(scale, np.ascontiguousarray(vectors[:, far].T @ basis), np.sqrt(variances[far]) - 1.0)


def variances_between(old: Metric, new: Metric) -> Floats:
    """(k,) variances of a normal that suits one metric along directions of both, scales apart, in another."""
    basis = _orthonormal(old.directions, new.directions)
    u, v = old.directions @ basis.T, new.directions @ basis.T
    shrink = np.eye(len(basis)) - (u.T * (old.stretch / (1.0 + old.stretch))) @ u
    grow = np.eye(len(basis)) + (v.T * new.stretch) @ v
    return np.asarray(np.linalg.svd(shrink @ grow, compute_uv=False) ** 2)


def _orthonormal(*directions: Floats) -> Floats:
    """Rows that span those given."""
    return np.asarray(np.linalg.qr(np.concatenate(directions).T)[0].T)


def scales_within(metric: Metric, positions: Floats, gradients: Floats) -> Floats:
    """(n,) scales of (m, n) draws and gradients where a metric is the identity: 1 if it fits them."""
    scale, directions, stretch = metric.scale, metric.directions, metric.stretch
    along = positions @ (directions / scale).T * (stretch / (1.0 + stretch))
    force = gradients @ (directions * scale).T * stretch

    def block(x: Floats, g: Floats, scale: Floats, directions: Floats) -> Floats:
        return _scales(x / scale - along @ directions, g * scale + force @ directions)

    return in_blocks(block, positions, gradients, scale, directions)


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


def principal_directions(positions: Floats, gradients: Floats) -> Floats:
    """Directions in which the variance of standardised draws seems to be far from 1, and the farthest ones.

    Within the span of draws and gradients the covariance is the geometric mean of that of the draws and the
    inverse of that of the gradients: it is the one that maps the gradients' covariance on the draws'; outside
    it is 1. The span of draws fewer than coordinates is found from the matrix of their products.

    Parameters
    ----------
    positions, gradients
        (m, n), centred.

    Returns
    -------
    (k, n) orthonormal rows.
    """
    m, n = positions.shape
    few = min(CANDIDATES, m // 10)
    if n <= 2 * m:
        variances, vectors = np.linalg.eigh(_mean_covariance(positions, gradients))
        return np.asarray(vectors[:, _far(variances, few)].T)
    rows = np.concatenate([positions, gradients])
    squares, span = np.linalg.eigh(rows @ rows.T)
    kept = squares > ROUNDING * squares[-1]
    sizes, span = np.sqrt(squares[kept]), span[:, kept]
    variances, vectors = np.linalg.eigh(_mean_covariance(span[:m] * sizes, span[m:] * sizes))
    return np.asarray((vectors[:, _far(variances, few)].T / sizes @ span.T) @ rows)


def _far(variances: Floats, few: int = 0) -> NDArray[np.bool_]:
    """Which of ascending variances are far from 1, or among the few smallest and largest."""
    rank = np.arange(len(variances))
    ends = (rank < few) | (rank >= len(variances) - few)
    return np.asarray(ends | (variances > NEGLIGIBLE) | (variances < 1.0 / NEGLIGIBLE))


def _mean_covariance(positions: Floats, gradients: Floats) -> Floats:
    """(n, n) the A with A P A = C, of the covariances C of (m, n) draws and P of their gradients."""
    ridge = RIDGE * np.eye(positions.shape[1])
    precision, covariance = (x.T @ x / len(x) + ridge for x in (gradients, positions))
    values, vectors = np.linalg.eigh(precision)
    # Beside huge gradients the ridge is lost to rounding, which leaves small values of either sign.
    values = np.maximum(values, ROUNDING * values[-1])
    root = (vectors * np.sqrt(values)) @ vectors.T
    inverse_root = (vectors / np.sqrt(values)) @ vectors.T
    values, vectors = np.linalg.eigh(root @ covariance @ root)
    half = inverse_root @ (vectors * np.maximum(values, 0.0) ** 0.25)
    return np.asarray(half @ half.T)
