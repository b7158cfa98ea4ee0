"""The log density of a multilevel GLM and its gradient, and the draw that a point stands for."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numba import carray, types

from partialpool.kernels.coefficients import coefficient_slope, coefficients_forward
from partialpool.kernels.compiling import compile_native, kernel
from partialpool.kernels.covariances import covariance_backward, covariance_forward
from partialpool.kernels.effects import effects_backward, effects_forward, fixed_priors
from partialpool.kernels.inputs import (
    COEF_EXPANSION,
    COEF_LOGGED,
    COEF_SCALE,
    COEF_START,
    COEF_VALUE,
    CORR_VALUE,
    EFFECT_PRIOR,
    EFFECT_VALUE,
    N_SLOTS,
    PLACES,
    SCALE_COEF,
    SCALE_POWER,
    SD_VALUE,
    SIZES,
    TERM_ORDER,
    TERM_PLACE,
    TERM_PREDICTOR,
    TERM_SIZE,
    TERM_START,
)
from partialpool.kernels.likelihood import likelihood, likelihood_work
from partialpool.kernels.pointers import float_rows_at, floats_at, integers_at, matrix_in, vector_in
from partialpool.kernels.pulls import pulls_backward, pulls_forward


@kernel
def _own(data, t, everything):
    """(J, d) view of term t's part of an array over all effects, which the caller keeps alive."""
    term_start = integers_at(data, TERM_START)
    place, size = integers_at(data, TERM_PLACE)[PLACES * t], integers_at(data, TERM_SIZE)[t]
    return matrix_in(everything, place, size, term_start[t + 1] - term_start[t])


@kernel
def _covariance(data, t, covariances):
    """Views of term t's sds, correlation factor, covariance factor, its derivative, free correlations."""
    term_start, place = integers_at(data, TERM_START), integers_at(data, TERM_PLACE)[PLACES * t + 3]
    d = term_start[t + 1] - term_start[t]
    return (
        vector_in(covariances, place, d),
        matrix_in(covariances, place + d, d, d),
        matrix_in(covariances, place + d + d * d, d, d),
        matrix_in(covariances, place + d + 2 * d * d, d, d),
        vector_in(covariances, place + d + 3 * d * d, d * (d - 1) // 2),
    )


@kernel
def _of_predictor(data, t, everything, row):
    """View of one row of an array over all coefficients: those of term t's predictor."""
    p, start = integers_at(data, TERM_PREDICTOR)[t], integers_at(data, COEF_START)
    return vector_in(everything, row * everything.shape[1] + start[p], start[p + 1] - start[p])


@kernel
def _scale(data, t, coef):
    """What term t's information is times, now that the coefficient it depends on has moved."""
    k = integers_at(data, SCALE_COEF)[t]
    if k < 0:
        return 1.0
    return np.exp(floats_at(data, SCALE_POWER)[t] * (coef[k] - floats_at(data, COEF_EXPANSION)[k]))


@kernel
def _coefficients_backward(data, coef, coef_bar, prior_bar, grad):
    """From derivatives by the coefficients, as predictors use them, to those by coordinates."""
    scale = float_rows_at(data, COEF_SCALE)
    for k in range(coef.shape[0]):
        bar = prior_bar[k] + coef_bar[k] * coefficient_slope(data, k, coef[k])
        for m in range(k + 1):
            grad[m] += scale[k, m] * bar


# Rows of the working arrays over coefficients and over effects.
FREE, COEF, PRIOR_BAR, COEF_BAR, DEVIATION = range(5)
EFFECTS, EFFECTS_BAR, PULLS, PULLS_BAR = range(4)


@kernel
def _workspace(data):
    """One array of zeros and its views, for an evaluation.

    (5, K) over coefficients, (4, effects), covariances and two to spare, and what the likelihood works with.
    With an array for each purpose, allocation took a third of a small model's time.
    """
    place, end = integers_at(data, TERM_PLACE), PLACES * integers_at(data, SIZES)[2]
    n_coefs, n_effects = integers_at(data, COEF_VALUE).shape[0], place[end]
    groups, covariances = 5 * n_coefs, 5 * n_coefs + 4 * n_effects
    rest, n_rest = covariances + place[end + 3] + 2, likelihood_work(data)
    work = np.zeros(rest + n_rest)
    return (
        work,
        matrix_in(work, 0, 5, n_coefs),
        matrix_in(work, groups, 4, n_effects),
        vector_in(work, covariances, place[end + 3] + 2),
        vector_in(work, rest, n_rest),
    )


@kernel
def _forward(data, x, coefficients, groups, covariances):
    """Coordinates to coefficients and effects; returns the log prior and Jacobian of all of them."""
    scratch = vector_in(covariances, covariances.shape[0] - 2, 2)
    expansion, order = floats_at(data, COEF_EXPANSION), integers_at(data, TERM_ORDER)
    coef, deviation = coefficients[COEF], coefficients[DEVIATION]
    total = coefficients_forward(data, x, coefficients[FREE], coef, coefficients[PRIOR_BAR], scratch)
    for k in range(coef.shape[0]):
        deviation[k] = coef[k] - expansion[k]
    for i in range(order.shape[0]):
        # Outer groups come before the groups that lie in them.
        t = order[i]
        sds, factor, chol, _, free = _covariance(data, t, covariances)
        scale, pull = _scale(data, t, coef), _own(data, t, groups[PULLS])
        total += covariance_forward(data, x, t, sds, factor, chol, free, scratch)
        pulls_forward(data, t, _of_predictor(data, t, coefficients, DEVIATION), scale, groups[EFFECTS], pull)
        start = integers_at(data, TERM_PLACE)[PLACES * t + 1]
        effects, kept = _own(data, t, groups[EFFECTS]), _own(data, t, groups[PULLS_BAR])
        total += effects_forward(data, x, t, start, chol, scale, pull, effects, kept)
    return total


@kernel
def _term_backward(data, x, t, coefficients, groups, covariances, grad):
    """From derivatives by term t's effects add those by everything before them; return a fixed log prior."""
    scratch = vector_in(covariances, covariances.shape[0] - 2, 2)
    sds, factor, chol, chol_bar, free = _covariance(data, t, covariances)
    effects_bar, pull_bar = _own(data, t, groups[EFFECTS_BAR]), _own(data, t, groups[PULLS_BAR])
    scale, total = _scale(data, t, coefficients[COEF]), 0.0
    if integers_at(data, EFFECT_PRIOR)[integers_at(data, TERM_START)[t]] != 0:
        total = fixed_priors(data, t, _own(data, t, groups[EFFECTS]), effects_bar, scratch)
    start, pull = integers_at(data, TERM_PLACE)[PLACES * t + 1], _own(data, t, groups[PULLS])
    scale_bar = effects_backward(data, x, t, start, chol, scale, pull, effects_bar, chol_bar, pull_bar, grad)
    k = integers_at(data, SCALE_COEF)[t]
    if k >= 0:
        coefficients[COEF_BAR, k] += floats_at(data, SCALE_POWER)[t] * scale_bar
    own_bar = _of_predictor(data, t, coefficients, COEF_BAR)
    pulls_backward(data, t, scale, pull_bar, own_bar, groups[EFFECTS_BAR])
    covariance_backward(data, x, t, sds, factor, chol_bar, free, grad, scratch)
    return total


@kernel
def log_density(data, x, grad):
    """Return the log density at sampler coordinates x; write its gradient."""
    work, coefficients, groups, covariances, rest = _workspace(data)
    total = _forward(data, x, coefficients, groups, covariances)
    total += likelihood(
        data, coefficients[COEF], groups[EFFECTS], coefficients[COEF_BAR], groups[EFFECTS_BAR], rest
    )
    grad[:] = 0.0
    order = integers_at(data, TERM_ORDER)
    for i in range(order.shape[0] - 1, -1, -1):
        total += _term_backward(data, x, order[i], coefficients, groups, covariances, grad)
    _coefficients_backward(data, coefficients[COEF], coefficients[COEF_BAR], coefficients[PRIOR_BAR], grad)
    work[0] = 0.0  # its last use: it must outlive its views
    return total


@kernel
def draw_values(data, x, out):
    """Write the flat vector of a draw: coefficients, sds, correlations, effects, as a person reads them."""
    work, coefficients, groups, covariances, _ = _workspace(data)
    _forward(data, x, coefficients, groups, covariances)
    value, logged = integers_at(data, COEF_VALUE), integers_at(data, COEF_LOGGED)
    for k in range(value.shape[0]):
        coef = coefficients[COEF, k]
        out[value[k]] = np.exp(coef) if logged[k] else coef
    for t in range(integers_at(data, SIZES)[2]):
        sds, factor, _, _, _ = _covariance(data, t, covariances)
        _write_term(data, t, sds, factor, _own(data, t, groups[EFFECTS]), out)
    work[0] = 0.0  # its last use: it must outlive its views


@kernel
def _write_term(data, t, sds, factor, effects, out):
    """Write term t's sds, correlation matrix and effects, each coefficient's effects side by side."""
    start = integers_at(data, TERM_START)[t]
    sd_value, effect_value = integers_at(data, SD_VALUE), integers_at(data, EFFECT_VALUE)
    corr_value = integers_at(data, CORR_VALUE)[t]
    for c in range(sds.shape[0]):
        if sd_value[start + c] >= 0:
            out[sd_value[start + c]] = sds[c]
        for j in range(effects.shape[0]):
            out[effect_value[start + c] + j] = effects[j, c]
        if corr_value >= 0:
            for m in range(sds.shape[0]):
                total = 0.0
                for k in range(min(c, m) + 1):
                    total += factor[c, k] * factor[m, k]
                out[corr_value + c * sds.shape[0] + m] = 1.0 if c == m else total


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
