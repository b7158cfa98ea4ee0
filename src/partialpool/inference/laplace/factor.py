"""Factorise H = A' W A + Q by eliminating block diagonals, then a dense Cholesky of what is left.

Eliminating a block with diagonal D (one small matrix a group) and cross products B with everything after it
leaves the Schur complement C - B' D^-1 B: linear in the number of groups. Groups inside groups leave a block
diagonal again and are eliminated in order; crossed factors and coefficients are left for the dense part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from partialpool.inference.laplace.cross_products import Sums

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Floats = NDArray[np.float64]

SMALL = 100  # below it LAPACK's threads cost more than the arithmetic, on a busy machine a hundred times more
DENSE_SHARE = 0.1  # of a matrix's entries that are not zero: from there on dense products are quicker


@dataclass(frozen=True)
class Level:
    """One eliminated block of J groups of d.

    Attributes
    ----------
    inverse
        (J, d, d) D^-1.
    lower
        (J, d, d) Cholesky factors of D.
    solved
        (J d, everything after) D^-1 B.
    start
        Position of the block's first number; what comes after it starts at start + J d.
    """

    inverse: Floats
    lower: Floats
    solved: csr_array
    start: int

    @property
    def stop(self) -> int:
        """Position of what comes after."""
        return self.start + self.inverse.shape[0] * self.inverse.shape[1]


@dataclass(frozen=True)
class BlockFactor:
    """H in factors: levels in the order of elimination, and (r, r) the lower Cholesky factor of the rest."""

    levels: tuple[Level, ...]
    rest: Floats

    @property
    def log_det(self) -> float:
        """log |H|."""
        diagonals = [np.einsum("jaa->ja", level.lower) for level in self.levels]
        return 2.0 * float(sum(np.sum(np.log(d)) for d in [*diagonals, np.diag(self.rest)]))

    def solve(self, b: Floats) -> Floats:
        """H^-1 b for (dim,) or (dim, k)."""
        x = np.array(b, float)
        for level in self.levels:
            x[level.stop :] -= level.solved.T @ x[level.start : level.stop]
        first = len(x) - len(self.rest)
        x[first:] = _half_solve(self.rest, _half_solve(self.rest, x[first:], "N"), "T")
        for level in reversed(self.levels):
            own = _by_group(level.inverse, x[level.start : level.stop])
            x[level.start : level.stop] = own - level.solved @ x[level.stop :]
        return x

    def spread(self, z: Floats) -> Floats:
        """(dim, k) standard normals turned into draws from N(0, H^-1)."""
        x = np.empty_like(z)
        first = len(x) - len(self.rest)
        x[first:] = _half_solve(self.rest, z[first:], "T")
        for level in reversed(self.levels):
            own = _root(level.lower, z[level.start : level.stop])
            x[level.start : level.stop] = own - level.solved @ x[level.stop :]
        return x

    @property
    def rest_inverse(self) -> Floats:
        """(r, r) inverse of L L', which is the rest's block of H^-1."""
        if len(self.rest) < SMALL:
            root = np.linalg.inv(self.rest)
            return root.T @ root
        from scipy.linalg.lapack import dpotri

        inverse: Floats = dpotri(self.rest, lower=1)[0]
        return np.tril(inverse) + np.tril(inverse, -1).T

    @property
    def n_numbers(self) -> int:
        """Floating point numbers that it is made of."""
        sizes = [2 * level.inverse.size + level.solved.nnz for level in self.levels]
        return int(sum(sizes)) + self.rest.size


def factorise(
    sums: Sums, scale: float, precisions: Sequence[Floats], between: Sequence[Floats | None]
) -> BlockFactor:
    """Factorise scale x A' W A + Q.

    Parameters
    ----------
    sums
        A' W A.
    scale
        What the weights are times.
    precisions
        For each block the (d, d) prior precision of a group.
    between
        For each block the (J, J) precision between groups by which that is multiplied, or None.

    Raises
    ------
    numpy.linalg.LinAlgError
        When the sum is not positive definite.
    """
    n_eliminated = len(sums.diagonal)
    diagonal = [scale * d + q for d, q in zip(sums.diagonal, precisions[:n_eliminated], strict=True)]
    cross = [_scaled(b, scale) for b in sums.cross]
    rest = scale * sums.rest
    _add_prior(rest, sums.rest_sizes, precisions[n_eliminated:], between[n_eliminated:])
    levels, start = [], 0
    for e, block in enumerate(diagonal):
        lower = np.linalg.cholesky(block).astype(float)
        inverse = _inverse(block)
        levels.append(Level(inverse, lower, _times(inverse, cross[e]), start))
        _eliminate(e, levels[-1].solved, diagonal, cross, rest)
        start = levels[-1].stop
    if len(rest) < SMALL:
        return BlockFactor(tuple(levels), np.linalg.cholesky(rest).astype(float))
    from scipy.linalg import cholesky

    rest = cholesky(rest, lower=True, overwrite_a=True, check_finite=False)
    return BlockFactor(tuple(levels), rest)


def _add_prior(
    rest: Floats, sizes: Sequence[int], precisions: Sequence[Floats], between: Sequence[Floats | None]
) -> None:
    """Add each block's prior precision in place: (d, d) for each group, or that times (J, J) of groups."""
    start = 0
    for size, precision, groups in zip(sizes, precisions, between, strict=True):
        stop = start + size * len(precision)
        if groups is not None:
            rest[start:stop, start:stop] += np.kron(groups, precision)
            start = stop
            continue
        first = start + np.arange(size)[:, None, None] * len(precision)
        a, b = np.indices(precision.shape)
        rest[first + a, first + b] += precision
        start = stop


def _eliminate(
    e: int, solved: csr_array, diagonal: list[Floats], cross: list[csr_array], rest: Floats
) -> None:
    """Take B' D^-1 B from everything after block e, in place."""
    if e == len(diagonal) - 1:
        rest -= _gram(cross[e], solved)
        return
    taken = (cross[e].T.tocsr() @ solved).tocsr()
    start = 0
    for g in range(e + 1, len(diagonal)):
        size, width = diagonal[g].shape[:2]
        rows = taken[start : start + size * width]
        start += size * width
        own = rows[:, start - size * width : start].tocoo()
        place = (own.row // width, own.row % width, own.col % width)
        diagonal[g] = diagonal[g].copy()
        np.subtract.at(diagonal[g], place, own.data)
        cross[g] = (cross[g] - rows[:, start:]).tocsr()
    rest -= taken[start:, start:].toarray()


def _gram(b: csr_array, solved: csr_array) -> Floats:
    """B' D^-1 B as a dense matrix."""
    if b.nnz > DENSE_SHARE * b.shape[0] * b.shape[1]:
        dense: Floats = b.toarray().T @ solved.toarray()
        return dense
    out: Floats = (b.T.tocsr() @ solved).toarray()
    return out


def _scaled(b: csr_array, scale: float) -> csr_array:
    return b if scale == 1.0 else b * scale


def _inverse(blocks: Floats) -> Floats:
    return 1.0 / blocks if blocks.shape[1] == 1 else np.linalg.inv(blocks).astype(float)


def _times(inverse: Floats, b: csr_array) -> csr_array:
    """D^-1 B."""
    from scipy.sparse import bsr_array, csr_array

    size, width = inverse.shape[:2]
    if width == 1:
        scaled = b.data * np.repeat(inverse.ravel(), np.diff(b.indptr))
        return csr_array((scaled, b.indices, b.indptr), shape=b.shape)
    places = np.arange(size + 1, dtype=np.int32)
    blocks = bsr_array((inverse, places[:-1], places), shape=(size * width,) * 2)
    return (blocks.tocsr() @ b).tocsr()


def _half_solve(lower: Floats, x: Floats, trans: Literal["N", "T"]) -> Floats:
    """L^-1 x or L^-T x."""
    if len(lower) < SMALL:
        root = np.linalg.inv(lower)
        return np.asarray((root if trans == "N" else root.T) @ x)
    from scipy.linalg import solve_triangular

    return np.asarray(solve_triangular(lower, x, trans=trans, lower=True, check_finite=False))


def _by_group(matrices: Floats, x: Floats) -> Floats:
    """Each group's (d, d) matrix times its part of (J d,) or (J d, k)."""
    size, width = matrices.shape[:2]
    if width == 1:
        return x * matrices.reshape((size,) + (1,) * (x.ndim - 1))
    parts = x.reshape(size, width, -1)
    return np.einsum("jab,jbk->jak", matrices, parts).reshape(x.shape)


def _root(lower: Floats, z: Floats) -> Floats:
    """Each group's L^-T z."""
    size, width = lower.shape[:2]
    if width == 1:
        return z / lower.reshape(size, 1)
    solved: Any = np.linalg.solve(np.swapaxes(lower, 1, 2), z.reshape(size, width, -1))
    return np.asarray(solved.reshape(z.shape), float)
