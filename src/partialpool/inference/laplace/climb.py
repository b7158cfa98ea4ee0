"""The mode of a smooth density of a few parameters that is cheap at many points at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from partialpool.inference.laplace.engines import Proposal

Floats = NDArray[np.float64]

MOST_STEPS = 30
STEP = 0.3  # for differences, in units of a parameter's sd
LONGEST, GROWTH = 5.0, 2.0  # of a step, in the same units; the next may be longer
CLOSE = 0.2  # a step so short ends the climb: importance sampling does the rest
SMALLEST_CURVATURE = 0.05
LEAST_CHANGE = 0.1  # of the slope over a step, by the one expected, that tells something of the curvature
FRACTIONS = np.array([0.5, 0.2, 0.05])


def climb(log_density: Callable[[Floats], Floats], n_dim: int) -> Proposal:
    """Climb from the origin by Newton steps, then take the curvature by differences.

    The steps know each parameter's own curvature by differences too, and how parameters hang together from
    what the steps before have shown.

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
    star = _Star(log_density, np.zeros(n_dim), np.ones(n_dim))
    correlation = np.eye(n_dim)  # of the curvature
    for turn in range(MOST_STEPS if n_dim else 0):
        longest = LONGEST * GROWTH**turn
        curvature = correlation * np.sqrt(np.outer(star.curvature, star.curvature))
        step = np.clip(np.linalg.solve(curvature, star.slope), -longest, longest)
        # Most full steps lead upwards, so the next star is worth more than other fractions of the step.
        tried = _Star(log_density, star.at + star.units * step, star.finer_units)
        if not tried.value > star.value:
            shorter = star.at + FRACTIONS[:, None] * star.units * step
            found = log_density(shorter)
            best = int(np.argmax(found))
            if not found[best] > star.value:
                break
            step *= FRACTIONS[best]
            tried = _Star(log_density, shorter[best], star.finer_units)
        correlation = _secant(curvature, step, star.slope - tried.slope * star.units / tried.units)
        star = tried
        if np.max(np.abs(step)) < CLOSE:
            break
    return Proposal(star.at, _scale(log_density, star) if n_dim else np.zeros((0, 0)))


def _secant(curvature: Floats, step: Floats, change: Floats) -> Floats:
    """The correlations of a curvature that a step has changed the slope by so much (BFGS)."""
    expected = curvature @ step
    if change @ step > LEAST_CHANGE * (expected @ step):
        curvature = curvature + np.outer(change, change) / (change @ step)
        curvature -= np.outer(expected, expected) / (expected @ step)
    units = np.sqrt(np.diag(curvature))
    return np.asarray(curvature / np.outer(units, units))


class _Star:
    """A density's value at a point, and its derivatives by each of Q parameters there, by differences.

    Attributes
    ----------
    at, units
        (Q,) the point, and units in which differences are taken.
    value, slope, curvature
        The value; (Q,) first derivatives and minus second derivatives, by parameters in those units.
    """

    def __init__(self, log_density: Callable[[Floats], Floats], at: Floats, units: Floats) -> None:
        self.at, self.units = at, units
        shifts = STEP * np.diag(units)
        values = log_density(np.concatenate([[at], at + shifts, at - shifts]))
        self.value, up, down = values[0], values[1 : len(at) + 1], values[len(at) + 1 :]
        with np.errstate(invalid="ignore"):
            self.slope = np.nan_to_num((up - down) / (2 * STEP))
            curvature = (2 * values[0] - up - down) / STEP**2
        self.curvature = np.maximum(np.nan_to_num(curvature, nan=1.0, posinf=1e8), SMALLEST_CURVATURE)

    @property
    def finer_units(self) -> Floats:
        """(Q,) units in which the curvature would be one."""
        return np.asarray(self.units / np.sqrt(np.clip(self.curvature, 0.25, 1e4)))


def _scale(log_density: Callable[[Floats], Floats], star: _Star) -> Floats:
    """(Q, Q) Cholesky factor of the inverse curvature, that of pairs of parameters by differences too."""
    q = len(star.at)
    shifts = STEP * np.diag(star.units)
    pairs = [(i, j) for i in range(q) for j in range(i)]
    curvature = np.diag(star.curvature)
    if pairs:
        corners = np.array([star.at + a * (shifts[i] + shifts[j]) for i, j in pairs for a in (1, -1)])
        values = log_density(corners).reshape(-1, 2)
        with np.errstate(invalid="ignore"):
            both = (2 * star.value - values[:, 0] - values[:, 1]) / STEP**2
        for (i, j), value in zip(pairs, both, strict=True):
            mixed = 0.5 * (value - star.curvature[i] - star.curvature[j])
            curvature[i, j] = curvature[j, i] = mixed if np.isfinite(mixed) else 0.0
    own, vectors = np.linalg.eigh(curvature)
    covariance = (vectors / np.maximum(own, SMALLEST_CURVATURE)) @ vectors.T
    return np.asarray(star.units[:, None] * np.linalg.cholesky(covariance))
