"""Cells cut into shares, which several threads may take; how they are cut depends on the data alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from partialpool.kernels.density.likelihood import BLOCK

Integers = NDArray[np.int64]
Indices = NDArray[np.int32]

# A share takes some tenth of a millisecond at least, beside which waking a thread is short. More shares than
# let many threads end at about the same time would gain nothing.
SMALLEST, MOST = 16 * BLOCK, 64
# Cells to each number that shares may keep beyond one copy of coefficients and effects: that is half a byte a
# cell, where a cell has five bytes or more.
CELLS_A_SUM = 16


class Shares(NamedTuple):
    """S shares of the cells, as `DensityInputs` has them."""

    start: Integers  # (S + 1,) range of each share's cells
    place: Integers  # (S + 1,) range of each share's sums of derivatives: by coefficients, then by effects
    term: Integers  # (S T, 3) see `kernels.density.inputs.SHARE_FIRST` and after


class GroupedCells(NamedTuple):
    """The groups of cells in one block of effects, of J groups of d effects."""

    groups: Indices  # (I, n) groups of each cell, by index that the block is read by
    n_groups: int
    width: int  # d


def cut(n_cells: int, n_coefs: int, terms: Sequence[GroupedCells]) -> Shares:
    """Cut cells into as many shares as are worth while, but for fewer where they would keep many sums.

    Each share has sums of its own, by all coefficients and by the effects of those groups, from the first to
    the last, that its cells are of: for the factor that cells are sorted by hardly more than one thread would
    have, for others a whole copy a share.

    Examples
    --------
    >>> cut(30_000, 3, []).start
    array([    0,  9728, 19456, 30000])
    """
    numbers = n_coefs + sum(term.n_groups * term.width for term in terms)
    n = most_shares(n_cells)
    shares = _cut_into(n, n_cells, n_coefs, terms)
    while n > 1 and shares.place[-1] > numbers + n_cells // CELLS_A_SUM:
        n //= 2
        shares = _cut_into(n, n_cells, n_coefs, terms)
    return shares


def most_shares(n_cells: int) -> int:
    """The most shares that cells can be cut into."""
    return min(max(n_cells // SMALLEST, 1), MOST)


def _cut_into(n: int, n_cells: int, n_coefs: int, terms: Sequence[GroupedCells]) -> Shares:
    start = np.append(np.arange(n, dtype=np.int64) * (n_cells // BLOCK) // n * BLOCK, n_cells)
    rows, place = [], [0]
    for first, stop in zip(start[:-1].tolist(), start[1:].tolist(), strict=True):
        length = 0
        for term in terms:
            low, high = _range(term, first, stop)
            rows.append((low, high, length - low))
            length += high - low
        place.append(place[-1] + n_coefs + length)
    return Shares(start, np.array(place, np.int64), np.array(rows, np.int64).reshape(-1, 3))


def _range(term: GroupedCells, first: int, stop: int) -> tuple[int, int]:
    """The range of the term's effects that a range of cells can have; for all cells, of all effects."""
    if stop - first == term.groups.shape[1]:
        return 0, term.n_groups * term.width
    groups = term.groups[:, first:stop]
    return int(groups.min()) * term.width, (int(groups.max()) + 1) * term.width
