"""The entries of H^-1 that expectations need: each group's block, and of parameters that share a cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from partialpool.inference.laplace.factor import BlockFactor, Level
from partialpool.inference.laplace.inner_blocks import InnerBlock

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Covariance:
    """Entries of H^-1, by the recursion of Takahashi, Fagan & Chin (1973) over the blocks of the factor.

    Attributes
    ----------
    groups
        For each eliminated block (J, d, d), the covariance of each group's numbers.
    parents
        By (e, g), eliminated block e inside eliminated block g: (J, d, d of g), covariance of each group's
        numbers with those of the group that it lies in.
    to_rest
        (dim, r) covariance of everything with the rest.
    """

    groups: tuple[Floats, ...]
    parents: dict[tuple[int, int], Floats]
    to_rest: Floats


def covariance(factor: BlockFactor, parent: dict[tuple[int, int], Integers]) -> Covariance:
    """Selected entries of H^-1.

    Parameters
    ----------
    factor
        H.
    parent
        By (e, g), the group of block g that each group of block e lies in.
    """
    levels, r = factor.levels, len(factor.rest)
    first = levels[-1].stop if levels else 0
    to_rest = np.empty((first + r, r))
    to_rest[first:] = factor.rest_inverse
    groups: dict[int, Floats] = {}
    parents: dict[tuple[int, int], Floats] = {}
    for e in range(len(levels) - 1, -1, -1):
        level = levels[e]
        to_rest[level.start : level.stop] = -(level.solved @ to_rest[level.stop :])
        onto_rest = level.solved[:, first - level.stop :].tocsr()
        onto = {g: _onto(level, levels[g]) for g in range(e + 1, len(levels))}
        for g in onto:
            own = _rows_at(
                onto_rest, to_rest[levels[g].start : levels[g].stop], level, levels[g], parent[e, g]
            )
            for h, matrix in onto.items():
                own += matrix @ _between(h, g, groups, parents, parent[e, min(h, g)])
            parents[e, g] = -own
        own = _rows_at(
            onto_rest, to_rest[level.start : level.stop], level, level, np.arange(len(level.inverse))
        )
        for g, matrix in onto.items():
            own += matrix @ np.swapaxes(parents[e, g], 1, 2)
        groups[e] = level.inverse - own
    return Covariance(tuple(groups[e] for e in range(len(levels))), parents, to_rest)


def _between(
    h: int,
    g: int,
    groups: dict[int, Floats],
    parents: dict[tuple[int, int], Floats],
    at: Integers,
) -> Floats:
    """Covariance of blocks h and g at the groups `at` of the earlier of the two."""
    if h == g:
        return groups[h][at]
    return parents[h, g][at] if h < g else np.swapaxes(parents[g, h][at], 1, 2)


def _onto(level: Level, outer: Level) -> Floats:
    """(J, d, d of outer) the part of D^-1 B that leads to the outer group of each group."""
    size, width = level.inverse.shape[:2]
    span = slice(outer.start - level.stop, outer.stop - level.stop)
    own, wide = level.solved[:, span].tocoo(), outer.inverse.shape[1]
    out = np.zeros((size, width, wide))
    np.add.at(out, (own.row // width, own.row % width, own.col % wide), own.data)
    return out


def _rows_at(onto: csr_array, dense: Floats, level: Level, other: Level, at: Integers) -> Floats:
    """(J, d, d') products of each group's sparse rows with the dense rows of one group of another block."""
    size, width = level.inverse.shape[:2]
    wide = other.inverse.shape[1]
    rows = np.repeat(np.arange(size * width), np.diff(onto.indptr))
    out = np.empty((size * width, wide))
    for b in range(wide):
        products = onto.data * dense[at[rows // width] * wide + b, onto.indices]
        out[:, b] = np.bincount(rows, products, size * width)
    return out.reshape(size, width, wide)


def predictor_variances(blocks: tuple[InnerBlock, ...], found: Covariance) -> Floats:
    """(n,) variance a' H^-1 a of the linear predictor of each cell, when all blocks are of one predictor."""
    if not all(block.one_group for block in blocks):
        return _dense_variances(blocks, found.to_rest)
    count = len(found.groups)
    starts = np.cumsum([0, *(b.size * b.width for b in blocks)])
    first, n = int(starts[count]), len(blocks[0].groups)
    places = [starts[f] + blocks[f].groups[:, None] * blocks[f].width for f in range(len(blocks))]
    places = [p + np.arange(b.width) for p, b in zip(places, blocks, strict=True)]
    out = np.zeros(n)
    for e in range(count):
        block = blocks[e]
        out += np.einsum("na,nab,nb->n", block.columns, found.groups[e][block.groups], block.columns)
        for g in range(e + 1, count):
            cross = found.parents[e, g][block.groups]
            out += 2.0 * np.einsum("na,nab,nb->n", block.columns, cross, blocks[g].columns)
    for f in range(len(blocks)):
        for g in range(max(count, f), len(blocks)):
            share = 1.0 if f == g else 2.0
            for a in range(blocks[f].width):
                for b in range(blocks[g].width):
                    entry = found.to_rest[places[f][:, a], places[g][:, b] - first]
                    out += share * blocks[f].columns[:, a] * entry * blocks[g].columns[:, b]
    return out


def _dense_variances(blocks: tuple[InnerBlock, ...], inverse: Floats) -> Floats:
    """The same from all of H^-1, where cells belong to several groups of a block."""
    starts = np.cumsum([0, *(b.size * b.width for b in blocks)])
    uses = []
    for first, block in zip(starts, blocks, strict=False):
        uses += [(first + u.groups * block.width + u.coordinate, u.column) for u in block.uses]
    out = np.zeros(len(blocks[0].matrix))
    for place, column in uses:
        for other, own in uses:
            out += column * inverse[place, other] * own
    return out
