"""The log density of a multilevel GLM and its gradient, and the draw of a point."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numba import carray, types

from partialpool.kernels.density.constrained import (
    free_backward,
    free_numbers,
    parameters_backward,
    parameters_forward,
    values_forward,
)
from partialpool.kernels.density.covariances import (
    correlation_factor,
    covariance_backward,
    covariance_forward,
    sd_of,
)
from partialpool.kernels.density.effect_maps import effects_backward, effects_forward, fixed_priors
from partialpool.kernels.density.inputs import (
    BLOCK_PLACE,
    COEF_COLUMN,
    COEF_EXPANSION,
    CORR_VALUE,
    EFFECT_PRIOR,
    EFFECT_VALUE,
    JOINT,
    JOINT_BACKWARD,
    JOINT_FORWARD,
    JOINT_LARGEST,
    JOINT_PLACES,
    N_SLOTS,
    NOT_JOINT,
    PLACES,
    SCALE_COEF,
    SCALE_POWER,
    SD_VALUE,
    SIZES,
    TERM_COEFS,
    TERM_ORDER,
    TERM_PLACE,
    TERM_SIZE,
    TERM_START,
    VALUE_PLACE,
)
from partialpool.kernels.density.joint_views import joint_work
from partialpool.kernels.density.likelihood import likelihood, likelihood_work
from partialpool.kernels.density.pulls import pulls_backward, pulls_forward
from partialpool.kernels.density.rotations import rotate, rotate_back
from partialpool.kernels.native.compiling import compile_native, kernel
from partialpool.kernels.native.pointers import (
    call_joint,
    call_joint_back,
    floats_at,
    integers_at,
    matrix_in,
    vector_in,
)


@kernel
def _own(data, t, everything):
    """(J, d) view of term t's part of an array over all effects, which the caller keeps alive."""
    term_start = integers_at(data, TERM_START)
    place, size = integers_at(data, TERM_PLACE)[PLACES * t], integers_at(data, TERM_SIZE)[t]
    return matrix_in(everything, place, size, term_start[t + 1] - term_start[t])


@kernel
def _covariance(data, t, covariances):
    """Views of the factor of the covariance of term t's effects, and of the derivative by it."""
    term_start, place = integers_at(data, TERM_START), integers_at(data, TERM_PLACE)[PLACES * t + 3]
    d = term_start[t + 1] - term_start[t]
    return matrix_in(covariances, place, d, d), matrix_in(covariances, place + d * d, d, d)


@kernel
def _of_predictors(data, t, everything, row):
    """View of one row of an array over all coefficients: those of term t's predictors."""
    coefs = integers_at(data, TERM_COEFS)
    first, stop = coefs[2 * t], coefs[2 * t + 1]
    return vector_in(everything, row * everything.shape[1] + first, stop - first)


@kernel
def _scale(data, t, coef):
    """Factor of term t's information, given the present value of the coefficient that it depends on."""
    k = integers_at(data, SCALE_COEF)[t]
    if k < 0:
        return 1.0
    return np.exp(floats_at(data, SCALE_POWER)[t] * (coef[k] - floats_at(data, COEF_EXPANSION)[k]))


@kernel
def _is_joint(data, t):
    """Whether term t's effects are mapped together with others."""
    joint = integers_at(data, JOINT)
    return joint.shape[0] > 0 and joint[JOINT_PLACES + t] != NOT_JOINT


# Rows of the working arrays over coefficients, free numbers, values and effects.
COEF, PRIOR_BAR, COEF_BAR, DEVIATION = range(4)
FREE, FREE_BAR = range(2)
VALUES, VALUES_BAR, OTHER_BAR = range(3)
EFFECTS, EFFECTS_BAR, PULLS, PULLS_BAR = range(4)


class Workspace(NamedTuple):
    """Views of one array of zeros for an evaluation.

    With an array for each, allocation took a third of a small model's time.

    Attributes
    ----------
    coefficients, free, values
        (4, K) over coefficients, (2, F) over free numbers, (3, V) over values.
    groups
        (4, all effects).
    covariances
        Of each term the factor and the derivative by it.
    scratch
        (2,).
    joint, rest
        What a joint map works with, and the likelihood.
    """

    coefficients: Any
    free: Any
    values: Any
    groups: Any
    covariances: Any
    scratch: Any
    joint: Any
    rest: Any


@kernel
def _workspace(data):
    """The array, which must outlive its views, and the views."""
    place, end = integers_at(data, TERM_PLACE), PLACES * integers_at(data, SIZES)[2]
    blocks = integers_at(data, BLOCK_PLACE)
    n_free, n_values = blocks[blocks.shape[0] - 3], blocks[blocks.shape[0] - 2]
    n_coefs, n_effects = integers_at(data, COEF_COLUMN).shape[0], place[end]
    free, n_joint, n_rest = 4 * n_coefs, joint_work(data), likelihood_work(data)
    values = free + 2 * n_free
    groups = values + 3 * n_values
    covariances = groups + 4 * n_effects
    scratch = covariances + place[end + 3]
    work = np.zeros(scratch + 2 + n_joint + n_rest)
    return work, Workspace(
        matrix_in(work, 0, 4, n_coefs),
        matrix_in(work, free, 2, n_free),
        matrix_in(work, values, 3, n_values),
        matrix_in(work, groups, 4, n_effects),
        vector_in(work, covariances, place[end + 3]),
        vector_in(work, scratch, 2),
        vector_in(work, scratch + 2, n_joint),
        vector_in(work, scratch + 2 + n_joint, n_rest),
    )


@kernel
def _forward(data, x, w):
    """Coordinates to coefficients and effects; returns the log prior and Jacobian of all of them."""
    expansion, order = floats_at(data, COEF_EXPANSION), integers_at(data, TERM_ORDER)
    coef, deviation, values = w.coefficients[COEF], w.coefficients[DEVIATION], w.values[VALUES]
    bars = w.values[VALUES_BAR], w.coefficients[PRIOR_BAR]
    free_numbers(data, x, w.free[FREE])
    total = _joint_forward(data, x, w) if integers_at(data, JOINT).shape[0] else 0.0
    total += parameters_forward(data, w.free[FREE], values, bars[0], coef, bars[1], w.scratch)
    for k in range(coef.shape[0]):
        deviation[k] = coef[k] - expansion[k]
    for i in range(order.shape[0]):
        # Outer groups come before the groups that lie in them.
        t = order[i]
        if _is_joint(data, t):
            continue
        chol, _ = _covariance(data, t, w.covariances)
        scale, pull = _scale(data, t, coef), _own(data, t, w.groups[PULLS])
        covariance_forward(data, t, values, chol)
        own = _of_predictors(data, t, w.coefficients, DEVIATION)
        pulls_forward(data, t, own, scale, w.groups[EFFECTS], pull)
        start = integers_at(data, TERM_PLACE)[PLACES * t + 1]
        effects, kept = _own(data, t, w.groups[EFFECTS]), _own(data, t, w.groups[PULLS_BAR])
        total += effects_forward(data, x, t, start, chol, scale, pull, effects, kept)
        rotate(data, t, effects, _own(data, t, w.groups[EFFECTS_BAR]))
    return total


@kernel
def _joint_forward(data, x, w):
    """Map coefficients and effects together; their free numbers and effects are written over."""
    joint, values, coef = integers_at(data, JOINT), w.values[VALUES], w.coefficients[COEF]
    values_forward(data, w.free[FREE], values, coef)
    w.joint[w.joint.shape[0] - 1] = _scale(data, joint[JOINT_LARGEST], coef)
    return call_joint(
        joint[JOINT_FORWARD],
        data.ctypes.data,
        x.ctypes.data,
        values.ctypes.data,
        w.free[FREE].ctypes.data,
        w.groups[EFFECTS].ctypes.data,
        w.covariances.ctypes.data,
        w.joint.ctypes.data,
    )


@kernel
def _joint_backward(data, w, grad):
    """Write the gradient by coordinates of the joint map; add what it says of everything else."""
    joint, coef_bar, other = integers_at(data, JOINT), w.coefficients[COEF_BAR], w.values[OTHER_BAR]
    values, values_bar = w.values[VALUES], w.values[VALUES_BAR]
    for v in range(values_bar.shape[0]):
        other[v] = values_bar[v]
    free_backward(data, w.free[FREE], values, other, coef_bar, w.coefficients[PRIOR_BAR], w.free[FREE_BAR])
    log_scale_bar = call_joint_back(
        joint[JOINT_BACKWARD],
        data.ctypes.data,
        values.ctypes.data,
        values_bar.ctypes.data,
        w.free[FREE_BAR].ctypes.data,
        w.groups[EFFECTS_BAR].ctypes.data,
        w.covariances.ctypes.data,
        w.joint.ctypes.data,
        grad.ctypes.data,
    )
    k = integers_at(data, SCALE_COEF)[joint[JOINT_LARGEST]]
    if k >= 0:
        coef_bar[k] += floats_at(data, SCALE_POWER)[joint[JOINT_LARGEST]] * log_scale_bar


@kernel
def _term_backward(data, x, t, w, grad):
    """From derivatives by term t's effects add those by everything before them; return a fixed log prior."""
    chol, chol_bar = _covariance(data, t, w.covariances)
    effects_bar, pull_bar = _own(data, t, w.groups[EFFECTS_BAR]), _own(data, t, w.groups[PULLS_BAR])
    scale, total = _scale(data, t, w.coefficients[COEF]), 0.0
    rotate_back(data, t, effects_bar, _own(data, t, w.groups[EFFECTS]))
    if integers_at(data, EFFECT_PRIOR)[integers_at(data, TERM_START)[t]] != 0:
        total = fixed_priors(data, t, _own(data, t, w.groups[EFFECTS]), effects_bar, w.scratch)
    if _is_joint(data, t):
        return total
    start, pull = integers_at(data, TERM_PLACE)[PLACES * t + 1], _own(data, t, w.groups[PULLS])
    scale_bar = effects_backward(data, x, t, start, chol, scale, pull, effects_bar, chol_bar, pull_bar, grad)
    k = integers_at(data, SCALE_COEF)[t]
    if k >= 0:
        w.coefficients[COEF_BAR, k] += floats_at(data, SCALE_POWER)[t] * scale_bar
    own_bar = _of_predictors(data, t, w.coefficients, COEF_BAR)
    pulls_backward(data, t, scale, pull_bar, own_bar, w.groups[EFFECTS_BAR])
    covariance_backward(data, t, w.values[VALUES], chol_bar, w.values[VALUES_BAR])
    return total


@kernel
def log_density(data, x, grad):
    """Return the log density at sampler coordinates x; write its gradient."""
    work, w = _workspace(data)
    coef_bar = w.coefficients[COEF_BAR]
    total = _forward(data, x, w)
    total += likelihood(
        data, w.coefficients[COEF], w.groups[EFFECTS], coef_bar, w.groups[EFFECTS_BAR], w.rest
    )
    grad[:] = 0.0
    order = integers_at(data, TERM_ORDER)
    for i in range(order.shape[0] - 1, -1, -1):
        total += _term_backward(data, x, order[i], w, grad)
    if integers_at(data, JOINT).shape[0]:
        _joint_backward(data, w, grad)
    prior_bar, values, values_bar = w.coefficients[PRIOR_BAR], w.values[VALUES], w.values[VALUES_BAR]
    parameters_backward(data, w.free[FREE], values, values_bar, coef_bar, prior_bar, w.free[FREE_BAR], grad)
    work[0] = 0.0  # its last use: it must outlive its views
    return total


@kernel
def draw_values(data, x, out):
    """Write the flat vector of a draw: coefficients, sds, correlations, effects, as a person reads them."""
    work, w = _workspace(data)
    _forward(data, x, w)
    place = integers_at(data, VALUE_PLACE)
    for v in range(place.shape[0]):
        if place[v] >= 0:
            out[place[v]] = w.values[VALUES, v]
    for t in range(integers_at(data, SIZES)[2]):
        _write_term(data, t, w.values[VALUES], _own(data, t, w.groups[EFFECTS]), out)
    work[0] = 0.0  # its last use: it must outlive its views


@kernel
def _write_term(data, t, values, effects, out):
    """Write term t's sds, correlation matrix and effects, each coordinate's effects side by side."""
    start, d, sd_value = integers_at(data, TERM_START)[t], effects.shape[1], integers_at(data, SD_VALUE)
    effect_value, corr_value = integers_at(data, EFFECT_VALUE), integers_at(data, CORR_VALUE)[t]
    for c in range(d):
        if sd_value[start + c] >= 0:  # a given sd, too, has a place beside learnt ones of its term
            out[sd_value[start + c]] = sd_of(data, start + c, values)
        for j in range(effects.shape[0]):
            out[effect_value[start + c] + j] = effects[j, c]
        if corr_value < 0:
            continue
        for m in range(d):
            total = 0.0
            for k in range(min(c, m) + 1):
                total += correlation_factor(data, t, c, k, values) * correlation_factor(data, t, m, k, values)
            out[corr_value + c * d + m] = 1.0 if c == m else total


def _density_entry(n_dim, x, grad, value, user_data):
    data = carray(user_data, (N_SLOTS, 3), np.int64)
    result = log_density(data, carray(x, (n_dim,)), carray(grad, (n_dim,)))
    value[0] = result
    # Zero is fine; positive counts as a divergence and the chain goes on.
    return 0 if np.isfinite(result) else 1


def _draw_entry(n_dim, n_values, x, out, user_data):
    data = carray(user_data, (N_SLOTS, 3), np.int64)
    draw_values(data, carray(x, (n_dim,)), carray(out, (n_values,)))
    return 0


_DOUBLES = types.CPointer(types.double)


@cache
def native_density() -> Any:
    """C function (n_dim, x, gradient, value, address table) -> status."""
    signature = types.int64(types.uint64, _DOUBLES, _DOUBLES, _DOUBLES, types.voidptr)
    return compile_native(_density_entry, signature)


@cache
def native_draw() -> Any:
    """C function (n_dim, n_values, x, values, address table) -> status."""
    signature = types.int64(types.uint64, types.uint64, _DOUBLES, _DOUBLES, types.voidptr)
    return compile_native(_draw_entry, signature)
