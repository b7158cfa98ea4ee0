"""Which prior each coefficient has: the user's, or a default scaled to the data.

Defaults are weakly informative and say the same wherever a predictor has its zero:
slopes Normal(0, 2.5 s_y / s_x), the intercept Normal(m_y, 2.5 s_y) at the predictors' means, group sds
Exponential(s_x / s_y), correlations LKJ(2), with s_y = 1 where the link is a log or a logit (Gelman, Jakulin,
Pittau & Su 2008; rstanarm's defaults).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from partialpool.constraints.base import Constraint
from partialpool.constraints.positive import Positive
from partialpool.constraints.real import Real
from partialpool.errors import PriorError, build, unknown_name
from partialpool.families.base import Family
from partialpool.formula.records import Design, Floats, Predictor
from partialpool.model.names import TermGroup, group_name, prefix, term_groups
from partialpool.priors.base import AtMeans, Prior, unwrapped
from partialpool.priors.gamma import Exponential
from partialpool.priors.lkj import LKJ
from partialpool.priors.normal import Normal

SLOPE_SCALE = 2.5
LKJ_ETA = 2.0


def default_priors(design: Design, family: Family) -> dict[str, Prior]:
    """Default prior of every coefficient, keyed as results name it.

    Coefficients of a categorical term have one entry a level, ``"cat[b]"``.
    """
    assert design.outcome is not None, "models are built from rows with an outcome"
    priors: dict[str, Prior] = {}
    weights = design.totals(family.unit_weights(design.outcome))
    for parameter in family.parameters:
        predictor = design.predictors.get(parameter)
        offset = None if predictor is None or predictor.offset is None else design.by_row(predictor.offset)
        location, scale = family.location_scale(design.outcome, offset)
        if predictor is None:
            priors[parameter] = _of_auxiliary(family.auxiliary_prior(parameter, scale), design)
        elif parameter in family.mains:
            priors.update(_predictor_priors(predictor, weights, location, scale))
        else:
            # On the scale of its link: centred where its natural-scale default is.
            natural = unwrapped(family.auxiliary_prior(parameter, scale)).centre(family.scale(parameter))
            centre = float(family.scale(parameter).free(np.array([natural]))[0])
            priors.update(_predictor_priors(predictor, weights, centre, 1.0))
    priors.update((group.corr, LKJ(LKJ_ETA)) for group in term_groups(design) if group.corr)
    return priors


def _of_auxiliary(prior: Prior, design: Design) -> Prior:
    """Without predictors there are no means at which a prior could hold."""
    return prior if design.main.population.names else unwrapped(prior)


def _predictor_priors(
    predictor: Predictor, weights: Floats, location: float, scale: float
) -> Iterator[tuple[str, Prior]]:
    start = prefix(predictor.parameter)
    population = predictor.population
    for name, column in zip(population.names, population.matrix.T, strict=True):
        if name == "Intercept":
            normal = Normal(_rounded(location), _rounded(SLOPE_SCALE * scale))
            yield start + name, AtMeans(normal) if len(population.names) > 1 else normal
        else:
            yield start + name, Normal(0.0, _rounded(SLOPE_SCALE * scale / _spread(column, weights)))
    for term in predictor.groups:
        for name, column in zip(term.names, term.matrix.T, strict=True):
            spread = 1.0 if name == "1" else _spread(column, weights)
            if term.covariance is not None:  # a group's own sd is this many times the one that is learnt
                spread *= math.sqrt(term.covariance.mean_variance)
            sd = Exponential(_rounded(spread / scale))
            yield group_name(predictor.parameter, name, term.grouping.name), Normal(0.0, sd)


def _spread(column: Floats, weights: Floats) -> float:
    """Sd over unit outcomes: the same for rows as for cells made of them by hand; 1 for a constant.

    It is of distances from one of the values that count, in units of the longest: those of a constant are 0
    without rounding, and the squares of no others are.
    """
    if not len(column):
        return 1.0
    distance = column - column[np.argmax(weights)]
    longest = float(np.max(np.abs(distance), where=weights > 0, initial=0.0))
    if longest == 0.0:
        return 1.0
    distance /= longest
    mean = np.average(distance, weights=weights)
    return longest * math.sqrt(float(np.average((distance - mean) ** 2, weights=weights)))


def _rounded(value: float) -> float:
    """Four significant digits: the prior a person reads is the prior that is used."""
    return float(f"{value:.4g}")


def resolve_priors(design: Design, family: Family, given: Mapping[str, Prior] | None) -> dict[str, Prior]:
    """Put the user's priors in place of defaults.

    Parameters
    ----------
    given
        Keyed by the names results have; ``"cat"`` stands for all its levels.

    Raises
    ------
    PriorError
        When a name is unknown, or a prior cannot be the prior of what it names.
    """
    priors, groups = default_priors(design, family), term_groups(design)
    given, terms = {} if given is None else given, _coefficients_of_terms(design, family)
    if not isinstance(given, Mapping):
        raise build(
            PriorError,
            f"The priors are {given!r}.",
            allowed='priors by name, such as {"Intercept": Normal(0, 1.5)}',
        )
    # Terms before single coefficients: what is said of one level stands, in whatever order it is said.
    for name in sorted(given, key=priors.__contains__):
        prior = given[name]
        if not isinstance(prior, Prior):
            raise _no_prior(name, prior)
        keys = [name] if name in priors else terms.get(name, ())
        if not keys:
            raise unknown_name(PriorError, "coefficient or parameter", name, priors)
        for key in keys:
            _check_role(key, prior, groups, design, family)
            priors[key] = prior
    return priors


def _no_prior(name: str, given: object) -> PriorError:
    text = isinstance(given, str)
    return build(
        PriorError,
        f"The prior of {name!r} is {'the text ' if text else ''}{given!r}.",
        allowed="a prior such as Normal(0, 1.5)",
        hint='partialpool.Normal(0, 1.5), or partialpool.parse_prior("Normal(0, 1.5)")' if text else None,
    )


def _coefficients_of_terms(design: Design, family: Family) -> dict[str, list[str]]:
    """Names of the coefficients of every term, by the name that results give the term."""
    found: dict[str, list[str]] = {}
    for parameter in family.vector_values:
        found.setdefault(parameter.partition("[")[0], []).append(parameter)
    for predictor in design.predictors.values():
        start, population = prefix(predictor.parameter), predictor.population
        for term in population.terms:
            found[start + term.name] = [start + n for n in population.names[term.columns]]
        for group in predictor.groups:
            names = [group_name(predictor.parameter, n, group.grouping.name) for n in group.names]
            for term in group.terms:
                found[group_name(predictor.parameter, term.name, group.grouping.name)] = names[term.columns]
    return found


def _check_role(name: str, prior: Prior, groups: Sequence[TermGroup], design: Design, family: Family) -> None:
    """Raise unless a prior can be the prior of what a name stands for."""
    _check_kind(name, prior, groups, design, family)
    if prior.support == "correlation":
        return
    sd = prior.sd if isinstance(prior, Normal) and isinstance(prior.sd, Prior) else None
    own = next((group for group in groups if name in group.names), None)
    if own is not None:
        _check_group(name, prior, sd, own)
    elif sd is not None:
        raise build(
            PriorError,
            f"{prior} cannot be the prior of {name!r}: there is but one, so nothing to learn its sd from.",
            allowed="a prior with numbers inside; a learnt sd is for group-level coefficients such as '1|g'",
        )
    if sd is not None:
        _check_range(name, sd, Positive())
    elif name in family.parameters:
        _check_range(name, prior, family.scale(name))


def _check_range(name: str, prior: Prior, scale: Constraint) -> None:
    """A prior with two ends must have both where the parameter can be; others are cut where it ends."""
    if isinstance(scale, Real):
        _check_real(name, prior)
    lower, upper = scale.bounds
    if prior.support != "interval" or (prior.bounds[0] >= lower and prior.bounds[1] <= upper):
        return
    beyond, allowed = ("reaches below zero", "lower >= 0")
    if np.isfinite(upper):
        beyond = f"reaches beyond {lower:g} and {upper:g}"
        allowed = f"lower >= {lower:g} and upper <= {upper:g}"
    raise build(PriorError, f"{prior} of {name!r} {beyond}.", allowed=allowed)


def _check_real(name: str, prior: Prior) -> None:
    """A parameter that takes both signs, such as a threshold."""
    if prior.support != "real":
        raise build(
            PriorError,
            f"{prior} cannot be the prior of {name!r}, which takes both signs.",
            allowed="a prior over all real numbers, such as Normal(0, 2.5)",
        )


def _check_kind(name: str, prior: Prior, groups: Sequence[TermGroup], design: Design, family: Family) -> None:
    corr = {group.corr for group in groups} - {""}
    if (prior.support == "correlation") != (name in corr):
        allowed = "LKJ(eta)" if name in corr else "a prior of one number, such as Normal(0, 1)"
        raise build(PriorError, f"{prior} cannot be the prior of {name!r}.", allowed=allowed)
    intercepts = {prefix(parameter) + "Intercept" for parameter in design.predictors}
    intercepts |= {p for p in family.parameters if family.links[p] == "identity"}
    if isinstance(prior, AtMeans) and name not in intercepts:
        raise build(PriorError, f"{prior} cannot be the prior of {name!r}: only of an intercept.")


def _check_group(name: str, prior: Prior, sd: Prior | None, group: TermGroup) -> None:
    """A group-level coefficient: Normal around zero, or, where uncorrelated, any prior over the reals."""
    if isinstance(prior, Normal) and prior.mean == 0:
        return
    if sd is not None:
        raise build(
            PriorError,
            f"{prior} of {name!r} has mean {prior.mean:g}: group-level coefficients are deviations."
            if isinstance(prior, Normal)
            else f"{prior} cannot be the prior of {name!r}.",
            allowed=f"Normal(0, {sd})",
            hint="give the mean to the population-level coefficient's prior",
        )
    if prior.support != "real":
        raise build(
            PriorError,
            f"{prior} cannot be the prior of {name!r}: group-level coefficients take both signs.",
            allowed="Normal(0, <prior of the sd>), or another prior over all real numbers",
        )
    _, term = group.terms[0]
    if term.covariance is not None:
        raise build(
            PriorError,
            f"{prior} cannot be the prior of {name!r}, whose groups have the covariance "
            f"{term.covariance.name!r}.",
            allowed="Normal(0, <prior of the sd>)",
            hint=f"(... | {term.grouping.name}) leaves the covariance out",
        )
    if group.corr:
        alone = f"({' + '.join(term.names)} || {term.grouping.name}): || leaves the correlations out"
        raise build(
            PriorError,
            f"{prior} cannot be the prior of {name!r}, whose correlations ({group.corr}) are estimated.",
            allowed="Normal(0, <prior of the sd>)",
            hint=None if term.shared else alone,
        )
