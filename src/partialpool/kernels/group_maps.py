"""Effects of groups from standardised coordinates, for models of one grouping factor.

Given the outer parameters (coefficients, sds, correlations, dispersion) every group has an affine map from
its coordinates z of `kernels.centring` to its effects. Sets of effects are kept side by side: coefficient e
of set k of the i-th group at hand stands at (k E + e) GROUPS + i.
"""

from __future__ import annotations

import math

import numpy as np

from partialpool.kernels.centring import forward_group
from partialpool.kernels.coefficients import coefficients_forward
from partialpool.kernels.compiling import kernel
from partialpool.kernels.covariances import covariance_forward
from partialpool.kernels.inputs import (
    COEF_EXPANSION,
    COEF_START,
    EFFECT_COLUMN,
    EFFECT_PRIOR,
    EFFECT_PRIOR_PARAMETERS,
    INFORMATION,
    PLACES,
    SCALE_COEF,
    SCALE_POWER,
    TERM_PLACE,
    TERM_PREDICTOR,
    TERM_SIZE,
    TERM_START,
)
from partialpool.kernels.pointers import float_rows_at, floats_at, integers_at, matrix_in, vector_in
from partialpool.kernels.prior_terms import prior_term
from partialpool.kernels.pulls import pulls_forward

GROUPS = 256  # groups at hand at a time


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
    """Write the maps from z to zeta of term t, of groups[0] up to groups[1]; return a log prior.

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
    """The maps of a term of one coefficient: inverse factors of all groups, shifts, log Jacobians."""
    n = pull.shape[0]
    for j in range(groups[0], groups[1]):
        root = math.sqrt(1.0 + sd * sd * scale * information[j, 0, 0])
        maps[1 + j] = 1.0 / root
        maps[1 + n + j] = sd * pull[j, 0] / root
        maps[1 + 2 * n + j] = -math.log(root)


@kernel
def _place_scalar(maps, first, n_groups, groups, z, at, stride, effects, place, prior_scale, logs):
    """`_place_term` for a term of one coefficient, in a loop that handles several groups at once."""
    sd, row = maps[first], first + 1 + groups[0]
    for i in range(groups[1] - groups[0]):
        zeta = (maps[row + n_groups + i] + z[at + i * stride]) * maps[row + i]
        effects[place + i] = sd * zeta
        logs[i] += maps[row + 2 * n_groups + i] - prior_scale * zeta * zeta


@kernel
def all_maps(data, x, n_groups, groups, coefficients, maps, place, scratch):
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
def maps_size(data, n_groups):
    """Length of all terms' maps."""
    start = integers_at(data, TERM_START)
    total = 0
    for t in range(start.shape[0] - 1):
        d = start[t + 1] - start[t]
        total += d * d + n_groups * (d * d + d + 1)
    return total


@kernel
def _place_term(data, t, maps, first, groups, z, at, stride, effects, place, logs, scratch):
    """Write term t's effects of groups[0] up to groups[1]; add their log prior and log Jacobian to logs.

    A group's coordinates stand in z from `at` on, `stride` after those of the group before; its effects go to
    `place` on, coefficients GROUPS apart; the term's maps begin at `first`. (Positions in place of slices,
    and the loop over groups inside: each array passed on counts references, which takes longer than the
    arithmetic.)
    """
    start = integers_at(data, TERM_START)[t]
    d = integers_at(data, TERM_START)[t + 1] - start
    fixed = integers_at(data, EFFECT_PRIOR)[start] != 0
    prior_scale = 0.0 if fixed else 0.5
    if d == 1:
        n_groups = integers_at(data, TERM_SIZE)[t]
        _place_scalar(maps, first, n_groups, groups, z, at, stride, effects, place, prior_scale, logs)
    for i in range(groups[1] - groups[0] if d > 1 else 0):
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
def place_all(data, maps, place, j0, j1, k, z, first, group_stride, effects, logs, scratch):
    """Write set k of the effects of groups j0 up to j1; its logs begin with their prior and Jacobian.

    z holds group j0's coordinates from `first` on, another group's `group_stride` after the group before.
    """
    start, n_effects = integers_at(data, TERM_START), integers_at(data, EFFECT_COLUMN).shape[0]
    own = logs[k]
    own[: j1 - j0] = 0.0
    for t in range(start.shape[0] - 1):
        at, to = first + start[t], (k * n_effects + start[t]) * GROUPS
        _place_term(data, t, maps, place[t], (j0, j1), z, at, group_stride, effects, to, own, scratch)
