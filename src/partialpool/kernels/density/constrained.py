"""From sampler coordinates to parameters other than group effects: constrained values, coefficients, priors.

Free numbers are coordinates shifted and scaled: those of population-level coefficients all together, others
one by one. Parameter blocks make values of them, each by the map of its constraint, which is called by
address. A predictor uses a value as its coefficient, or the value's log or logit.
"""

from __future__ import annotations

import math

from partialpool.kernels.density.inputs import (
    ANCHOR_PRIOR,
    ANCHOR_PRIOR_PLACE,
    ANCHOR_WEIGHTS,
    BLOCK_BACKWARD,
    BLOCK_CONSTANTS,
    BLOCK_FORWARD,
    BLOCK_PLACE,
    COEF_CENTRE,
    COEF_FORM,
    COEF_SCALE,
    HYPER_CENTRE,
    HYPER_SCALE,
    JOINT,
    JOINT_FIRST,
    JOINT_STOP,
    PRIOR_ADDRESS,
    PRIOR_CONSTANTS,
    PRIOR_PLACE,
    PRIOR_VALUE,
)
from partialpool.kernels.density.prior_terms import prior_term
from partialpool.kernels.native.compiling import kernel
from partialpool.kernels.native.pointers import (
    call_constraint,
    call_constraint_back,
    float_rows_at,
    floats_at,
    integers_at,
)

# What a coefficient is: its value, its free number (which is the log of a positive value, the logit of one
# between 0 and 1), its value's log, its value's logit.
VALUE, FREE, LOG, LOGIT = range(4)


@kernel
def _of_value(form, value):
    """Coefficient of a form that is made of the value."""
    if form == VALUE:
        return value
    return math.log(value) if form == LOG else math.log(value / (1.0 - value))


@kernel
def _slope_of_value(form, value):
    """Its derivative."""
    if form == VALUE:
        return 1.0
    return 1.0 / value if form == LOG else 1.0 / (value * (1.0 - value))


@kernel
def free_numbers(data, x, out):
    """Free numbers of all parameters but effects: those of coefficients are centre + scale @ x."""
    centre, scale = floats_at(data, COEF_CENTRE), float_rows_at(data, COEF_SCALE)
    hyper_centre, hyper_scale = floats_at(data, HYPER_CENTRE), floats_at(data, HYPER_SCALE)
    n_coefs = centre.shape[0]
    for k in range(n_coefs):
        total = centre[k]
        for m in range(k + 1):
            total += scale[k, m] * x[m]
        out[k] = total
    for k in range(n_coefs, out.shape[0]):
        out[k] = hyper_centre[k] + hyper_scale[k] * x[k]


@kernel
def values_forward(data, free, values, coef):
    """Write values, and coefficients as predictors use them; return the log Jacobian of the constraints."""
    forward, place = integers_at(data, BLOCK_FORWARD), integers_at(data, BLOCK_PLACE)
    constants, total = floats_at(data, BLOCK_CONSTANTS), 0.0
    for b in range(forward.shape[0]):
        f, v = place[3 * b], place[3 * b + 1]
        n, m = place[3 * b + 3] - f, place[3 * b + 4] - v
        own = constants[place[3 * b + 2] :].ctypes.data
        total += call_constraint(forward[b], n, m, free[f:].ctypes.data, values[v:].ctypes.data, own)
    form = integers_at(data, COEF_FORM)
    for k in range(coef.shape[0]):
        coef[k] = free[k] if form[k] == FREE else _of_value(form[k], values[k])
    return total


@kernel
def parameters_forward(data, free, values, values_bar, coef, prior_bar, scratch):
    """Write values, and coefficients as predictors use them, of free numbers; return their log prior.

    values_bar gets the derivatives of priors by the values, prior_bar (K,) those of priors of combinations of
    coefficients by the coefficients. The log prior has the log Jacobian of the constraints. scratch is (2,).
    """
    total = values_forward(data, free, values, coef)
    for v in range(values_bar.shape[0]):
        values_bar[v] = 0.0
    for k in range(prior_bar.shape[0]):
        prior_bar[k] = 0.0
    total += _priors(data, values, values_bar, scratch)
    return total + _anchored_priors(data, coef, prior_bar, scratch)


@kernel
def _priors(data, values, values_bar, scratch):
    """Log priors of single values; their derivatives are added to values_bar."""
    address, place = integers_at(data, PRIOR_ADDRESS), integers_at(data, PRIOR_PLACE)
    of, constants, total = integers_at(data, PRIOR_VALUE), floats_at(data, PRIOR_CONSTANTS), 0.0
    for i in range(address.shape[0]):
        v = of[i]
        log_density, slope = prior_term(address[i], values[v], constants[place[i] :], scratch)
        total += log_density
        values_bar[v] += slope
    return total


@kernel
def _anchored_priors(data, coef, prior_bar, scratch):
    """Log priors of combinations of coefficients, such as intercepts at the predictors' means."""
    address, place = integers_at(data, ANCHOR_PRIOR), integers_at(data, ANCHOR_PRIOR_PLACE)
    weights, constants, total = float_rows_at(data, ANCHOR_WEIGHTS), floats_at(data, PRIOR_CONSTANTS), 0.0
    for a in range(address.shape[0]):
        level = 0.0
        for k in range(coef.shape[0]):
            level += weights[a, k] * coef[k]
        log_density, slope = prior_term(address[a], level, constants[place[a] :], scratch)
        total += log_density
        for k in range(coef.shape[0]):
            prior_bar[k] += slope * weights[a, k]
    return total


@kernel
def free_backward(data, free, values, values_bar, coef_bar, prior_bar, free_bar):
    """Write derivatives by free numbers; those by coefficients are added to values_bar."""
    backward, place = integers_at(data, BLOCK_BACKWARD), integers_at(data, BLOCK_PLACE)
    constants, form = floats_at(data, BLOCK_CONSTANTS), integers_at(data, COEF_FORM)
    for k in range(free_bar.shape[0]):
        free_bar[k] = 0.0
    for k in range(coef_bar.shape[0]):
        bar = coef_bar[k] + prior_bar[k]
        if form[k] == FREE:
            free_bar[k] += bar
        else:
            values_bar[k] += bar * _slope_of_value(form[k], values[k])
    for b in range(backward.shape[0]):
        f, v = place[3 * b], place[3 * b + 1]
        n, m = place[3 * b + 3] - f, place[3 * b + 4] - v
        own, at_free, at_values = (
            constants[place[3 * b + 2] :].ctypes.data,
            free[f:].ctypes.data,
            values[v:].ctypes.data,
        )
        to_values, to_free = values_bar[v:].ctypes.data, free_bar[f:].ctypes.data
        call_constraint_back(backward[b], n, m, at_free, at_values, own, to_values, to_free)


@kernel
def parameters_backward(data, free, values, values_bar, coef_bar, prior_bar, free_bar, grad):
    """From derivatives by coefficients and by values add those by coordinates.

    Coordinates of coefficients with a joint map have theirs already.
    """
    free_backward(data, free, values, values_bar, coef_bar, prior_bar, free_bar)
    joint = integers_at(data, JOINT)
    first, stop = (joint[JOINT_FIRST], joint[JOINT_STOP]) if joint.shape[0] else (0, 0)
    scale, hyper_scale = float_rows_at(data, COEF_SCALE), floats_at(data, HYPER_SCALE)
    n_coefs = scale.shape[0]
    for k in range(n_coefs):
        if first <= k < stop:
            continue
        for m in range(k + 1):
            grad[m] += scale[k, m] * free_bar[k]
    for k in range(n_coefs, free_bar.shape[0]):
        grad[k] += hyper_scale[k] * free_bar[k]
