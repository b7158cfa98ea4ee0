"""Covariates of all cells as a matrix that is never whole in memory: blocks are made where they are used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from partialpool.kernels.rows import Row, widened

Floats = NDArray[np.float64]

BLOCK = 8192  # cells: a block of a few columns stays in the processor's cache
ONES = np.ones(1)


class Columns:
    """(n, K) matrix of covariates that are kept as rows of `kernels.rows`.

    Parameters
    ----------
    rows
        (C,) all covariates.
    numbers
        (K,) which of them, -1 for ones.
    n
        Number of cells.

    Examples
    --------
    >>> matrix = Columns([np.array([2, 3], np.int8)], np.array([-1, 0]), 2)
    >>> matrix @ np.array([10.0, 1.0])
    array([12., 13.])
    >>> matrix.transposed(np.array([1.0, 1.0]))
    array([2., 5.])
    """

    def __init__(self, rows: Sequence[Row], numbers: NDArray[np.int64], n: int) -> None:
        self.rows = [ONES if number < 0 else rows[number] for number in numbers]
        self.n = n

    def __matmul__(self, coefficients: Floats) -> Floats:
        """(n,) linear predictor of (K,) coefficients."""
        out = np.empty(self.n)
        for cells, block in self._blocks():
            out[cells] = coefficients @ block
        return out

    def transposed(self, values: Floats) -> Floats:
        """(K,) sums over cells of each column times (n,) values."""
        out = np.zeros(len(self.rows))
        for cells, block in self._blocks():
            out += block @ values[cells]
        return out

    def gram(self, weights: Floats) -> Floats:
        """(K, K) sums over cells of products of columns, with (n,) weights."""
        out = np.zeros((len(self.rows), len(self.rows)))
        for cells, block in self._blocks():
            out += (block * weights[cells]) @ block.T
        return out

    def _blocks(self) -> Iterator[tuple[slice, Floats]]:
        """(K, b) parts of the transposed matrix."""
        if self.n <= BLOCK:
            yield slice(0, self.n), self._whole
            return
        for first in range(0, self.n, BLOCK):
            cells = slice(first, min(first + BLOCK, self.n))
            own = [row if len(row) == 1 else row[cells] for row in self.rows]
            yield cells, widened(own, cells.stop - first)

    @cached_property
    def _whole(self) -> Floats:
        return widened(self.rows, self.n)
