"""Coordinates of groups matched to the moments of their effects' conditional densities."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from partialpool.model.density import fixed_scale
from partialpool.model.geometry import Geometry
from partialpool.model.outer import OuterParameters
from partialpool.model.parameters import GroupBlock

Floats = NDArray[np.float64]

LEAST = 1e-6  # of a group's information, in units of its prior's, that is worth changing
MOST = 4.0  # times the information by the mode's curvature


def moments(logs: Floats, log_weights: Floats, points: Floats) -> tuple[Floats, Floats]:
    """Mean (J, D) and covariance (J, D, D) of densities given by (J, M) logs at (M, D) quadrature nodes."""
    weights = logs + log_weights
    weights = np.exp(weights - np.max(weights, axis=1, keepdims=True))
    weights /= np.sum(weights, axis=1, keepdims=True)
    mean = weights @ points
    square = np.einsum("jm,ma,mb->jab", weights, points, points)
    return mean, square - np.einsum("ja,jb->jab", mean, mean)


def matched(geometry: Geometry, outer: OuterParameters, mean: Floats, covariance: Floats) -> Geometry:
    """Change every group's quadratic so that its coordinate has mean 0 and covariance 1 at the centre.

    With zeta = U^-T (U^-1 L'h + z) as in `kernels.centring`: zeta's moments follow from those of z, and they
    are what a quadratic with precision B' and pull h' would give: B' = Cov(zeta)^-1 and L'h' = B' E(zeta).

    Parameters
    ----------
    mean, covariance
        (J, D), (J, D, D) of z, the coordinates of all terms side by side.
    """
    values = outer.draw(np.zeros(outer.n_dim))
    information, pull, cross, start = [], [], [], 0
    for t, (_, block) in enumerate(outer.spec.parameters.blocks):
        own = slice(start, start + len(block.coefficients))
        start = own.stop
        new = _match_term(
            factor_of(block, values), geometry.information[t], geometry.pull[t], mean[:, own],
            covariance[:, own, own],
        )
        information.append(new[0])
        pull.append(new[1])
        # The coefficients' hold on a group grows with its information.
        ratio = new[0] @ np.linalg.pinv(geometry.information[t], hermitian=True)
        same = ~np.all(np.isfinite(ratio), axis=(1, 2)) | (np.max(np.abs(ratio), axis=(1, 2)) > MOST)
        ratio[same] = np.eye(ratio.shape[-1])
        cross.append(np.ascontiguousarray(ratio @ geometry.cross[t]))
    return replace(geometry, information=tuple(information), pull=tuple(pull), cross=tuple(cross))


def factor_of(block: GroupBlock, values: Floats) -> Floats:
    """(d, d) Cholesky factor of a term's covariance in a draw."""
    sds = np.array([values[c.sd_value] if c.sd_value >= 0 else fixed_scale(c) for c in block.coefficients])
    d = len(sds)
    if block.corr_value < 0:
        return np.diag(sds)
    corr = values[block.corr_value : block.corr_value + d * d].reshape(d, d)
    # A correlation of 1 within rounding still has a factor.
    return sds[:, None] * np.linalg.cholesky(corr + 1e-12 * np.eye(d))


def _match_term(
    factor: Floats, information: Floats, pull: Floats, mean: Floats, covariance: Floats
) -> tuple[Floats, Floats]:
    d = len(factor)
    precision = np.eye(d) + factor.T @ information @ factor
    root = np.linalg.cholesky(precision)
    up = np.swapaxes(np.linalg.inv(root), 1, 2)  # U^-T
    shift = np.einsum("jba,jb->ja", up, pull @ factor)
    zeta = np.einsum("jab,jb->ja", up, shift + mean)
    wanted = np.linalg.inv(up @ covariance @ np.swapaxes(up, 1, 2))
    values, vectors = np.linalg.eigh(0.5 * (wanted + np.swapaxes(wanted, 1, 2)))
    # What a likelihood adds to the prior's precision, 1, may be nothing, but not less than nothing.
    wanted = np.einsum("jac,jc,jbc->jab", vectors, np.maximum(values, 1.0), vectors)
    inverse = np.linalg.inv(factor)
    new = inverse.T @ (wanted - np.eye(d)) @ inverse
    new_pull = np.einsum("jab,jb->ja", wanted, zeta) @ inverse
    kept = np.trace(precision, axis1=1, axis2=2) - d < LEAST
    kept |= ~np.all(np.isfinite(new), axis=(1, 2)) | ~np.all(np.isfinite(new_pull), axis=1)
    new[kept], new_pull[kept] = information[kept], pull[kept]
    return np.ascontiguousarray(new), np.ascontiguousarray(new_pull)
