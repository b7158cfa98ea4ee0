"""Advice for test statistics that do not fit."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from partialpool.checking.statistics import TOO_HIGH, Statistic
from partialpool.families.base import Family

_PRIOR = (
    "The priors leave next to no room for what was observed. Move or widen the priors that decide about it, "
    "unless they hold knowledge that the data should be doubted for."
)
_OVERDISPERSED = "Counts vary more than their mean allows: family='negative_binomial' has a parameter for it."
_MEAN = (
    "The level is off, which a model with an intercept rarely leaves: look at the offset, at the weights, "
    "and for priors that hold coefficients too tightly."
)

# By kind, for an observed figure that is higher and for one that is lower; {factor} is the factor's name.
_ADVICE = {
    "mean": (_MEAN, _MEAN),
    "sd": (
        "Outcomes vary more than the model says: a predictor or a group-level term is missing.",
        "Outcomes vary less than the model says: look for rows that are averages, or limits.",
    ),
    "zeros": (
        "There are more zeros than the model makes: look for a predictor that tells them apart.",
        "There are fewer zeros than the model makes: were rows with zero left out of the table?",
    ),
    "full": (
        "More rows are successes throughout than the model makes: a group-level term is missing.",
        "Fewer rows are successes throughout than the model makes: is there a limit below one?",
    ),
    "dispersion": (
        "Counts vary more than the model says: let its further parameters depend on predictors.",
        "Counts vary less than the model says: look for rows that are sums, or for a limit.",
    ),
    "largest": (
        "The largest outcome is beyond the model's tail: look at it, then at heavier tails.",
        "The model makes larger outcomes than there are: look for a limit in what was measured.",
    ),
    "smallest": (
        "The model makes smaller outcomes than there are: a log link, or the log of the outcome.",
        "The smallest outcome is beyond the model's tail: look at it, then at heavier tails.",
    ),
    "share": (
        "There are more of this category than the model makes: look for a predictor that tells it apart.",
        "There are fewer of this category than the model makes: look for a predictor that tells it apart.",
    ),
    "spread": (
        "Groups differ more than the model says: the prior of the sd of {factor} holds it too low.",
        "Groups differ less than the model says: the prior of the sd of {factor} may be too wide.",
    ),
    "top": (
        "One group lies higher than others suggest: look at check.groups({factor!r}).",
        "The highest groups lie lower than the model says: effects are not normal, or have a limit.",
    ),
    "bottom": (
        "The lowest groups lie higher than the model says: effects are not normal, or have a limit.",
        "One group lies lower than others suggest: look at check.groups({factor!r}).",
    ),
}
_BY_DISPERSION = ("sd", "zeros", "dispersion", "largest")
_NO_TERM = "Groups differ more than the model says: give them a group-level term, (1 | {factor})."


@dataclass(frozen=True)
class Situation:
    """The properties of a model on which advice depends.

    Attributes
    ----------
    family
        Of the model.
    factors
        Grouping factors that have a term for the mean.
    prior
        True for draws from the prior.
    """

    family: Family
    factors: Collection[str]
    prior: bool


def advise(statistic: Statistic, verdict: str, situation: Situation) -> str:
    """Advice for a statistic that does not fit; empty for a user's own statistic."""
    if situation.prior:
        return _PRIOR
    higher, family = verdict == TOO_HIGH, situation.family
    counts = family.discrete and not family.bounded and not family.categories
    if counts and higher and len(family.parameters) == 1 and statistic.kind in _BY_DISPERSION:
        return _OVERDISPERSED
    if (
        statistic.factor is not None
        and statistic.factor not in situation.factors
        and higher == (statistic.kind != "bottom")
    ):
        return _NO_TERM.format(factor=statistic.factor)
    if_higher, if_lower = _ADVICE.get(statistic.kind, ("", ""))
    return (if_higher if higher else if_lower).format(factor=statistic.factor)
