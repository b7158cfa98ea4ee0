"""Each group's effects integrated out by quadrature, and drawn from their exact conditional.

For models of one grouping factor. Given the outer parameters (coefficients, sds, correlations, dispersion) its
groups are independent: the marginal density is a product of one small integral a group, over the coordinate z
of `kernels.centring`, in which the integrand is close to a standard normal density. Cells stand sorted by group.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
from numba import carray, types

from partialpool.kernels.centring import forward_group
from partialpool.kernels.coefficients import coefficients_forward
from partialpool.kernels.compiling import compile_native, kernel
from partialpool.kernels.covariances import covariance_forward
from partialpool.kernels.density import draw_values
from partialpool.kernels.group_blocks import column_at
from partialpool.kernels.inputs import (
    COEF_COLUMN,
    COEF_EXPANSION,
    COEF_START,
    EFFECT_COLUMN,
    EFFECT_PRIOR,
    EFFECT_PRIOR_PARAMETERS,
    EFFECT_VALUE,
    GROUP_INDEX,
    INFORMATION,
    N_SLOTS,
    PLACES,
    ROWS,
    SCALE_COEF,
    SCALE_POWER,
    SIZES,
    TERM_PLACE,
    TERM_PREDICTOR,
    TERM_START,
)
from partialpool.kernels.pointers import (
    as_pointer,
    call_family,
    float_rows_at,
    floats_at,
    index_rows_at,
    integers_at,
    integers_in,
    matrix_in,
    vector_in,
)
from partialpool.kernels.prior_terms import prior_term
from partialpool.kernels.pulls import pulls_forward
from partialpool.kernels.rows import read_row, row_at
from partialpool.kernels.vectorised import exponential

BLOCK = 512  # cells at a time
GROUPS = 256  # groups at a time

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
) = range(26)


@kernel
def _prepare(data, x, coefficients, scratch):
    """Coordinates to coefficients (row 1) and their deviations (row 3); returns their log prior."""
    expansion = floats_at(data, COEF_EXPANSION)
    total = coefficients_forward(data, x, coefficients[0], coefficients[1], coefficients[2], scratch)
    for k in range(expansion.shape[0]):
        coefficients[3, k] = coefficients[1, k] - expansion[k]
    return total


@kernel
def _term_maps(data, x, t, groups, coefficients, pull, maps, scratch):
    """Write the map from z to zeta of term t for groups[0] up to groups[1]; return the log prior of its covariance.

    A group's row of maps: the factor U (d, d) with its diagonal inverted, the shift (d,), the log Jacobian.
    Before all rows stands L (d, d).
    """
    start, place = integers_at(data, TERM_START), integers_at(data, TERM_PLACE)
    d, size = start[t + 1] - start[t], pull.shape[0]
    work = np.empty(5 * d * d + 4 * d)
    factor, curved = matrix_in(work, 0, d, d), matrix_in(work, d * d, d, d)
    free, zeta = vector_in(work, 2 * d * d, d * (d - 1) // 2), vector_in(work, 3 * d * d, d)
    sds, zero = vector_in(work, 3 * d * d + d, d), matrix_in(work, 3 * d * d + 2 * d, 1, d)
    chol = matrix_in(maps, 0, d, d)
    total = covariance_forward(data, x, t, sds, factor, chol, free, scratch)
    scale, k = 1.0, integers_at(data, SCALE_COEF)[t]
    if k >= 0:
        scale = np.exp(floats_at(data, SCALE_POWER)[t] * coefficients[3, k])
    p, coef_start = integers_at(data, TERM_PREDICTOR)[t], integers_at(data, COEF_START)
    deviation = coefficients[3, coef_start[p] : coef_start[p + 1]]
    pulls_forward(data, t, deviation, scale, pull.reshape(-1), pull)
    first = place[PLACES * t + 1]
    information = floats_at(data, INFORMATION)[first : first + size * d * d].reshape(size, d, d)
    zero[0, :] = 0.0
    width = d * d + d + 1
    if d == 1:
        _scalar_maps(chol[0, 0], groups, information, scale, pull, maps)
        work[0] = 0.0  # its last use: it must outlive its views
        return total
    for j in range(groups[0], groups[1]):
        row = d * d + j * width
        own_factor, shift = matrix_in(maps, row, d, d), vector_in(maps, row + d * d, d)
        maps[row + d * d + d] = forward_group(
            chol, information[j : j + 1], scale, pull[j : j + 1], zero, 0, curved, own_factor, shift, zeta
        )
        for a in range(d):
            own_factor[a, a] = 1.0 / own_factor[a, a]
    work[0] = 0.0  # its last use: it must outlive its views
    return total


@kernel
def _scalar_maps(sd, groups, information, scale, pull, maps):
    """The maps of a term of one coefficient."""
    for j in range(groups[0], groups[1]):
        root = math.sqrt(1.0 + sd * sd * scale * information[j, 0, 0])
        maps[1 + 3 * j] = 1.0 / root
        maps[2 + 3 * j] = sd * pull[j, 0] / root
        maps[3 + 3 * j] = -math.log(root)


@kernel
def _place_term(data, t, maps, first, groups, z, at, stride, effects, place, logs, scratch):
    """Write term t's effects of groups[0] up to groups[1]; add their log prior and log Jacobian to logs.

    A group's coordinates stand in z from `at` on, `stride` after those of the group before; its effects go to
    `place` on, coefficients GROUPS apart; the term's maps begin at `first`. (Positions in place of slices, and
    the loop over groups inside: each array passed on counts references, which takes longer than the arithmetic.)
    """
    start = integers_at(data, TERM_START)[t]
    d = integers_at(data, TERM_START)[t + 1] - start
    fixed = integers_at(data, EFFECT_PRIOR)[start] != 0
    prior_scale = 0.0 if fixed else 0.5
    for i in range(groups[1] - groups[0]):
        row = first + d * d + (groups[0] + i) * (d * d + d + 1)
        shift, own, to = row + d * d, at + i * stride, place + i
        total = maps[shift + d]
        # zeta, in place of the effects until they are complete
        for a in range(d - 1, -1, -1):
            value = maps[shift + a] + z[own + a]
            for m in range(a + 1, d):
                value -= maps[row + m * d + a] * effects[to + m * GROUPS]
            value *= maps[row + a * d + a]
            effects[to + a * GROUPS] = value
            total -= prior_scale * value * value
        for a in range(d - 1, -1, -1):
            value = 0.0
            for m in range(a + 1):
                value += maps[first + a * d + m] * effects[to + m * GROUPS]
            effects[to + a * GROUPS] = value
        logs[i] += total
    if fixed:
        address, parameters = integers_at(data, EFFECT_PRIOR), float_rows_at(data, EFFECT_PRIOR_PARAMETERS)
        for i in range(groups[1] - groups[0]):
            for a in range(d):
                effect = effects[place + i + a * GROUPS]
                logs[i] += prior_term(address[start + a], effect, parameters[start + a], scratch)[0]


@kernel
def _fixed_part(data, p, n, coef, addresses, eta):
    """Add the coefficients' part to the linear predictor p of n cells."""
    coef_start, coef_column = integers_at(data, COEF_START), integers_at(data, COEF_COLUMN)
    for k in range(coef_start[p], coef_start[p + 1]):
        value, column = coef[k], coef_column[k]
        if column < 0:
            for i in range(n):
                eta[i] += value
        else:
            x = column_at(addresses, column, n)
            for i in range(n):
                eta[i] += value * x[i]


@kernel
def _group_part(data, p, first, n, effects, place, first_group, addresses, eta):
    """Add the group effects to predictor p of n cells; the effects' set stands at `place`."""
    group_index = index_rows_at(data, GROUP_INDEX)
    start, effect_column = integers_at(data, TERM_START), integers_at(data, EFFECT_COLUMN)
    groups, predictor = group_index[0, first : first + n], integers_at(data, TERM_PREDICTOR)
    for t in range(predictor.shape[0]):
        if predictor[t] != p:
            continue
        for e in range(start[t], start[t + 1]):
            own, column = place + e * GROUPS - first_group, effect_column[e]
            if column < 0:
                for i in range(n):
                    eta[i] += effects[own + groups[i]]
            else:
                x = column_at(addresses, column, n)
                for i in range(n):
                    eta[i] += x[i] * effects[own + groups[i]]


@kernel
def _add_cells(data, block, group_starts, j0, j1, coef, effects, n_z, logs):
    """Add the log likelihood of groups j0 up to j1 to (n_z, GROUPS) logs, for n_z sets of effects."""
    sizes = integers_at(data, SIZES)
    n_predictors, n_stats, n_effects = sizes[1], sizes[4], integers_at(data, EFFECT_COLUMN).shape[0]
    n_columns = integers_at(data, ROWS).shape[0] // 2 - n_stats - n_predictors
    work = np.empty((2 * n_predictors + n_stats + n_columns + 1) * BLOCK + n_columns)
    base, eta = matrix_in(work, 0, n_predictors, BLOCK), matrix_in(work, n_predictors * BLOCK, n_predictors, BLOCK)
    used = 2 * n_predictors * BLOCK
    stats, columns = matrix_in(work, used, n_stats, BLOCK), matrix_in(work, used + n_stats * BLOCK, n_columns, BLOCK)
    used += (n_stats + n_columns) * BLOCK
    value, addresses = vector_in(work, used, BLOCK), integers_in(work, used + BLOCK, n_columns)
    stop, first_group = group_starts[j1], j0
    for first in range(group_starts[j0], stop, BLOCK):
        n = min(BLOCK, stop - first)
        for s in range(n_stats):
            read_row(data, s, first, n, stats[s])
        for c in range(n_columns):
            addresses[c] = row_at(data, n_stats + n_predictors + c, first, n, columns[c])
        for p in range(n_predictors):
            read_row(data, n_stats + p, first, n, base[p])
            _fixed_part(data, p, n, coef, addresses, base[p])
        while group_starts[first_group + 1] <= first:
            first_group += 1
        for k in range(n_z):
            own = k * n_effects * GROUPS
            for p in range(n_predictors):
                eta[p, :n] = base[p, :n]
                _group_part(data, p, first, n, effects, own, j0, addresses, eta[p])
            call_family(
                block, n, stats.ctypes.data, BLOCK, eta.ctypes.data, BLOCK, value.ctypes.data, 0
            )
            i, j = 0, first_group
            while i < n:
                last = min(n, group_starts[j + 1] - first)
                total = 0.0
                for m in range(i, last):
                    total += value[m]
                logs[k, j - j0] += total
                i, j = last, j + 1
    work[0] = 0.0  # its last use: it must outlive its views


@kernel
def _place_all(data, maps, place, j0, j1, k, z, first, group_stride, effects, logs, scratch):
    """Write set k of the effects of groups j0 up to j1; its logs begin with their prior and Jacobian.

    z holds group j0's coordinates from `first` on, another group's `group_stride` after the group before.
    """
    start, n_effects = integers_at(data, TERM_START), integers_at(data, EFFECT_COLUMN).shape[0]
    own = logs[k]
    own[: j1 - j0] = 0.0
    for t in range(start.shape[0] - 1):
        at, to = first + start[t], (k * n_effects + start[t]) * GROUPS
        _place_term(data, t, maps, place[t], (j0, j1), z, at, group_stride, effects, to, own, scratch)


@kernel
def _all_maps(data, x, n_groups, groups, coefficients, maps, place, scratch):
    """Write every term's maps of groups[0] up to groups[1]; return the log prior of all outer parameters."""
    start = integers_at(data, TERM_START)
    total = _prepare(data, x, coefficients, scratch)
    position = 0
    for t in range(start.shape[0] - 1):
        d = start[t + 1] - start[t]
        place[t] = position
        pull = np.empty((n_groups, d))
        total += _term_maps(data, x, t, groups, coefficients, pull, maps[position:], scratch)
        position += d * d + n_groups * (d * d + d + 1)
    return total


@kernel
def _maps_size(data, n_groups):
    start = integers_at(data, TERM_START)
    total = 0
    for t in range(start.shape[0] - 1):
        d = start[t + 1] - start[t]
        total += d * d + n_groups * (d * d + d + 1)
    return total


@kernel
def _views(work, first, n_maps, n_sets, n_effects):
    """Views of the maps, of the sets of effects and of their logs in a working array; see `vector_in`."""
    used = first + n_maps
    n = n_sets * n_effects * GROUPS
    return vector_in(work, first, n_maps), vector_in(work, used, n), matrix_in(work, used + n, n_sets, GROUPS)


@kernel
def _log_sums(logs, log_weights, n_groups, n_z):
    """Sum over groups of the log of the sum over nodes of weighted integrands."""
    result = 0.0
    for j in range(n_groups):
        largest = -np.inf
        for k in range(n_z):
            largest = max(largest, logs[k, j] + log_weights[k])
        if not np.isfinite(largest):
            return -np.inf
        total = 0.0
        for k in range(n_z):
            total += exponential(logs[k, j] + log_weights[k] - largest)
        result += largest + math.log(total)
    return result


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
    group_starts = carray(as_pointer(a[GROUP_STARTS]), (a[N_GROUPS] + 1,), np.int64)
    n_groups, n_z, n_outer = a[N_GROUPS], a[N_NODES], a[N_OUTER]
    start = integers_at(data, TERM_START)
    n_effects = start[start.shape[0] - 1]
    points = carray(as_pointer(a[POINTS]), (a[N_POINTS], n_outer), np.float64)
    nodes = carray(as_pointer(a[NODES]), (n_z, n_effects), np.float64)
    log_weights = carray(as_pointer(a[LOG_WEIGHTS]), (n_z,), np.float64)
    out = carray(as_pointer(a[OUT]), (a[N_POINTS],), np.float64)
    n_coef = floats_at(data, COEF_EXPANSION).shape[0]
    n_maps, n_sets = _maps_size(data, n_groups), n_z
    work = np.empty(4 * n_coef + 2 + n_maps + n_sets * (n_effects + 1) * GROUPS)
    coefficients, scratch = matrix_in(work, 0, 4, n_coef), vector_in(work, 4 * n_coef, 2)
    maps, effects, logs = _views(work, 4 * n_coef + 2, n_maps, n_sets, n_effects)
    place = np.empty(start.shape[0], np.int64)
    groups = (a[FIRST_GROUP], a[LAST_GROUP])
    for i in range(a[N_POINTS]):
        total = _all_maps(data, points[i], n_groups, groups, coefficients, maps, place, scratch)
        for j0 in range(a[FIRST_GROUP], a[LAST_GROUP], GROUPS):
            j1 = min(j0 + GROUPS, a[LAST_GROUP])
            for k in range(n_z):
                _place_all(
                    data, maps, place, j0, j1, k, nodes.reshape(-1), k * n_effects, 0, effects, logs, scratch
                )
            _add_cells(data, a[VALUES_BLOCK], group_starts, j0, j1, coefficients[1], effects, n_z, logs)
            total += _log_sums(logs, log_weights, j1 - j0, n_z)
            if a[LOGS] != 0:
                _write_tables(a, i, j0, j1, n_z, n_effects, effects, logs)
        out[i] = total if np.isfinite(total) else -np.inf
    work[0] = 0.0  # its last use: it must outlive its views
    return 0.0


@kernel
def _hashed(key, counter):
    """64 random bits of a counter (SplitMix64: Steele, Lea & Flood 2014)."""
    z = np.uint64(key) + np.uint64(counter + 1) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@kernel
def _shuffled(key, i, n):
    """Place of i in a random permutation of n numbers, one permutation a key: a Feistel cipher of four rounds."""
    half = 1
    while (1 << (2 * half)) < n:
        half += 1
    mask = np.uint64((1 << half) - 1)
    value = np.uint64(i)
    while True:
        left, right = value >> np.uint64(half), value & mask
        for turn in range(4):
            left, right = right, left ^ (_hashed(key + np.uint64(turn), np.int64(right)) & mask)
        value = (left << np.uint64(half)) | right
        # The cipher permutes a power of four; numbers beyond n go round again.
        if value < np.uint64(n):
            return np.int64(value)


@kernel
def _propose(a, quantiles, draw, j0, j1, n_effects, first, out):
    """Standard normal proposals of a draw from `first` on; over all draws each is a Latin hypercube's."""
    for j in range(j0, j1):
        for e in range(n_effects):
            key = _hashed(np.uint64(a[SEED]), 2 * (j * n_effects + e))
            out[first + (j - j0) * n_effects + e] = quantiles[_shuffled(key, draw, quantiles.shape[0])]


@kernel
def _metropolis(a, z, weight, draw, j0, j1, k, effects, logs, proposals, acceptance):
    """One independence step of groups j0 up to j1; in `effects` the proposals' give way to those kept.

    The proposal is standard normal in z, so a state's weight is its log integrand plus half its square.
    `effects` holds the proposals' effects at k and the present state's at 0.
    """
    n_effects = z.shape[1]
    for j in range(j0, j1):
        new, own = logs[k, j - j0], ((k - 1) * GROUPS + j - j0) * n_effects
        for e in range(n_effects):
            new += 0.5 * proposals[own + e] * proposals[own + e]
        ratio = new - weight[j]
        # A state out of reach, the first among them, is left whatever comes.
        probability = 1.0 if not np.isfinite(weight[j]) or ratio >= 0 else np.exp(ratio)
        acceptance[j] += probability
        bits = _hashed(np.uint64(a[SEED]), 2 * (draw * a[N_GROUPS] + j) + 1)
        if np.float64(bits >> np.uint64(11)) * 1.1102230246251565e-16 < probability:
            weight[j] = new
            for e in range(n_effects):
                z[j, e] = proposals[own + e]
                effects[e * GROUPS + j - j0] = effects[(k * n_effects + e) * GROUPS + j - j0]


@kernel
def _weigh(logs, z, j0, j1, weight):
    """Write the log importance weights of the states of groups j0 up to j1."""
    for j in range(j0, j1):
        weight[j] = logs[j - j0]
        for e in range(z.shape[1]):
            weight[j] += 0.5 * z[j, e] * z[j, e]


@kernel
def _write_effects(data, draw, j0, j1, n_effects, effects):
    value = integers_at(data, EFFECT_VALUE)
    for e in range(n_effects):
        for j in range(j0, j1):
            draw[value[e] + j] = effects[e * GROUPS + j - j0]


AT_ONCE = 16  # proposals evaluated together


def _sample_entry(arguments):
    a = carray(arguments, (N_ARGUMENTS,), np.int64)
    data = carray(as_pointer(a[TABLE]), (N_SLOTS, 3), np.int64)
    n_groups, n_outer = a[N_GROUPS], a[N_OUTER]
    group_starts = carray(as_pointer(a[GROUP_STARTS]), (n_groups + 1,), np.int64)
    start = integers_at(data, TERM_START)
    n_effects = start[start.shape[0] - 1]
    points = carray(as_pointer(a[POINTS]), (a[N_POINTS], n_outer), np.float64)
    counts = carray(as_pointer(a[COUNTS]), (a[N_POINTS],), np.int64)
    quantiles = carray(as_pointer(a[QUANTILES]), (a[N_DRAWS],), np.float64)
    rows = carray(as_pointer(a[PLACES_OF_DRAWS]), (a[N_DRAWS],), np.int64)
    draws = carray(as_pointer(a[DRAWS]), (a[N_DRAWS], a[N_VALUES]), np.float64)
    acceptance = carray(as_pointer(a[ACCEPTANCE]), (n_groups,), np.float64)
    n_coef = floats_at(data, COEF_EXPANSION).shape[0]
    n_maps, n_sets, n_z = _maps_size(data, n_groups), AT_ONCE + 1, n_groups * n_effects
    used = 4 * n_coef + 2 + n_maps + n_sets * (n_effects + 1) * GROUPS
    work = np.zeros(used + n_z + n_groups + AT_ONCE * GROUPS * n_effects)
    coefficients, scratch = matrix_in(work, 0, 4, n_coef), vector_in(work, 4 * n_coef, 2)
    maps, effects, logs = _views(work, 4 * n_coef + 2, n_maps, n_sets, n_effects)
    z, weight = matrix_in(work, used, n_groups, n_effects), vector_in(work, used + n_z, n_groups)
    proposals = vector_in(work, used + n_z + n_groups, AT_ONCE * GROUPS * n_effects)
    weight[:] = -np.inf
    place = np.empty(start.shape[0], np.int64)
    outer = carray(as_pointer(a[OUTER_TABLE]), (N_SLOTS, 3), np.int64)
    draw, begun = a[FIRST_DRAW], False
    groups = (a[FIRST_GROUP], a[LAST_GROUP])
    for i in range(a[N_POINTS]):
        if counts[i] == 0:
            continue
        for k in range(counts[i]):
            draw_values(outer, points[i], draws[rows[draw + k]])
        _all_maps(data, points[i], n_groups, groups, coefficients, maps, place, scratch)
        for j0 in range(a[FIRST_GROUP], a[LAST_GROUP], GROUPS):
            j1 = min(j0 + GROUPS, a[LAST_GROUP])
            # The state goes along with the proposals: at a new point its density is another one.
            for done in range(0, counts[i], AT_ONCE):
                now = min(AT_ONCE, counts[i] - done)
                state = z.reshape(-1)
                _place_all(
                    data, maps, place, j0, j1, 0, state, j0 * n_effects, n_effects, effects, logs, scratch
                )
                for k in range(now):
                    own = k * GROUPS * n_effects
                    _propose(a, quantiles, draw + done + k, j0, j1, n_effects, own, proposals)
                    _place_all(
                        data, maps, place, j0, j1, k + 1, proposals, own, n_effects, effects, logs, scratch
                    )
                _add_cells(data, a[VALUES_BLOCK], group_starts, j0, j1, coefficients[1], effects, now + 1, logs)
                if done == 0 and begun:
                    _weigh(logs[0], z, j0, j1, weight)
                for k in range(now):
                    at = draw + done + k
                    _metropolis(a, z, weight, at, j0, j1, k + 1, effects, logs, proposals, acceptance)
                    _write_effects(data, draws[rows[at]], j0, j1, n_effects, effects)
        draw += counts[i]
        begun = True
    work[0] = 0.0  # its last use: it must outlive its views
    return 0.0


_SIGNATURE = types.float64(types.CPointer(types.int64))


@cache
def native_integrate() -> Any:
    """C function of the arguments above: log marginal densities at outer points."""
    return compile_native(_integrate_entry, _SIGNATURE)


@cache
def native_sample() -> Any:
    """C function of the arguments above: draws of the effects given outer points."""
    return compile_native(_sample_entry, _SIGNATURE)
