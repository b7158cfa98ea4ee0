"""The population of groups: its mean on both scales, and the sd of groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import OptionError, unknown_name
from partialpool.formula.records import Design, GroupTerm
from partialpool.model.names import group_name
from partialpool.model.poolings import grouping_factor, population_name, without_groups
from partialpool.pooling.group_outcomes import group_outcomes, known_outcome, unit_outcomes
from partialpool.results.fitted import Fitted
from partialpool.results.positions import population_positions
from partialpool.results.summaries import DEFAULT_PROB, hdi

Floats = NDArray[np.float64]


class Estimate(NamedTuple):
    """A posterior's mean, standard deviation and highest density interval."""

    mean: float
    sd: float
    lower: float
    upper: float


@dataclass(frozen=True)
class PopulationLine:
    """Estimates of the population towards which groups of one factor are shrunk.

    Attributes
    ----------
    group
        The grouping factor's name.
    coefficient
        Which of its coefficients: ``"1"`` is the intercept.
    outcome_name
        Name of the outcome.
    mean_word
        The family's word for the expected outcome: ``"probability"``, ``"rate"``, ``"mean"``.
    link
        The link of the mean: ``"logit"``, ``"log"``, ``"identity"``.
    prob
        Probability of every interval.
    on_link
        The population-level coefficient, on the link's scale.
    on_outcome
        The expected outcome of a group that sits on the population's line (its deviations are
        zero), averaged over all rows; per unit of exposure where a log link has an offset.
    group_sd
        The standard deviation of groups about the line, or None when the model fixes it.
    raw
        The outcome's mean over all rows (successes per trial, for trials; per unit of exposure).
    row_word
        What a group's size counts: ``"row"``, or ``"observation"`` where rows have frequency weights.
    """

    group: str
    coefficient: str
    outcome_name: str
    mean_word: str
    link: str
    prob: float
    on_link: Estimate
    on_outcome: Estimate
    group_sd: Estimate | None
    raw: float
    row_word: str = "row"


def population_line(
    partial: Fitted, group: str | None = None, coefficient: str = "1", prob: float = DEFAULT_PROB
) -> PopulationLine:
    """Summarise the population of partial pooling, on the link's scale and on the outcome's.

    Parameters
    ----------
    partial
        The fit with partial pooling.
    group
        The grouping factor; may be None when there is only one.
    coefficient
        The coefficient of its group-level terms: ``"1"``, ``"x"``, ``"cat[b]"``.
    prob
        Probability of the highest density intervals.

    Raises
    ------
    OptionError
        The factor or the coefficient is unknown, or `prob` is not between 0 and 1.
    """
    model = partial.model
    outcome = known_outcome(model.design)
    factor = grouping_factor(model.design, group).name
    term = find_term(model.design, factor, coefficient)
    everyone = np.zeros(model.design.n_rows, dtype=np.int64)
    ((_, expected),) = group_outcomes(partial, everyone, 1, design=without_groups(model.design, factor))
    sds = group_sd_draws(partial, term, coefficient)
    return PopulationLine(
        group=factor,
        coefficient=coefficient,
        outcome_name=outcome.name,
        mean_word=model.family.mean_word,
        link=model.family.link,
        prob=prob,
        on_link=estimate(coefficient_draws(partial, coefficient), prob),
        on_outcome=estimate(expected[:, 0], prob),
        group_sd=None if sds is None else estimate(sds, prob),
        raw=float(raw_means(partial, everyone, 1)[0]),
        row_word="row" if outcome.weights is None else "observation",
    )


def estimate(draws: Floats, prob: float) -> Estimate:
    """Summarise (S,) draws of one quantity."""
    lower, upper = hdi(draws, prob)
    return Estimate(float(draws.mean()), float(draws.std()), float(lower), float(upper))


def find_term(design: Design, factor: str, coefficient: str) -> GroupTerm:
    """Find the group-level term of the mean that has a coefficient."""
    terms = [term for term in design.main.groups if term.grouping.name == factor]
    for term in terms:
        if coefficient in term.names:
            return term
    valid = [name for term in terms for name in term.names]
    raise unknown_name(OptionError, f"group-level coefficient of {factor!r} called", coefficient, valid)


def coefficient_draws(fitted: Fitted, coefficient: str) -> Floats:
    """Take the draws of the population-level coefficient that a group-level one varies about, (S,)."""
    predictor = fitted.model.design.main
    names = predictor.population.names
    name = population_name(coefficient)
    if name not in names:
        raise unknown_name(OptionError, "population-level coefficient", name, names)
    position = population_positions(predictor, fitted.model.layout)[names.index(name)]
    return fitted.values[:, position]


def group_sd_draws(fitted: Fitted, term: GroupTerm, coefficient: str) -> Floats | None:
    """Take the draws of the standard deviation of a group-level coefficient, (S,), if it is estimated."""
    column = term.names.index(coefficient)
    part = next(t for t in term.terms if t.columns.start <= column < t.columns.stop)
    name = f"{group_name(fitted.model.family.main, part.name, term.grouping.name)}_sigma"
    if name not in fitted.model.layout:
        return None
    draws = fitted.model.layout[name].take(fitted.values).reshape(len(fitted.values), -1)
    return draws[:, column - part.columns.start]


def raw_means(fitted: Fitted, group: NDArray[np.int64], n_groups: int) -> Floats:
    """Average the outcome of one unit over each group's own rows, (J,): see `unit_outcomes`."""
    unit, weight = unit_outcomes(fitted)
    with np.errstate(invalid="ignore"):
        return np.bincount(group, weight * unit, n_groups) / np.bincount(group, weight, n_groups)
