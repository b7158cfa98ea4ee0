"""Every parameter of a model with its prior and its place in a draw: the layout's builder.

A parameter without a formula (gaussian's sigma) is one coefficient of a predictor of ones, kept on the log
scale; so every family has one predictor a parameter, and kernels know no other kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.families.base import Family
from partialpool.formula.records import Design, GroupTerm, Population, Predictor, Term
from partialpool.model.layout import Layout, Variable
from partialpool.model.names import corr_names, group_name, prefix
from partialpool.priors.base import Prior
from partialpool.priors.lkj import LKJ
from partialpool.priors.normal import Normal


@dataclass(frozen=True)
class Coefficient:
    """A population-level coefficient, or a positive parameter without a formula.

    Attributes
    ----------
    name
        ``"x"``, ``"cat[b]"``, ``"sigma"``.
    value
        Its position in a draw.
    logged
        True when a draw holds a positive parameter of which the predictor uses the log.
    """

    name: str
    value: int
    prior: Prior
    logged: bool


@dataclass(frozen=True)
class GroupCoefficient:
    """One coefficient that varies by group.

    Attributes
    ----------
    name
        ``"1|district"``.
    sd
        The sd's prior when it is learnt, the sd when it is given, None when the prior is not a normal.
    value
        Position in a draw of its first group's effect; the others follow.
    sd_value
        Position of its sd, or -1.
    """

    name: str
    prior: Prior
    sd: Prior | float | None
    value: int
    sd_value: int


@dataclass(frozen=True)
class GroupBlock:
    """A group-level term's coefficients and the prior of their correlations.

    Attributes
    ----------
    corr_value
        Position in a draw of its (d, d) correlation matrix, or -1.
    """

    term: GroupTerm
    coefficients: tuple[GroupCoefficient, ...]
    corr: LKJ | None
    corr_value: int


@dataclass(frozen=True)
class PredictorParameters:
    """The parameters of one predictor; `predictor` is None for a parameter without a formula."""

    parameter: str
    predictor: Predictor | None
    coefficients: tuple[Coefficient, ...]
    blocks: tuple[GroupBlock, ...]


@dataclass(frozen=True)
class Parameters:
    """All parameters of a model, by predictor in the family's order, and the layout of a draw."""

    predictors: tuple[PredictorParameters, ...]
    layout: Layout

    @property
    def coefficients(self) -> tuple[Coefficient, ...]:
        """Population-level coefficients of all predictors."""
        return tuple(c for p in self.predictors for c in p.coefficients)

    @property
    def blocks(self) -> tuple[tuple[int, GroupBlock], ...]:
        """Group-level terms of all predictors, each with its predictor's number."""
        return tuple((i, b) for i, p in enumerate(self.predictors) for b in p.blocks)


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
    coefficients = {p: _coefficients(layout, p, design, priors) for p in family.parameters}
    predictors = []
    for parameter in family.parameters:
        predictor = design.predictors.get(parameter)
        blocks: list[GroupBlock] = []
        if predictor is not None:
            for term, corr in zip(predictor.groups, corr_names(predictor), strict=True):
                blocks += _split_fixed(_block(layout, parameter, term, corr, priors))
        predictors.append(PredictorParameters(parameter, predictor, coefficients[parameter], tuple(blocks)))
    return Parameters(tuple(predictors), Layout(tuple(layout.variables)))


def _coefficients(
    layout: _LayoutBuilder, parameter: str, design: Design, priors: Mapping[str, Prior]
) -> tuple[Coefficient, ...]:
    predictor = design.predictors.get(parameter)
    if predictor is None:
        return (Coefficient(parameter, layout.add(parameter, "auxiliary"), priors[parameter], logged=True),)
    start = prefix(parameter)
    found = []
    for term in predictor.population.terms:
        name = start + term.name
        first = layout.add(name, "population", **_levels(f"{name}_dim", term))
        for i, column in enumerate(_columns(predictor.population, term)):
            key = start + column
            found.append(Coefficient(key, first + i, priors[key], logged=False))
    return tuple(found)


def _columns(part: Population | GroupTerm, term: Term) -> tuple[str, ...]:
    return part.names[term.columns]


def _levels(dim: str, term: Term) -> dict[str, NDArray[Any]]:
    return {} if term.levels is None else {dim: np.array(term.levels, dtype=object)}


def _block(
    layout: _LayoutBuilder, parameter: str, term: GroupTerm, corr: str, priors: Mapping[str, Prior]
) -> GroupBlock:
    factor = term.grouping.name
    names = [group_name(parameter, n, factor) for n in term.names]
    sds = [_sd(priors[n]) for n in names]
    sd_values = [-1] * len(names)
    for part in term.terms:
        own = range(*part.columns.indices(len(names)))
        if any(isinstance(sds[i], Prior) for i in own):
            name = f"{group_name(parameter, part.name, factor)}_sigma"
            first = layout.add(name, "group_sd", **_levels(f"{part.name}__expr_dim", part))
            for i in own:
                sd_values[i] = first + i - own.start
    corr_value = -1
    if term.correlated:
        labels = np.array(term.names, dtype=object)
        dims = {f"{factor}__effect_dim": labels, f"{factor}__effect_dim_bis": labels}
        corr_value = layout.add(corr, "group_corr", **dims)
    values = []
    for part in term.terms:
        dims = {**_levels(f"{part.name}__expr_dim", part), f"{factor}__factor_dim": term.grouping.labels}
        first = layout.add(group_name(parameter, part.name, factor), "group_effect", **dims)
        n_columns = len(_columns(term, part))
        values += [first + i * len(term.grouping.labels) for i in range(n_columns)]
    coefficients = tuple(
        GroupCoefficient(n, priors[n], sd, value, sd_value)
        for n, sd, value, sd_value in zip(names, sds, values, sd_values, strict=True)
    )
    prior = priors[corr] if term.correlated else None
    return GroupBlock(term, coefficients, prior if isinstance(prior, LKJ) else None, corr_value)


def _split_fixed(block: GroupBlock) -> list[GroupBlock]:
    """Give each coefficient a block of its own where one has a prior that is not a normal around zero.

    Kernels know blocks of normal effects and blocks of effects with a fixed prior, not mixtures.
    """
    if block.term.correlated or all(c.sd is not None for c in block.coefficients):
        return [block]
    return [
        GroupBlock(_one_column(block.term, i), (coefficient,), None, -1)
        for i, coefficient in enumerate(block.coefficients)
    ]


def _one_column(term: GroupTerm, i: int) -> GroupTerm:
    part = (Term(term.names[i], slice(0, 1), None),)
    return GroupTerm(part, (term.names[i],), term.matrix[:, i : i + 1], term.grouping, correlated=False)


def _sd(prior: Prior) -> Prior | float | None:
    """The sd of a group-level coefficient's normal prior around zero, if it is one."""
    if isinstance(prior, Normal) and (prior.hierarchical or prior.mean == 0):
        return prior.sd
    return None
