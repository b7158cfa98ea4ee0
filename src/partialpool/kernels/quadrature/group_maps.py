"""Effects of groups from standardised coordinates, for models of one grouping factor.

Given the outer parameters (coefficients, sds, correlations, dispersion) every group has an affine map from
its coordinates z of `kernels.density.centring` to its effects. Kernels go through the groups in blocks.
Arrays of a block have groups along the last axis, and loops over groups are the inner ones: the compiler
turns them into instructions for several groups at once.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from partialpool.kernels.density.centring import forward_group
from partialpool.kernels.density.constrained import free_numbers, parameters_forward
from partialpool.kernels.density.covariances import covariance_forward
from partialpool.kernels.density.inputs import (
    BLOCK_PLACE,
    COEF_EXPANSION,
    CROSS,
    EFFECT_PRIOR,
    EFFECT_PRIOR_PARAMETERS,
    INFORMATION,
    PLACES,
    PULL,
    SCALE_COEF,
    SCALE_POWER,
    TERM_COEFS,
    TERM_PLACE,
    TERM_START,
)
from partialpool.kernels.density.prior_terms import prior_term
from partialpool.kernels.math.vectorised import LN2, mantissa_and_exponent
from partialpool.kernels.native.compiling import kernel
from partialpool.kernels.native.pointers import float_rows_at, floats_at, integers_at, matrix_in, vector_in

GROUPS = 128  # groups at hand at a time: what belongs to them stays in the processor's first cache


class GroupMaps(NamedTuple):
    """A model's groups at an outer point; all but the first three entries are written there.

    Attributes
    ----------
    data
        The model's address table.
    block
        Address of the family's block that writes each cell's log likelihood.
    starts
        (J + 1,) first cell of each group.
    coefficients
        (3, K): to work in, as predictors use them, less their expansion.
    shared
        Of each term its covariance's factor L (d, d) and the scale of its information, flat.
    maps
        (sum of d d + d, GROUPS) of each term the factors U, their diagonals inverted, and the shifts.
    scratch
        Two numbers.
    """

    data: Any
    block: Any
    starts: Any
    coefficients: Any
    shared: Any
    maps: Any
    scratch: Any


@kernel
def map_places(data, t):
    """Where term t begins in what groups share and among the rows of maps; for t = T, their sizes."""
    start, shared, row = integers_at(data, TERM_START), 0, 0
    for s in range(t):
        d = start[s + 1] - start[s]
        shared += d * d + 1
        row += d * d + d
    return shared, row


@kernel
def outer_forward(groups, x):
    """Write what all groups share at outer point x; return the log prior of all outer parameters."""
    data, coefficients, scratch = groups.data, groups.coefficients, groups.scratch
    expansion, start = floats_at(data, COEF_EXPANSION), integers_at(data, TERM_START)
    blocks = integers_at(data, BLOCK_PLACE)
    n_free, n_values = blocks[blocks.shape[0] - 3], blocks[blocks.shape[0] - 2]
    work = np.empty(n_free + 2 * n_values)
    free, values = vector_in(work, 0, n_free), vector_in(work, n_free, n_values)
    bars = vector_in(work, n_free + n_values, n_values), coefficients[0]
    free_numbers(data, x, free)
    total = parameters_forward(data, free, values, bars[0], coefficients[1], bars[1], scratch)
    for k in range(expansion.shape[0]):
        coefficients[2, k] = coefficients[1, k] - expansion[k]
    for t in range(start.shape[0] - 1):
        d, first = start[t + 1] - start[t], map_places(data, t)[0]
        covariance_forward(data, t, values, matrix_in(groups.shared, first, d, d))
        k = integers_at(data, SCALE_COEF)[t]
        power = floats_at(data, SCALE_POWER)[t] * coefficients[2, k] if k >= 0 else 0.0
        groups.shared[first + d * d] = math.exp(power)
    work[0] = 0.0  # its last use: it must outlive its views
    return total


@kernel
def block_maps(groups, j0, j1):
    """Write the maps of groups j0 up to j1; return the sum of their log Jacobians."""
    start, total = integers_at(groups.data, TERM_START), 0.0
    for t in range(start.shape[0] - 1):
        d = start[t + 1] - start[t]
        _pulls(groups, t, d, j0, j1 - j0)
        total += _scalar_maps(groups, t, j0, j1 - j0) if d == 1 else _maps(groups, t, d, j0, j1 - j0)
    return total


@kernel
def _pulls(groups, t, d, j0, n):
    """Write the pulls of n groups from j0 on into the place of their shifts.

    It is what `pulls.pulls_forward` computes where no term lies in another.
    """
    place, coefs = integers_at(groups.data, TERM_PLACE), integers_at(groups.data, TERM_COEFS)
    deviation = groups.coefficients[2, coefs[2 * t] : coefs[2 * t + 1]]
    pull = floats_at(groups.data, PULL)[place[PLACES * t] + j0 * d :]
    cross = floats_at(groups.data, CROSS)[place[PLACES * t + 2] + j0 * d * deviation.shape[0] :]
    shared, row = map_places(groups.data, t)
    scale = groups.shared[shared + d * d]
    for i in range(n):
        for a in range(d):
            total, own = pull[i * d + a], (i * d + a) * deviation.shape[0]
            for k in range(deviation.shape[0]):
                total -= cross[own + k] * deviation[k]
            groups.maps[row + d * d + a, i] = scale * total


@kernel
def _scalar_maps(groups, t, j0, n):
    """`_maps` for a term of one coefficient."""
    maps, (shared, row) = groups.maps, map_places(groups.data, t)
    own = integers_at(groups.data, TERM_PLACE)[PLACES * t + 1] + j0
    information = floats_at(groups.data, INFORMATION)[own : own + n]
    sd, scale, product, exponents = groups.shared[shared], groups.shared[shared + 1], 1.0, 0
    for i in range(n):
        precision = 1.0 + sd * sd * scale * information[i]
        inverse = 1.0 / math.sqrt(precision)
        maps[row, i] = inverse
        maps[row + 1, i] *= sd * inverse
        mantissa, exponent = mantissa_and_exponent(precision)
        product *= mantissa  # of at most GROUPS, which are fewer than FACTORS
        exponents += exponent
    return -0.5 * (math.log(product) + LN2 * exponents)


@kernel
def _maps(groups, t, d, j0, n):
    """From pulls, which stand in the shifts' place, write the maps of term t; return log Jacobians' sum."""
    maps, (first, row) = groups.maps, map_places(groups.data, t)
    place, shifts = integers_at(groups.data, TERM_PLACE)[PLACES * t + 1], row + d * d
    work = np.empty(2 * d * d + 4 * d)
    factor, curved = matrix_in(work, 0, d, d), matrix_in(work, d * d, d, d)
    pull, shift = matrix_in(work, 2 * d * d, 1, d), vector_in(work, 2 * d * d + d, d)
    zero, zeta = matrix_in(work, 2 * d * d + 2 * d, 1, d), vector_in(work, 2 * d * d + 3 * d, d)
    information = floats_at(groups.data, INFORMATION)[place + j0 * d * d : place + (j0 + n) * d * d]
    information = information.reshape(n, d, d)
    chol, scale, total = matrix_in(groups.shared, first, d, d), groups.shared[first + d * d], 0.0
    zero[0, :] = 0.0
    for i in range(n):
        for a in range(d):
            pull[0, a] = maps[shifts + a, i]
        own = information[i : i + 1]
        total += forward_group(d, chol, own, scale, pull, zero, 0, curved, factor, shift, zeta)
        for a in range(d):
            maps[shifts + a, i] = shift[a]
            for c in range(a):
                maps[row + a * d + c, i] = factor[a, c]
            maps[row + a * d + a, i] = 1.0 / factor[a, a]
    work[0] = 0.0  # its last use: it must outlive its views
    return total


@kernel
def place_effects(groups, n, sets, z, effects, logs):
    """Write effects of n groups from their coordinates, sets[0] up to sets[1]; logs become their log prior.

    z and effects are (sets, D, GROUPS), logs (sets, GROUPS).
    """
    start = integers_at(groups.data, TERM_START)
    if start[1] > 1:  # a term of one coefficient writes what it would add, if it is the first
        for k in range(sets[0], sets[1]):
            for i in range(n):
                logs[k, i] = 0.0
    for t in range(start.shape[0] - 1):
        first, d = start[t], start[t + 1] - start[t]
        if d == 1:
            _place_scalar_term(groups, t, first, n, sets, z, effects, logs)
        else:
            _place_term(groups, t, first, d, n, sets, z, effects, logs)
        if integers_at(groups.data, EFFECT_PRIOR)[first] != 0:
            _add_fixed_priors(groups, first, d, n, sets, effects, logs)


@kernel
def _place_scalar_term(groups, t, first, n, sets, z, effects, logs):
    """`_place_term` for a term of one coefficient."""
    maps, (shared, row) = groups.maps, map_places(groups.data, t)
    sd = groups.shared[shared]
    prior_scale = 0.5 if integers_at(groups.data, EFFECT_PRIOR)[first] == 0 else 0.0
    for k in range(sets[0], sets[1]):
        if t == 0:
            for i in range(n):
                zeta = (maps[row + 1, i] + z[k, first, i]) * maps[row, i]
                effects[k, first, i] = sd * zeta
                logs[k, i] = -prior_scale * zeta * zeta
        else:
            for i in range(n):
                zeta = (maps[row + 1, i] + z[k, first, i]) * maps[row, i]
                effects[k, first, i] = sd * zeta
                logs[k, i] -= prior_scale * zeta * zeta


@kernel
def _place_term(groups, t, first, d, n, sets, z, effects, logs):
    """Write the d effects of term t, from number `first` on; add their log prior where its sd is learnt."""
    maps, (shared, row) = groups.maps, map_places(groups.data, t)
    # A fixed prior is not that of zeta.
    prior_scale = 0.5 if integers_at(groups.data, EFFECT_PRIOR)[first] == 0 else 0.0
    for k in range(sets[0], sets[1]):
        # zeta, in place of the effects until they are complete
        for a in range(d - 1, -1, -1):
            own, shift, inverse = first + a, row + d * d + a, row + a * d + a
            for i in range(n):
                effects[k, own, i] = maps[shift, i] + z[k, own, i]
            for m in range(a + 1, d):
                other, entry = first + m, row + m * d + a
                for i in range(n):
                    effects[k, own, i] -= maps[entry, i] * effects[k, other, i]
            for i in range(n):
                zeta = effects[k, own, i] * maps[inverse, i]
                effects[k, own, i] = zeta
                logs[k, i] -= prior_scale * zeta * zeta
        for a in range(d - 1, -1, -1):
            own, scale = first + a, groups.shared[shared + a * d + a]
            for i in range(n):
                effects[k, own, i] *= scale
            for m in range(a):
                other, scale = first + m, groups.shared[shared + a * d + m]
                for i in range(n):
                    effects[k, own, i] += scale * effects[k, other, i]


@kernel
def _add_fixed_priors(groups, first, d, n, sets, effects, logs):
    """Add the log priors of d effects from number `first` on, which do not depend on outer parameters."""
    address = integers_at(groups.data, EFFECT_PRIOR)
    parameters = float_rows_at(groups.data, EFFECT_PRIOR_PARAMETERS)
    for e in range(first, first + d):
        for k in range(sets[0], sets[1]):
            for i in range(n):
                logs[k, i] += prior_term(address[e], effects[k, e, i], parameters[e], groups.scratch)[0]
