"""Map one unconstrained number to a parameter, with its derivative and log Jacobian."""

from __future__ import annotations

import math

from partialpool.kernels.compiling import kernel
from partialpool.kernels.special import expit, softplus

IDENTITY, EXPONENTIAL, INTERVAL = 0, 1, 2


@kernel
def constrain(transform, lower, upper, u):
    """Return (value, its derivative by u, log of that derivative, the log's derivative)."""
    if transform == IDENTITY:
        return u, 1.0, 0.0, 0.0
    if transform == EXPONENTIAL:
        value = math.exp(u)
        return value, value, u, 1.0
    p = expit(u)
    width = upper - lower
    slope = width * p * (1.0 - p)
    return lower + width * p, slope, math.log(width) - softplus(u) - softplus(-u), 1.0 - 2.0 * p
