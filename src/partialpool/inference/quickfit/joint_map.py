"""Where effects of crossed factors and coefficients are mapped together: what the map needs to know.

Worth its price where the blocks besides the largest have some hundred effects at most: see
`kernels.density.joint`.
"""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from partialpool.inference.quickfit.point import FittedEffects, FittedPart, Point, single_index
from partialpool.kernels.quickfit.expansion import packed
from partialpool.model.geometry import JointMap, Nesting
from partialpool.model.spec import ModelSpec

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

MOST_WORK = 1.5e6  # multiplications of a map
WORK_A_CELL = 50  # or so many for each cell, as many as a cell's own likelihood takes a few times over
CELLS = 2**16  # looked at together, so that there is no copy of all of them


class _Factor(NamedTuple):
    """What a coefficient, or a group's effect, is multiplied by, and where it is among the joint numbers."""

    predictor: int
    column: int
    start: int
    width: int  # how far one group's effect is from the next group's
    row: int  # of the groups, -1 for a coefficient


def crossed_parts(spec: ModelSpec, links: tuple[Nesting, ...]) -> set[int]:
    """Numbers of the parts in which effects of several factors compensate each other.

    So do two blocks of a part whose groups do not lie in each other: the means of their effects make up for
    each other in the likelihood, and only their priors hold that direction. So do the groups of a block to
    which rows belong by several.
    """
    nested = {(link.inner, link.outer) for link in links}
    blocks = spec.parameters.effects
    found = {spec.part_of(block) for t, block in enumerate(blocks) if single_index(spec, t) is None}
    for t, s in combinations(range(len(blocks)), 2):
        part, apart = spec.part_of(blocks[t]), (t, s) not in nested and (s, t) not in nested
        if apart and part == spec.part_of(blocks[s]):
            found.add(part)
    return found


def joint_blocks(spec: ModelSpec, part: int) -> list[int]:
    """Numbers of a part's blocks of effects, the largest first; none where a joint map is not worth it."""
    blocks = spec.parameters.effects
    own = [t for t, block in enumerate(blocks) if spec.part_of(block) == part]
    own.sort(key=lambda t: -blocks[t].size * blocks[t].width)
    if any(blocks[t].between is not None for t in own):
        return []
    largest = next((t for t in own if single_index(spec, t) is not None), own[0])
    if single_index(spec, largest) is None:
        return []
    own = [largest, *(t for t in own if t != largest)]
    predictors = spec.parts[part]
    rest = spec.coef_start[predictors.stop] - spec.coef_start[predictors.start]
    rest += sum(blocks[t].size * blocks[t].width for t in own[1:])
    work = 1.5 * blocks[largest].size * blocks[largest].width * rest**2 + 0.5 * rest**3
    return own if work <= max(MOST_WORK, WORK_A_CELL * spec.cells.index.n_cells) else []


def joint_map(spec: ModelSpec, point: Point, part: int, own: list[int], scale: Floats) -> JointMap:
    """Describe the map of a part's coefficients and blocks of effects at the point of the quick fit.

    Parameters
    ----------
    own
        Numbers of the blocks, the largest first.
    scale
        (K, K) derivatives of the coefficients, as predictors use them, by their coordinates.
    """
    blocks, fitted = spec.parameters.effects, point.parts[part]
    first, stop = spec.coef_start[fitted.predictors.start], spec.coef_start[fitted.predictors.stop]
    starts, at = {own[0]: 0}, 0
    for t in own[1:]:
        starts[t] = at
        at += blocks[t].size * blocks[t].width
    coefs = [
        _Factor(p, int(spec.cells.coef_column[k]), at + k - first, 0, -1)
        for p in fitted.predictors
        for k in range(spec.coef_start[p], spec.coef_start[p + 1])
    ]
    slots: dict[int, list[_Factor]] = {t: [] for t in own}
    for s in spec.cells.slots:
        if s.effects in slots:
            place = starts[s.effects] + s.coordinate
            slots[s.effects].append(_Factor(s.predictor, s.column, place, blocks[s.effects].width, s.row))
    largest, rest = slots[own[0]], [f for t in own[1:] for f in slots[t]] + coefs
    j, d, r = blocks[own[0]].size, blocks[own[0]].width, at + stop - first
    curvature, cross, information = np.zeros(r * r), np.zeros(j * d * r), np.zeros(j * d * d)
    gradient = np.zeros(j * d + r)
    for cells, slopes, curvatures in point.derivatives(CELLS):
        weigh = _Weigh(spec, cells, slopes, curvatures)
        for f in largest:
            gradient += np.bincount(weigh.place(f), weigh.slope(f), len(gradient))
            for g in rest:
                weigh.add(cross, r, f, g)
            for g in largest:
                weigh.add_within(information, d, f, g)
        for f in rest:
            gradient += np.bincount(j * d + weigh.place(f), weigh.slope(f), len(gradient))
            for g in rest:
                weigh.add(curvature, r, f, g)
    return _whitened(
        fitted,
        own,
        (first, stop),
        curvature.reshape(r, r),
        information.reshape(j, d, d),
        cross.reshape(j * d, r),
        gradient,
        {t: _of_block(e) for t, e in _by_number(spec, fitted).items()},
        scale,
    )


def _by_number(spec: ModelSpec, fitted: FittedPart) -> dict[int, FittedEffects]:
    blocks = spec.parameters.effects
    return {next(t for t, b in enumerate(blocks) if b is own.block): own for own in fitted.effects}


def _of_block(own: FittedEffects) -> tuple[Floats, Floats]:
    """(J, d) effects, and (J, d) means of fixed priors in units of their scales."""
    coefficients = own.block.coefficients
    means = [c.prior_mean / c.fixed_sd if c.sd is None else 0.0 for c in coefficients]
    return own.effects.copy(), np.broadcast_to(np.array(means), own.effects.shape)


class _Weigh:
    """Sums over some cells of products of factors, weighted by derivatives of the log likelihood."""

    def __init__(self, spec: ModelSpec, cells: slice, slopes: Floats, curvatures: Floats) -> None:
        self.spec, self.cells, self.slopes, self.curvatures = spec, cells, slopes, curvatures
        self._coupled = {pair for own in spec.coupled for pair in combinations(sorted(own), 2)}

    def place(self, f: _Factor) -> Integers:
        """(n,) where each cell's own number stands."""
        if f.row < 0:
            return np.full(self.slopes.shape[1], f.start)
        groups = self.spec.cells.group_index[f.row][self.cells].astype(np.int64)
        return f.start + f.width * groups

    def slope(self, f: _Factor) -> Floats:
        """(n,) derivatives by the factor's numbers."""
        return self._times(f, self.slopes[f.predictor])

    def _times(self, f: _Factor, values: Floats) -> Floats:
        if f.column < 0:
            return values
        column = self.spec.cells.columns[f.column]
        return values * (column if len(column) == 1 else column[self.cells])

    def _products(self, f: _Factor, g: _Factor) -> Floats | None:
        pair = min(f.predictor, g.predictor), max(f.predictor, g.predictor)
        if pair[0] != pair[1] and pair not in self._coupled:
            return None
        return self._times(f, self._times(g, self.curvatures[packed(*pair)]))

    def add(self, out: Floats, width: int, f: _Factor, g: _Factor) -> None:
        """Add to a flat matrix with rows of this width, by the places of both."""
        products = self._products(f, g)
        if products is not None:
            out += np.bincount(width * self.place(f) + self.place(g), products, len(out))

    def add_within(self, out: Floats, d: int, f: _Factor, g: _Factor) -> None:
        """Add to the flat (J, d, d) matrices of one block's groups."""
        products = self._products(f, g)
        if products is not None:
            out += np.bincount(d * self.place(f) + g.start, products, len(out))


def _whitened(
    fitted: FittedPart,
    own: list[int],
    coefficients: tuple[int, int],
    curvature: Floats,
    information: Floats,
    cross: Floats,
    gradient: Floats,
    effects: dict[int, tuple[Floats, Floats]],
    scale: Floats,
) -> JointMap:
    """Put what is known into the coordinates of the coefficients; effects stay what they are.

    effects has each block's (J, d) effects and (J, d) means by fixed priors, in units of their scales.
    """
    n, k = cross.shape[0], len(scale)
    largest = effects[own[0]][0].ravel()
    rest = np.concatenate([*(effects[t][0].ravel() for t in own[1:]), np.zeros(k)])
    pull = np.zeros((2, n + len(rest)))
    pull[0] = gradient
    own_pull = np.einsum("jab,jb->ja", information, largest.reshape(information.shape[:2]))
    pull[0, :n] += own_pull.ravel() + cross @ rest
    pull[0, n:] += cross.T @ largest + curvature @ rest
    pull[1, : n + len(rest) - k] = np.concatenate([effects[t][1].ravel() for t in own])
    prior = fitted.prior
    pull[1, n + len(rest) - k :] = prior.precision @ (prior.mean - fitted.coefficients)
    turn = np.eye(len(rest))
    turn[len(rest) - k :, len(rest) - k :] = scale
    pull[:, n:] = pull[:, n:] @ turn
    return JointMap(
        np.array(coefficients, np.int64),
        np.array(own, np.int64),
        np.ascontiguousarray(turn.T @ curvature @ turn),
        np.ascontiguousarray(information),
        np.ascontiguousarray(cross @ turn),
        np.ascontiguousarray(pull),
        np.ascontiguousarray(scale.T @ prior.precision @ scale),
    )
