"""Exponential and logarithm of plain arithmetic against numpy's, over the whole range of doubles."""

from __future__ import annotations

import numba
import numpy as np
import pytest

from partialpool.kernels.math.vectorised import (
    exponential,
    exponential_less_one,
    exponential_ratio,
    exponential_single,
    log_one_plus_any,
    log_one_plus_ratio,
    logarithm,
    mantissa_and_exponent,
    where,
)

ANY = np.concatenate([np.linspace(-708.0, 709.0, 20_001), np.linspace(-2.0, 2.0, 20_001)])
SMALL = np.geomspace(1e-300, 1.0, 3_001)


@numba.njit
def _over(x):
    out = np.empty((13, x.shape[0]))
    for i in range(x.shape[0]):
        out[0, i] = exponential(x[i])
        out[1, i] = exponential_less_one(x[i])
        out[2, i] = logarithm(abs(x[i]))
        out[3, i] = log_one_plus_any(x[i])
        out[4, i], out[5, i], out[6, i] = log_one_plus_ratio(*exponential_ratio(x[i]))
        out[7, i] = where(x[i] > 0.5, 1.0, 2.0)
        out[8, i], out[9, i] = exponential_ratio(x[i])
        out[10, i] = exponential_single(x[i])
        out[11, i], out[12, i] = mantissa_and_exponent(abs(x[i]))
    return out


def test_exponentials_are_numpys() -> None:
    ours = _over(ANY)
    np.testing.assert_allclose(ours[0], np.exp(ANY), rtol=1e-15)
    np.testing.assert_allclose(ours[1], np.expm1(ANY), rtol=1e-15)
    np.testing.assert_allclose(_over(-SMALL)[1], np.expm1(-SMALL), rtol=1e-15)


def test_an_exponential_in_single_precision_has_seven_digits() -> None:
    x = np.concatenate([ANY[(ANY <= 0.0) & (ANY >= -87.0)], -SMALL, [-1e3, -np.inf]])
    # The argument is rounded too: what is left of it far below zero is small all the same.
    np.testing.assert_allclose(_over(x)[10], np.exp(x), rtol=1.2e-7, atol=1e-7)
    whole = np.arange(-87.0, 1.0)
    np.testing.assert_allclose(_over(whole)[10], np.exp(whole), rtol=2e-7)


def test_an_exponential_in_two_numbers_is_numpys() -> None:
    x = np.concatenate([ANY[ANY <= 0.0], -SMALL])
    above, below = _over(x)[8:10]
    np.testing.assert_allclose(above / below, np.exp(x), rtol=1e-15)
    assert np.all((below > 0.8) & (below < 1.2))
    above, below = _over(np.array([-1e300, -709.0]))[8:10]
    np.testing.assert_allclose(above / below, np.exp(-708.0), rtol=1e-15)


def test_arguments_out_of_range_are_held_at_its_ends() -> None:
    out = _over(np.array([-1e300, -709.0, 710.0, 1e300]))[0]
    np.testing.assert_allclose(out, np.exp([-708.0, -708.0, 709.0, 709.0]), rtol=1e-15)


@pytest.mark.parametrize("x", [SMALL, np.geomspace(2.3e-308, 1.7e308, 20_001), np.linspace(0.4, 2.2, 20_001)])
def test_the_logarithm_is_numpys(x: np.ndarray) -> None:
    np.testing.assert_allclose(_over(x)[2], np.log(x), rtol=1e-15, atol=1e-17)


@pytest.mark.parametrize(
    "x", [SMALL, -0.9 * SMALL, np.geomspace(1.0, 1e300, 3_001), np.linspace(0.0, 9.0, 999)]
)
def test_the_logarithm_of_one_plus_keeps_its_digits_near_zero(x: np.ndarray) -> None:
    np.testing.assert_allclose(_over(x)[3], np.log1p(x), rtol=1.5e-15)


def test_one_division_gives_a_logarithm_and_both_shares() -> None:
    x = np.concatenate([[0.0], -SMALL, ANY[ANY <= 0.0], -np.geomspace(1.0, 708.0, 20_001)])
    log, smaller, larger = _over(x)[4:7]
    ratio = np.exp(x)
    np.testing.assert_allclose(log, np.log1p(ratio), rtol=1e-15)
    np.testing.assert_allclose(smaller, ratio / (1.0 + ratio), rtol=1.2e-15)
    np.testing.assert_allclose(larger, 1.0 / (1.0 + ratio), rtol=1e-15)


def test_a_number_is_its_mantissa_times_a_power_of_two() -> None:
    x = np.concatenate([[1.0, 2.0, np.nextafter(2.0, 1.0), 2.3e-308, 1.7e308], SMALL, ANY[ANY != 0.0]])
    mantissa, exponent = _over(x)[11:13]
    assert np.all((mantissa >= 1.0) & (mantissa < 2.0))
    np.testing.assert_array_equal(np.ldexp(mantissa, exponent.astype(int)), np.abs(x))


def test_a_choice() -> None:
    x = np.array([-1e300, -1e-300, 0.0, 1e-300, 0.75])
    np.testing.assert_array_equal(_over(x)[7], [2.0, 2.0, 2.0, 2.0, 1.0])
