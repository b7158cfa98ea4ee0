"""Where a marginal density of the outer parameters is, and how wide: its mode and its curvature there."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from partialpool.inference.laplace.engines import Proposal

Floats = NDArray[np.float64]
Objective = Callable[[Floats], tuple[float, Floats]]

GRADIENT = 0.02  # of the log density by parameters in units of their scale: a fiftieth of an sd from the mode
HESSIAN_STEP = 0.2  # the same units
SMALLEST_CURVATURE = 0.05


def find_proposal(density: Objective, start: Floats, scale: Floats) -> Proposal:
    """Climb to the mode, then take differences of the gradient.

    Parameters
    ----------
    density
        (Q,) -> log density and its gradient; -inf where it is not finite.
    start, scale
        (Q,) where to start, and how far parameters move typically.
    """
    from scipy.optimize import minimize

    def objective(z: Floats) -> tuple[float, Floats]:
        value, slope = density(start + scale * z)
        return (-value, -slope * scale) if np.isfinite(value) else (np.inf, np.zeros_like(z))

    if not len(start):
        return Proposal(start, np.zeros((0, 0)))
    with np.errstate(all="ignore"):
        found = minimize(objective, np.zeros(len(start)), jac=True, method="BFGS", options={"gtol": GRADIENT})
    # Parameters are now in units of what is left of their sds, whatever the start said.
    units = np.sqrt(np.clip(np.diag(np.atleast_2d(found.hess_inv)), 1e-4, 1e2))
    curvature = np.empty((len(start), len(start)))
    for q in range(len(start)):
        step = np.zeros(len(start))
        step[q] = HESSIAN_STEP * units[q]
        up, down = objective(found.x + step)[1], objective(found.x - step)[1]
        curvature[q] = (up - down) * units / (2.0 * HESSIAN_STEP)
    values, vectors = np.linalg.eigh(0.5 * (curvature + curvature.T))
    values = np.maximum(values, SMALLEST_CURVATURE)
    covariance = (vectors / values) @ vectors.T * np.outer(scale * units, scale * units)
    return Proposal(start + scale * found.x, np.linalg.cholesky(covariance))
