"""The marginal density of a model of one grouping factor: each group's effects integrated out by quadrature.

Given the outer parameters its groups are independent, so the marginal density is a product of one small
integral a group, over coordinates in which the integrand is close to a standard normal density. Cells stand
sorted by group.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numba import carray, types

from partialpool.kernels.compiling import compile_native, kernel
from partialpool.kernels.group_maps import GROUPS, all_maps, maps_size
from partialpool.kernels.group_nodes import evaluate_nodes, node_views, nodes_size
from partialpool.kernels.inputs import COEF_EXPANSION, N_SLOTS, TERM_START
from partialpool.kernels.pointers import as_pointer, floats_at, integers_at, matrix_in, vector_in

# The arguments of the compiled functions, all of them numbers or addresses.
(
    TABLE,
    OUTER_TABLE,  # of the model without groups
    VALUES_BLOCK,  # the family's block that writes each cell's log likelihood
    GROUP_STARTS,  # (J + 1,) first cell of each group
    FIRST_GROUP,
    LAST_GROUP,  # groups from the first up to, not including, the last
    N_GROUPS,
    N_OUTER,
    N_POINTS,
    POINTS,  # (N, Q)
    N_NODES,
    NODES,  # (M, D)
    LOG_WEIGHTS,  # (M,)
    CENTRES,  # (J, D + D D) where each group's nodes stand, and how wide: kept from call to call
    OUT,  # (N,) log marginal densities
    LOGS,  # (N, groups, M) log integrands, or 0
    EFFECTS,  # (N, groups, M, D) effects at the nodes, or 0
    COUNTS,  # (N,) draws at each point
    FIRST_DRAW,  # number of the first of them
    N_DRAWS,  # of all calls together
    QUANTILES,  # (all draws,) increasing quantiles of the standard normal, one a draw
    PLACES_OF_DRAWS,  # (all draws,) the row of each
    DRAWS,  # (all draws, n_values), of which the effects are written
    N_VALUES,
    SEED,
    ACCEPTANCE,  # (J,) sums of acceptance probabilities
    N_ARGUMENTS,
) = range(27)

SIGNATURE = types.float64(types.CPointer(types.int64))


@kernel
def _write_tables(a, i, j0, j1, n_z, n_effects, effects, logs):
    """Write the integrands and, if they are wanted, the effects of groups j0 up to j1 at outer point i."""
    first, n = a[FIRST_GROUP], a[LAST_GROUP] - a[FIRST_GROUP]
    table = carray(as_pointer(a[LOGS]), (a[N_POINTS], n, n_z), np.float64)
    for j in range(j0, j1):
        for k in range(n_z):
            table[i, j - first, k] = logs[k, j - j0]
    if a[EFFECTS] != 0:
        values = carray(as_pointer(a[EFFECTS]), (a[N_POINTS], n, n_z, n_effects), np.float64)
        for j in range(j0, j1):
            for k in range(n_z):
                for e in range(n_effects):
                    values[i, j - first, k, e] = effects[(k * n_effects + e) * GROUPS + j - j0]


def _integrate_entry(arguments):
    a = carray(arguments, (N_ARGUMENTS,), np.int64)
    data = carray(as_pointer(a[TABLE]), (N_SLOTS, 3), np.int64)
    n_groups, n_z, groups = a[N_GROUPS], a[N_NODES], (a[FIRST_GROUP], a[LAST_GROUP])
    starts = carray(as_pointer(a[GROUP_STARTS]), (n_groups + 1,), np.int64)
    term_start = integers_at(data, TERM_START)
    d, n_coef = term_start[term_start.shape[0] - 1], floats_at(data, COEF_EXPANSION).shape[0]
    points = carray(as_pointer(a[POINTS]), (a[N_POINTS], a[N_OUTER]), np.float64)
    nodes = carray(as_pointer(a[NODES]), (n_z, d), np.float64)
    log_weights = carray(as_pointer(a[LOG_WEIGHTS]), (n_z,), np.float64)
    out = carray(as_pointer(a[OUT]), (a[N_POINTS],), np.float64)
    centres = carray(as_pointer(a[CENTRES]), (n_groups * (d + d * d),), np.float64)
    n_maps, n_scratch = maps_size(data, n_groups), 2 + d + d * d
    used = 4 * n_coef + n_scratch + n_maps
    memory = np.empty(used + nodes_size(n_z, d))
    coefficients, scratch = matrix_in(memory, 0, 4, n_coef), vector_in(memory, 4 * n_coef, n_scratch)
    maps, work = vector_in(memory, used - n_maps, n_maps), node_views(memory, used, n_z, d, centres)
    place = np.empty(term_start.shape[0], np.int64)
    for i in range(a[N_POINTS]):
        total = all_maps(data, points[i], n_groups, groups, coefficients, maps, place, scratch)
        for j0 in range(groups[0], groups[1], GROUPS):
            j1 = min(j0 + GROUPS, groups[1])
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
            for j in range(j1 - j0):
                total += work[4][j]
            if a[LOGS] != 0:
                _write_tables(a, i, j0, j1, n_z, d, work[0], work[1])
        out[i] = total if np.isfinite(total) else -np.inf
    memory[0] = 0.0  # its last use: it must outlive its views
    return 0.0


@cache
def native_integrate() -> Any:
    """C function of the arguments above: log marginal densities at outer points."""
    return compile_native(_integrate_entry, SIGNATURE)
