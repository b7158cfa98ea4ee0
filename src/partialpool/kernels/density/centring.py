"""The parameterisation of each group's effects, between centred and non-centred, chosen by its own data.

Write b = L zeta, zeta ~ Normal(0, 1), for a group whose effects have covariance L L'. Near the mode its log
likelihood is quadratic, with curvature I and pull h (curvature times mode plus gradient). Then zeta has
posterior precision B = I_d + L' I L and mean B^-1 L' h, and with B = U U' the sampler's coordinate z,

    zeta = U^-T (U^-1 L' h + z),

is standard normal a posteriori whatever L is, as far as the quadratic holds. I = 0 gives z = zeta, the
non-centred form; large I pins b to its mode, the centred one. The map has log Jacobian -sum log U_aa.
Where the curvature is known to scale with another parameter (by 1 / sigma^2 in gaussian models) I and h are
scaled with it, and the normal form is exact for every value of that parameter.
One number a group of this kind is the variationally inferred parameterisation of Gorinova, Moore &
Hoffman (2020); this is its exact form for a quadratic likelihood, and for any number of coefficients.
"""

from __future__ import annotations

import math

from partialpool.kernels.math.vectorised import FACTORS, LN2, logarithm, mantissa_and_exponent
from partialpool.kernels.native.compiling import kernel


@kernel
def forward_group(d, chol, information, scale, pull, z, j, curved, factor, shift, zeta):
    """For group j write scale I L into curved, U into factor, U^-1 L' h into shift, zeta; return log |J|.

    information is (J, d, d), pull (scaled already) and z are (J, d); the rest belongs to this group alone.
    d is an argument so that it can be a constant.
    """
    for a in range(d):
        for c in range(d):
            total = 0.0
            for m in range(c, d):
                total += information[j, a, m] * chol[m, c]
            curved[a, c] = scale * total
    for a in range(d):
        for c in range(a + 1):
            total = 1.0 if a == c else 0.0
            for m in range(a, d):
                total += chol[m, a] * curved[m, c]
            for m in range(c):
                total -= factor[a, m] * factor[c, m]
            # Every pivot of 1 + L' I L is at least 1; rounding can take it below.
            factor[a, c] = math.sqrt(max(total, 1.0)) if a == c else total / factor[c, c]
    product, exponents = 1.0, 0
    for a in range(d):
        total = 0.0
        for m in range(a, d):
            total += chol[m, a] * pull[j, m]
        for m in range(a):
            total -= factor[a, m] * shift[m]
        shift[a] = total / factor[a, a]
        product, exponent = mantissa_and_exponent(product * factor[a, a])
        exponents += exponent
    for a in range(d - 1, -1, -1):
        total = shift[a] + z[j, a]
        for m in range(a + 1, d):
            total -= factor[m, a] * zeta[m]
        zeta[a] = total / factor[a, a]
    return -(logarithm(product) + LN2 * exponents)


@kernel
def backward_group(
    d, chol, pull, zeta, zeta_bar, curved, factor, shift, work, weights, chol_bar, z_bar, j, pull_bar
):
    """From zeta's derivative write z's into z_bar and the pull's into pull_bar; add L's to chol_bar.

    Returns the derivative by the log of the scale, through information and pull. curved, factor, shift and
    zeta are what `forward_group` wrote; work (3 d, d) and weights (d,) are scratch. The derivative of the
    Cholesky factor is Murray (2016), "Differentiation of the Cholesky decomposition", eq. 10.
    """
    factor_bar, middle, precision_bar = work[:d], work[d : 2 * d], work[2 * d :]
    for a in range(d):
        total = zeta_bar[a]
        for m in range(a):
            total -= factor[a, m] * z_bar[j, m]
        z_bar[j, a] = total / factor[a, a]
    for a in range(d - 1, -1, -1):
        total = z_bar[j, a]
        for m in range(a + 1, d):
            total -= factor[m, a] * weights[m]
        weights[a] = total / factor[a, a]
    for a in range(d):
        for c in range(a + 1):
            factor_bar[a, c] = -zeta[a] * z_bar[j, c] - weights[a] * shift[c]
        factor_bar[a, a] -= 1.0 / factor[a, a]
    _cholesky_backward(d, factor, factor_bar, middle, precision_bar)
    for a in range(d):
        total = 0.0
        for m in range(a + 1):
            total += chol[a, m] * weights[m]
        pull_bar[j, a] = total
        for c in range(a + 1):
            total = pull[j, a] * weights[c]
            for m in range(d):
                total += 2.0 * curved[a, m] * precision_bar[m, c]
            chol_bar[a, c] += total
    scale_bar = 0.0
    for a in range(d):
        scale_bar += pull_bar[j, a] * pull[j, a]
        for c in range(d):
            total = 0.0
            for m in range(a + 1):
                total += chol[a, m] * precision_bar[m, c]
            scale_bar += curved[a, c] * total
    return scale_bar


@kernel
def _cholesky_backward(d, factor, factor_bar, middle, precision_bar):
    """Write the symmetric derivative by B = U U' from the derivative by U's lower triangle."""
    for a in range(d):
        for c in range(a + 1):
            total = 0.0
            for m in range(a, d):
                total += factor[m, a] * factor_bar[m, c]
            value = 0.5 * total
            middle[a, c] = value
            middle[c, a] = value
    # middle <- U^-T middle U^-1, one triangular solve from each side
    for c in range(d):
        for a in range(d - 1, -1, -1):
            total = middle[a, c]
            for m in range(a + 1, d):
                total -= factor[m, a] * precision_bar[m, c]
            precision_bar[a, c] = total / factor[a, a]
    for a in range(d):
        for c in range(d - 1, -1, -1):
            total = precision_bar[a, c]
            for m in range(c + 1, d):
                total -= precision_bar[a, m] * factor[m, c]
            precision_bar[a, c] = total / factor[c, c]


@kernel
def forward_scalar(sd, information, scale, pull, z, prior_scale, effects, roots):
    """The forward map of all J groups of one coefficient; returns the log Jacobian plus the log prior.

    What `forward_group` does, without arrays of one group in the loop: several times faster. All arrays are
    (J,); roots get 1 / U, for `backward_scalar`. prior_scale is 1 when zeta has its normal prior, 0 when the
    effects have a fixed one.
    """
    squares, logs = 0.0, 0.0
    for first in range(0, z.shape[0], FACTORS):
        product, exponents, own = 1.0, 0, slice(first, min(first + FACTORS, z.shape[0]))
        i, h, x, out, kept = information[own], pull[own], z[own], effects[own], roots[own]
        # Counted from 0, since an index that might be negative keeps a loop from vectorising.
        for j in range(x.shape[0]):
            precision = 1.0 + sd * sd * scale * i[j]
            inverse = 1.0 / math.sqrt(precision)
            zeta = (sd * h[j] * inverse + x[j]) * inverse
            out[j] = sd * zeta
            kept[j] = inverse
            squares += zeta * zeta
            mantissa, exponent = mantissa_and_exponent(precision)
            product *= mantissa
            exponents += exponent
        logs += math.log(product) + LN2 * exponents
    return -0.5 * (prior_scale * squares + logs)


@kernel
def backward_scalar(sd, information, scale, pull, z, prior_scale, roots, effects_bar, z_bar, pull_bar):
    """Write the derivatives by z and pull; return those by sd and by the log of the scale.

    roots are those of `forward_scalar`; pull_bar may be the same array.
    """
    sd_bar, scale_bar = 0.0, 0.0
    for j in range(z.shape[0]):
        inverse = roots[j]
        h, curved = pull[j], sd * scale * information[j]
        shift = sd * h * inverse
        zeta = (shift + z[j]) * inverse
        w_bar = (sd * effects_bar[j] - prior_scale * zeta) * inverse
        u_bar = w_bar * inverse
        # The derivative by the root U, times 1 / U
        root_bar = -(zeta * w_bar + u_bar * shift + inverse) * inverse
        z_bar[j] = w_bar
        sd_bar += effects_bar[j] * zeta + curved * root_bar + h * u_bar
        scale_bar += u_bar * sd * h + 0.5 * root_bar * sd * curved
        pull_bar[j] = sd * u_bar
    return sd_bar, scale_bar
