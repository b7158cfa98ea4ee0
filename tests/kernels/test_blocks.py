"""Loops over cells of any number of predictors: one function of arrays against one of numbers."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

from partialpool.kernels.math.vectorised import exponential
from partialpool.kernels.native.compiling import inlined
from partialpool.kernels.native.family_loops import family_blocks

N = 101


@inlined
def three(stats, i, a, b, c):
    """Log likelihood s a b - exp(c) b."""
    s, e = stats[0, i], exponential(c)
    return s * a * b - e * b, s * b, s * a - e, -e * b, 0.0, -s, 0.0, 0.0, e, e * b


@inlined
def any_number(stats, i, eta, first, second):
    """The sum over predictors p of stats[p] eta[p] - eta[0] eta[p] (p + 1)."""
    total, place = 0.0, 0
    for p in range(eta.shape[0]):
        total += stats[p, i] * eta[p, i] - eta[0, i] * eta[p, i] * (p + 1)
    if first.shape[0]:
        slope = 0.0
        for p in range(eta.shape[0]):
            first[p, i] = stats[p, i] - eta[0, i] * (p + 1)
            slope += eta[p, i] * (p + 1)
        first[0, i] -= slope
    if second.shape[0]:
        for p in range(eta.shape[0]):
            for q in range(p + 1):
                second[place, i] = (p + 1 if q == 0 else 0.0) + (1.0 if p == 0 else 0.0)
                place += 1
    return total


def pointer(array: np.ndarray):
    kind = ctypes.c_int64 if array.dtype == np.int64 else ctypes.c_double
    return array.ctypes.data_as(ctypes.POINTER(kind))


def run(block, stats, eta, *out):
    return block.ctypes(N, pointer(stats), N, pointer(eta), N, *(pointer(a) for a in out), len(eta))


def plain(kind: str, stats: np.ndarray, eta: np.ndarray) -> np.ndarray:
    if kind == "three":
        return stats[0] * eta[0] * eta[1] - np.exp(eta[2]) * eta[1]
    return sum(stats[p] * e - eta[0] * e * (p + 1) for p, e in enumerate(eta))


@pytest.mark.parametrize(
    ("kind", "n_predictors"), [("three", 3), ("any", 1), ("any", 2), ("any", 3), ("any", 5)]
)
def test_a_cell_of_many_predictors_has_its_loops(kind: str, n_predictors: int) -> None:
    cell, form = (three, 3) if kind == "three" else (any_number, None)
    gradient, curvature, values = family_blocks(cell, form)
    rng = np.random.default_rng(2)
    stats, eta, x = (rng.normal(size=(rows, N)) for rows in (n_predictors, n_predictors, 4))
    slopes = rng.normal(size=5)
    moved = eta.copy()
    moved[0] += slopes[:4] @ x + slopes[4]
    expected, h = plain(kind, stats, moved), 1e-6
    first, again = np.empty_like(eta), np.empty_like(eta)
    second = np.empty((n_predictors * (n_predictors + 1) // 2, N))
    each = np.empty(N)
    run(values, stats, moved, each, each)
    np.testing.assert_allclose(each, expected, rtol=1e-12)
    assert run(curvature, stats, moved, first, second) == pytest.approx(expected.sum(), rel=1e-12)
    addresses = np.array([row.ctypes.data for row in x])
    value = run(gradient, stats, eta, again, addresses, np.arange(4), slopes)
    assert value == pytest.approx(expected.sum(), rel=1e-12)
    np.testing.assert_allclose(again, first, rtol=1e-11, atol=1e-12)
    place = 0
    for p in range(n_predictors):
        up, down = moved.copy(), moved.copy()
        up[p], down[p] = up[p] + h, down[p] - h
        slope = (plain(kind, stats, up) - plain(kind, stats, down)) / (2 * h)
        np.testing.assert_allclose(first[p], slope, rtol=1e-6, atol=1e-6)
        forward, backward = np.empty_like(eta), np.empty_like(eta)
        unused = np.empty_like(second)
        run(curvature, stats, up, forward, unused)
        run(curvature, stats, down, backward, unused)
        for q in range(p + 1):
            np.testing.assert_allclose(second[place], (backward[q] - forward[q]) / (2 * h), atol=1e-6)
            place += 1
