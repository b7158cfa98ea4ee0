"""Scalar special functions against scipy's, as plain Python and as compiled code."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from scipy import special

from partialpool.kernels.math.special import (
    expit,
    gamma_differences,
    log_gamma_excess,
    mills_ratio,
    softplus,
    trigamma,
)

POSITIVE = np.concatenate([np.geomspace(1e-8, 1e12, 201), np.linspace(0.1, 30, 300), [9.999999, 10.0]])
REAL = np.concatenate([np.linspace(-40, 40, 801), [-700.0, -100.0, 100.0, 700.0]])


def compiled(function):
    return numba.njit(function.__wrapped__ if hasattr(function, "__wrapped__") else function)


@pytest.mark.parametrize(
    ("ours", "theirs", "points", "relative"),
    [
        (softplus, lambda x: np.logaddexp(0.0, x), REAL, 1e-15),
        (expit, special.expit, REAL, 1e-15),
    ],
    ids=["softplus", "expit"],
)
@pytest.mark.parametrize("wrap", [lambda f: f, compiled], ids=["python", "compiled"])
def test_the_function_is_scipys(wrap, ours, theirs, points, relative) -> None:
    function = wrap(ours)
    values = np.array([function(x) for x in points])
    np.testing.assert_allclose(values, theirs(points), rtol=relative, atol=3e-15)


@numba.njit
def _mills(x):
    return mills_ratio(x)


@numba.njit
def _trigamma(x):
    return trigamma(x)


@numba.njit
def _gamma_differences(x, y):
    return gamma_differences(x, y)


def test_the_ratio_of_mills_is_scipys_from_zero_to_infinity() -> None:
    x = np.concatenate([np.linspace(0.0, 40.0, 4001), np.geomspace(40.0, 1e100, 101)])
    ours = np.array([_mills(v) for v in x])
    theirs = np.sqrt(np.pi / 2.0) * special.erfcx(x / np.sqrt(2.0))
    np.testing.assert_allclose(ours, theirs, rtol=2e-15)


def test_trigamma_is_scipys() -> None:
    ours = np.array([_trigamma(v) for v in POSITIVE])
    np.testing.assert_allclose(ours, special.polygamma(1, POSITIVE), rtol=1e-13)


@pytest.mark.parametrize("y", [0.0, 1.0, 2.0, 7.0, 40.0, 1e4, 1e9])
def test_differences_of_log_gamma_and_digamma_keep_their_digits(y: float) -> None:
    """Against sums; where there are too many terms, against scipy, which then loses digits itself."""
    x = POSITIVE if y < 1e5 else POSITIVE[POSITIVE < 1e3]
    ours = np.array([_gamma_differences(v, y) for v in x])
    if y < 1e5:
        steps = x[:, None] + np.arange(y)
        values, slopes = np.log(steps).sum(axis=1), (1.0 / steps).sum(axis=1)
    else:
        values = special.gammaln(x + y) - special.gammaln(x)
        slopes = special.digamma(x + y) - special.digamma(x)
    np.testing.assert_allclose(ours[:, 0], values, rtol=3e-13, atol=3e-13)
    np.testing.assert_allclose(ours[:, 1], slopes, rtol=3e-13, atol=3e-14)


@numba.njit
def _log_gamma_excess(x):
    return log_gamma_excess(x)


def test_what_log_gamma_has_beyond_its_large_part_keeps_its_digits() -> None:
    x = np.geomspace(1e-3, 1e9, 400)
    ours = np.array([_log_gamma_excess(v) for v in x])
    usual = x < 50.0  # from there on scipy's difference loses digits, and the series is its own reference
    values = special.gammaln(x) - x * np.log(x) + x
    slopes = special.digamma(x) - np.log(x)
    bends = x * x * special.polygamma(1, x) - x
    np.testing.assert_allclose(
        ours[usual], np.array([values, slopes, bends]).T[usual], rtol=2e-12, atol=1e-13
    )
    far = x[~usual]
    expected = 0.5 * np.log(2.0 * np.pi / far) + 1.0 / (12.0 * far) - 1.0 / (360.0 * far**3)
    np.testing.assert_allclose(ours[~usual, 0], expected, rtol=1e-9)
    np.testing.assert_allclose(ours[~usual, 1], -0.5 / far - 1.0 / (12.0 * far**2), rtol=1e-6)
    np.testing.assert_allclose(ours[~usual, 2], 0.5 + 1.0 / (6.0 * far), rtol=1e-5)
