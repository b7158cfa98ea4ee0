"""Scalar special functions that numba lacks, and stable forms of common ones.

Those that families use cell by cell have no branches and no calls (see `kernels.math.vectorised`).
"""

from __future__ import annotations

import math

from partialpool.kernels.math.vectorised import log_one_plus_any, logarithm, where
from partialpool.kernels.native.compiling import inlined

LOG_SQRT_TWO_PI = 0.9189385332046727
SHIFT = 8.0  # asymptotic series serve from here; below it recurrences lead up to it


@inlined
def softplus(x):
    """log(1 + exp(x)) without overflow."""
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


@inlined
def expit(x):
    """1 / (1 + exp(-x)) without overflow."""
    e = math.exp(-abs(x))
    return (1.0 if x >= 0.0 else e) / (1.0 + e)


@inlined
def _rising(x):
    """x (x + 1) ... (x + 7) and its derivative's ratio to it, sum of 1 / (x + i)."""
    u = x * (x + 7.0)
    product = u * (u + 6.0) * (u + 10.0) * (u + 12.0)
    slope = 720.0 + u * (504.0 + u * (84.0 + u * 4.0))
    return product, (2.0 * x + 7.0) * slope / product


@inlined
def _gamma_series(r):
    """log Gamma(1 / r) less Stirling's formula, and digamma(1 / r) - log(1 / r) + r / 2 (DLMF 5.11.1-2)."""
    z = r * r
    first = 1.0 / 12.0 - z * (
        1.0 / 360.0
        - z * (1.0 / 1260.0 - z * (1.0 / 1680.0 - z * (1.0 / 1188.0 - z * (691.0 / 360360.0 - z / 156.0))))
    )
    second = 1.0 / 12.0 - z * (
        1.0 / 120.0
        - z * (1.0 / 252.0 - z * (1.0 / 240.0 - z * (1.0 / 132.0 - z * (691.0 / 32760.0 - z / 12.0))))
    )
    return r * first, -z * second


@inlined
def gamma_differences(x, y):
    """log Gamma(x + y) - log Gamma(x), and the same of digamma, for x > 0 and y >= 0.

    Stirling's series at x + y and x, both 8 higher by the recurrence where x is below 8. Their difference is
    taken term by term, so that no digits are lost where x is large.
    """
    low = x < SHIFT
    a = where(low, x + SHIFT, x)
    b = a + y
    # Where nothing is shifted both are those of 1, and cancel.
    product_x, sum_x = _rising(where(low, x, 1.0))
    product_b, sum_b = _rising(where(low, x + y, 1.0))
    down_a, down_b = 1.0 / a, 1.0 / b
    log_a, log_ratio = logarithm(a), log_one_plus_any(y * down_a)
    series_a, slope_a = _gamma_series(down_a)
    series_b, slope_b = _gamma_series(down_b)
    value = (a - 0.5) * log_ratio + y * (log_a + log_ratio - 1.0) + (series_b - series_a)
    value -= logarithm(product_b) - logarithm(product_x)
    slope = log_ratio + 0.5 * (down_a - down_b) + (slope_b - slope_a) + (sum_x - sum_b)
    return value, slope


@inlined
def log_gamma_excess(x):
    """log Gamma(x) - x log(x) + x for x > 0, its derivative, and x^2 times its second derivative.

    Of log gamma that is what is left when its large part is taken away: Stirling's series, 8 higher by the
    recurrence where x is below 8.
    """
    low = x < SHIFT
    a = where(low, x + SHIFT, x)
    product, rising = _rising(where(low, x, 1.0))
    log_a, log_ratio, down = logarithm(a), logarithm(a / x), 1.0 / a
    series, slope = _gamma_series(down)
    shifted = (a - 0.5) * log_a - a + LOG_SQRT_TWO_PI + series - logarithm(product)
    value = where(low, shifted - x * logarithm(x) + x, LOG_SQRT_TWO_PI - 0.5 * log_a + series)
    by_x = slope - 0.5 * down + where(low, log_ratio - rising, 0.0)
    z = down * down
    # trigamma(a) - 1 / a by its series (DLMF 5.15.8)
    tail = 1.0 / 6.0 - z * (
        1.0 / 30.0
        - z * (1.0 / 42.0 - z * (1.0 / 30.0 - z * (5.0 / 66.0 - z * (691.0 / 2730.0 - z * (7.0 / 6.0)))))
    )
    bend = z * (0.5 + down * tail)
    shift = 0.0
    for i in range(8):
        shift += 1.0 / ((x + i) * (x + i))
    bend += where(low, shift + down - 1.0 / x, 0.0)
    return value, by_x, x * x * bend


@inlined
def trigamma(x):
    """Second derivative of log gamma for x > 0 (DLMF 5.15.8), by the recurrence to x >= 8."""
    shift = 0.0
    low = x < SHIFT
    for i in range(8):
        shift += where(low, 1.0 / ((x + i) * (x + i)), 0.0)
    r = 1.0 / where(low, x + SHIFT, x)
    z = r * r
    series = 1.0 / 6.0 - z * (
        1.0 / 30.0
        - z * (1.0 / 42.0 - z * (1.0 / 30.0 - z * (5.0 / 66.0 - z * (691.0 / 2730.0 - z * (7.0 / 6.0)))))
    )
    return shift + r * (1.0 + r * (0.5 + r * series))


@inlined
def mills_ratio(x):
    """(1 - Phi(x)) / phi(x) for x >= 0, Phi and phi the standard normal's distribution and density.

    (1 + x) times it is smooth up to infinity in t = (x - 5) / (x + 5) (Shepherd & Laframboise 1981 do the
    same with erfc); a polynomial of degree 22 in t has a relative error of 2.2e-16.
    """
    t = (x - 5.0) / (x + 5.0)
    p = -7.2311080108737284e-10
    p = p * t + 5.5214624781761121e-09
    p = p * t + 9.1788629922404941e-09
    p = p * t - 6.3778776303821671e-08
    p = p * t - 6.6094703329475142e-08
    p = p * t + 4.7227476073774291e-07
    p = p * t + 3.2081792056260234e-07
    p = p * t - 3.2595948251902223e-06
    p = p * t - 1.7656104615912756e-07
    p = p * t + 2.2699260901296293e-05
    p = p * t - 2.4805716246578036e-05
    p = p * t - 1.3437030708913790e-04
    p = p * t + 4.5704388164876131e-04
    p = p * t + 1.9529659469872331e-05
    p = p * t - 4.2012903202218543e-03
    p = p * t + 1.6348231428515371e-02
    p = p * t - 3.8026592186959090e-02
    p = p * t + 6.1505045827832775e-02
    p = p * t - 6.6177600779024893e-02
    p = p * t + 2.5072179302116815e-02
    p = p * t + 7.7781598868735910e-02
    p = p * t - 2.2948753825211863e-01
    p = p * t + 1.1568486282918946
    return p / (1.0 + x)
