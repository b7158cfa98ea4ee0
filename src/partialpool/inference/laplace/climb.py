"""The mode of a smooth density of a few parameters that is cheap at many points at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from partialpool.inference.laplace.marginal import Proposal

Floats = NDArray[np.float64]

MOST_STEPS = 30
STEP = 0.3  # for differences, in units of a parameter's sd
LONGEST, GROWTH = 3.0, 2.0  # of a step, in the same units; the next may be longer
CLOSE = 0.2  # a step so short ends the climb: importance sampling does the rest
SMALLEST_CURVATURE = 0.05
FRACTIONS = np.array([1.0, 0.5, 0.2, 0.05])


def climb(log_density: Callable[[Floats], Floats], n_dim: int) -> Proposal:
    """Climb from the origin by Newton steps on each parameter, then take the whole curvature by differences.

    Parameters
    ----------
    log_density
        (N, Q) points to (N,) values; -inf where it is not finite.
    n_dim
        Q, of parameters whose sds are near one if all went well before.

    Returns
    -------
    The mode and the Cholesky factor of the inverse curvature, as far as they were found.
    """
    at, units = np.zeros(n_dim), np.ones(n_dim)
    if not n_dim:
        return Proposal(at, np.zeros((0, 0)))
    for turn in range(MOST_STEPS):
        longest = LONGEST * GROWTH**turn
        shifts = STEP * np.diag(units)
        values = log_density(np.concatenate([[at], at + shifts, at - shifts]))
        up, down = values[1 : n_dim + 1], values[n_dim + 1 :]
        with np.errstate(invalid="ignore"):
            slope, curvature = (up - down) / (2 * STEP), (2 * values[0] - up - down) / STEP**2
        curvature = np.maximum(np.nan_to_num(curvature, nan=1.0, posinf=1e8), SMALLEST_CURVATURE)
        step = np.clip(np.nan_to_num(slope, posinf=longest, neginf=-longest) / curvature, -longest, longest)
        tried = at + FRACTIONS[:, None] * units * step
        found = log_density(tried)
        best = int(np.argmax(found))
        units /= np.sqrt(np.clip(curvature, 0.25, 1e4))
        if not found[best] > values[0]:
            break
        at = tried[best]
        if np.max(np.abs(step)) * FRACTIONS[best] < CLOSE:
            break
    return Proposal(at, _scale(log_density, at, units))


def _scale(log_density: Callable[[Floats], Floats], at: Floats, units: Floats) -> Floats:
    """(Q, Q) Cholesky factor of the inverse curvature, by second differences of pairs of parameters."""
    q = len(at)
    shifts = 2 * STEP * np.diag(units)
    pairs = [(i, j) for i in range(q) for j in range(i + 1)]
    corners = [
        at + a * shifts[i] + b * shifts[j] for i, j in pairs for a, b in ((1, 1), (1, -1), (-1, 1), (-1, -1))
    ]
    values = log_density(np.array(corners)).reshape(-1, 4)
    curvature = np.empty((q, q))
    with np.errstate(invalid="ignore"):
        differences = -(values[:, 0] - values[:, 1] - values[:, 2] + values[:, 3]) / (16 * STEP**2)
    for (i, j), value in zip(pairs, differences, strict=True):
        curvature[i, j] = curvature[j, i] = value if np.isfinite(value) else float(i == j)
    own, vectors = np.linalg.eigh(curvature)
    covariance = (vectors / np.maximum(own, SMALLEST_CURVATURE)) @ vectors.T
    return units[:, None] * np.linalg.cholesky(covariance)
