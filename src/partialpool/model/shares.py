"""Cells cut into shares, which several threads may take; how they are cut depends on the data alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from partialpool.kernels.density.likelihood import BLOCK
from partialpool.model.effects import Effects

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


# A block of effects, and for each index that it is read by the (n,) group of each cell.
Grouped = tuple[Effects, Sequence[Indices]]


def cut(n_cells: int, n_coefs: int, blocks: Sequence[Grouped]) -> Shares:
    """Cut cells into as many shares as are worth while, but for fewer where they would keep many sums.

    Each share has sums of its own, by all coefficients and by the effects of those groups, from the first to
    the last, that its cells are of: for the factor that cells are sorted by hardly more than one thread would
    have, for others a whole copy a share.

    Examples
    --------
    >>> cut(30_000, 3, []).start
    array([    0,  9728, 19456, 30000])
    """
    numbers = n_coefs + sum(effects.size * effects.width for effects, _ in blocks)
    n = most_shares(n_cells)
    shares = _cut_into(n, n_cells, n_coefs, blocks)
    while n > 1 and shares.place[-1] > numbers + n_cells // CELLS_A_SUM:
        n //= 2
        shares = _cut_into(n, n_cells, n_coefs, blocks)
    return shares


def most_shares(n_cells: int) -> int:
    """The most shares that cells can be cut into."""
    return min(max(n_cells // SMALLEST, 1), MOST)


def _cut_into(n: int, n_cells: int, n_coefs: int, blocks: Sequence[Grouped]) -> Shares:
    start = np.append(np.arange(n, dtype=np.int64) * (n_cells // BLOCK) // n * BLOCK, n_cells)
    rows, place = [], [0]
    for first, stop in zip(start[:-1].tolist(), start[1:].tolist(), strict=True):
        length = 0
        for effects, groups in blocks:
            low, high = _range(effects, [own[first:stop] for own in groups], stop - first == n_cells)
            rows.append((low, high, length - low))
            length += high - low
        place.append(place[-1] + n_coefs + length)
    return Shares(start, np.array(place, np.int64), np.array(rows, np.int64).reshape(-1, 3))


def _range(effects: Effects, groups: Sequence[Indices], every: bool) -> tuple[int, int]:
    """The range of a block's effects that a range of cells can have; for all cells, of all effects."""
    if every:
        return 0, effects.size * effects.width
    low, high = min(own.min() for own in groups), max(own.max() for own in groups)
    return int(low) * effects.width, (int(high) + 1) * effects.width
