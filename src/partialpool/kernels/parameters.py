"""From sampler coordinates to coefficients, covariance factors and group effects, and back for gradients."""

from __future__ import annotations

import numpy as np

from partialpool.kernels.centring import (
    backward_group,
    backward_scalar,
    forward_group,
    forward_scalar,
    group_pull,
)
from partialpool.kernels.compiling import kernel
from partialpool.kernels.correlation import correlation_backward, correlation_forward
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
    CORR_ETA,
    CORR_POSITION,
    CROSS,
    EFFECT_POSITION,
    EFFECT_PRIOR,
    EFFECT_PRIOR_PARAMETERS,
    HYPER_CENTRE,
    HYPER_SCALE,
    INFORMATION,
    PULL,
    SD_BOUNDS,
    SD_FIXED,
    SD_POSITION,
    SD_PRIOR,
    SD_PRIOR_PARAMETERS,
    SD_TRANSFORM,
    TERM_SIZE,
    TERM_START,
)
from partialpool.kernels.pointers import (
    call_prior,
    float_rows_at,
    floats_at,
    integers_at,
    matrix_in,
    vector_in,
)
from partialpool.kernels.transforms import constrain


@kernel
def prior_term(address, value, parameters, scratch):
    """Return (log density, derivative) of the prior at an address; scratch is (2,)."""
    scratch[0] = value
    scratch[1] = 0.0
    log_density = call_prior(address, 1, scratch.ctypes.data, parameters.ctypes.data, scratch[1:].ctypes.data)
    return log_density, scratch[1]


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
def coefficients_forward(data, x, free, coef, coef_bar):
    """Write coefficients as predictors use them; return their log prior.

    free (K,) gets the unconstrained numbers. coef_bar (K,) gets the prior's derivative by each
    unconstrained number (Jacobian included).
    """
    coef_transform = integers_at(data, COEF_TRANSFORM)
    coef_bounds = float_rows_at(data, COEF_BOUNDS)
    coef_logged = integers_at(data, COEF_LOGGED)
    coef_prior = integers_at(data, COEF_PRIOR)
    coef_prior_parameters = float_rows_at(data, COEF_PRIOR_PARAMETERS)
    unconstrained_coefficients(data, x, free)
    scratch = np.empty(2)
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


@kernel
def hyper_value(data, x, position):
    """Unconstrained number of an sd or a correlation at a position of the sampler's vector."""
    hyper_centre = floats_at(data, HYPER_CENTRE)
    hyper_scale = floats_at(data, HYPER_SCALE)
    return hyper_centre[position] + hyper_scale[position] * x[position]


@kernel
def covariance_forward(data, x, t, sds, factor, chol, free):
    """Write term t's sds, correlation factor and chol = diag(sds) factor; return their log prior.

    free (d (d - 1) / 2,) gets the unconstrained correlations.
    """
    term_start = integers_at(data, TERM_START)
    sd_fixed = floats_at(data, SD_FIXED)
    sd_position = integers_at(data, SD_POSITION)
    sd_transform = integers_at(data, SD_TRANSFORM)
    sd_bounds = float_rows_at(data, SD_BOUNDS)
    sd_prior = integers_at(data, SD_PRIOR)
    sd_prior_parameters = float_rows_at(data, SD_PRIOR_PARAMETERS)
    corr_position = integers_at(data, CORR_POSITION)
    corr_eta = floats_at(data, CORR_ETA)
    start = term_start[t]
    d = sds.shape[0]
    scratch = np.empty(2)
    total = 0.0
    for c in range(d):
        e = start + c
        sds[c] = sd_fixed[e]
        if sd_position[e] >= 0:
            u = hyper_value(data, x, sd_position[e])
            sds[c], _, jacobian, _ = constrain(sd_transform[e], sd_bounds[e, 0], sd_bounds[e, 1], u)
            log_density, _ = prior_term(sd_prior[e], sds[c], sd_prior_parameters[e], scratch)
            total += jacobian + log_density
    factor[:] = 0.0
    for c in range(d):
        factor[c, c] = 1.0
    if corr_position[t] >= 0:
        for k in range(free.shape[0]):
            free[k] = hyper_value(data, x, corr_position[t] + k)
        total += correlation_forward(free, corr_eta[t], factor)
    for a in range(d):
        for c in range(d):
            chol[a, c] = sds[a] * factor[a, c]
    return total


@kernel
def covariance_backward(data, x, t, sds, factor, chol_bar, free, grad):
    """Add to grad the derivatives by term t's sds and correlations, priors included."""
    term_start = integers_at(data, TERM_START)
    sd_position = integers_at(data, SD_POSITION)
    sd_transform = integers_at(data, SD_TRANSFORM)
    sd_bounds = float_rows_at(data, SD_BOUNDS)
    sd_prior = integers_at(data, SD_PRIOR)
    sd_prior_parameters = float_rows_at(data, SD_PRIOR_PARAMETERS)
    hyper_scale = floats_at(data, HYPER_SCALE)
    corr_position = integers_at(data, CORR_POSITION)
    corr_eta = floats_at(data, CORR_ETA)
    start = term_start[t]
    d = sds.shape[0]
    scratch = np.empty(2)
    for c in range(d):
        e = start + c
        position = sd_position[e]
        if position < 0:
            continue
        u = hyper_value(data, x, position)
        _, slope, _, jacobian_slope = constrain(sd_transform[e], sd_bounds[e, 0], sd_bounds[e, 1], u)
        _, bar = prior_term(sd_prior[e], sds[c], sd_prior_parameters[e], scratch)
        for a in range(c + 1):
            bar += chol_bar[c, a] * factor[c, a]
        grad[position] += (bar * slope + jacobian_slope) * hyper_scale[position]
    if corr_position[t] < 0:
        return
    for a in range(d):
        for c in range(a + 1):
            chol_bar[a, c] *= sds[a]
    free_bar = np.zeros(free.shape[0])
    correlation_backward(free, corr_eta[t], factor, chol_bar, free_bar)
    for k in range(free.shape[0]):
        position = corr_position[t] + k
        grad[position] += free_bar[k] * hyper_scale[position]


@kernel
def term_views(data, t, at, n_coef):
    """Term t's (J, d, d) information, (J, d) pull and (J, d, K_p) cross curvature."""
    term_start = integers_at(data, TERM_START)
    size = integers_at(data, TERM_SIZE)[t]
    d = term_start[t + 1] - term_start[t]
    return (
        floats_at(data, INFORMATION)[at[1] : at[1] + size * d * d].reshape(size, d, d),
        floats_at(data, PULL)[at[0] : at[0] + size * d].reshape(size, d),
        floats_at(data, CROSS)[at[2] : at[2] + size * d * n_coef].reshape(size, d, n_coef),
    )


@kernel
def _coordinates(data, x, t, d):
    """Term t's (J, d) coordinates."""
    first = integers_at(data, EFFECT_POSITION)[t]
    size = integers_at(data, TERM_SIZE)[t]
    return x[first : first + size * d].reshape(size, d)


@kernel
def effects_forward(data, x, t, at, chol, deviation, effects):
    """Write term t's effects into (J, d); return the log prior of its coordinates.

    at is (3,): where the term starts in all effects, in information and in cross. deviation (K_p,) is how far
    the predictor's coefficients are from where the quadratic was taken.
    """
    d = chol.shape[0]
    information, pull, cross = term_views(data, t, at, deviation.shape[0])
    z = _coordinates(data, x, t, d)
    fixed = integers_at(data, EFFECT_PRIOR)[integers_at(data, TERM_START)[t]] != 0
    if d == 1:
        prior_scale = 0.0 if fixed else 1.0
        return forward_scalar(chol[0, 0], information, pull, cross, deviation, z, prior_scale, effects)
    scratch, s = np.empty(2 * d * d + 3 * d), 2 * d * d
    curved, factor = matrix_in(scratch, 0, d, d), matrix_in(scratch, d * d, d, d)
    shift, zeta = vector_in(scratch, s, d), vector_in(scratch, s + d, d)
    wanted = vector_in(scratch, s + 2 * d, d)
    total = 0.0
    for j in range(z.shape[0]):
        group_pull(pull, cross, deviation, j, wanted)
        total += forward_group(chol, information, wanted, z, j, curved, factor, shift, zeta)
        for a in range(d):
            value = 0.0
            for m in range(a + 1):
                value += chol[a, m] * zeta[m]
            effects[j, a] = value
            if not fixed:
                total -= 0.5 * zeta[a] * zeta[a]
    scratch[0] = 0.0  # its last use: it must outlive its views
    return total


@kernel
def fixed_priors(data, t, effects, effects_bar):
    """Log density of (J, d) effects with fixed priors; adds its derivatives to effects_bar."""
    start = integers_at(data, TERM_START)[t]
    address = integers_at(data, EFFECT_PRIOR)
    parameters = float_rows_at(data, EFFECT_PRIOR_PARAMETERS)
    scratch = np.empty(2)
    total = 0.0
    for j in range(effects.shape[0]):
        for c in range(effects.shape[1]):
            log_density, slope = prior_term(address[start + c], effects[j, c], parameters[start + c], scratch)
            total += log_density
            effects_bar[j, c] += slope
    return total


@kernel
def effects_backward(data, x, t, at, chol, deviation, effects_bar, chol_bar, deviation_bar, grad):
    """From the derivative by term t's effects add those by its coordinates, chol and the coefficients."""
    d = chol.shape[0]
    n_coef = deviation.shape[0]
    information, pull, cross = term_views(data, t, at, n_coef)
    z, z_bar = _coordinates(data, x, t, d), _coordinates(data, grad, t, d)
    fixed = integers_at(data, EFFECT_PRIOR)[integers_at(data, TERM_START)[t]] != 0
    if d == 1:
        prior_scale = 0.0 if fixed else 1.0
        chol_bar[0, 0] += backward_scalar(
            chol[0, 0],
            information,
            pull,
            cross,
            deviation,
            z,
            prior_scale,
            effects_bar,
            z_bar,
            deviation_bar,
        )
        return
    scratch, s = np.empty(5 * d * d + 6 * d), 5 * d * d
    curved, factor = matrix_in(scratch, 0, d, d), matrix_in(scratch, d * d, d, d)
    work = matrix_in(scratch, 2 * d * d, 3 * d, d)
    shift, zeta = vector_in(scratch, s, d), vector_in(scratch, s + d, d)
    wanted, zeta_bar = vector_in(scratch, s + 2 * d, d), vector_in(scratch, s + 3 * d, d)
    pull_bar, weights = vector_in(scratch, s + 4 * d, d), vector_in(scratch, s + 5 * d, d)
    for j in range(z.shape[0]):
        group_pull(pull, cross, deviation, j, wanted)
        forward_group(chol, information, wanted, z, j, curved, factor, shift, zeta)
        for c in range(d):
            bar = 0.0 if fixed else -zeta[c]
            for a in range(c, d):
                bar += chol[a, c] * effects_bar[j, a]
                chol_bar[a, c] += effects_bar[j, a] * zeta[c]
            zeta_bar[c] = bar
        backward_group(
            chol, wanted, zeta, zeta_bar, curved, factor, shift, work, weights, chol_bar, z_bar, j, pull_bar
        )
        for k in range(n_coef):
            for a in range(d):
                deviation_bar[k] -= cross[j, a, k] * pull_bar[a]
    scratch[0] = 0.0  # its last use: it must outlive its views
