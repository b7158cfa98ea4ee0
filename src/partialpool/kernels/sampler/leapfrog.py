"""Hamiltonian steps in metric coordinates: what a chain is, as addresses, and one leapfrog step of it.

The position x is in sampler coordinates; the momentum p is standard normal. A metric T = S (I + U' C U), with
S and C diagonal and the rows of U orthonormal, says how far a momentum moves a position: dx/dt = T p and
dp/dt = T' g, with g the gradient of the log density at x. That is Hamiltonian motion with mass (T T')^-1,
written so that trajectories can be measured by momenta alone.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import carray
from numpy.typing import NDArray

from partialpool.kernels.native.compiling import kernel
from partialpool.kernels.native.pointers import (
    as_pointer,
    call_density,
    float_rows_at,
    floats_at,
    integers_at,
    vector_in,
)

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class ChainArrays(NamedTuple):
    """Arrays of one chain over one stretch of transitions; n coordinates, k directions."""

    model: Integers  # (5,): n, length of a draw, addresses of density, of draw and of the density's table
    position: Floats  # (n,)
    gradient: Floats  # (n,) of the log density at the position
    log_density: Floats  # (1,)
    rng: NDArray[np.uint64]  # (4,)
    scale: Floats  # (n,) S
    directions: Floats  # (k, n) U
    stretch: Floats  # (k,) C
    step: Floats  # (6,) see `STEP` and after
    values: Floats  # (transitions, length of a draw), or (0, 0) where draws are not kept
    trace: Floats  # (transitions, 2 n) positions and gradients, or (0, 0)
    stats: Floats  # (transitions, 8) see `DIVERGING` and after
    counts: Integers  # (2,): transitions done, divergences
    stop: Integers  # (1,): not zero ends the run after the transition that is under way


(
    MODEL, POSITION, GRADIENT, LOG_DENSITY, RNG, SCALE, DIRECTIONS, STRETCH, STEP_STATE, VALUES, TRACE, STATS,
    COUNTS, STOP,
) = range(len(ChainArrays._fields))  # fmt: skip

# Columns of the statistics.
DIVERGING, DEPTH, N_STEPS, ENERGY, LP, STEP_SIZE, ACCEPTANCE, AT_MAX_DEPTH = range(8)

# Rows of the working matrix: both ends of a trajectory (position, momentum, gradient times T'), the draw from
# the part being added (position, gradient), the gradient just computed, the trajectory's summed momentum, the
# momentum where the part is added, a drift. Three rows for each level of pending parts follow.
X, P, G = range(3)
ENDS = 3  # rows of an end: the backward one comes first
FRESH, RAW, TOTAL, SEAM, SPEED = 6, 8, 9, 10, 11
LEVELS = 12
LEVEL_ROWS = 3


@kernel
def row(work, k):
    """View of a row of the working matrix."""
    return vector_in(work, k * work.shape[1], work.shape[1])


@kernel
def rng_of(chain):
    """State of the chain's random numbers."""
    return carray(as_pointer(chain[RNG, 0]), (4,), np.uint64)


@kernel
def evaluate(chain, x, gradient, value):
    """Write the log density at x and its gradient; return whether the value is finite."""
    model = integers_at(chain, MODEL)
    status = call_density(
        model[2], model[0], x.ctypes.data, gradient.ctypes.data, value.ctypes.data, model[4]
    )
    return status == 0 and np.isfinite(value[0])


@kernel
def dot(a, b):
    """Inner product."""
    total = 0.0
    for i in range(a.shape[0]):
        total += a[i] * b[i]
    return total


@kernel
def add(a, factor, b):
    """Add a multiple of b to a."""
    for i in range(a.shape[0]):
        a[i] += factor * b[i]


@kernel
def copy(a, b):
    """Write b into a."""
    for i in range(a.shape[0]):
        a[i] = b[i]


@kernel
def _stretch(chain, v):
    """Multiply v by I + U' C U, whose rows are orthonormal, so one after the other."""
    stretch, directions = floats_at(chain, STRETCH), float_rows_at(chain, DIRECTIONS)
    for k in range(stretch.shape[0]):
        add(v, stretch[k] * dot(directions[k], v), directions[k])


@kernel
def pull(chain, gradient, out):
    """Write T' gradient, the force on the momentum."""
    scale = floats_at(chain, SCALE)
    for i in range(scale.shape[0]):
        out[i] = scale[i] * gradient[i]
    _stretch(chain, out)


@kernel
def _drift(chain, x, p, step, speed):
    """Move x by step T p."""
    scale = floats_at(chain, SCALE)
    if floats_at(chain, STRETCH).shape[0] == 0:
        for i in range(scale.shape[0]):
            x[i] += step * scale[i] * p[i]
        return
    copy(speed, p)
    _stretch(chain, speed)
    for i in range(scale.shape[0]):
        x[i] += step * scale[i] * speed[i]


@kernel
def leapfrog(chain, work, end, step, value):
    """Move one end of the trajectory by a step; return its energy, infinite where there is no density.

    Writes the log density to `value` and its gradient to the row RAW.
    """
    x, p, g = row(work, end + X), row(work, end + P), row(work, end + G)
    add(p, 0.5 * step, g)
    _drift(chain, x, p, step, row(work, SPEED))
    raw = row(work, RAW)
    if not evaluate(chain, x, raw, value):
        return np.inf
    pull(chain, raw, g)
    add(p, 0.5 * step, g)
    return 0.5 * dot(p, p) - value[0]
