"""From sampler coordinates to population-level coefficients, and their log prior."""

from __future__ import annotations

import numpy as np

from partialpool.kernels.compiling import kernel
from partialpool.kernels.inputs import (
    ANCHOR,
    ANCHOR_WEIGHTS,
    COEF_BOUNDS,
    COEF_CENTRE,
    COEF_LOGGED,
    COEF_PRIOR,
    COEF_PRIOR_PARAMETERS,
    COEF_SCALE,
    COEF_START,
    COEF_TRANSFORM,
)
from partialpool.kernels.pointers import float_rows_at, floats_at, integers_at
from partialpool.kernels.prior_terms import prior_term
from partialpool.kernels.transforms import constrain


@kernel
def unconstrained_coefficients(data, x, out):
    """out = centre + scale @ x, over all population-level coefficients."""
    coef_centre = floats_at(data, COEF_CENTRE)
    coef_scale = float_rows_at(data, COEF_SCALE)
    for k in range(out.shape[0]):
        total = coef_centre[k]
        for m in range(k + 1):
            total += coef_scale[k, m] * x[m]
        out[k] = total


@kernel
def coefficients_forward(data, x, free, coef, coef_bar, scratch):
    """Write coefficients as predictors use them; return their log prior.

    free (K,) gets the unconstrained numbers. coef_bar (K,) gets the prior's derivative by each
    unconstrained number (Jacobian included); scratch is (2,).
    """
    coef_transform = integers_at(data, COEF_TRANSFORM)
    coef_bounds = float_rows_at(data, COEF_BOUNDS)
    coef_logged = integers_at(data, COEF_LOGGED)
    coef_prior = integers_at(data, COEF_PRIOR)
    coef_prior_parameters = float_rows_at(data, COEF_PRIOR_PARAMETERS)
    unconstrained_coefficients(data, x, free)
    total = 0.0
    for k in range(free.shape[0]):
        value, slope, jacobian, jacobian_slope = constrain(
            coef_transform[k], coef_bounds[k, 0], coef_bounds[k, 1], free[k]
        )
        coef[k] = np.log(value) if coef_logged[k] else value
        if coef_logged[k] and coef_transform[k] == 1:
            coef[k] = free[k]
        coef_bar[k] = jacobian_slope
        total += jacobian
        if not _anchored(data, k):
            log_density, density_slope = prior_term(coef_prior[k], value, coef_prior_parameters[k], scratch)
            total += log_density
            coef_bar[k] += density_slope * slope
    return total + _anchored_priors(data, coef, coef_bar, scratch)


@kernel
def _anchored(data, k):
    anchor = integers_at(data, ANCHOR)
    found = False
    for p in range(anchor.shape[0]):
        found = found or anchor[p] == k
    return found


@kernel
def _anchored_priors(data, coef, coef_bar, scratch):
    """Log prior of intercepts that hold at the predictors' means."""
    anchor = integers_at(data, ANCHOR)
    coef_start = integers_at(data, COEF_START)
    anchor_weights = floats_at(data, ANCHOR_WEIGHTS)
    coef_prior = integers_at(data, COEF_PRIOR)
    coef_prior_parameters = float_rows_at(data, COEF_PRIOR_PARAMETERS)
    total = 0.0
    for p in range(anchor.shape[0]):
        k = anchor[p]
        if k < 0:
            continue
        start, stop = coef_start[p], coef_start[p + 1]
        level = coef[k]
        for m in range(start, stop):
            level += anchor_weights[m] * coef[m]
        log_density, slope = prior_term(coef_prior[k], level, coef_prior_parameters[k], scratch)
        total += log_density
        coef_bar[k] += slope
        for m in range(start, stop):
            if anchor_weights[m] != 0.0:
                # The coefficient's own transform carries the slope to its unconstrained number.
                coef_bar[m] += slope * anchor_weights[m] * coefficient_slope(data, m, coef[m])
    return total


@kernel
def coefficient_slope(data, k, coef):
    """Derivative of coefficient k, as the predictor uses it, by its unconstrained number."""
    coef_transform = integers_at(data, COEF_TRANSFORM)
    coef_logged = integers_at(data, COEF_LOGGED)
    coef_bounds = float_rows_at(data, COEF_BOUNDS)
    transform = coef_transform[k]
    if transform == 0:
        return 1.0
    if transform == 1:
        return 1.0 if coef_logged[k] else coef
    lower, upper = coef_bounds[k, 0], coef_bounds[k, 1]
    value = np.exp(coef) if coef_logged[k] else coef
    slope = (value - lower) * (upper - value) / (upper - lower)
    return slope / value if coef_logged[k] else slope
