"""From sampler coordinates to the sds and correlations of a group-level term, and back for gradients."""

from __future__ import annotations

import numpy as np

from partialpool.kernels.compiling import kernel
from partialpool.kernels.correlation import correlation_backward, correlation_forward
from partialpool.kernels.inputs import (
    CORR_ETA,
    CORR_POSITION,
    HYPER_CENTRE,
    HYPER_SCALE,
    SD_BOUNDS,
    SD_FIXED,
    SD_POSITION,
    SD_PRIOR,
    SD_PRIOR_PARAMETERS,
    SD_TRANSFORM,
    TERM_START,
)
from partialpool.kernels.pointers import float_rows_at, floats_at, integers_at
from partialpool.kernels.prior_terms import prior_term
from partialpool.kernels.transforms import constrain


@kernel
def hyper_value(data, x, position):
    """Unconstrained number of an sd or a correlation at a position of the sampler's vector."""
    hyper_centre = floats_at(data, HYPER_CENTRE)
    hyper_scale = floats_at(data, HYPER_SCALE)
    return hyper_centre[position] + hyper_scale[position] * x[position]


@kernel
def covariance_forward(data, x, t, sds, factor, chol, free, scratch):
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
def covariance_backward(data, x, t, sds, factor, chol_bar, free, grad, scratch):
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
