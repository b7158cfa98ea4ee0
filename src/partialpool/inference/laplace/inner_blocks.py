"""Inner parameters by block: the effects of each grouping factor, and the coefficients with normal priors.

A linear predictor is linear in them, eta = offset + X beta + A v. A block is a part of v: all effects of one
factor, or the coefficients, which are a block of one group.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from partialpool.constraints.real import Real
from partialpool.model.parameters import PredictorParameters
from partialpool.model.spec import ModelSpec
from partialpool.priors.base import AtMeans, unwrapped
from partialpool.priors.normal import Normal
from partialpool.priors.uniform import Flat

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Use:
    """What cells use of a block: predictor += column x one of the d numbers of each cell's group."""

    coordinate: int
    predictor: int
    column: Floats  # (n,)
    groups: Integers  # (n,)


@dataclass(frozen=True)
class InnerBlock:
    """Inner parameters of J groups of d numbers each, for n cells.

    Attributes
    ----------
    name
        The factor's, or ``"coefficients"``.
    size, width
        J and d.
    uses
        Where its numbers go, by coordinate.
    matrix
        (n, uses) their columns.
    values
        (d,) position in a draw of the first group's number; those of other groups follow.
    terms
        The model's blocks of effects in it, in order, as numbers; empty for coefficients.
    between
        (J, J) inverse of the known covariance between groups; None where groups are independent.
    """

    name: str
    size: int
    width: int
    uses: tuple[Use, ...]
    matrix: Floats
    values: Integers
    terms: tuple[int, ...]
    between: Floats | None = None

    @cached_property
    def separable(self) -> bool:
        """Whether each cell belongs to one group, and groups are independent a priori."""
        return self.between is None and self.one_group

    @cached_property
    def one_group(self) -> bool:
        """Whether each cell belongs to one group."""
        return len(self.uses) <= self.width and all(u.groups is self.uses[0].groups for u in self.uses)

    @property
    def groups(self) -> Integers:
        """(n,) group of each cell, where there is one."""
        return self.uses[0].groups if self.uses else np.zeros(len(self.matrix), np.int64)

    @property
    def columns(self) -> Floats:
        """(n, d) what each of a group's numbers is multiplied by in a cell, where there is one group."""
        return self.matrix

    @cached_property
    def predictors(self) -> Integers:
        """(d,) the predictor that each number is added to, where there is one group."""
        return np.array([use.predictor for use in self.uses], np.int64)


def latent_predictors(spec: ModelSpec) -> tuple[int, ...]:
    """Predictors whose coefficients may be inner: the mean's, and those with group-level terms."""
    with_effects = {p for effects in spec.parameters.effects for p in effects.predictors}
    return tuple(sorted({0} | with_effects))


def is_exact(spec: ModelSpec) -> bool:
    """Whether inner parameters are normal given the outer ones and the data: those of a gaussian's mean."""
    return spec.family.quadratic and latent_predictors(spec) == (0,)


def inner_coefficients(spec: ModelSpec) -> NDArray[np.bool_]:
    """(K,) which coefficients are inner: of a latent predictor, with a normal or a flat prior."""
    latent, inner = latent_predictors(spec), []
    beside = _holds_beside(spec)
    for p, part in enumerate(spec.parameters.predictors):
        # A prior that is not normal and holds at the predictors' means is one of all coefficients.
        usable = (
            p in latent
            and not (beside and part.parameter == spec.family.main)
            and all(_is_normal(c.prior) for c in part.coefficients if isinstance(c.prior, AtMeans))
        )
        inner += [
            usable and isinstance(c.scale, Real) and isinstance(c.constraint, Real) and _is_normal(c.prior)
            for c in part.coefficients
        ]
    return np.array(inner, bool)


def _holds_beside(spec: ModelSpec) -> bool:
    """Whether outer parameters such as thresholds have priors of their distance to the main predictor."""
    without_formula = (part for part in spec.parameters.predictors if part.predictor is None)
    return any(isinstance(c.prior, AtMeans) for part in without_formula for c in part.coefficients)


def _is_normal(prior: object) -> bool:
    plain = unwrapped(prior) if isinstance(prior, AtMeans) else prior
    return isinstance(plain, Flat) or (isinstance(plain, Normal) and not plain.hierarchical)


def effect_blocks(spec: ModelSpec) -> list[InnerBlock]:
    """The effects by factor, most groups first; those with a known covariance between groups stand alone."""
    factors: dict[object, list[int]] = {}
    for t, effects in enumerate(spec.parameters.effects):
        rows = tuple(sorted({slot.row for slot in spec.cells.slots if slot.effects == t}))
        key = (rows, effects.size) if effects.between is None else t
        factors.setdefault(key, []).append(t)
    blocks = [_effect_block(spec, tuple(terms)) for terms in factors.values()]
    return sorted(blocks, key=lambda b: -b.size)


def _effect_block(spec: ModelSpec, terms: tuple[int, ...]) -> InnerBlock:
    own, cells = [spec.parameters.effects[t] for t in terms], spec.cells
    first = np.cumsum([0, *(effects.width for effects in own)])
    slots = []
    for i, t in enumerate(terms):
        slots += [(int(first[i]) + s.coordinate, s) for s in cells.slots if s.effects == t]
    slots.sort(key=lambda pair: pair[0])
    groups = {row: cells.group_index[row].astype(np.int64) for row in {s.row for _, s in slots}}
    matrix = cell_columns(spec, np.array([s.column for _, s in slots], np.int64))
    uses = [Use(a, s.predictor, matrix[:, i], groups[s.row]) for i, (a, s) in enumerate(slots)]
    between = own[0].between
    return InnerBlock(
        own[0].factor,
        own[0].size,
        int(first[-1]),
        tuple(uses),
        matrix,
        np.array([c.value for effects in own for c in effects.coefficients], np.int64),
        terms,
        None if between is None else np.asarray(np.linalg.inv(between), float),
    )


def coefficient_block(spec: ModelSpec, inner: NDArray[np.bool_]) -> InnerBlock:
    """The inner coefficients: one group."""
    groups = np.zeros(spec.cells.index.n_cells, np.int64)
    columns = cell_columns(spec, spec.cells.coef_column[inner])
    predictors = coefficient_predictors(spec)[inner].tolist()
    return InnerBlock(
        "coefficients",
        1,
        len(predictors),
        tuple(Use(a, p, columns[:, a], groups) for a, p in enumerate(predictors)),
        columns,
        np.array([c.value for c in spec.parameters.coefficients], np.int64)[inner],
        (),
    )


def coefficient_predictors(spec: ModelSpec) -> Integers:
    """(K,) the predictor of each coefficient."""
    parts: tuple[PredictorParameters, ...] = spec.parameters.predictors
    return np.repeat(np.arange(len(parts)), [len(part.coefficients) for part in parts])


def cell_columns(spec: ModelSpec, numbers: Integers) -> Floats:
    """(n, k) covariates by their number in the cells, -1 for ones."""
    out = np.ones((spec.cells.index.n_cells, len(numbers)))
    for i, number in enumerate(numbers):
        if number >= 0:
            out[:, i] = spec.cells.columns[number]
    return out
