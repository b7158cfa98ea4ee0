"""Which rows can be told apart: rows with equal keys become one cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Index = NDArray[np.int64]

SPAN = 4  # times as many numbers as rows: as far as a table of them is quicker than hashing
LARGEST = 2**62  # numbers that are made of several keys are int64


@dataclass(frozen=True)
class CellIndex:
    """The cells of n rows.

    Attributes
    ----------
    cell
        (n,) cell of each row.
    first_row
        (n_cells,) a row of each cell, where the values that its rows share can be read.
    """

    cell: Index
    first_row: Index

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return len(self.first_row)


def collapse(keys: Sequence[NDArray[Any]], n_rows: int, order: Index | None = None) -> CellIndex:
    """Find the cells of rows that agree in every key.

    Parameters
    ----------
    keys
        Arrays of (n_rows,), without missing values. 0.0 and -0.0 are equal.
    n_rows
        Number of rows, for when there are no keys.
    order
        (n_rows,) cells are sorted by this value (the group of the largest factor, so that a pass over
        cells touches groups one after another); it must be one of the keys. Cells of one value, and all cells
        when None, are in the order of their first rows.

    Examples
    --------
    >>> collapse([np.array([5, 3, 5]), np.array([0.5, 0.1, 0.5])], 3).cell
    array([0, 1, 0])
    """
    found = _cells(keys, n_rows)
    if order is None or n_rows == 0:
        return found
    position = stable_order(order[found.first_row])
    rank = np.empty(found.n_cells, np.int64)
    rank[position] = np.arange(found.n_cells)
    return CellIndex(rank[found.cell], found.first_row[position])


def _cells(keys: Sequence[NDArray[Any]], n_rows: int) -> CellIndex:
    """Put all keys of a row into one number, as digits of mixed radix, and find the rows of each number."""
    code, size = np.zeros(n_rows, np.int64), min(n_rows, 1)
    for key in keys if n_rows else ():
        digit, radix, distinct = _digits(key)
        if distinct:
            return CellIndex(np.arange(n_rows), np.arange(n_rows))
        if size * radix > LARGEST:
            cells = _of_one_number(code, size)
            code, size = cells.cell, cells.n_cells
        code = digit if size == 1 else code * radix + digit
        size *= radix
    return _of_one_number(code, size)


def _digits(key: NDArray[Any]) -> tuple[Index, int, bool]:
    """(n,) numbers from 0 that tell the values of a key apart, their radix, and whether all values differ."""
    if key.dtype.kind in "bi":
        low, high = int(key.min()), int(key.max())
        if high - low < SPAN * len(key):
            return np.subtract(key, low, dtype=np.int64), high - low + 1, False
    digit, found = pd.factorize(key)
    return digit, len(found), len(found) == len(key)


def _of_one_number(code: Index, size: int) -> CellIndex:
    """Find the cells of rows with equal numbers, which are below a size, in the order of their first rows."""
    if size > SPAN * len(code):
        code, found = pd.factorize(code)
        return CellIndex(code.astype(np.int64), _first_rows(code, len(found)))
    first = _first_rows(code, size)
    is_first = np.zeros(len(code), np.bool_)
    is_first[first[first < len(code)]] = True
    rows = np.flatnonzero(is_first)
    rank = np.empty(size, np.int64)
    rank[code[rows]] = np.arange(len(rows))
    return CellIndex(rank[code], rows)


def _first_rows(code: Index, size: int) -> Index:
    """(size,) the first row of each number; the number of rows for one that no row has."""
    first = np.full(size, len(code), np.int64)
    first[code[::-1]] = np.arange(len(code) - 1, -1, -1)  # what is written last stays
    return first


def stable_order(values: Index) -> Index:
    """Sort, equal values in the order they come in."""
    short = len(values) > 0 and 0 <= values.min() <= values.max() < 2**16  # for which numpy has a radix sort
    return np.argsort(values.astype(np.uint16) if short else values, kind="stable")
