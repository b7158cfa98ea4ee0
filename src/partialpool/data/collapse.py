"""Which rows can be told apart: rows with equal keys become one cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray


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

    cell: NDArray[np.int64]
    first_row: NDArray[np.int64]

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return len(self.first_row)


def collapse(keys: Sequence[NDArray[Any]], n_rows: int, order: NDArray[np.int64] | None = None) -> CellIndex:
    """Find the cells of rows that agree in every key.

    Parameters
    ----------
    keys
        Arrays of (n_rows,).
    n_rows
        Number of rows, for when there are no keys.
    order
        (n_rows,) cells are sorted by this value (the group of the largest factor, so that a pass over
        cells touches groups one after another); it must be one of the keys.

    Examples
    --------
    >>> collapse([np.array([5, 3, 5]), np.array([0.5, 0.1, 0.5])], 3).cell
    array([0, 1, 0])
    """
    code = np.zeros(n_rows, np.int64)
    n_cells = min(n_rows, 1)
    for key in keys:
        if n_cells == n_rows:
            break
        column, labels = pd.factorize(key)
        code, found = pd.factorize(code * len(labels) + column)
        n_cells = len(found)
    first_row = np.zeros(n_cells, np.int64)
    first_row[code[::-1]] = np.arange(n_rows - 1, -1, -1)
    if order is None or n_cells == 0:
        return CellIndex(code.astype(np.int64), first_row)
    position = np.argsort(order[first_row], kind="stable")
    rank = np.empty(n_cells, np.int64)
    rank[position] = np.arange(n_cells)
    return CellIndex(rank[code], first_row[position])
