"""From the model of partial pooling to those of complete and of no pooling.

Only matrices are sliced; the formula's text is never touched, so rows, groups and
codings are the same under all three poolings, and rows are joined once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace

from partialpool.errors import FamilyError, FormulaError, OptionError, build, unknown_name
from partialpool.families.base import Family
from partialpool.formula.conform import without_columns
from partialpool.formula.group_records import Grouping
from partialpool.formula.records import Design, GroupTerm, Predictor
from partialpool.model.names import group_name, population_name, prefix
from partialpool.model.spec import ModelSpec, with_terms
from partialpool.priors.base import Prior, unwrapped


def require_one_expectation(family: Family) -> None:
    """Raise FamilyError where an outcome has no one expected value, on which poolings are compared."""
    if family.categories:
        raise build(
            FamilyError,
            f"Poolings are compared by one expected outcome of each group; the family {family.name!r} has "
            f"probabilities of {len(family.categories)} categories.",
            hint="Model(...).fit() for partial pooling, its group_effects() and predict(); "
            "family='bernoulli' for one category against the others",
        )


def grouping_factor(design: Design, group: str | None = None) -> Grouping:
    """Find the grouping factor whose groups are compared.

    Parameters
    ----------
    design
        The design of partial pooling.
    group
        The factor's name; may be None when the design has only one.

    Raises
    ------
    OptionError
        The design has no group-level term, has several factors and `group` is None, or
        has no factor of that name; or rows belong to several groups of it.
    """
    every = design.groupings
    factors = {name: grouping for name, grouping in every.items() if not grouping.members}
    if every and (group in every or not factors) and group not in factors:
        raise _several_groups_a_row(group or next(iter(every)), factors)
    if not factors:
        raise build(
            OptionError,
            "The formula has no group-level term, so there are no groups to compare poolings for.",
            hint="add one, such as (1 | group)",
        )
    if group is None and len(factors) > 1:
        raise build(
            OptionError,
            f"The formula has {len(factors)} grouping factors; poolings are compared for one at a time.",
            allowed=", ".join(factors),
            hint=f"group={next(iter(factors))!r}",
        )
    name = next(iter(factors)) if group is None else group
    if name not in factors:
        raise unknown_name(OptionError, "grouping factor", name, factors)
    return factors[name]


def _several_groups_a_row(name: str, others: Collection[str]) -> OptionError:
    return build(
        OptionError,
        f"Rows belong to several groups of {name}, so none has rows of its own to compare poolings on.",
        allowed=", ".join(others) or "a factor of which each row has one group",
        hint="Model(...).fit() for partial pooling; its group_effects() are those of the groups",
    )


def without_groups(design: Design, group: str) -> Design:
    """Drop every group-level term of one factor, in every predictor."""

    def drop(predictor: Predictor) -> Predictor:
        return replace(predictor, groups=tuple(t for t in predictor.groups if t.grouping.name != group))

    return _each_predictor(design, drop)


def without_coefficients(design: Design, parameter: str, names: Collection[str]) -> Design:
    """Drop population-level coefficients of one predictor.

    Parameters
    ----------
    design
        Any design.
    parameter
        The predictor's parameter: ``"mu"``, ``"sigma"``.
    names
        Names of coefficients, as in `Population.names`.

    Raises
    ------
    FormulaError
        The predictor lacks one of the coefficients.
    """
    predictor = design.predictors[parameter]
    for name in names:
        if name not in predictor.population.names:
            raise unknown_name(FormulaError, "population-level coefficient", name, predictor.population.names)
    smaller = replace(predictor, population=without_columns(predictor.population, names))
    return replace(design, predictors={**design.predictors, parameter: smaller})


def complete_pooling(model: ModelSpec, group: str | None = None) -> ModelSpec:
    """Complete pooling: the factor's group-level terms are dropped.

    Parameters
    ----------
    model
        The model of partial pooling.
    group
        The grouping factor; may be None when there is only one.

    Raises
    ------
    OptionError
        As `grouping_factor`.
    """
    factor = grouping_factor(model.design, group).name
    return with_terms(model, without_groups(model.design, factor), _without_factor(model, factor))


def no_pooling(model: ModelSpec, group: str | None = None) -> ModelSpec:
    """Give each group independent effects with a fixed prior.

    The population-level coefficients that the group-level terms vary about are dropped,
    and each group's effect takes the prior of the coefficient that it replaces.

    Parameters
    ----------
    model
        The model of partial pooling.
    group
        The grouping factor; may be None when there is only one.

    Raises
    ------
    OptionError
        As `grouping_factor`.
    FormulaError
        A group-level coefficient has no population-level coefficient to replace.
    PriorError
        The prior of a coefficient that is replaced cannot be that of a group-level one.
    """
    factor = grouping_factor(model.design, group).name
    design, priors = model.design, _without_factor(model, factor)
    for parameter, predictor in model.design.predictors.items():
        terms = [term for term in predictor.groups if term.grouping.name == factor]
        replaced = _replaced(predictor, terms)
        design = without_coefficients(design, parameter, {*replaced.values()})
        for effect, coefficient in replaced.items():
            prior = priors.pop(prefix(parameter) + coefficient)
            priors[group_name(parameter, effect, factor)] = unwrapped(prior)
    return with_terms(model, _each_predictor(design, lambda p: _uncorrelated(p, factor)), priors)


def _each_predictor(design: Design, change: Callable[[Predictor], Predictor]) -> Design:
    return replace(design, predictors={name: change(p) for name, p in design.predictors.items()})


def _uncorrelated(predictor: Predictor, factor: str) -> Predictor:
    groups = tuple(
        replace(t, correlated=False, shared="", covariance=None) if t.grouping.name == factor else t
        for t in predictor.groups
    )
    return replace(predictor, groups=groups)


def _without_factor(model: ModelSpec, factor: str) -> dict[str, Prior]:
    """Priors without those of a factor's effects and correlations, in every predictor."""
    own = [effects for effects in model.parameters.effects if effects.factor == factor]
    gone = {name for e in own for name in (e.corr_name, *(c.name for c in e.coefficients))}
    return {name: prior for name, prior in model.priors.items() if name not in gone}


def _replaced(predictor: Predictor, terms: Collection[GroupTerm]) -> dict[str, str]:
    """Match group-level coefficients with the population-level ones they replace, which must exist."""
    wanted = {name: population_name(name) for term in terms for name in term.names}
    missing = [name for name in wanted.values() if name not in predictor.population.names]
    if missing:
        raise build(
            FormulaError,
            f"The group-level terms vary {', '.join(map(repr, missing))}, which the population-level part of "
            f"{predictor.parameter!r} lacks: without it there is no prior to give to independent effects, "
            "and nothing for complete pooling to estimate.",
            allowed="population-level coefficients " + (", ".join(predictor.population.names) or "(none)"),
            hint=f"add {' + '.join(_as_written(name) for name in missing)} outside the ( | )",
        )
    return wanted


def _as_written(coefficient: str) -> str:
    """Guess how a formula writes the term of a coefficient."""
    return "1" if coefficient == "Intercept" else coefficient.split("[")[0]
