"""Rows of numbers, each kept in the narrowest type that holds it exactly, and read a block at a time.

What a gradient reads of a large table is most of its time, so a row of zeros and ones is kept in bytes, a row
that single precision holds exactly in single precision, and a row of one number in one number. Arithmetic is
in double precision whatever the type, so results do not depend on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numba import carray
from numpy.typing import NDArray

from partialpool.kernels.density.inputs import ROWS
from partialpool.kernels.native.compiling import kernel
from partialpool.kernels.native.pointers import as_pointer, integers_at

CONSTANT, BYTES, SINGLES, DOUBLES = range(4)
KINDS = {np.dtype(np.int8): BYTES, np.dtype(np.float32): SINGLES, np.dtype(np.float64): DOUBLES}

Row = NDArray[Any]
Rows = tuple[Row, ...]


def narrowest(row: NDArray[np.float64]) -> Row:
    """Keep a row in the narrowest type that holds it exactly: (n,), or (1,) where all numbers are the same.

    Examples
    --------
    >>> [narrowest(np.array(row)).dtype.name for row in ([0.0, 1.0], [0.5, 300.0], [0.1, 0.2])]
    ['int8', 'float32', 'float64']
    >>> narrowest(np.array([0.1, 0.1, 0.1]))
    array([0.1])
    """
    if len(row) and np.all(row == row[0]):
        return row[:1].copy()
    with np.errstate(invalid="ignore", over="ignore"):
        for kind in (np.int8, np.float32):
            narrow = row.astype(kind)
            if np.array_equal(narrow, row):
                return narrow
    return np.ascontiguousarray(row, np.float64)


def narrowed(rows: Iterable[NDArray[np.float64]]) -> Rows:
    """Keep each row in its narrowest type."""
    return tuple(narrowest(row) for row in rows)


def widened(rows: Sequence[Row], n: int) -> NDArray[np.float64]:
    """(len(rows), n) the same numbers in double precision."""
    out = np.empty((len(rows), n))
    for wide, row in zip(out, rows, strict=True):
        wide[:] = row
    return out


def row_table(rows: Sequence[Row]) -> NDArray[np.int64]:
    """(2 len(rows),) the address and the kind of each row; the rows must stay alive while it is used."""
    kinds = [CONSTANT if len(row) == 1 else KINDS[row.dtype] for row in rows]
    pairs = [(row.ctypes.data, kind) for row, kind in zip(rows, kinds, strict=True)]
    return np.array(pairs, np.int64).reshape(-1)


@kernel
def is_constant(data, r):
    """Whether row r is one number."""
    return integers_at(data, ROWS)[2 * r + 1] == CONSTANT


@kernel
def constant_of(data, r):
    """The number that a constant row is."""
    return carray(as_pointer(integers_at(data, ROWS)[2 * r]), (1,), np.float64)[0]


@kernel
def read_row(data, r, first, n, in_place, out):
    """Return the address of n numbers of row r, from `first` on, in double precision.

    They are written to (n,) out, unless they may stay in place and are kept in double precision.
    """
    rows = integers_at(data, ROWS)
    address, kind = rows[2 * r], rows[2 * r + 1]
    if kind == CONSTANT:
        value = constant_of(data, r)
        for i in range(n):
            out[i] = value
    elif kind == BYTES:
        small = carray(as_pointer(address + first), (n,), np.int8)
        for i in range(n):
            out[i] = small[i]
    elif kind == SINGLES:
        single = carray(as_pointer(address + 4 * first), (n,), np.float32)
        for i in range(n):
            out[i] = single[i]
    elif in_place:
        return address + 8 * first
    else:
        double = carray(as_pointer(address + 8 * first), (n,), np.float64)
        for i in range(n):
            out[i] = double[i]
    return out.ctypes.data
