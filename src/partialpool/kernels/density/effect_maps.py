"""From sampler coordinates to the effects of a group-level term, and back for gradients."""

from __future__ import annotations

import numpy as np

from partialpool.kernels.density.centring import (
    backward_group,
    backward_scalar,
    forward_group,
    forward_scalar,
)
from partialpool.kernels.density.centring_pair import backward_pair, forward_pair
from partialpool.kernels.density.inputs import (
    EFFECT_POSITION,
    EFFECT_PRIOR,
    EFFECT_PRIOR_PARAMETERS,
    INFORMATION,
    TERM_SIZE,
    TERM_START,
)
from partialpool.kernels.density.prior_terms import prior_term
from partialpool.kernels.native.compiling import kernel
from partialpool.kernels.native.pointers import (
    float_rows_at,
    floats_at,
    integers_at,
    matrices_in,
    matrix_in,
    on_stack,
    vector_in,
)


@kernel
def _information(data, start, size, d):
    """A term's (J, d, d) information, which starts at a position of all terms'."""
    return matrices_in(floats_at(data, INFORMATION), start, size, d, d)


@kernel
def _coordinates(data, x, t, d):
    """Term t's (J, d) coordinates."""
    return matrix_in(x, integers_at(data, EFFECT_POSITION)[t], integers_at(data, TERM_SIZE)[t], d)


@kernel
def effects_forward(data, x, t, start, chol, scale, pull, effects, kept):
    """Write term t's effects into (J, d); return the log prior of its coordinates.

    start is where the term's information starts, pull the (J, d) of `pulls_forward`, scale what the
    information is times now. kept (J, d) is for `effects_backward`.
    """
    d = chol.shape[0]
    z = _coordinates(data, x, t, d)
    information = _information(data, start, z.shape[0], d)
    fixed = integers_at(data, EFFECT_PRIOR)[integers_at(data, TERM_START)[t]] != 0
    prior_scale = 0.0 if fixed else 1.0
    if d == 1:
        n = z.shape[0]
        return forward_scalar(
            chol[0, 0],
            vector_in(information, 0, n),
            scale,
            vector_in(pull, 0, n),
            vector_in(z, 0, n),
            prior_scale,
            vector_in(effects, 0, n),
            vector_in(kept, 0, n),
        )
    if d == 2:
        return forward_pair(chol, information, scale, pull, z, prior_scale, effects)
    # A constant number of coefficients has its loops unrolled and its small matrices kept in registers.
    if d == 3:
        return _forward_groups(3, on_stack(24), chol, information, scale, pull, z, prior_scale, effects)
    scratch = np.empty(2 * d * d + 2 * d)
    return _forward_groups(d, scratch, chol, information, scale, pull, z, prior_scale, effects)


@kernel
def _forward_groups(d, scratch, chol, information, scale, pull, z, prior_scale, effects):
    """`effects_forward` of groups of any d coefficients, with (2 d d + 2 d) numbers to work with."""
    s = 2 * d * d
    curved, factor = matrix_in(scratch, 0, d, d), matrix_in(scratch, d * d, d, d)
    shift, zeta = vector_in(scratch, s, d), vector_in(scratch, s + d, d)
    total = 0.0
    for j in range(z.shape[0]):
        total += forward_group(d, chol, information, scale, pull, z, j, curved, factor, shift, zeta)
        for a in range(d):
            value = 0.0
            for m in range(a + 1):
                value += chol[a, m] * zeta[m]
            effects[j, a] = value
            total -= 0.5 * prior_scale * zeta[a] * zeta[a]
    scratch[0] = 0.0  # its last use: it must outlive its views
    return total


@kernel
def fixed_priors(data, t, effects, effects_bar, scratch):
    """Log density of (J, d) effects with fixed priors; adds its derivatives to effects_bar."""
    start = integers_at(data, TERM_START)[t]
    address = integers_at(data, EFFECT_PRIOR)
    parameters = float_rows_at(data, EFFECT_PRIOR_PARAMETERS)
    total = 0.0
    for j in range(effects.shape[0]):
        for c in range(effects.shape[1]):
            log_density, slope = prior_term(address[start + c], effects[j, c], parameters[start + c], scratch)
            total += log_density
            effects_bar[j, c] += slope
    return total


@kernel
def effects_backward(data, x, t, start, chol, scale, pull, effects_bar, chol_bar, pull_bar, grad):
    """From the derivative by term t's effects write those by its coordinates and pulls; add chol's.

    pull_bar is what `effects_forward` called kept, until the derivatives take its place. Returns the
    derivative by the log of the scale.
    """
    d = chol.shape[0]
    z, z_bar = _coordinates(data, x, t, d), _coordinates(data, grad, t, d)
    information = _information(data, start, z.shape[0], d)
    fixed = integers_at(data, EFFECT_PRIOR)[integers_at(data, TERM_START)[t]] != 0
    prior_scale = 0.0 if fixed else 1.0
    if d == 1:
        n = z.shape[0]
        sd_bar, scale_bar = backward_scalar(
            chol[0, 0],
            vector_in(information, 0, n),
            scale,
            vector_in(pull, 0, n),
            vector_in(z, 0, n),
            prior_scale,
            vector_in(pull_bar, 0, n),
            vector_in(effects_bar, 0, n),
            vector_in(z_bar, 0, n),
            vector_in(pull_bar, 0, n),
        )
        chol_bar[0, 0] += sd_bar
        return scale_bar
    if d == 2:
        return backward_pair(
            chol, information, scale, pull, z, prior_scale, effects_bar, z_bar, pull_bar, chol_bar
        )
    if d == 3:
        return _backward_groups(
            3,
            on_stack(57),
            chol,
            information,
            scale,
            pull,
            z,
            prior_scale,
            effects_bar,
            z_bar,
            pull_bar,
            chol_bar,
        )
    scratch = np.empty(5 * d * d + 4 * d)
    return _backward_groups(
        d, scratch, chol, information, scale, pull, z, prior_scale, effects_bar, z_bar, pull_bar, chol_bar
    )


@kernel
def _backward_groups(
    d, scratch, chol, information, scale, pull, z, prior_scale, effects_bar, z_bar, pull_bar, chol_bar
):
    """`effects_backward` of groups of any d coefficients, with (5 d d + 4 d) numbers to work with."""
    s = 5 * d * d
    curved, factor = matrix_in(scratch, 0, d, d), matrix_in(scratch, d * d, d, d)
    work = matrix_in(scratch, 2 * d * d, 3 * d, d)
    shift, zeta = vector_in(scratch, s, d), vector_in(scratch, s + d, d)
    zeta_bar, weights = vector_in(scratch, s + 2 * d, d), vector_in(scratch, s + 3 * d, d)
    scale_bar = 0.0
    for j in range(z.shape[0]):
        forward_group(d, chol, information, scale, pull, z, j, curved, factor, shift, zeta)
        for c in range(d):
            bar = -prior_scale * zeta[c]
            for a in range(c, d):
                bar += chol[a, c] * effects_bar[j, a]
                chol_bar[a, c] += effects_bar[j, a] * zeta[c]
            zeta_bar[c] = bar
        scale_bar += backward_group(
            d, chol, pull, zeta, zeta_bar, curved, factor, shift, work, weights, chol_bar, z_bar, j, pull_bar
        )
    scratch[0] = 0.0  # its last use: it must outlive its views
    return scale_bar
