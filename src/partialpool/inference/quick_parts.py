"""What the quick fit works on: its point, the log likelihood's expansion there, predictors and terms of it.

The sums are those of `kernels.expansion`. Parts and terms are views of them, so that a pass over the cells
brings all of them up to date.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod

import numpy as np
from numpy.typing import NDArray

from partialpool.formula.nesting import outer_groups
from partialpool.inference.approximations import (
    NormalApproximation,
    coefficient_approximation,
    starting_coefficients,
)
from partialpool.inference.quick_sums import Place, QuickSums
from partialpool.kernels.expansion import Expansion, native_expand
from partialpool.kernels.group_elimination import GroupArrays, native_eliminate, native_learn
from partialpool.kernels.inputs import address_table, data_table
from partialpool.model.data_inputs import data_inputs
from partialpool.model.density import fixed_scale
from partialpool.model.geometry import Link
from partialpool.model.parameters import GroupBlock
from partialpool.model.spec import ModelSpec
from partialpool.priors.base import Prior

Floats = NDArray[np.float64]

SMALLEST_SD = 1e-4  # that is learnt


@dataclass
class Term:
    """One group-level term while it is being fitted: J groups of d coefficients, K_p of the predictor."""

    block: GroupBlock
    effects: Floats  # (J, d)
    before: Floats  # (J, d) effects before a step
    spread: Floats  # (J, d, d) covariances over which the log likelihood is averaged
    gradient: Floats  # (J, d)
    information: Floats  # (J, d, d)
    cross: Floats  # (J, d, K_p)
    covariance: Floats = field(init=False)  # (d, d)
    prior_mean: Floats = field(init=False)  # (d,)
    posterior: Floats = field(init=False)  # (J, d, d) covariance given the coefficients
    pull: Floats = field(init=False)  # (J, d) information times effects, plus gradient

    def __post_init__(self) -> None:
        coefficients, (size, d, k) = self.block.coefficients, self.cross.shape
        self.learnt = any(isinstance(c.sd, Prior) for c in coefficients)
        scales = np.array([fixed_scale(c) for c in coefficients])
        means = [getattr(c.prior, "mean", 0.0) if c.sd is None else 0.0 for c in coefficients]
        self.covariance, self.prior_mean = np.diag(scales**2), np.array(means, float)
        self.effects[:] = self.prior_mean
        self.posterior, self.pull = np.zeros((size, d, d)), np.zeros((size, d))
        self._arrays = GroupArrays(
            covariance=self.covariance,
            precision=np.empty((d, d)),
            mean=self.prior_mean,
            effects=self.effects,
            gradient=self.gradient,
            information=self.information,
            cross=self.cross,
            posterior=self.posterior,
            solved=np.empty((size, d, k + 1)),
            left=np.empty((k, k + 1)),
            scales=scales,
            learnt=np.array([isinstance(c.sd, Prior) for c in coefficients], float),
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
        Their log prior; (K_p, K_p) and (K_p,) what the coefficients' curvature and slope lose.
        """
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
        return float(self._learn(size, d, self.block.term.correlated, addresses))

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
    return (SMALLEST_SD if isinstance(sd, Prior) else 0.0), np.inf


@dataclass
class Part:
    """One predictor while it is being fitted."""

    coefficients: Floats  # (K_p,)
    before: Floats  # (K_p,) coefficients before a step
    gradient: Floats  # (K_p,)
    information: Floats  # (K_p, K_p)
    prior: NormalApproximation
    terms: list[Term]

    @property
    def curvature(self) -> Floats:
        """(K_p, K_p) of data and prior; the lower triangle until `Point.finish`."""
        return self.information + self.prior.precision

    @property
    def slope(self) -> Floats:
        """(K_p,) derivative of the log posterior."""
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
        One a predictor.
    links
        Which terms' groups lie in which, numbered from the model's first term.
    averaged
        Whether the log likelihood is the expected one over the effects of the mean.
    """

    def __init__(self, spec: ModelSpec) -> None:
        self.links = nested(spec)
        self._data = data_inputs(spec, self.links)
        self._sums = QuickSums(spec, self.links)
        self._at = _start(self._sums)
        self._tables = data_table(self._data), address_table(self._at)
        self._arguments = (*(t.ctypes.data for t in self._tables), spec.family.blocks()[1].address)
        self._expand = native_expand().ctypes
        self.parts = list(_parts(spec, self._at, self._sums))
        self.averaged = False

    def expand(self, moved: int = -1) -> float:
        """Log likelihood at the point; brings all sums up to date, and the reach of a step in a predictor."""
        return float(self._expand(*self._arguments, moved, self.averaged))

    @property
    def reach(self) -> float:
        """How far the last step moved the predictor of a cell, at most."""
        return float(self._at.reach[0])

    def remember(self) -> None:
        """Have steps begin here."""
        self._at.coef_before[:], self._at.effects_before[:] = self._at.coef, self._at.effects

    def go_back(self) -> float:
        """Return to where the last step began, and its log likelihood."""
        self._at.coef[:], self._at.effects[:] = self._at.coef_before, self._at.effects_before
        return self.expand()

    def finish(self) -> None:
        """Complete what is known here: whole matrices, each term's pull, the links' curvatures."""
        for part in self.parts:
            _mirror(part.information)
            for term in part.terms:
                _mirror(term.information)
                term.pull = term.gradient + np.einsum("jab,jb->ja", term.information, term.effects)
        for link, place in zip(self.links, self._sums.links, strict=True):
            link.cross[:] = place.view(self._at.sums)


def _mirror(matrices: Floats) -> None:
    """Fill the upper triangles of (..., d, d) by the lower ones."""
    above = np.triu_indices(matrices.shape[-1], 1)
    matrices[..., above[0], above[1]] = matrices[..., above[1], above[0]]


def nested(spec: ModelSpec) -> tuple[Link, ...]:
    """Find the terms of a predictor whose groups lie in those of another with no more groups."""
    links, groups = [], spec.cells.group_index
    blocks = [(p, len(b.term.grouping.labels), len(b.coefficients)) for p, b in spec.parameters.blocks]
    order = sorted(range(len(blocks)), key=lambda t: -blocks[t][1])
    for t, (p, size, d) in enumerate(blocks):
        for s in order[order.index(t) + 1 :]:
            if blocks[s][0] != p:
                continue
            outer = outer_groups(groups[t], size, groups[s])
            if outer is not None:  # a group without rows may follow any
                links.append(Link(t, s, np.maximum(outer, 0), np.zeros((size, d, blocks[s][2]))))
    return tuple(links)


def _start(sums: QuickSums) -> Expansion:
    """All arrays, at zero."""
    k = sum(gradient.shape[0] for gradient, _ in sums.parts)
    effects = sum(prod(gradient.shape) for gradient, _, _ in sums.terms)
    covariances = sum(prod(information.shape) for _, information, _ in sums.terms)
    weights, sums_of = sums.arrays()
    return Expansion(
        coef=np.zeros(k),
        effects=np.zeros(effects),
        coef_before=np.zeros(k),
        effects_before=np.zeros(effects),
        spread=np.zeros(covariances),
        reach=np.zeros(1),
        sums=np.zeros(sums.size),
        weights=weights,
        sums_of=sums_of,
    )


def _parts(spec: ModelSpec, at: Expansion, sums: QuickSums) -> Iterator[Part]:
    """The predictors, at their starting points, as views of the arrays."""
    blocks, start, terms = spec.parameters.blocks, 0, list(_terms(spec, at, sums))
    for number, (gradient, information) in enumerate(sums.parts):
        own = slice(start, start + gradient.shape[0])
        prior = coefficient_approximation(spec, number)
        at.coef[own] = starting_coefficients(spec, number, prior.mean)
        yield Part(
            at.coef[own],
            at.coef_before[own],
            gradient.view(at.sums),
            information.view(at.sums),
            prior,
            [term for term, (p, _) in zip(terms, blocks, strict=True) if p == number],
        )
        start = own.stop


def _terms(spec: ModelSpec, at: Expansion, sums: QuickSums) -> Iterator[Term]:
    effect = square = 0
    for (_, block), (gradient, information, cross) in zip(spec.parameters.blocks, sums.terms, strict=True):
        own = Place(effect, gradient.shape)
        yield Term(
            block,
            own.view(at.effects),
            own.view(at.effects_before),
            Place(square, information.shape).view(at.spread),
            gradient.view(at.sums),
            information.view(at.sums),
            cross.view(at.sums),
        )
        effect, square = effect + prod(gradient.shape), square + prod(information.shape)
