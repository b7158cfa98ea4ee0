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
    SCALE_COEF,
    SCALE_POWER,
    SD_VALUE,
    TERM_ORDER,
    TERM_PREDICTOR,
    TERM_SIZE,
    TERM_START,
)
from partialpool.kernels.likelihood import likelihood
from partialpool.kernels.pointers import float_rows_at, floats_at, integers_at
from partialpool.kernels.pulls import pulls_backward, pulls_forward


@kernel
def term_starts(data):
    """(T, 3): where each term starts in all effects, in the information and in the cross curvature."""
    term_start, size = integers_at(data, TERM_START), integers_at(data, TERM_SIZE)
    predictor, coef_start = integers_at(data, TERM_PREDICTOR), integers_at(data, COEF_START)
    starts = np.zeros((size.shape[0] + 1, 3), np.int64)
    for t in range(size.shape[0]):
        d = term_start[t + 1] - term_start[t]
        p = predictor[t]
        starts[t + 1, 0] = starts[t, 0] + size[t] * d
        starts[t + 1, 1] = starts[t, 1] + size[t] * d * d
        starts[t + 1, 2] = starts[t, 2] + size[t] * d * (coef_start[p + 1] - coef_start[p])
    return starts


@kernel
def _own(data, t, starts, effects):
    """(J, d) view of term t's part of all effects."""
    term_start = integers_at(data, TERM_START)
    size = integers_at(data, TERM_SIZE)[t]
    d = term_start[t + 1] - term_start[t]
    return effects[starts[t, 0] : starts[t, 0] + size * d].reshape(size, d)


@kernel
def _deviation(data, t, coef):
    """How far the coefficients of term t's predictor are from where its quadratic was taken."""
    term_predictor = integers_at(data, TERM_PREDICTOR)
    coef_start = integers_at(data, COEF_START)
    coef_expansion = floats_at(data, COEF_EXPANSION)
    p = term_predictor[t]
    k = slice(coef_start[p], coef_start[p + 1])
    return coef[k] - coef_expansion[k]


@kernel
def _scale(data, t, coef):
    """What term t's information is times, now that the coefficient it depends on has moved."""
    k = integers_at(data, SCALE_COEF)[t]
    if k < 0:
        return 1.0
    return np.exp(floats_at(data, SCALE_POWER)[t] * (coef[k] - floats_at(data, COEF_EXPANSION)[k]))


@kernel
def _term(data, t, coef):
    """What both directions need of term t: its width, its coefficients' deviation, its scale."""
    term_start = integers_at(data, TERM_START)
    return term_start[t + 1] - term_start[t], _deviation(data, t, coef), _scale(data, t, coef)


@kernel
def _coefficients_backward(data, coef, coef_bar, prior_bar, grad):
    """From derivatives by the coefficients, as predictors use them, to those by coordinates."""
    scale = float_rows_at(data, COEF_SCALE)
    for k in range(coef.shape[0]):
        bar = prior_bar[k] + coef_bar[k] * coefficient_slope(data, k, coef[k])
        for m in range(k + 1):
            grad[m] += scale[k, m] * bar


@kernel
def _term_forward(data, x, t, starts, coef, effects, pulls, sds, factor, chol, free):
    """Write term t's covariance, pulls and effects; return their log prior."""
    _, deviation, scale = _term(data, t, coef)
    total = covariance_forward(data, x, t, sds, factor, chol, free)
    pull = _own(data, t, starts, pulls)
    pulls_forward(data, t, starts, deviation, scale, effects, pull)
    return total + effects_forward(
        data, x, t, starts[t, 1], chol, scale, pull, _own(data, t, starts, effects)
    )


@kernel
def _term_backward(data, x, t, starts, coef, coef_bar, effects, effects_bar, pulls, pulls_bar, grad):
    """From derivatives by term t's effects add those by everything before them; return a fixed log prior."""
    d, _, scale = _term(data, t, coef)
    sds, factor, chol = np.empty(d), np.empty((d, d)), np.empty((d, d))
    chol_bar, free = np.zeros((d, d)), np.empty(d * (d - 1) // 2)
    covariance_forward(data, x, t, sds, factor, chol, free)
    own_bar, pull_bar = _own(data, t, starts, effects_bar), _own(data, t, starts, pulls_bar)
    total = 0.0
    if integers_at(data, EFFECT_PRIOR)[integers_at(data, TERM_START)[t]] != 0:
        total = fixed_priors(data, t, _own(data, t, starts, effects), own_bar)
    pull = _own(data, t, starts, pulls)
    scale_bar = effects_backward(
        data, x, t, starts[t, 1], chol, scale, pull, own_bar, chol_bar, pull_bar, grad
    )
    k = integers_at(data, SCALE_COEF)[t]
    if k >= 0:
        coef_bar[k] += floats_at(data, SCALE_POWER)[t] * scale_bar
    p, start = integers_at(data, TERM_PREDICTOR)[t], integers_at(data, COEF_START)
    pulls_backward(data, t, starts, scale, pull_bar, coef_bar[start[p] : start[p + 1]], effects_bar)
    covariance_backward(data, x, t, sds, factor, chol_bar, free, grad)
    return total


@kernel
def log_density(data, x, grad):
    """Return the log density at sampler coordinates x; write its gradient."""
    n_coef = integers_at(data, COEF_VALUE).shape[0]
    order, starts = integers_at(data, TERM_ORDER), term_starts(data)
    n_terms = order.shape[0]
    n_effects = starts[n_terms, 0]
    free, coef, prior_bar = np.empty(n_coef), np.empty(n_coef), np.empty(n_coef)
    coef_bar = np.zeros(n_coef)
    effects, effects_bar = np.empty(n_effects), np.zeros(n_effects)
    pulls, pulls_bar = np.empty(n_effects), np.empty(n_effects)

    # 1. forward: coordinates to coefficients and effects, outer groups before the groups that lie in them
    total = coefficients_forward(data, x, free, coef, prior_bar)
    for i in range(n_terms):
        t = order[i]
        d, _, _ = _term(data, t, coef)
        sds, factor, chol = np.empty(d), np.empty((d, d)), np.empty((d, d))
        scratch = np.empty(d * (d - 1) // 2)
        total += _term_forward(data, x, t, starts, coef, effects, pulls, sds, factor, chol, scratch)

    # 2. the cells
    total += likelihood(data, coef, effects, coef_bar, effects_bar)

    # 3. backward: derivatives to coordinates, in the opposite order
    grad[:] = 0.0
    for i in range(n_terms - 1, -1, -1):
        total += _term_backward(
            data, x, order[i], starts, coef, coef_bar, effects, effects_bar, pulls, pulls_bar, grad
        )
    _coefficients_backward(data, coef, coef_bar, prior_bar, grad)
    return total


@kernel
def draw_values(data, x, out):
    """Write the flat vector of a draw: coefficients, sds, correlations, effects, as a person reads them."""
    coef_value, coef_logged = integers_at(data, COEF_VALUE), integers_at(data, COEF_LOGGED)
    n_coef = coef_value.shape[0]
    order, starts = integers_at(data, TERM_ORDER), term_starts(data)
    n_terms = order.shape[0]
    free, coef = np.empty(n_coef), np.empty(n_coef)
    coefficients_forward(data, x, free, coef, np.empty(n_coef))
    for k in range(n_coef):
        out[coef_value[k]] = np.exp(coef[k]) if coef_logged[k] else coef[k]
    effects, pulls = np.empty(starts[n_terms, 0]), np.empty(starts[n_terms, 0])
    for i in range(n_terms):
        t = order[i]
        d, _, _ = _term(data, t, coef)
        sds, factor, chol = np.empty(d), np.empty((d, d)), np.empty((d, d))
        scratch = np.empty(d * (d - 1) // 2)
        _term_forward(data, x, t, starts, coef, effects, pulls, sds, factor, chol, scratch)
        _write_term(data, t, sds, factor, _own(data, t, starts, effects), out)


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
    """C function (n_dim, x, gradient, value, address table) -> status, as nutpie calls it."""
    signature = types.int64(types.uint64, _DOUBLES, _DOUBLES, _DOUBLES, types.voidptr)
    return compile_native(_density_entry, signature)


@cache
def native_draw() -> Any:
    """C function (n_dim, n_values, x, values, address table) -> status, as nutpie calls it."""
    signature = types.int64(types.uint64, types.uint64, _DOUBLES, _DOUBLES, types.voidptr)
    return compile_native(_draw_entry, signature)
