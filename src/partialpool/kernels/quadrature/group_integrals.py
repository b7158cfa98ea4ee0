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

from partialpool.kernels.density.inputs import COEF_EXPANSION, N_SLOTS, TERM_START
from partialpool.kernels.native.compiling import compile_native, kernel
from partialpool.kernels.native.pointers import as_pointer, floats_at, integers_at, matrix_in, vector_in
from partialpool.kernels.quadrature.group_maps import GROUPS, GroupMaps, block_maps, map_places, outer_forward
from partialpool.kernels.quadrature.group_nodes import (
    evaluate_nodes,
    keep_centres,
    read_centres,
    sets_in,
    sets_size,
)

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
    CENTRES,  # (D + D D, J) where each group's nodes are tried first, and how wide
    KEEP,  # 1 to keep the positions of the last point's nodes
    OUT,  # (N,) log marginal densities
    LOGS,  # (N, groups, M) log integrands, or 0
    EFFECTS,  # (N, groups, M, D) effects at the nodes, or 0
    COUNTS,  # (N,) draws at each point
    FIRST_DRAW,  # number of the first of them
    N_DRAWS,  # of all calls together
    PROPOSALS,  # (all draws, 3), see `kernels.quadrature.group_draws`
    WALKS,  # (2, D, J) where each effect begins to read proposals, and its stride
    PLACES_OF_DRAWS,  # (all draws,) the row of each
    DRAWS,  # (all draws, n_values)
    N_VALUES,
    OUTER_VALUES,  # (V,) which of the values are not effects
    N_OUTER_VALUES,
    ACCEPTANCE,  # (J,) sums of acceptance probabilities
    N_ARGUMENTS,
) = range(30)

SIGNATURE = types.float64(types.CPointer(types.int64))


@kernel
def set_up(a, n_sets):
    """Working memory, which must outlive its views: a model's groups, and room for sets of their effects."""
    data = carray(as_pointer(a[TABLE]), (N_SLOTS, 3), np.int64)
    starts = carray(as_pointer(a[GROUP_STARTS]), (a[N_GROUPS] + 1,), np.int64)
    term_start = integers_at(data, TERM_START)
    d, n_coef = term_start[term_start.shape[0] - 1], floats_at(data, COEF_EXPANSION).shape[0]
    n_shared, n_rows = map_places(data, term_start.shape[0] - 1)
    at_maps = 3 * n_coef + 2 + n_shared
    at_sets = at_maps + n_rows * GROUPS
    memory = np.zeros(at_sets + sets_size(n_sets, d))
    groups = GroupMaps(
        data,
        a[VALUES_BLOCK],
        starts,
        matrix_in(memory, 0, 3, n_coef),
        vector_in(memory, 3 * n_coef + 2, n_shared),
        matrix_in(memory, at_maps, n_rows, GROUPS),
        vector_in(memory, 3 * n_coef, 2),
    )
    return memory, groups, sets_in(memory, at_sets, n_sets, d)


@kernel
def outer_points(a):
    """(N, Q) outer points."""
    return carray(as_pointer(a[POINTS]), (a[N_POINTS], a[N_OUTER]), np.float64)


@kernel
def kept_centres(a, d):
    """(D + D D, J) centres, of D effects a group."""
    return carray(as_pointer(a[CENTRES]), (d + d * d, a[N_GROUPS]), np.float64)


@kernel
def _write_tables(a, i, j0, j1, d, sets):
    """Write the integrands and, if they are wanted, the effects of groups j0 up to j1 at outer point i."""
    first, n, n_z = a[FIRST_GROUP], a[LAST_GROUP] - a[FIRST_GROUP], a[N_NODES]
    table = carray(as_pointer(a[LOGS]), (a[N_POINTS], n, n_z), np.float64)
    for j in range(j0, j1):
        for k in range(n_z):
            table[i, j - first, k] = sets.logs[k, j - j0]
    if a[EFFECTS] != 0:
        values = carray(as_pointer(a[EFFECTS]), (a[N_POINTS], n, n_z, d), np.float64)
        for j in range(j0, j1):
            for k in range(n_z):
                for e in range(d):
                    values[i, j - first, k, e] = sets.effects[k, e, j - j0]


def _integrate_entry(arguments):
    a = carray(arguments, (N_ARGUMENTS,), np.int64)
    memory, groups, sets = set_up(a, a[N_NODES])
    d = sets.z.shape[1]
    points, centres = outer_points(a), kept_centres(a, d)
    nodes = carray(as_pointer(a[NODES]), (a[N_NODES], d), np.float64)
    log_weights = carray(as_pointer(a[LOG_WEIGHTS]), (a[N_NODES],), np.float64)
    out = carray(as_pointer(a[OUT]), (a[N_POINTS],), np.float64)
    for i in range(a[N_POINTS]):
        total = outer_forward(groups, points[i])
        for j0 in range(a[FIRST_GROUP], a[LAST_GROUP], GROUPS):
            j1 = min(j0 + GROUPS, a[LAST_GROUP])
            total += block_maps(groups, j0, j1)
            # The same start at every point: no point can spoil what is found at another.
            read_centres(centres, j0, j1, sets)
            evaluate_nodes(groups, j0, j1, nodes, log_weights, sets)
            for j in range(j1 - j0):
                total += sets.totals[j]
            if a[LOGS] != 0:
                _write_tables(a, i, j0, j1, d, sets)
            if a[KEEP] != 0:
                keep_centres(sets, d, j0, j1, centres)
        out[i] = total if np.isfinite(total) else -np.inf
    memory[0] = 0.0  # its last use: it must outlive its views
    return 0.0


@cache
def native_integrate() -> Any:
    """C function of the arguments above: log marginal densities at outer points."""
    return compile_native(_integrate_entry, SIGNATURE)
