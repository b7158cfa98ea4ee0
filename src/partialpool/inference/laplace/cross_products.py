"""Cross products A' W A of the inner parameters' columns: patterns once, sums as weights change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from partialpool.inference.laplace.inner_blocks import InnerBlock

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Weights = Mapping[tuple[int, int], Floats]  # curvature of each cell by two predictors, where it is not zero


@dataclass(frozen=True)
class Meeting:
    """Which groups of two blocks meet in a cell.

    Attributes
    ----------
    rows, columns
        (m,) groups of the first and of the second block that meet.
    index
        (n,) which of the m meetings each cell is.
    """

    rows: Integers
    columns: Integers
    index: Integers


def meeting(first: InnerBlock, second: InnerBlock) -> Meeting:
    """Find the groups that meet."""
    if first is second:
        return Meeting(np.arange(first.size), np.arange(first.size), first.groups)
    if second.size == 1:
        return Meeting(np.arange(first.size), np.zeros(first.size, np.int64), first.groups)
    keys, index = np.unique(first.groups * second.size + second.groups, return_inverse=True)
    return Meeting(keys // second.size, keys % second.size, index)


def cross_products(first: InnerBlock, second: InnerBlock, met: Meeting, weights: Weights) -> Floats:
    """(m, d, d of the second) sums over the cells of each meeting of column x weight x column."""
    out = np.zeros((len(met.rows), first.width, second.width))
    for a in range(first.width):
        for b in range(a + 1 if first is second else second.width):
            weight = weights.get((int(first.predictors[a]), int(second.predictors[b])))
            if weight is None:
                continue
            product = first.columns[:, a] * weight * second.columns[:, b]
            out[:, a, b] = (
                np.sum(product) if len(out) == 1 else np.bincount(met.index, product, minlength=len(out))
            )
            if first is second:
                out[:, b, a] = out[:, a, b]
    return out


@dataclass(frozen=True)
class Sums:
    """A' W A in the form that it is eliminated in.

    Attributes
    ----------
    diagonal
        One array an eliminated block, (J, d, d).
    cross
        One sparse matrix an eliminated block: its J d rows by everything after it.
    rest
        (r, r) of the blocks that are left.
    rest_sizes
        How many groups each of these blocks has.
    """

    diagonal: tuple[Floats, ...]
    cross: tuple[csr_array, ...]
    rest: Floats
    rest_sizes: tuple[int, ...]


class SumsPattern:
    """Where the sums of a model's blocks go; the first `n_eliminated` blocks are eliminated one by one."""

    def __init__(self, blocks: tuple[InnerBlock, ...], n_eliminated: int) -> None:
        self.blocks, self.n_eliminated = blocks, n_eliminated
        self.starts = np.cumsum([0, *(b.size * b.width for b in blocks)])
        last = len(blocks)
        self.met = {
            (f, g): meeting(blocks[f], blocks[g])
            for f in range(last)
            for g in range(f, last)
            if blocks[f].width and blocks[g].width
        }
        self.crosses = [self._cross_pattern(e) for e in range(n_eliminated)]

    def fill(self, weights: Weights) -> Sums:
        """Sum over cells with (n,) weights by pair of predictors."""
        values = {
            (f, g): cross_products(self.blocks[f], self.blocks[g], met, weights)
            for (f, g), met in self.met.items()
        }
        eliminated = range(self.n_eliminated)
        return Sums(
            tuple(values[e, e] for e in eliminated),
            tuple(self._cross(e, values) for e in eliminated),
            self._rest(values),
            tuple(b.size for b in self.blocks[self.n_eliminated :]),
        )

    def _later(self, e: int) -> list[int]:
        return [g for g in range(e + 1, len(self.blocks)) if (e, g) in self.met]

    def _entries(self, f: int, g: int) -> tuple[Integers, Integers]:
        """(m, d, d') rows within block f and columns within block g of the cross products."""
        met, d, e = self.met[f, g], self.blocks[f].width, self.blocks[g].width
        rows = met.rows[:, None, None] * d + np.arange(d)[:, None]
        columns = met.columns[:, None, None] * e + np.arange(e)
        shape = (len(met.rows), d, e)
        return np.broadcast_to(rows, shape).ravel(), np.broadcast_to(columns, shape).ravel()

    def _cross_pattern(self, e: int) -> tuple[NDArray[np.int32], NDArray[np.int32], Integers]:
        """Sparse rows of an eliminated block: where rows start, columns, and the order of the values."""
        n_rows = self.blocks[e].size * self.blocks[e].width
        entries = [self._entries(e, g) for g in self._later(e)]
        nothing = np.zeros(0, np.int64)
        rows = np.concatenate([nothing, *(r for r, _ in entries)])
        shifts = [int(self.starts[g] - self.starts[e + 1]) for g in self._later(e)]
        columns = np.concatenate([nothing, *(c + s for (_, c), s in zip(entries, shifts, strict=True))])
        order = np.lexsort((columns, rows))
        counts = np.bincount(rows, minlength=n_rows)
        return (
            np.concatenate([[0], np.cumsum(counts)]).astype(np.int32),
            columns[order].astype(np.int32),
            order,
        )

    def _cross(self, e: int, values: Mapping[tuple[int, int], Floats]) -> csr_array:
        from scipy.sparse import csr_array

        indptr, columns, order = self.crosses[e]
        flat = np.concatenate([np.zeros(0), *(values[e, g].ravel() for g in self._later(e))])
        shape = (len(indptr) - 1, int(self.starts[-1] - self.starts[e + 1]))
        return csr_array((flat[order], columns, indptr), shape=shape)

    def _rest(self, values: Mapping[tuple[int, int], Floats]) -> Floats:
        first = self.starts[self.n_eliminated]
        rest = np.zeros((int(self.starts[-1] - first),) * 2, order="F")
        for (f, g), value in values.items():
            if f < self.n_eliminated:
                continue
            rows, columns = self._entries(f, g)
            rows, columns = rows + self.starts[f] - first, columns + self.starts[g] - first
            rest[rows, columns] = value.ravel()
            rest[columns, rows] = value.ravel()
        return rest


class SparsePattern:
    """The sums of blocks whose cells may belong to several groups: a sparse A for each predictor.

    Nothing is eliminated: what is left is all of A' W A.
    """

    def __init__(self, blocks: tuple[InnerBlock, ...]) -> None:
        self.blocks, self.crosses = blocks, ()
        starts = np.cumsum([0, *(b.size * b.width for b in blocks)])
        self.shape = len(blocks[0].matrix), int(starts[-1])
        predictors = sorted({use.predictor for block in blocks for use in block.uses})
        self.matrices = {p: self._matrix(p, starts) for p in predictors}

    def _matrix(self, predictor: int, starts: Integers) -> csr_array:
        from scipy.sparse import coo_array

        n, _ = self.shape
        own = [(f, u) for f, block in enumerate(self.blocks) for u in block.uses if u.predictor == predictor]
        columns = [starts[f] + u.groups * self.blocks[f].width + u.coordinate for f, u in own]
        rows, values = np.tile(np.arange(n), len(own)), np.concatenate([u.column for _, u in own])
        return coo_array((values, (rows, np.concatenate(columns))), shape=self.shape).tocsr()

    def fill(self, weights: Weights) -> Sums:
        """Sum over cells with (n,) weights by pair of predictors."""
        from scipy.sparse import diags_array

        rest = np.zeros((self.shape[1],) * 2, order="F")
        for p, first in self.matrices.items():
            for q, second in self.matrices.items():
                if (p, q) in weights:
                    rest += (first.T @ (diags_array(weights[p, q]) @ second)).toarray()
        return Sums((), (), rest, tuple(block.size for block in self.blocks))
