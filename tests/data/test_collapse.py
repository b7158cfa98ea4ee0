"""Rows with equal keys become one cell, in the order of their first rows: as a loop over rows does it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from partialpool.data import collapse as module
from partialpool.data.collapse import CellIndex, collapse

KEYS = {
    "few whole numbers": lambda rng, n: rng.integers(-3, 3, n),
    "all of a short type": lambda rng, n: rng.integers(-128, 128, n).astype(np.int8),
    "true and false": lambda rng, n: rng.integers(0, 2, n).astype(np.bool_),
    "one value": lambda _rng, n: np.full(n, 7),
    "a permutation": lambda rng, n: rng.permutation(n),
    "far apart": lambda rng, n: rng.choice([-(2**63), 0, 2**63 - 1], n),
    "without a sign": lambda rng, n: rng.choice(np.array([2**64 - 1, 5], np.uint64), n),
    "few real numbers": lambda rng, n: rng.choice([0.0, -0.0, 1e-300, 2.5], n),
    "real numbers": lambda rng, n: rng.normal(size=n),
    "dates": lambda rng, n: rng.choice(np.array(["2024-05-01", "2023-01-09"], "M8[ns]"), n),
}


def by_loop(keys: list[NDArray[Any]], n: int, order: NDArray[np.int64] | None) -> CellIndex:
    """Number cells by a dictionary."""
    seen: dict[tuple[Any, ...], int] = {}
    cell = np.array([seen.setdefault(tuple(k[i] for k in keys), len(seen)) for i in range(n)], np.int64)
    first = np.array([int(np.flatnonzero(cell == c)[0]) for c in range(len(seen))], np.int64)
    position = np.arange(len(seen)) if order is None else np.argsort(order[first], kind="stable")
    return CellIndex(np.argsort(position)[cell] if n else cell, first[position])


def assert_equal(found: CellIndex, expected: CellIndex) -> None:
    np.testing.assert_array_equal(found.cell, expected.cell)
    np.testing.assert_array_equal(found.first_row, expected.first_row)
    assert found.cell.dtype == found.first_row.dtype == np.int64


@pytest.mark.parametrize("n", [0, 1, 2, 60])
@pytest.mark.parametrize("name", KEYS)
def test_one_key(name: str, n: int) -> None:
    key = KEYS[name](np.random.default_rng(1), n)
    assert_equal(collapse([key], n), by_loop([key], n, None))


@pytest.mark.parametrize("largest", [2**10, 2**62])
@pytest.mark.parametrize("seed", range(25))
def test_several_keys(seed: int, largest: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the numbers of several keys together are more than one number may be."""
    monkeypatch.setattr(module, "LARGEST", largest)
    rng = np.random.default_rng(seed)
    keys = [KEYS[name](rng, 50) for name in rng.choice([*KEYS], 1 + seed % 5)]
    order = rng.integers(-1, (3, 70_000)[seed % 2], 50)
    assert_equal(collapse(keys, 50), by_loop(keys, 50, None))
    assert_equal(collapse([order, *keys], 50, order), by_loop([order, *keys], 50, order))


@pytest.mark.parametrize("n", [0, 5])
def test_without_keys_all_rows_are_one(n: int) -> None:
    assert_equal(collapse([], n), CellIndex(np.zeros(n, np.int64), np.zeros(min(n, 1), np.int64)))
