"""A design made to have the terms of another, where that one has fewer."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from partialpool.families.base import MAIN
from partialpool.formula.records import Design, GroupTerm, Population, Predictor, Term


def spread(design: Design, parameters: Collection[str], mains: Collection[str]) -> Design:
    """Give parameters the predictors that their formulas made, in the order of the parameters.

    Parameters
    ----------
    design
        As the recipe makes it: the right side of the formula is the predictor of ``"mu"``.
    parameters
        All of a family.
    mains
        Those that take the right side of the formula where they have no formula of their own.
    """
    found = {}
    for parameter in parameters:
        own = design.predictors.get(parameter, design.predictors.get(MAIN) if parameter in mains else None)
        if own is not None:
            found[parameter] = replace(own, parameter=parameter)
    return replace(design, predictors=found)


def conform(design: Design, like: Design) -> Design:
    """Leave out the terms and coefficients that another design of the same formula lacks.

    A pooling's design has fewer terms than its formula says; rows that the formula's recipe has just
    read then become rows of that pooling.

    Parameters
    ----------
    design
        New rows, with every term of the formula.
    like
        The design of a fit.

    Returns
    -------
    `design` with the coefficients and group-level terms of `like`, in their order.
    """
    own = spread(design, like.predictors, like.predictors).predictors
    return replace(design, predictors={name: _predictor(own[name], p) for name, p in like.predictors.items()})


def without_columns(population: Population, names: Collection[str]) -> Population:
    """Leave out population-level coefficients."""
    kept = [i for i, name in enumerate(population.names) if name not in names]
    terms, start = [], 0
    for term in population.terms:
        inside = [i - term.columns.start for i in kept if term.columns.start <= i < term.columns.stop]
        if not inside:
            continue
        levels = None if term.levels is None else tuple(term.levels[i] for i in inside)
        terms.append(Term(term.name, slice(start, start + len(inside)), levels))
        start += len(inside)
    return Population(population.matrix[:, kept], tuple(population.names[i] for i in kept), tuple(terms))


def _predictor(predictor: Predictor, like: Predictor) -> Predictor:
    gone = set(predictor.population.names) - set(like.population.names)
    population = without_columns(predictor.population, gone) if gone else predictor.population
    wanted = {term.key: term for term in like.groups}
    groups = tuple(_alike(term, wanted[term.key]) for term in predictor.groups if term.key in wanted)
    return replace(predictor, population=population, groups=groups)


def _alike(term: GroupTerm, like: GroupTerm) -> GroupTerm:
    return replace(term, correlated=like.correlated, shared=like.shared, covariance=like.covariance)
