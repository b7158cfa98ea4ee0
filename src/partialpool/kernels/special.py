"""Scalar special functions that numba lacks, and stable forms of common ones."""

from __future__ import annotations

import math

from partialpool.kernels.compiling import inlined


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
def digamma(x):
    """Derivative of log gamma for x > 0: recurrence to x >= 10, then the asymptotic series (DLMF 5.11.2)."""
    shift = 0.0
    while x < 10.0:
        shift -= 1.0 / x
        x += 1.0
    r = 1.0 / (x * x)
    series = r * (
        1.0 / 12.0
        - r
        * (1.0 / 120.0 - r * (1.0 / 252.0 - r * (1.0 / 240.0 - r * (1.0 / 132.0 - r * (691.0 / 32760.0)))))
    )
    return shift + math.log(x) - 0.5 / x - series


@inlined
def trigamma(x):
    """Second derivative of log gamma for x > 0 (DLMF 5.15.8), by the same recurrence."""
    shift = 0.0
    while x < 10.0:
        shift += 1.0 / (x * x)
        x += 1.0
    r = 1.0 / (x * x)
    series = 1.0 / 6.0 - r * (1.0 / 30.0 - r * (1.0 / 42.0 - r * (1.0 / 30.0 - r * (5.0 / 66.0))))
    return shift + (1.0 + 0.5 / x + r * series) / x


@inlined
def log_normal_cdf(x):
    """log of the standard normal distribution function, accurate in the lower tail.

    Below -10 a continued fraction of Mills' ratio is used (DLMF 7.9.3); erfc serves elsewhere.
    """
    if x > -10.0:
        return math.log(0.5 * math.erfc(-x * 0.7071067811865476))
    return -0.5 * x * x - 0.9189385332046727 + math.log(mills_ratio(-x))


@inlined
def mills_ratio(x):
    """(1 - Phi(x)) / phi(x) for x >= 10 by its continued fraction."""
    t = x
    for k in range(12, 0, -1):
        t = x + k / t
    return 1.0 / t
