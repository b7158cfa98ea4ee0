"""The point of the quick fit: coefficients and effects, and the log likelihood to second order there.

The sums are those of `kernels.quickfit.expansion`. What is known of each part and of each block of effects is
a view of them, so that a pass over the cells brings all of it up to date.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.formula.nesting import outer_groups
from partialpool.inference.quickfit.approximations import (
    NormalApproximation,
    coefficient_approximation,
    predictor_scales,
    starting_coefficients,
)
from partialpool.inference.quickfit.sums import Place, QuickSums
from partialpool.kernels.density.inputs import address_table, data_table
from partialpool.kernels.density.linear_predictors import native_predict
from partialpool.kernels.density.packed_rows import widened
from partialpool.kernels.quickfit.expansion import Expansion, native_expand
from partialpool.kernels.quickfit.group_elimination import GroupArrays, native_eliminate, native_learn
from partialpool.model.data_inputs import data_inputs
from partialpool.model.effects import Effects
from partialpool.model.geometry import Nesting
from partialpool.model.spec import ModelSpec
from partialpool.priors.base import Prior

Floats = NDArray[np.float64]

SMALLEST_SD = 1e-4  # that is learnt, in units of the scale of its prior
SMALLEST_CURVATURE = 1e-8  # of a cell, in units of the predictor's scale


@dataclass
class FittedEffects:
    """A block of effects while it is being fitted: J groups of d, K coefficients of its part.

    Groups are taken one at a time. Where cells belong to k groups each, that leaves out the curvature between
    groups: (u_1 + ... + u_k)^2 is at most k (u_1^2 + ... + u_k^2), so k times the groups' own information
    bounds that of all effects together, and steps by the bound never go too far.
    """

    block: Effects
    memberships: int  # k, groups that a cell belongs to
    effects: Floats  # (J, d)
    before: Floats  # (J, d) effects before a step
    spread: Floats  # (J, d, d) covariances over which the log likelihood is averaged
    gradient: Floats  # (J, d)
    information: Floats  # (J, d, d)
    cross: Floats  # (J, d, K)
    covariance: Floats = field(init=False)  # (d, d)
    prior_mean: Floats = field(init=False)  # (d,)
    posterior: Floats = field(init=False)  # (J, d, d) covariance given the coefficients
    pull: Floats = field(init=False)  # (J, d) information times effects, plus gradient

    def __post_init__(self) -> None:
        coefficients, (size, d, k) = self.block.coefficients, self.cross.shape
        self.learnt = bool(np.any(self.block.learnt))
        scales = np.array([c.fixed_sd for c in coefficients])
        self.covariance = np.diag(scales**2)
        self.prior_mean = np.array([c.prior_mean for c in coefficients])
        self.effects[:] = self.prior_mean
        self.posterior, self.pull = np.zeros((size, d, d)), np.zeros((size, d))
        self._bound = self.information if self.memberships == 1 else np.empty_like(self.information)
        self._arrays = GroupArrays(
            covariance=self.covariance,
            precision=np.empty((d, d)),
            mean=self.prior_mean,
            effects=self.effects,
            gradient=self.gradient,
            information=self._bound,
            cross=self.cross,
            posterior=self.posterior,
            solved=np.empty((size, d, k + 1)),
            left=np.empty((k, k + 1)),
            scales=scales,
            learnt=self.block.learnt.astype(float),
            bounds=np.array([_bounds(c.sd) for c in coefficients]).T.copy(),
            second=np.empty((d, d)),
            work=np.empty((3, d + 1, d + 1)),
        )
        self._addresses = np.array([a.ctypes.data for a in self._arrays], np.int64)
        self._sizes = size, d, k, self._addresses.ctypes.data
        self._eliminate, self._learn = native_eliminate().ctypes, native_learn().ctypes

    def eliminate(self) -> tuple[float, Floats, Floats]:
        """Take the effects out of a Newton step of them and the coefficients; fills the posterior.

        Returns
        -------
        Their log prior; (K, K) and (K,) what the coefficients' curvature and slope lose.
        """
        if self.memberships > 1:
            np.multiply(self.information, self.memberships, out=self._bound)
        log_prior = self._eliminate(*self._sizes)
        return log_prior, self._arrays.left[:, :-1], self._arrays.left[:, -1]

    def step(self, coef_step: Floats) -> Floats:
        """(J, d) step of the effects that goes with a step of the coefficients, after `eliminate`."""
        solved = self._arrays.solved
        return np.asarray(solved[:, :, -1] - solved[:, :, :-1] @ coef_step)

    def learn(self) -> float:
        """Update the covariance from the groups' quadratics; returns the relative change of the sds."""
        if not self.learnt:
            return 0.0
        size, d, _, addresses = self._sizes
        return float(self._learn(size, d, self.block.corr is not None, addresses))

    @property
    def log_prior(self) -> float:
        """Of the effects, without constants, by the covariance that was last eliminated with."""
        off = self.effects - self.prior_mean
        return -0.5 * float(np.vdot(off @ self._arrays.precision, off))


def _bounds(sd: Prior | float | None) -> tuple[float, float]:
    """Between which a learnt sd is kept."""
    if isinstance(sd, Prior) and sd.support == "interval":
        lower, upper = sd.bounds
        margin = 0.01 * (upper - lower)
        return lower + margin, upper - margin
    return (SMALLEST_SD * sd.scale if isinstance(sd, Prior) else 0.0), np.inf


@dataclass
class FittedPart:
    """The coefficients of a part's predictors while they are being fitted, and its blocks of effects."""

    predictors: range
    coefficients: Floats  # (K,)
    before: Floats  # (K,) coefficients before a step
    gradient: Floats  # (K,)
    information: Floats  # (K, K)
    prior: NormalApproximation
    effects: list[FittedEffects]

    @property
    def curvature(self) -> Floats:
        """(K, K) of data and prior; the lower triangle until `Point.finish`."""
        return self.information + self.prior.precision

    @property
    def slope(self) -> Floats:
        """(K,) derivative of the log posterior."""
        return self.gradient - self.prior.precision @ (self.coefficients - self.prior.mean)

    @property
    def log_prior(self) -> float:
        """Of the coefficients, without constants."""
        off = self.coefficients - self.prior.mean
        return -0.5 * float(off @ self.prior.precision @ off)


class Point:
    """A point of a model's coefficients and effects, and the log likelihood to second order there.

    Parameters
    ----------
    spec
        The model.

    Attributes
    ----------
    parts
        The predictors that are fitted together.
    links
        Which blocks' groups lie in which, numbered from the model's first block.
    averaged
        Whether the log likelihood is the expected one over the effects of the mean.
    """

    def __init__(self, spec: ModelSpec) -> None:
        self._spec, self.links = spec, nested(spec)
        self._data = data_inputs(spec, self.links)
        self._sums = QuickSums(spec, self.links)
        self._at = _start(self._sums, np.array(predictor_scales(spec)))
        self._tables = data_table(self._data), address_table(self._at)
        self._arguments = (*(t.ctypes.data for t in self._tables), spec.family.blocks()[1].address)
        self._expand = native_expand().ctypes
        self.parts = list(_parts(spec, self._at, self._sums))
        self.averaged = False

    def expand(self, moved: range = range(0)) -> float:
        """Log likelihood at the point; brings all sums up to date, and how far predictors have moved."""
        return float(self._expand(*self._arguments, moved.start, moved.stop, self.averaged))

    def derivatives(self, n: int) -> Iterator[tuple[slice, Floats, Floats]]:
        """Of the log likelihood by predictors at the point, n cells at a time: cells, first, minus second."""
        cells, spec = self._spec.cells, self._spec
        eta = np.empty((len(spec.parameters.predictors), cells.index.n_cells))
        arrays = (self._at.coef, self._at.effects, eta)
        native_predict().ctypes(self._tables[0].ctypes.data, *map(_pointer, arrays))
        for start in range(0, eta.shape[1], n):
            own = slice(start, min(start + n, eta.shape[1]))
            stats = widened([row if len(row) == 1 else row[own] for row in cells.stats], own.stop - start)
            _, first, second = spec.family.derivatives(stats, np.ascontiguousarray(eta[:, own]))
            yield own, first, second

    @property
    def reach(self) -> Floats:
        """(P,) how far the last step moved each predictor of a cell, at most; of those said to have moved."""
        return self._at.reach

    def remember(self) -> None:
        """Have steps begin here."""
        self._at.coef_before[:], self._at.effects_before[:] = self._at.coef, self._at.effects

    def go_back(self) -> float:
        """Return to where the last step began, and its log likelihood."""
        self._at.coef[:], self._at.effects[:] = self._at.coef_before, self._at.effects_before
        return self.expand()

    def finish(self) -> None:
        """Complete what is known here: whole matrices, each block's pull, the links' curvatures."""
        for part in self.parts:
            _mirror(part.information)
            for own in part.effects:
                _mirror(own.information)
                own.pull = own.gradient + np.einsum("jab,jb->ja", own.information, own.effects)
        for link, place in zip(self.links, self._sums.links, strict=True):
            link.cross[:] = place.view(self._at.sums)


def _pointer(array: Floats) -> Any:
    return array.ctypes.data_as(ctypes.POINTER(ctypes.c_double))


def _mirror(matrices: Floats) -> None:
    """Fill the upper triangles of (..., d, d) by the lower ones."""
    above = np.triu_indices(matrices.shape[-1], 1)
    matrices[..., above[0], above[1]] = matrices[..., above[1], above[0]]


def nested(spec: ModelSpec) -> tuple[Nesting, ...]:
    """Find the blocks whose groups lie in those of another block of their part with no more groups."""
    links, groups, blocks = [], spec.cells.group_index, spec.parameters.effects
    rows = [
        None if block.between is not None else single_index(spec, number)
        for number, block in enumerate(blocks)
    ]
    order = sorted(range(len(blocks)), key=lambda t: -blocks[t].size)
    for t, block in enumerate(blocks):
        for s in order[order.index(t) + 1 :]:
            inner, outside = rows[t], rows[s]
            if inner is None or outside is None or spec.part_of(block) != spec.part_of(blocks[s]):
                continue
            outer = outer_groups(groups[inner], block.size, groups[outside])
            if outer is not None:  # a group without rows may follow any
                cross = np.zeros((block.size, block.width, blocks[s].width))
                links.append(Nesting(t, s, np.maximum(outer, 0), cross))
    return tuple(links)


def single_index(spec: ModelSpec, number: int) -> int | None:
    """The index by which all of a block's slots read it: each cell then belongs to one of its groups."""
    found = spec.cells.indices(number)
    return found[0] if len(found) == 1 else None


def _start(sums: QuickSums, scales: Floats) -> Expansion:
    """All arrays, at zero; (P,) how far each predictor moves typically."""
    k = sum(gradient.shape[0] for gradient, _ in sums.parts)
    effects = sum(prod(gradient.shape) for gradient, _, _ in sums.effects)
    covariances = sum(prod(information.shape) for _, information, _ in sums.effects)
    weights, sums_of = sums.arrays()
    return Expansion(
        coef=np.zeros(k),
        effects=np.zeros(effects),
        coef_before=np.zeros(k),
        effects_before=np.zeros(effects),
        spread=np.zeros(covariances),
        reach=np.zeros(len(scales)),
        least=SMALLEST_CURVATURE / scales**2,
        sums=np.zeros(sums.size),
        weights=weights,
        sums_of=sums_of,
    )


def _parts(spec: ModelSpec, at: Expansion, sums: QuickSums) -> Iterator[FittedPart]:
    """The parts, at their starting points, as views of the arrays."""
    blocks, effects = spec.parameters.effects, list(_effects(spec, at, sums))
    for number, (part, (gradient, information)) in enumerate(zip(spec.parts, sums.parts, strict=True)):
        own = slice(spec.coef_start[part.start], spec.coef_start[part.stop])
        prior = coefficient_approximation(spec, part)
        at.coef[own] = starting_coefficients(spec, part, prior.mean)
        yield FittedPart(
            part,
            at.coef[own],
            at.coef_before[own],
            gradient.view(at.sums),
            information.view(at.sums),
            prior,
            [e for e, block in zip(effects, blocks, strict=True) if spec.part_of(block) == number],
        )


def _effects(spec: ModelSpec, at: Expansion, sums: QuickSums) -> Iterator[FittedEffects]:
    effect = square = 0
    places = zip(spec.parameters.effects, sums.effects, strict=True)
    for number, (block, (gradient, information, cross)) in enumerate(places):
        own = Place(effect, gradient.shape)
        yield FittedEffects(
            block,
            len(spec.cells.indices(number)),
            own.view(at.effects),
            own.view(at.effects_before),
            Place(square, information.shape).view(at.spread),
            gradient.view(at.sums),
            information.view(at.sums),
            cross.view(at.sums),
        )
        effect, square = effect + prod(gradient.shape), square + prod(information.shape)
