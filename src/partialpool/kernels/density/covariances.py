"""The covariance of a group's effects from sds and correlations, and the derivatives back.

Effects of a group are L zeta with L = diag(sds) F and F the Cholesky factor of their correlation matrix. sds
and F are values of parameter blocks, or given.
"""

from __future__ import annotations

from partialpool.kernels.density.inputs import CORR_SOURCE, SD_FIXED, SD_SOURCE, TERM_START
from partialpool.kernels.native.compiling import kernel
from partialpool.kernels.native.pointers import floats_at, integers_at


@kernel
def sd_of(data, e, values):
    """The sd of coordinate e of all."""
    source = integers_at(data, SD_SOURCE)[e]
    return values[source] if source >= 0 else floats_at(data, SD_FIXED)[e]


@kernel
def correlation_factor(data, t, a, c, values):
    """Entry of the factor of the correlations of term t's effects."""
    source, start = integers_at(data, CORR_SOURCE)[t], integers_at(data, TERM_START)
    if source < 0:
        return 1.0 if a == c else 0.0
    return values[source + a * (start[t + 1] - start[t]) + c]


@kernel
def covariance_forward(data, t, values, chol):
    """Write the (d, d) factor L of the covariance of term t's effects."""
    start = integers_at(data, TERM_START)[t]
    for a in range(chol.shape[0]):
        sd = sd_of(data, start + a, values)
        for c in range(chol.shape[0]):
            chol[a, c] = sd * correlation_factor(data, t, a, c, values) if c <= a else 0.0


@kernel
def covariance_backward(data, t, values, chol_bar, values_bar):
    """Add the derivatives by sds and correlation factor, from those by L's lower triangle."""
    start, d = integers_at(data, TERM_START)[t], chol_bar.shape[0]
    sd_source, source = integers_at(data, SD_SOURCE), integers_at(data, CORR_SOURCE)[t]
    for a in range(d):
        sd, bar = sd_of(data, start + a, values), 0.0
        for c in range(a + 1):
            bar += chol_bar[a, c] * correlation_factor(data, t, a, c, values)
            if source >= 0:
                values_bar[source + a * d + c] += chol_bar[a, c] * sd
        if sd_source[start + a] >= 0:
            values_bar[sd_source[start + a]] += bar
