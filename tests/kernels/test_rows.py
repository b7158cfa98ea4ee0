"""Rows of numbers are kept exactly, in the narrowest type that can."""

from __future__ import annotations

import numpy as np
import pytest

from partialpool.kernels.density.packed_rows import (
    BYTES,
    CONSTANT,
    DOUBLES,
    SINGLES,
    narrowed,
    narrowest,
    row_table,
    widened,
)

RNG = np.random.default_rng(3)
ROWS = {
    "zeros and ones": (RNG.integers(0, 2, 50).astype(float), np.int8, BYTES),
    "ends of a byte": (np.array([-128.0, 127.0, 3.0]), np.int8, BYTES),
    "beyond a byte": (np.array([-128.0, 128.0]), np.float32, SINGLES),
    "quarters": (RNG.integers(-99, 99, 50) / 4.0, np.float32, SINGLES),
    "largest whole single": (np.array([2.0**24, 0.0]), np.float32, SINGLES),
    "beyond it": (np.array([2.0**24 + 1.0, 0.0]), np.float64, DOUBLES),
    "tenths": (np.array([0.1, 0.2]), np.float64, DOUBLES),
    "out of a single's range": (np.array([1e300, 1e-300]), np.float64, DOUBLES),
    "one number": (np.full(50, 0.1), np.float64, CONSTANT),
    "a single cell": (np.array([7.0]), np.float64, CONSTANT),
    "no cells": (np.zeros(0), np.int8, BYTES),
}


@pytest.mark.parametrize(("row", "dtype", "kind"), ROWS.values(), ids=ROWS)
def test_a_row_is_kept_exactly_in_the_narrowest_type(row: np.ndarray, dtype: type, kind: int) -> None:
    kept = narrowest(row)
    assert kept.dtype == dtype
    assert row_table([kept]).tolist() == [kept.ctypes.data, kind]
    np.testing.assert_array_equal(widened([kept], len(row))[0], row)


def test_minus_zero_and_every_other_row_of_a_table_survive() -> None:
    table = np.array([[0.0, -0.0, 1.0], [0.5, 0.5, 0.5], [1.0, 0.1, 2.0]])
    rows = narrowed(table[:, ::-1])
    assert all(row.flags.c_contiguous for row in rows)
    np.testing.assert_array_equal(widened(rows, 3), table[:, ::-1])
