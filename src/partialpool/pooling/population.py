"""The population of groups: its mean on both scales, and the sd of groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import OptionError, unknown_name
from partialpool.formula.outcome import name_of_outcome
from partialpool.model.effects import Effects
from partialpool.model.names import population_name
from partialpool.model.poolings import grouping_factor, without_groups
from partialpool.model.spec import ModelSpec
from partialpool.pooling.group_outcomes import group_outcomes, known_outcome, unit_outcomes
from partialpool.results.fitted import Fitted
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
    own = varying(model, factor, coefficient)
    everyone = np.zeros(model.design.n_rows, dtype=np.int64)
    ((_, expected),) = group_outcomes(partial, everyone, 1, design=without_groups(model.design, factor))
    sds = group_sd_draws(partial, own)
    return PopulationLine(
        group=factor,
        coefficient=coefficient,
        outcome_name=name_of_outcome(model.family, outcome),
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


class Varying(NamedTuple):
    """A group-level coefficient of the mean: its block of effects, and which coordinate of it."""

    effects: Effects
    coordinate: int

    @property
    def places(self) -> NDArray[np.int64]:
        """(J,) positions of the groups' effects in a draw."""
        return self.effects.places[self.coordinate]


def varying(model: ModelSpec, factor: str, coefficient: str) -> Varying:
    """Find a coefficient of the mean that varies between groups of a factor.

    Raises
    ------
    OptionError
        When there is none of that name.
    """
    found = coefficients_of(model, factor)
    if coefficient not in found:
        raise unknown_name(OptionError, f"group-level coefficient of {factor!r} called", coefficient, found)
    return found[coefficient]


def coefficients_of(model: ModelSpec, factor: str) -> dict[str, Varying]:
    """Collect the coefficients of the mean that vary between groups of a factor, by name."""
    return {
        name: Varying(effects, at)
        for effects in model.parameters.effects
        for own in effects.terms
        if effects.factor == factor and own.predictor == 0
        for name, at in zip(own.names, own.coordinates, strict=True)
    }


def coefficient_draws(fitted: Fitted, coefficient: str) -> Floats:
    """Take the draws of the population-level coefficient that a group-level one varies about, (S,)."""
    part = fitted.model.parameters.predictors[0]
    found = part.about(coefficient)
    if found is None:
        names = fitted.model.design.main.population.names
        raise unknown_name(OptionError, "population-level coefficient", population_name(coefficient), names)
    return fitted.values[:, found.value]


def group_sd_draws(fitted: Fitted, own: Varying) -> Floats | None:
    """Take the draws of the standard deviation of a group-level coefficient, (S,), if it is estimated."""
    place = own.effects.coefficients[own.coordinate].sd_value
    return None if place < 0 else fitted.values[:, place]


def raw_means(fitted: Fitted, group: NDArray[np.int64], n_groups: int) -> Floats:
    """Average the outcome of one unit over each group's own rows, (J,): see `unit_outcomes`."""
    unit, weight = unit_outcomes(fitted)
    with np.errstate(invalid="ignore"):
        return np.bincount(group, weight * unit, n_groups) / np.bincount(group, weight, n_groups)
