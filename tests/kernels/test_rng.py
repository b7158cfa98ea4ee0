"""Random numbers of compiled code: bits against a plain twin, distributions by chi-square and moments.

Each comparison fails a correct generator once in 10,000 times; the seed is fixed.
"""

from __future__ import annotations

import numba
import numpy as np
import pytest
from scipy import stats

from partialpool.kernels.math import rng as kernels

N = 2_000_000
FALSE_ALARM = 1e-4
MASK = 2**64 - 1


@numba.njit
def fill_bits(state, out):
    for i in range(out.shape[0]):
        out[i] = kernels.next_bits(state)


@numba.njit
def fill_uniform(state, out):
    for i in range(out.shape[0]):
        out[i] = kernels.uniform(state)


@numba.njit
def fill_normal(state, out):
    for i in range(out.shape[0]):
        out[i] = kernels.normal(state)


def state() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 2**64, 4, dtype=np.uint64)


@pytest.fixture(scope="module")
def normals() -> np.ndarray:
    out = np.empty(N)
    fill_normal(state(), out)
    return out


def twin(words: list[int]) -> int:
    """xoshiro256++ as its authors print it, in whole numbers."""

    def rotated(x: int, k: int) -> int:
        return ((x << k) | (x >> (64 - k))) & MASK

    result = (rotated((words[0] + words[3]) & MASK, 23) + words[0]) & MASK
    t = (words[1] << 17) & MASK
    words[2] ^= words[0]
    words[3] ^= words[1]
    words[1] ^= words[2]
    words[0] ^= words[3]
    words[2] ^= t
    words[3] = rotated(words[3], 45)
    return result


def test_bits_are_xoshiro() -> None:
    own, words, out = state(), [int(w) for w in state()], np.empty(1000, np.uint64)
    fill_bits(own, out)
    assert [int(b) for b in out] == [twin(words) for _ in range(1000)]
    assert [int(w) for w in own] == words


def test_uniforms_are_uniform_and_pairs_independent() -> None:
    out = np.empty(N)
    fill_uniform(state(), out)
    assert out.min() >= 0.0
    assert out.max() < 1.0
    counts, *_ = np.histogram2d(out[::2], out[1::2], bins=40, range=[[0, 1], [0, 1]])
    assert stats.chisquare(counts.ravel()).pvalue > FALSE_ALARM


def test_normals_have_the_normal_distribution(normals: np.ndarray) -> None:
    """400 bins of equal probability: layers, wedges and the tail of the ziggurat all show in some."""
    edges = stats.norm.ppf(np.linspace(0, 1, 401))
    counts, _ = np.histogram(normals, edges)
    assert stats.chisquare(counts).pvalue > FALSE_ALARM


def test_the_tail_beyond_the_ziggurat_is_right(normals: np.ndarray) -> None:
    tail = np.abs(normals[np.abs(normals) > kernels.EDGE])
    expected = 2 * stats.norm.sf(kernels.EDGE)
    assert stats.binomtest(len(tail), N, expected).pvalue > FALSE_ALARM
    assert stats.kstest(tail, stats.truncnorm(kernels.EDGE, np.inf).cdf).pvalue > FALSE_ALARM


def test_normals_follow_each_other_without_correlation(normals: np.ndarray) -> None:
    limit = stats.norm.isf(FALSE_ALARM / 2)
    for transform in (np.asarray, np.square, np.abs):
        x = transform(normals)
        x = (x - x.mean()) / x.std()
        assert abs(np.mean(x[1:] * x[:-1])) * np.sqrt(N) < limit
