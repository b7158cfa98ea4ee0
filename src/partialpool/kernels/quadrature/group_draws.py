"""Draws of group effects given outer parameters, by independence Metropolis steps on their conditionals.

Proposals of an effect are a Latin hypercube over all draws: every stretch of the distribution that they come
from gives one. To shuffle them for each effect anew would take longer than all the rest, so they are shuffled
once, and each effect reads them from a place of its own in strides of its own, which have no factor in common
with their number.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numba import carray

from partialpool.kernels.density.inputs import EFFECT_VALUE, N_SLOTS
from partialpool.kernels.density.log_density import draw_values
from partialpool.kernels.math.vectorised import exponential_single, where
from partialpool.kernels.native.compiling import compile_native, kernel
from partialpool.kernels.native.pointers import as_pointer, integers_at
from partialpool.kernels.quadrature.group_integrals import (
    ACCEPTANCE,
    COUNTS,
    DRAWS,
    FIRST_DRAW,
    N_ARGUMENTS,
    N_DRAWS,
    N_GROUPS,
    N_OUTER_VALUES,
    N_POINTS,
    N_VALUES,
    OUTER_TABLE,
    OUTER_VALUES,
    PLACES_OF_DRAWS,
    PROPOSALS,
    SIGNATURE,
    WALKS,
    kept_centres,
    outer_points,
    set_up,
)
from partialpool.kernels.quadrature.group_likelihood import add_cells
from partialpool.kernels.quadrature.group_maps import GROUPS, block_maps, outer_forward, place_effects
from partialpool.kernels.quadrature.group_nodes import place_sets, read_centres

AT_ONCE = 15  # proposals evaluated together
# Columns of the proposals: the standardised number, minus its log density, a uniform number to accept it by.
NUMBER, RARITY, UNIFORM, COLUMNS = range(4)


class Chains(NamedTuple):
    """One chain of Metropolis steps for each group.

    Sets of the groups at hand, of their rarity too, are the present state and then the proposals at hand.

    Attributes
    ----------
    proposals
        (all draws times 3,) a row after the other.
    positions, strides
        (D, J) where each effect reads its next proposal, and how far it moves then; unsigned, as numba looks
        out for negative indices otherwise.
    state
        (D + 1, J) coordinates of the present effects, and their rarity.
    acceptance
        (J,) sums of acceptance probabilities.
    rarity, uniform
        (AT_ONCE + 1, GROUPS) of the sets.
    taken
        (GROUPS,) 1 where the last proposal was accepted, else 0.
    present
        (GROUPS,) number of the set that is the present state.
    weight
        (GROUPS,) log importance weight of the present state.
    """

    proposals: Any
    positions: Any
    strides: Any
    state: Any
    acceptance: Any
    rarity: Any
    uniform: Any
    taken: Any
    present: Any
    weight: Any


@kernel
def _begin(a, d, centres):
    """Chains at their centres, each about to read the proposal of this call's first draw."""
    n, shape = a[N_DRAWS], (d, a[N_GROUPS])
    walks = carray(as_pointer(a[WALKS]), (2, d, a[N_GROUPS]), np.int64)
    positions, strides = np.empty(shape, np.uint64), np.empty(shape, np.uint64)
    state = np.zeros((d + 1, a[N_GROUPS]))
    state[:d] = centres[:d]
    for m in range(d):
        for j in range(a[N_GROUPS]):
            positions[m, j] = COLUMNS * ((walks[0, m, j] + walks[1, m, j] * a[FIRST_DRAW]) % n)
            strides[m, j] = COLUMNS * walks[1, m, j]
    return Chains(
        carray(as_pointer(a[PROPOSALS]), (COLUMNS * n,), np.float64),
        positions,
        strides,
        state,
        carray(as_pointer(a[ACCEPTANCE]), (a[N_GROUPS],), np.float64),
        np.zeros((AT_ONCE + 1, GROUPS)),
        np.zeros((AT_ONCE + 1, GROUPS)),
        np.zeros(GROUPS),
        np.zeros(GROUPS),
        np.zeros(GROUPS),
    )


@kernel
def _propose(chains, j0, j1, n, d, sets):
    """Read n proposals of groups j0 up to j1 into sets 1 up to n, the present state into set 0."""
    proposals, size = chains.proposals, np.uint64(chains.proposals.shape[0])
    numbers, rarity, uniform = proposals[NUMBER:], proposals[RARITY:], proposals[UNIFORM:]
    for i in range(j1 - j0):
        chains.rarity[0, i] = chains.state[d, j0 + i]
    for k in range(1, n + 1):
        for i in range(j1 - j0):
            chains.rarity[k, i] = 0.0
    for m in range(d):
        positions, strides = chains.positions[m, j0:j1], chains.strides[m, j0:j1]
        for i in range(j1 - j0):
            sets.z[0, m, i] = chains.state[m, j0 + i]
        for k in range(1, n + 1):
            for i in range(j1 - j0):
                at = positions[i]
                sets.z[k, m, i] = numbers[at]
                chains.rarity[k, i] += rarity[at]
                chains.uniform[k, i] = uniform[at]
                at += strides[i]
                positions[i] = at - size if at >= size else at


@kernel
def _metropolis(chains, j0, j1, k, sets):
    """One step of groups j0 up to j1, to set k where it is accepted.

    The log importance weight of the state has an array of its own: LLVM makes no vectors of a loop that reads
    and writes rows of one array.
    """
    logs, rarity, uniform = sets.logs[k], chains.rarity[k], chains.uniform[k]
    acceptance, taken, present, weight = chains.acceptance[j0:j1], chains.taken, chains.present, chains.weight
    for i in range(j1 - j0):
        new, old = logs[i] + rarity[i], weight[i]
        ratio = new - old
        # It is no number where the proposal is out of reach; a state out of reach is left for any other.
        probability = where(ratio == ratio, exponential_single(min(ratio, 0.0)), 0.0)
        acceptance[i] += probability
        taken[i] = where(uniform[i] < probability, 1.0, 0.0)
        weight[i] = where(uniform[i] < probability, new, old)
        present[i] += taken[i] * (k - present[i])  # a choice would become a store under a mask, which is slow


@kernel
def _step(groups, chains, j0, j1, rows, draws, d, sets):
    """Make a draw of the effects of groups j0 up to j1 for each of some rows, at one outer point."""
    n, size, value = rows.shape[0], j1 - j0, integers_at(groups.data, EFFECT_VALUE)
    _propose(chains, j0, j1, n, d, sets)
    # The state goes along with the proposals: at a new outer point it has another density.
    place_effects(groups, size, (0, 1), sets.z, sets.effects, sets.logs)
    place_sets(groups, size, 1, n + 1, d, sets)
    add_cells(groups, j0, j1, sets.effects, n + 1, sets.logs)
    for i in range(size):
        weight = sets.logs[0, i] + chains.rarity[0, i]
        chains.weight[i] = weight if np.isfinite(weight) else -np.inf
        chains.present[i] = 0.0
    for k in range(1, n + 1):
        _metropolis(chains, j0, j1, k, sets)
        for e in range(d):
            place = slice(value[e] + j0, value[e] + j1)
            own, new = draws[rows[k - 1], place], sets.effects[k, e]
            before = sets.effects[0, e] if k == 1 else draws[rows[k - 2], place]
            for i in range(size):
                own[i] = where(chains.taken[i] > 0.0, new[i], before[i])
    for i in range(size):
        k = int(chains.present[i])
        for m in range(d):
            chains.state[m, j0 + i] = sets.z[k, m, i]
        chains.state[d, j0 + i] = chains.rarity[k, i]


@kernel
def _write_outer(a, x, rows, draws):
    """Write the values of outer point x into some rows of draws."""
    outer = carray(as_pointer(a[OUTER_TABLE]), (N_SLOTS, 3), np.int64)
    values = carray(as_pointer(a[OUTER_VALUES]), (a[N_OUTER_VALUES],), np.int64)
    draw_values(outer, x, draws[rows[0]])
    for k in range(1, rows.shape[0]):
        for v in values:
            draws[rows[k], v] = draws[rows[0], v]


def _sample_entry(arguments):
    a = carray(arguments, (N_ARGUMENTS,), np.int64)
    memory, groups, sets = set_up(a, AT_ONCE + 1)
    d = sets.z.shape[1]
    points, centres = outer_points(a), kept_centres(a, d)
    counts = carray(as_pointer(a[COUNTS]), (a[N_POINTS],), np.int64)
    rows = carray(as_pointer(a[PLACES_OF_DRAWS]), (a[N_DRAWS],), np.int64)
    draws = carray(as_pointer(a[DRAWS]), (a[N_DRAWS], a[N_VALUES]), np.float64)
    chains, last = _begin(a, d, centres), a[FIRST_DRAW]
    for i in range(a[N_POINTS]):
        first, last = last, last + counts[i]
        if first == last:
            continue
        _write_outer(a, points[i], rows[first:last], draws)
        outer_forward(groups, points[i])
        for j0 in range(0, a[N_GROUPS], GROUPS):
            j1 = min(j0 + GROUPS, a[N_GROUPS])
            block_maps(groups, j0, j1)
            read_centres(centres, j0, j1, sets)
            for done in range(first, last, AT_ONCE):
                _step(groups, chains, j0, j1, rows[done : min(done + AT_ONCE, last)], draws, d, sets)
    memory[0] = 0.0  # its last use: it must outlive its views
    return 0.0


@cache
def native_sample() -> Any:
    """C function of the arguments above: draws of the effects given outer points."""
    return compile_native(_sample_entry, SIGNATURE)
