"""Every parameter of a model with its prior and its place in a draw: the layout's builder.

A parameter without a formula (gaussian's sigma) is one coefficient of a predictor of ones, on the scale of
its link; so every family has one predictor a parameter, and kernels know no other kind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.constraints.base import Constraint
from partialpool.families.base import Family
from partialpool.formula.records import Design, GroupTerm, Population, Predictor, Term
from partialpool.model.effects import Effects, EffectsTerm, GroupCoefficient, normal_sd
from partialpool.model.layout import Layout, Variable
from partialpool.model.names import TermGroup, group_name, population_name, prefix, term_groups
from partialpool.priors.base import REAL, Prior
from partialpool.priors.lkj import LKJ

Integers = NDArray[np.int64]
TermKey = tuple[str, tuple[str, tuple[str, ...]]]


@dataclass(frozen=True)
class Coefficient:
    """A population-level coefficient, or a parameter without a formula.

    Attributes
    ----------
    name
        ``"x"``, ``"cat[b]"``, ``"sigma"``, ``"threshold[1]"``.
    value
        Its position in a draw.
    constraint
        What keeps it in its support; neighbours with an equal one that is not elementwise are tied.
    scale
        The constraint whose free number the predictor uses: of the positive numbers, for one, the log.
    """

    name: str
    value: int
    prior: Prior
    constraint: Constraint
    scale: Constraint


@dataclass(frozen=True)
class PredictorParameters:
    """The parameters of one predictor; `predictor` is None for a parameter without a formula."""

    parameter: str
    predictor: Predictor | None
    coefficients: tuple[Coefficient, ...]

    @property
    def places(self) -> Integers:
        """(K,) position of each coefficient in a draw."""
        return np.array([c.value for c in self.coefficients], np.int64)

    def about(self, effect: str) -> Coefficient | None:
        """The coefficient that a group-level one varies about, where there is one."""
        names = () if self.predictor is None else self.predictor.population.names
        wanted = population_name(effect)
        return self.coefficients[names.index(wanted)] if wanted in names else None


@dataclass(frozen=True)
class Parameters:
    """All parameters of a model and the layout of a draw.

    Attributes
    ----------
    predictors
        Population-level coefficients by predictor, in the family's order.
    effects
        The blocks of group effects, in the order of the predictors that they first go into.
    """

    predictors: tuple[PredictorParameters, ...]
    effects: tuple[Effects, ...]
    layout: Layout

    @property
    def coefficients(self) -> tuple[Coefficient, ...]:
        """Population-level coefficients of all predictors."""
        return tuple(c for p in self.predictors for c in p.coefficients)

    @cached_property
    def by_name(self) -> Mapping[str, PredictorParameters]:
        """The predictors by their parameters."""
        return {part.parameter: part for part in self.predictors}

    @cached_property
    def blocks(self) -> Mapping[TermKey, tuple[tuple[Effects, EffectsTerm], ...]]:
        """By a term's parameter and key, the blocks that its coefficients are in, in their order."""
        found: dict[TermKey, tuple[tuple[Effects, EffectsTerm], ...]] = {}
        for effects in self.effects:
            for own in effects.terms:
                key = self.predictors[own.predictor].parameter, own.term.key
                found[key] = (*found.get(key, ()), (effects, own))
        return found

    def places(self, parameter: str, term: GroupTerm) -> Integers:
        """(d, J) position in a draw of each effect of a term, of the fitted rows or of others."""
        return np.concatenate([e.places[own.coordinates] for e, own in self.blocks[parameter, term.key]])


class _LayoutBuilder:
    """Gives out positions in the order variables are added."""

    def __init__(self) -> None:
        self.variables: list[Variable] = []
        self.size = 0
        self.labels: dict[str, NDArray[Any]] = {}

    def add(self, name: str, role: str, **dims: NDArray[Any]) -> int:
        """Append a variable whose dims are the keyword names; return its start.

        A dim that another variable has with other labels gets the variable's name in front.
        """
        start = self.size
        coords = {}
        for dim, labels in dims.items():
            known = self.labels.setdefault(dim, labels)
            coords[dim if np.array_equal(known, labels) else f"{name}:{dim}"] = labels
        self.variables.append(Variable(name, role, start, tuple(coords), MappingProxyType(coords)))
        self.size += self.variables[-1].size
        return start


def build_parameters(design: Design, family: Family, priors: Mapping[str, Prior]) -> Parameters:
    """Give every parameter its prior and its place.

    Parameters
    ----------
    priors
        Complete: as `model.priors.resolve_priors` returns them.
    """
    layout = _LayoutBuilder()
    coefficients = {p: _coefficients(layout, p, design, family, priors) for p in family.parameters}
    effects: list[Effects] = []
    for group in term_groups(design):
        effects += _split_fixed(_effects(layout, group, family.parameters, priors))
    effects.sort(key=lambda block: block.predictors)
    predictors = tuple(
        PredictorParameters(p, design.predictors.get(p), coefficients[p]) for p in family.parameters
    )
    return Parameters(predictors, tuple(effects), Layout(tuple(layout.variables)))


def _coefficients(
    layout: _LayoutBuilder, parameter: str, design: Design, family: Family, priors: Mapping[str, Prior]
) -> tuple[Coefficient, ...]:
    predictor = design.predictors.get(parameter)
    if predictor is None:
        prior, place = priors[parameter], _add_auxiliary(layout, parameter, family)
        constraint, scale = family.constraint(parameter, prior), family.scale(parameter)
        return (Coefficient(parameter, place, prior, constraint, scale),)
    start = prefix(parameter)
    found = []
    for term in predictor.population.terms:
        name = start + term.name
        first = layout.add(name, "population", **_levels(f"{name}_dim", term))
        for i, column in enumerate(_columns(predictor.population, term)):
            key = start + column
            found.append(Coefficient(key, first + i, priors[key], priors[key].constraint(), REAL))
    return tuple(found)


def _add_auxiliary(layout: _LayoutBuilder, parameter: str, family: Family) -> int:
    """Lay out a parameter without a formula; those that are values of one variable with the first of them."""
    own, (name, _, _) = family.vector_values, parameter.partition("[")
    if parameter not in own:
        return layout.add(parameter, "auxiliary")
    if parameter == own[0]:
        labels = np.array([p[len(name) + 1 : -1] for p in own], dtype=object)
        return layout.add(name, "auxiliary", **{f"{name}_dim": labels})
    return layout.size - len(own) + own.index(parameter)


def _columns(part: Population | GroupTerm, term: Term) -> tuple[str, ...]:
    return part.names[term.columns]


def _levels(dim: str, term: Term) -> dict[str, NDArray[Any]]:
    return {} if term.levels is None else {dim: np.array(term.levels, dtype=object)}


def _effects(
    layout: _LayoutBuilder, group: TermGroup, parameters: Sequence[str], priors: Mapping[str, Prior]
) -> Effects:
    """Lay out a block: its sds, its correlations, its effects."""
    names = group.names
    learnt = [isinstance(normal_sd(priors[n]), Prior) for n in names]
    sd_values, starts = [-1] * len(names), [0, *accumulate(len(term.names) for _, term in group.terms)]
    for (parameter, term), start in zip(group.terms, starts, strict=False):
        for own in term.terms:
            columns = range(*own.columns.indices(len(term.names)))
            if any(learnt[start + i] for i in columns):
                name = f"{group_name(parameter, own.name, term.grouping.name)}_sigma"
                place = layout.add(name, "group_sd", **_levels(f"{own.name}__expr_dim", own))
                for i in columns:
                    sd_values[start + i] = place + i - columns.start
    corr_value = _add_correlations(layout, group) if group.corr else -1
    values = [value for parameter, term in group.terms for value in _add_effects(layout, parameter, term)]
    coefficients = tuple(
        GroupCoefficient(n, priors[n], value, sd_value)
        for n, value, sd_value in zip(names, values, sd_values, strict=True)
    )
    terms = tuple(
        EffectsTerm(list(parameters).index(parameter), term, start, range(len(term.names)))
        for (parameter, term), start in zip(group.terms, starts, strict=False)
    )
    corr = priors[group.corr] if group.corr else None
    return Effects(
        coefficients,
        terms,
        corr if isinstance(corr, LKJ) else None,
        group.corr,
        corr_value,
    )


def _add_correlations(layout: _LayoutBuilder, group: TermGroup) -> int:
    (_, first), several = group.terms[0], len(group.terms) > 1
    own = [(prefix(p) if several else "") + n for p, term in group.terms for n in term.names]
    labels, start = np.array(own, dtype=object), f"{first.grouping.name}__effect_dim"
    return layout.add(group.corr, "group_corr", **{start: labels, f"{start}_bis": labels})


def _add_effects(layout: _LayoutBuilder, parameter: str, term: GroupTerm) -> list[int]:
    """Lay out a term's effects; return the position of each coordinate's first."""
    factor, values = term.grouping.name, []
    for own in term.terms:
        dims = {**_levels(f"{own.name}__expr_dim", own), f"{factor}__factor_dim": term.grouping.labels}
        place = layout.add(group_name(parameter, own.name, factor), "group_effect", **dims)
        values += [place + i * len(term.grouping.labels) for i in range(len(_columns(term, own)))]
    return values


def _split_fixed(effects: Effects) -> list[Effects]:
    """Give each coefficient a block of its own where one has a prior that is not a normal around zero.

    Kernels know blocks of normal effects and blocks of effects with a fixed prior, not mixtures.
    """
    if effects.corr is not None or all(c.sd is not None for c in effects.coefficients):
        return [effects]
    (part,) = effects.terms
    return [
        replace(effects, coefficients=(c,), terms=(replace(part, columns=range(i, i + 1)),))
        for i, c in enumerate(effects.coefficients)
    ]
