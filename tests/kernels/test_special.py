"""Scalar special functions and transforms against scipy's, as plain Python and as compiled code."""

from __future__ import annotations

import math

import numba
import numpy as np
import pytest
from scipy import special, stats

from partialpool.kernels.special import digamma, expit, log_normal_cdf, mills_ratio, softplus, trigamma
from partialpool.kernels.transforms import EXPONENTIAL, IDENTITY, INTERVAL, constrain

POSITIVE = np.concatenate([np.geomspace(1e-8, 1e12, 201), np.linspace(0.1, 30, 300), [9.999999, 10.0]])
REAL = np.concatenate([np.linspace(-40, 40, 801), [-700.0, -100.0, 100.0, 700.0]])


def compiled(function):
    return numba.njit(function.__wrapped__ if hasattr(function, "__wrapped__") else function)


@numba.njit
def _constrain(transform, lower, upper, u):
    return constrain(transform, lower, upper, u)


@pytest.mark.parametrize(
    ("ours", "theirs", "points", "relative"),
    [
        (digamma, special.digamma, POSITIVE, 1e-13),
        (trigamma, lambda x: special.polygamma(1, x), POSITIVE, 1e-12),
        (softplus, lambda x: np.logaddexp(0.0, x), REAL, 1e-15),
        (expit, special.expit, REAL, 1e-15),
        (log_normal_cdf, special.log_ndtr, REAL, 1e-13),
        (mills_ratio, lambda x: np.exp(special.log_ndtr(-x) - stats.norm.logpdf(x)), REAL[REAL >= 10], 1e-10),
    ],
    ids=["digamma", "trigamma", "softplus", "expit", "log_normal_cdf", "mills_ratio"],
)
@pytest.mark.parametrize("wrap", [lambda f: f, compiled], ids=["python", "compiled"])
def test_the_function_is_scipys(wrap, ours, theirs, points, relative) -> None:
    function = wrap(ours)
    values = np.array([function(x) for x in points])
    # A zero crossing (digamma near 1.46) or log(1 - tiny) loses relative, not absolute, accuracy.
    np.testing.assert_allclose(values, theirs(points), rtol=relative, atol=3e-15)


@pytest.mark.parametrize("x", [-1e4, -1e6, -1e100])
def test_the_far_lower_tail_of_the_normal_keeps_its_logarithm(x: float) -> None:
    expected = -0.5 * x * x - 0.5 * math.log(2 * math.pi) - math.log(-x)
    assert log_normal_cdf(x) == pytest.approx(expected, rel=1e-12)


def test_the_two_forms_of_the_normal_tail_meet() -> None:
    above, below = log_normal_cdf(np.nextafter(-10.0, 0.0)), log_normal_cdf(-10.0)
    assert above == pytest.approx(below, rel=1e-13)


@pytest.mark.parametrize("u", [-30.0, -3.0, 0.0, 0.4, 5.0, 30.0])
@pytest.mark.parametrize(
    ("transform", "lower", "upper", "plain"),
    [
        (IDENTITY, 0.0, 0.0, lambda u: u),
        (EXPONENTIAL, 0.0, 0.0, math.exp),
        (INTERVAL, -2.0, 3.0, lambda u: -2.0 + 5.0 * special.expit(u)),
    ],
    ids=["identity", "exponential", "interval"],
)
def test_constrain_returns_value_slope_and_log_jacobian(transform, lower, upper, plain, u) -> None:
    value, slope, log_slope, log_slope_slope = _constrain(transform, lower, upper, u)
    h = 1e-6
    assert value == pytest.approx(plain(u), rel=1e-14)
    assert slope == pytest.approx((plain(u + h) - plain(u - h)) / (2 * h), rel=1e-8, abs=1e-8)
    assert log_slope == pytest.approx(
        math.log(slope), abs=2e-3 if transform == INTERVAL and u == 30 else 1e-9
    )
    up, down = (_constrain(transform, lower, upper, u + s)[2] for s in (h, -h))
    assert log_slope_slope == pytest.approx((up - down) / (2 * h), abs=1e-8)


@pytest.mark.parametrize("u", [-800.0, 800.0])
def test_an_interval_stays_inside_its_ends(u: float) -> None:
    value, slope, log_slope, _ = _constrain(INTERVAL, -2.0, 3.0, u)
    assert -2.0 <= value <= 3.0
    assert slope == 0.0
    assert log_slope == pytest.approx(math.log(5.0) - 800.0)
