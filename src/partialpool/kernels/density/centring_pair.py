"""The map of `kernels.density.centring` for groups of two coefficients, written out.

What `forward_group` and `backward_group` do, in numbers instead of small arrays: several times faster.
The letters are theirs: B = 1 + L' s I L = U U', C = s I L, zeta = U^-T (U^-1 L' h + z).
"""

from __future__ import annotations

import math

from partialpool.kernels.math.vectorised import LN2, mantissa_and_exponent
from partialpool.kernels.native.compiling import inlined, kernel


@inlined
def _curved(chol, information, scale, j):
    """C by rows."""
    i00, i10, i11 = scale * information[j, 0, 0], scale * information[j, 1, 0], scale * information[j, 1, 1]
    l00, l10, l11 = chol[0, 0], chol[1, 0], chol[1, 1]
    return i00 * l00 + i10 * l10, i10 * l11, i10 * l00 + i11 * l10, i11 * l11


@inlined
def _factor(chol, c00, c10, c11):
    """U's lower triangle."""
    u00 = math.sqrt(max(1.0 + chol[0, 0] * c00 + chol[1, 0] * c10, 1.0))
    u10 = chol[1, 1] * c10 / u00
    # Every pivot of 1 + L' I L is at least 1; rounding can take it below.
    return u00, u10, math.sqrt(max(1.0 + chol[1, 1] * c11 - u10 * u10, 1.0))


@inlined
def _zeta(chol, u00, u10, u11, h0, h1, z0, z1):
    """U^-1 L' h, and zeta."""
    t0 = (chol[0, 0] * h0 + chol[1, 0] * h1) / u00
    t1 = (chol[1, 1] * h1 - u10 * t0) / u11
    zeta1 = (t1 + z1) / u11
    return t0, t1, (t0 + z0 - u10 * zeta1) / u00, zeta1


@kernel
def forward_pair(chol, information, scale, pull, z, prior_scale, effects):
    """Write the (J, 2) effects of all groups; return the log Jacobian plus the log prior.

    prior_scale is 1 when zeta has its normal prior, 0 when the effects have a fixed one.
    """
    squares, product, exponents = 0.0, 1.0, 0
    for j in range(z.shape[0]):
        c00, _, c10, c11 = _curved(chol, information, scale, j)
        u00, u10, u11 = _factor(chol, c00, c10, c11)
        _, _, zeta0, zeta1 = _zeta(chol, u00, u10, u11, pull[j, 0], pull[j, 1], z[j, 0], z[j, 1])
        effects[j, 0] = chol[0, 0] * zeta0
        effects[j, 1] = chol[1, 0] * zeta0 + chol[1, 1] * zeta1
        squares += zeta0 * zeta0 + zeta1 * zeta1
        # One logarithm for all groups, of a product that cannot overflow.
        product, exponent = mantissa_and_exponent(product * (u00 * u11))
        exponents += exponent
    return -(0.5 * prior_scale * squares + math.log(product) + LN2 * exponents)


@kernel
def backward_pair(chol, information, scale, pull, z, prior_scale, effects_bar, z_bar, pull_bar, chol_bar):
    """Write the derivatives by z and pull and add those by chol; return that by the log of the scale."""
    l00, l10, l11 = chol[0, 0], chol[1, 0], chol[1, 1]
    l00_bar, l10_bar, l11_bar, scale_bar = 0.0, 0.0, 0.0, 0.0
    for j in range(z.shape[0]):
        h0, h1, e0, e1 = pull[j, 0], pull[j, 1], effects_bar[j, 0], effects_bar[j, 1]
        c00, c01, c10, c11 = _curved(chol, information, scale, j)
        u00, u10, u11 = _factor(chol, c00, c10, c11)
        t0, t1, zeta0, zeta1 = _zeta(chol, u00, u10, u11, h0, h1, z[j, 0], z[j, 1])
        # w = U^-1 zeta_bar is the derivative by z, v = U^-T w
        w0 = (l00 * e0 + l10 * e1 - prior_scale * zeta0) / u00
        w1 = (l11 * e1 - prior_scale * zeta1 - u10 * w0) / u11
        v1 = w1 / u11
        v0 = (w0 - u10 * v1) / u00
        z_bar[j, 0], z_bar[j, 1] = w0, w1
        # the derivative by U, then half of U' times it, then P, the symmetric derivative by B
        f10 = -zeta1 * w0 - v1 * t0
        m00 = 0.5 * (u00 * (-zeta0 * w0 - v0 * t0 - 1.0 / u00) + u10 * f10)
        m10 = 0.5 * u11 * f10
        p11 = 0.5 * (-zeta1 * w1 - v1 * t1 - 1.0 / u11) / u11
        p10 = (m10 / u11 - p11 * u10) / u00
        p00 = ((m00 - u10 * m10 / u11) / u00 - p10 * u10) / u00
        b0, b1 = l00 * v0, l10 * v0 + l11 * v1
        pull_bar[j, 0], pull_bar[j, 1] = b0, b1
        l00_bar += e0 * zeta0 + h0 * v0 + 2.0 * (c00 * p00 + c01 * p10)
        l10_bar += e1 * zeta0 + h1 * v0 + 2.0 * (c10 * p00 + c11 * p10)
        l11_bar += e1 * zeta1 + h1 * v1 + 2.0 * (c10 * p10 + c11 * p11)
        scale_bar += b0 * h0 + b1 * h1 + l00 * (c00 * p00 + c01 * p10)
        scale_bar += c10 * (l10 * p00 + l11 * p10) + c11 * (l10 * p10 + l11 * p11)
    chol_bar[0, 0] += l00_bar
    chol_bar[1, 0] += l10_bar
    chol_bar[1, 1] += l11_bar
    return scale_bar
