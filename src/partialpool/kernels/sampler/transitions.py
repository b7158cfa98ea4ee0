"""The no-U-turn sampler: one chain advanced by any number of transitions without the interpreter.

Multinomial sampling of the trajectory and the U-turn criterion on summed momenta are of Betancourt (2017), "A
conceptual introduction to Hamiltonian Monte Carlo", appendix A; trees that double of Hoffman and Gelman
(2014), "The no-U-turn sampler", J. Machine Learning Research 15; the criterion across the seam of two joined
trees, without which trajectories near a whole period go on too long, is Stan's since 2.21.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numba import carray, types

from partialpool.kernels.math.rng import next_bits, normal, uniform
from partialpool.kernels.native.compiling import compile_native, kernel
from partialpool.kernels.native.pointers import call_draw, float_rows_at, floats_at, integers_at
from partialpool.kernels.sampler.leapfrog import (
    ACCEPTANCE,
    AT_MAX_DEPTH,
    COUNTS,
    DEPTH,
    DIVERGING,
    ENDS,
    ENERGY,
    FRESH,
    GRADIENT,
    LEVEL_ROWS,
    LEVELS,
    LOG_DENSITY,
    LP,
    MODEL,
    N_STEPS,
    POSITION,
    RAW,
    SEAM,
    STATS,
    STEP_SIZE,
    STEP_STATE,
    STOP,
    TOTAL,
    TRACE,
    VALUES,
    ChainArrays,
    G,
    P,
    X,
    add,
    copy,
    dot,
    leapfrog,
    pull,
    rng_of,
    row,
)

MAX_DEPTH = 10
MAX_ENERGY_ERROR = 1000.0
N_CHAIN_SLOTS = len(ChainArrays._fields)

# What the transition under way keeps count of.
START_ENERGY, LOG_WEIGHT, ACCEPTED, LEAPS, FRESH_LP, FRESH_ENERGY, VALUE = range(7)

# Where the step size stands: itself, the average of its log, the sum of acceptance errors, the number of
# updates, the log it is drawn to, and the acceptance rate that is aimed at (0: the step size stays).
STEP, LOG_AVERAGE, ERRORS, UPDATES, ANCHOR, TARGET = range(6)
# How strongly errors count, how little early ones do, how fast they fade.
GAIN, DELAY, FADING = 0.2, 10.0, 0.75


@kernel
def _turned(left_sum, left_first, left_last, right_sum, right_first, right_last):
    """Say whether two adjacent parts of a trajectory together, or across their seam, make a U-turn."""
    whole_first = whole_last = left_first_seam = left_last_seam = right_first_seam = right_last_seam = 0.0
    for i in range(left_sum.shape[0]):
        whole = left_sum[i] + right_sum[i]
        whole_first += left_first[i] * whole
        whole_last += right_last[i] * whole
        seam = left_sum[i] + right_first[i]
        left_first_seam += left_first[i] * seam
        left_last_seam += right_first[i] * seam
        seam = right_sum[i] + left_last[i]
        right_first_seam += left_last[i] * seam
        right_last_seam += right_last[i] * seam
    # Negated as a whole: NaN is a turn.
    return not (
        whole_first > 0.0
        and whole_last > 0.0
        and left_first_seam > 0.0
        and left_last_seam > 0.0
        and right_first_seam > 0.0
        and right_last_seam > 0.0
    )


@kernel
def _log_add(a, b):
    """log(exp(a) + exp(b)), where a may be -inf and b is finite."""
    high, low = max(a, b), min(a, b)
    return high + np.log1p(np.exp(low - high))


@kernel
def _level(work, level, which):
    """A pending part's first momentum (0), last (1) and sum (2), by the level of the part's size."""
    return row(work, LEVELS + LEVEL_ROWS * level + which)


@kernel
def _merge(work, leaf, p):
    """Add a leaf's momentum to the pending parts, joining equals; return whether any join turns.

    Parts pending after leaf i are of the sizes that i + 1 has as binary digits. The part that ends with this
    leaf has p as its last momentum; its first one and its sum stand one level below.
    """
    level = 0
    first, total = p, p
    while (leaf >> level) & 1:
        left_first = _level(work, level, 0)
        left_last = left_first if level == 0 else _level(work, level, 1)
        left_sum = left_first if level == 0 else _level(work, level, 2)
        if _turned(left_sum, left_first, left_last, total, first, p):
            return True
        joint = _level(work, level, 2)
        if level == 0:
            copy(joint, left_first)
        add(joint, 1.0, total)
        first, total = left_first, joint
        level += 1
    copy(_level(work, level, 0), first)
    if level > 0:
        copy(_level(work, level, 1), p)
        copy(_level(work, level, 2), total)
    return False


@kernel
def _grow(chain, work, tally, end, step, depth):
    """Add 2^depth leaves at one end; return 0, 1 for a U-turn within, 2 for a divergence.

    A draw from the new leaves, each by its weight, stands in the rows FRESH; the log of their summed weight,
    against that of the start, in the returned second number.
    """
    rng, log_weight = rng_of(chain), -np.inf
    value = tally[VALUE:]
    for leaf in range(1 << depth):
        energy = leapfrog(chain, work, end, step, value)
        gain = tally[START_ENERGY] - energy
        tally[LEAPS] += 1.0
        if not gain > -MAX_ENERGY_ERROR:
            return 2, log_weight
        tally[ACCEPTED] += min(1.0, np.exp(gain))
        log_weight = _log_add(log_weight, gain)
        if leaf == 0 or uniform(rng) < np.exp(gain - log_weight):
            copy(row(work, FRESH), row(work, end + X))
            copy(row(work, FRESH + 1), row(work, RAW))
            tally[FRESH_LP], tally[FRESH_ENERGY] = value[0], energy
        if _merge(work, leaf, row(work, end + P)):
            return 1, log_weight
    return 0, log_weight


@kernel
def _begin(chain, work, tally):
    """Draw a momentum and put both ends of the trajectory, and the draw so far, where the chain stands."""
    rng, position, gradient = rng_of(chain), floats_at(chain, POSITION), floats_at(chain, GRADIENT)
    p = row(work, P)
    for i in range(p.shape[0]):
        p[i] = normal(rng)
    copy(row(work, X), position)
    pull(chain, gradient, row(work, G))
    for k in range(ENDS):
        copy(row(work, ENDS + k), row(work, k))
    copy(row(work, TOTAL), p)
    tally[:] = 0.0
    tally[START_ENERGY] = 0.5 * dot(p, p) - floats_at(chain, LOG_DENSITY)[0]


@kernel
def _keep(chain, work, tally, stats):
    """Take the draw from the new leaves as the chain's."""
    copy(floats_at(chain, POSITION), row(work, FRESH))
    copy(floats_at(chain, GRADIENT), row(work, FRESH + 1))
    floats_at(chain, LOG_DENSITY)[0] = tally[FRESH_LP]
    stats[ENERGY] = tally[FRESH_ENERGY]


@kernel
def _joined(work, end, depth):
    """Add the new part's momenta to the trajectory's; say whether the two together make a U-turn."""
    new_last, far = row(work, end + P), row(work, ENDS - end + P)
    new_first = _level(work, depth, 0)
    new_sum = new_first if depth == 0 else _level(work, depth, 2)
    total = row(work, TOTAL)
    turned = _turned(total, far, row(work, SEAM), new_sum, new_first, new_last)
    add(total, 1.0, new_sum)
    return turned


@kernel
def _transition(chain, work, tally, stats):
    """Move the chain to a draw from its trajectory; write the transition's statistics."""
    rng, step = rng_of(chain), floats_at(chain, STEP_STATE)[STEP]
    _begin(chain, work, tally)
    stats[:] = 0.0
    stats[ENERGY], stats[STEP_SIZE] = tally[START_ENERGY], step
    log_weight, depth = 0.0, 0
    while depth < MAX_DEPTH:
        backward = next_bits(rng) >> np.uint64(63) == np.uint64(0)
        end = 0 if backward else ENDS
        copy(row(work, SEAM), row(work, end + P))
        outcome, added = _grow(chain, work, tally, end, -step if backward else step, depth)
        if outcome > 0:
            stats[DIVERGING] = 1.0 if outcome == 2 else 0.0
            break
        # The new part is preferred to the old: the draw moves as far as detailed balance lets it.
        if uniform(rng) < np.exp(added - log_weight):
            _keep(chain, work, tally, stats)
        log_weight = _log_add(log_weight, added)
        turned = _joined(work, end, depth)
        depth += 1
        if turned:
            break
    stats[DEPTH], stats[N_STEPS] = depth, tally[LEAPS]
    stats[LP] = floats_at(chain, LOG_DENSITY)[0]
    stats[ACCEPTANCE] = tally[ACCEPTED] / tally[LEAPS]
    stats[AT_MAX_DEPTH] = 1.0 if depth == MAX_DEPTH else 0.0


@kernel
def _adapt(state, acceptance):
    """Dual averaging of the log of the step size (Hoffman and Gelman 2014, section 3.2)."""
    state[UPDATES] += 1.0
    m = state[UPDATES]
    state[ERRORS] += state[TARGET] - acceptance
    log_step = state[ANCHOR] - np.sqrt(m) / (GAIN * (m + DELAY)) * state[ERRORS]
    share = m**-FADING
    state[LOG_AVERAGE] = share * log_step + (1.0 - share) * state[LOG_AVERAGE]
    state[STEP] = np.exp(log_step)


@kernel
def _write(chain, i, stats):
    """Write what a transition leaves: statistics, and where wanted the draw and the trace."""
    model, position = integers_at(chain, MODEL), floats_at(chain, POSITION)
    copy(float_rows_at(chain, STATS)[i], stats)
    values, trace = float_rows_at(chain, VALUES), float_rows_at(chain, TRACE)
    if values.shape[0] > 0:
        x, out = position.ctypes.data, values[i].ctypes.data
        call_draw(model[3], model[0], model[1], x, out, model[4])
    if trace.shape[0] > 0:
        copy(trace[i, : model[0]], position)
        copy(trace[i, model[0] :], floats_at(chain, GRADIENT))


@kernel
def advance(chain):
    """Advance a chain until its statistics are full or it is told to stop."""
    n = integers_at(chain, MODEL)[0]
    work = np.empty((LEVELS + LEVEL_ROWS * MAX_DEPTH, n))
    tally, stats = np.empty(8), np.empty(8)
    counts, stop = integers_at(chain, COUNTS), integers_at(chain, STOP)
    step = floats_at(chain, STEP_STATE)
    for i in range(float_rows_at(chain, STATS).shape[0]):
        if stop[0] != 0:
            break
        _transition(chain, work, tally, stats)
        _write(chain, i, stats)
        if step[TARGET] > 0.0:
            _adapt(step, stats[ACCEPTANCE])
        counts[0] += 1
        counts[1] += np.int64(stats[DIVERGING])
    work[0, 0] = 0.0  # its last use: it must outlive its views


def _advance_entry(table):
    advance(carray(table, (N_CHAIN_SLOTS, 3), np.int64))


@cache
def native_advance() -> Any:
    """C function (address of a table of `ChainArrays`): advances the chain, writes into its arrays."""
    return compile_native(_advance_entry, types.void(types.voidptr))
