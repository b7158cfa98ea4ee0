"""Correlation factors against brute force: the matrix, the LKJ density with its Jacobian, and derivatives."""

from __future__ import annotations

import numba
import numpy as np
import pytest

from partialpool.kernels.math.correlations import correlation_backward, correlation_forward

DIMENSIONS = (2, 3, 4)


@numba.njit
def forward(y, eta, factor):
    return correlation_forward(y, eta, factor)


@numba.njit
def backward(y, eta, factor, factor_bar, y_bar):
    correlation_backward(y, eta, factor, factor_bar, y_bar)


def factor_of(y: np.ndarray, d: int) -> tuple[float, np.ndarray]:
    factor = np.zeros((d, d))
    return forward(y, 1.0, factor), factor


def twin(y: np.ndarray, d: int) -> np.ndarray:
    """The Cholesky factor by its definition, row by row."""
    z, factor, k = np.tanh(y), np.zeros((d, d)), 0
    for i in range(d):
        for j in range(i):
            factor[i, j] = z[k] * np.sqrt(1.0 - np.sum(factor[i, :j] ** 2))
            k += 1
        factor[i, i] = np.sqrt(1.0 - np.sum(factor[i, :i] ** 2))
    return factor


def below_diagonal(y: np.ndarray, d: int) -> np.ndarray:
    matrix = twin(y, d) @ twin(y, d).T
    return matrix[np.tril_indices(d, -1)]


def jacobian(y: np.ndarray, d: int, h: float = 1e-5) -> np.ndarray:
    steps = h * np.eye(len(y))
    return np.array([(below_diagonal(y + s, d) - below_diagonal(y - s, d)) / (2 * h) for s in steps]).T


@pytest.mark.parametrize("d", DIMENSIONS)
def test_the_factor_is_that_of_a_correlation_matrix(d: int) -> None:
    y = np.random.default_rng(d).normal(size=d * (d - 1) // 2)
    _, factor = factor_of(y, d)
    np.testing.assert_allclose(factor, twin(y, d), atol=1e-14)
    np.testing.assert_allclose(np.diag(factor @ factor.T), 1.0, atol=1e-14)


@pytest.mark.parametrize("d", DIMENSIONS)
@pytest.mark.parametrize("eta", [0.5, 1.0, 2.0, 7.0])
def test_the_value_is_lkj_with_the_jacobian_of_the_correlations(d: int, eta: float) -> None:
    """Differences of two points: the LKJ density has an unwritten constant."""
    rng = np.random.default_rng(10 * d)
    ours, plain = [], []
    for _ in range(2):
        y = rng.normal(size=d * (d - 1) // 2)
        ours.append(forward(y, eta, np.zeros((d, d))))
        log_det = 2 * np.sum(np.log(np.diag(twin(y, d))))
        plain.append((eta - 1.0) * log_det + np.linalg.slogdet(jacobian(y, d))[1])
    assert ours[1] - ours[0] == pytest.approx(plain[1] - plain[0], abs=1e-7)


@pytest.mark.parametrize("d", DIMENSIONS)
@pytest.mark.parametrize("size", [0.0, 1e-9, 1.0, 6.0])
def test_derivatives_agree_with_differences(d: int, size: float) -> None:
    rng = np.random.default_rng(d)
    y, eta = size * rng.uniform(-1, 1, d * (d - 1) // 2), 2.5
    weights = np.tril(rng.normal(size=(d, d)))

    def value(at: np.ndarray) -> float:
        factor = np.zeros((d, d))
        return forward(at, eta, factor) + float(np.sum(weights * factor))

    y_bar, factor = np.ones_like(y), np.zeros((d, d))
    forward(y, eta, factor)
    backward(y, eta, factor, weights, y_bar)
    steps = 1e-5 * np.eye(len(y))
    expected = [1.0 + (value(y + s) - value(y - s)) / 2e-5 for s in steps]  # it adds to what is there
    np.testing.assert_allclose(y_bar, expected, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("y", [25.0, -25.0, 200.0])
def test_a_correlation_of_almost_one_keeps_a_positive_diagonal(y: float) -> None:
    value, factor = factor_of(np.array([y]), 2)
    assert factor[1, 1] == pytest.approx(1 / np.cosh(y), rel=1e-12)
    assert np.isfinite(value)
    y_bar = np.zeros(1)
    backward(np.array([y]), 1.0, factor, np.zeros((2, 2)), y_bar)
    # LKJ(1) is uniform in the correlation: what is left is log(1 - tanh(y)^2).
    assert y_bar[0] == pytest.approx(-2.0 * np.tanh(y), rel=1e-12)
