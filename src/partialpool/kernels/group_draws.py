"""Draws of group effects given outer parameters, by independence Metropolis steps on their conditionals."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numba import carray

from partialpool.kernels.compiling import compile_native, kernel
from partialpool.kernels.density import draw_values
from partialpool.kernels.group_likelihood import add_cells
from partialpool.kernels.group_maps import GROUPS, all_maps, maps_size, place_all
from partialpool.kernels.group_nodes import (
    evaluate_nodes,
    move,
    node_views,
    nodes_size,
)
from partialpool.kernels.inputs import COEF_EXPANSION, EFFECT_VALUE, N_SLOTS, TERM_START
from partialpool.kernels.marginal import (
    ACCEPTANCE,
    CENTRES,
    COUNTS,
    DRAWS,
    FIRST_DRAW,
    FIRST_GROUP,
    GROUP_STARTS,
    LAST_GROUP,
    LOG_WEIGHTS,
    N_ARGUMENTS,
    N_DRAWS,
    N_GROUPS,
    N_NODES,
    N_OUTER,
    N_POINTS,
    N_VALUES,
    NODES,
    OUTER_TABLE,
    PLACES_OF_DRAWS,
    POINTS,
    QUANTILES,
    SEED,
    SIGNATURE,
    TABLE,
    VALUES_BLOCK,
)
from partialpool.kernels.pointers import as_pointer, floats_at, integers_at, matrix_in, vector_in
from partialpool.kernels.vectorised import logarithm

AT_ONCE = 16  # proposals evaluated together
MANY_GROUPS = 5000  # tell the outer parameters so well that groups stay where they are
FREEDOM = 7.0  # of the proposals' t distributions: lighter tails than the target's would trap the chain there
SPREAD = 0.95  # their scale, in the target's sds


@kernel
def _hashed(key, counter):
    """64 random bits of a counter (SplitMix64: Steele, Lea & Flood 2014)."""
    z = np.uint64(key) + np.uint64(counter + 1) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@kernel
def _shuffled(key, i, n, half):
    """Place of i in a permutation of n numbers, another for each key: a Feistel cipher of four rounds."""
    mask = np.uint64((1 << half) - 1)
    value = np.uint64(i)
    while True:
        left, right = value >> np.uint64(half), value & mask
        for turn in range(4):
            mixed = (right + (key >> np.uint64(13 * turn))) * np.uint64(0x9E3779B97F4A7C15)
            left, right = right, left ^ ((mixed ^ (mixed >> np.uint64(29))) >> np.uint64(17)) & mask
        value = (left << np.uint64(half)) | right
        # The cipher permutes a power of four; numbers beyond n go round again.
        if value < np.uint64(n):
            return np.int64(value)


@kernel
def _propose(a, quantiles, draw, j0, j1, k, z, d):
    """Standardised proposals of a draw, set k of z; over all draws each number is a Latin hypercube's."""
    half = 1  # of the bits of the smallest power of four that is not below the number of draws
    while (1 << (2 * half)) < quantiles.shape[0]:
        half += 1
    for i in range(j1 - j0):
        for m in range(d):
            key = _hashed(np.uint64(a[SEED]), 2 * ((j0 + i) * d + m))
            z[(k * GROUPS + i) * d + m] = quantiles[_shuffled(key, draw, quantiles.shape[0], half)]


@kernel
def _weigh(centres, j0, j1, k, z, logs, e):
    """Log importance weights of set k: from log integrands in logs take the log density of the proposals."""
    d = e.shape[0]
    for i in range(j1 - j0):
        at, row, total = (k * GROUPS + i) * d, (j0 + i) * (d + d * d), 0.0
        for a in range(d):
            value = z[at + a] - centres[row + a]
            for m in range(a):
                value -= centres[row + d + a * d + m] * e[m]
            e[a] = value / centres[row + d + a * d + a]
            total += logarithm(1.0 + e[a] * e[a] / (SPREAD * SPREAD * FREEDOM))
        logs[k, i] += 0.5 * (FREEDOM + 1.0) * total


@kernel
def _metropolis(a, state, weight, draw, j0, j1, k, work, d, acceptance):
    """One independence step of groups j0 up to j1; where set k is refused its effects give way to set 0's.

    Set 0 is the present state's; logs hold log weights.
    """
    effects, logs, z = work[0], work[1], work[2]
    for i in range(j1 - j0):
        new = logs[k, i]
        ratio = new - weight[j0 + i]
        # A state out of reach, the first among them, is left whatever comes.
        probability = 1.0 if not np.isfinite(weight[j0 + i]) or ratio >= 0 else np.exp(ratio)
        acceptance[j0 + i] += probability if np.isfinite(new) else 0.0
        bits = _hashed(np.uint64(a[SEED]), 2 * (draw * a[N_GROUPS] + j0 + i) + 1)
        if np.float64(bits >> np.uint64(11)) * 1.1102230246251565e-16 < probability:
            weight[j0 + i] = new
            for m in range(d):
                state[(j0 + i) * d + m] = z[(k * GROUPS + i) * d + m]
                effects[m * GROUPS + i] = effects[(k * d + m) * GROUPS + i]


@kernel
def _write_effects(data, draw, j0, j1, n_effects, effects):
    value = integers_at(data, EFFECT_VALUE)
    for e in range(n_effects):
        for j in range(j0, j1):
            draw[value[e] + j] = effects[e * GROUPS + j - j0]


@kernel
def _step(
    a,
    data,
    starts,
    maps,
    place,
    j0,
    j1,
    coef,
    quantiles,
    draw,
    n,
    begun,
    state,
    weight,
    work,
    e,
    acceptance,
    scratch,
    rows,
    draws,
):
    """Make n draws of the effects of groups j0 up to j1 at one outer point, from number `draw` on."""
    effects, logs, z, centres, _ = work
    d = e.shape[0]
    # The state goes along with the proposals as set 0: at a new outer point it has another density.
    for i in range((j1 - j0) * d):
        z[i] = state[j0 * d + i]
    for k in range(n):
        _propose(a, quantiles, draw + k, j0, j1, k + 1, z, d)
        move(centres, j0, j1, k + 1, z, d)
    for k in range(n + 1):
        place_all(data, maps, place, j0, j1, k, z, k * GROUPS * d, d, effects, logs, scratch)
    add_cells(data, a[VALUES_BLOCK], starts, j0, j1, coef, effects, n + 1, logs)
    for k in range(n + 1):
        _weigh(centres, j0, j1, k, z, logs, e)
    for i in range(j1 - j0):
        weight[j0 + i] = logs[0, i] if begun else -np.inf
    for k in range(n):
        _metropolis(a, state, weight, draw + k, j0, j1, k + 1, work, d, acceptance)
        _write_effects(data, draws[rows[draw + k]], j0, j1, d, effects)


def _sample_entry(arguments):
    a = carray(arguments, (N_ARGUMENTS,), np.int64)
    data = carray(as_pointer(a[TABLE]), (N_SLOTS, 3), np.int64)
    outer = carray(as_pointer(a[OUTER_TABLE]), (N_SLOTS, 3), np.int64)
    n_groups, groups = a[N_GROUPS], (a[FIRST_GROUP], a[LAST_GROUP])
    starts = carray(as_pointer(a[GROUP_STARTS]), (n_groups + 1,), np.int64)
    term_start = integers_at(data, TERM_START)
    d, n_coef = term_start[term_start.shape[0] - 1], floats_at(data, COEF_EXPANSION).shape[0]
    points = carray(as_pointer(a[POINTS]), (a[N_POINTS], a[N_OUTER]), np.float64)
    nodes = carray(as_pointer(a[NODES]), (a[N_NODES], d), np.float64)
    log_weights = carray(as_pointer(a[LOG_WEIGHTS]), (a[N_NODES],), np.float64)
    counts = carray(as_pointer(a[COUNTS]), (a[N_POINTS],), np.int64)
    quantiles = carray(as_pointer(a[QUANTILES]), (a[N_DRAWS],), np.float64)
    rows = carray(as_pointer(a[PLACES_OF_DRAWS]), (a[N_DRAWS],), np.int64)
    draws = carray(as_pointer(a[DRAWS]), (a[N_DRAWS], a[N_VALUES]), np.float64)
    acceptance = carray(as_pointer(a[ACCEPTANCE]), (n_groups,), np.float64)
    centres = carray(as_pointer(a[CENTRES]), (n_groups * (d + d * d),), np.float64)
    n_maps, n_scratch, n_sets = maps_size(data, n_groups), 2 + d + d * d, max(AT_ONCE + 1, a[N_NODES])
    used = 4 * n_coef + n_scratch + n_maps + n_groups * (d + 1) + d
    memory = np.zeros(used + nodes_size(n_sets, d))
    coefficients, scratch = matrix_in(memory, 0, 4, n_coef), vector_in(memory, 4 * n_coef, n_scratch)
    maps, own = vector_in(memory, 4 * n_coef + n_scratch, n_maps), used - n_groups * (d + 1) - d
    state, weight = vector_in(memory, own, n_groups * d), vector_in(memory, own + n_groups * d, n_groups)
    e, work = vector_in(memory, used - d, d), node_views(memory, used, n_sets, d, centres)
    place = np.empty(term_start.shape[0], np.int64)
    draw, begun = a[FIRST_DRAW], False
    for i in range(a[N_POINTS]):
        if counts[i] == 0:
            continue
        for k in range(counts[i]):
            draw_values(outer, points[i], draws[rows[draw + k]])
        all_maps(data, points[i], n_groups, groups, coefficients, maps, place, scratch)
        for j0 in range(groups[0], groups[1], GROUPS):
            j1 = min(j0 + GROUPS, groups[1])
            if not begun or n_groups < MANY_GROUPS:
                evaluate_nodes(
                    data,
                    a[VALUES_BLOCK],
                    starts,
                    maps,
                    place,
                    j0,
                    j1,
                    coefficients[1],
                    nodes,
                    log_weights,
                    work,
                    scratch,
                )
            for done in range(0, counts[i], AT_ONCE):
                now = min(AT_ONCE, counts[i] - done)
                fresh = done > 0 or begun
                _step(
                    a,
                    data,
                    starts,
                    maps,
                    place,
                    j0,
                    j1,
                    coefficients[1],
                    quantiles,
                    draw + done,
                    now,
                    fresh,
                    state,
                    weight,
                    work,
                    e,
                    acceptance,
                    scratch,
                    rows,
                    draws,
                )
        draw += counts[i]
        begun = True
    memory[0] = 0.0  # its last use: it must outlive its views
    return 0.0


@cache
def native_sample() -> Any:
    """C function of the arguments above: draws of the effects given outer points."""
    return compile_native(_sample_entry, SIGNATURE)
