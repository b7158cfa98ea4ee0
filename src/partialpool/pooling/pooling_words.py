"""Figures and scales in words, the same in texts and on axes."""

from __future__ import annotations

import math

from partialpool.pooling.population import Estimate, PopulationLine

_LINK_SCALES = {
    "logit": "log-odds",
    "log": "log",
    "probit": "probit",
    "cloglog": "complementary log-log",
}
MINUS = "\u2212"


def number(value: float, digits: int = 2) -> str:
    """Write a figure with a fixed number of decimals, more for small and none for large ones.

    Examples
    --------
    >>> number(0.4567), number(-1.5), number(0.00321), number(123456.7), number(0.0)
    ('0.46', '−1.50', '0.0032', '123,457', '0.00')
    """
    size = abs(value)
    if size >= 1000:
        text = f"{size:,.0f}"
    elif 0 < size < 0.1:
        text = f"{size:.{digits}g}" if size >= 1e-4 else f"{size:.{digits - 1}e}"
    else:
        text = f"{size:.{digits}f}"
    return MINUS + text if value < 0 else text


def count(value: float, noun: str, plural: str | None = None) -> str:
    """Write a number of things.

    Examples
    --------
    >>> count(1, "row"), count(1934, "row"), count(2.5, "row")
    ('1 row', '1,934 rows', '2.5 rows')
    """
    shown = f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"
    return f"{shown} {noun if value == 1 else plural or noun + 's'}"


def group_words(factor: str, label: object) -> str:
    """Name a group: its factor and its label, unless the label begins with the factor's name.

    Examples
    --------
    >>> group_words("district", 3), group_words("school", "School no. 9"), group_words("ward", "")
    ('district 3', 'School no. 9', 'ward (empty)')
    """
    text = str(label)
    named = text.lower().startswith(factor.lower()) and not text[len(factor) :][:1].isalpha()
    return text if named else f"{factor} {text or '(empty)'}"


def interval(estimate: Estimate) -> str:
    """Write an interval as ``lower to upper``."""
    return f"{number(estimate.lower)} to {number(estimate.upper)}"


def percent(prob: float) -> str:
    """Write a probability as a percentage.

    Examples
    --------
    >>> percent(0.89), percent(0.995)
    ('89%', '99.5%')
    """
    return f"{100 * prob:g}%"


def has_two_scales(population: PopulationLine) -> bool:
    """Say whether the coefficient and the expected outcome differ; they are equal for a plain mean."""
    return not math.isclose(population.on_link.mean, population.on_outcome.mean, rel_tol=1e-9)


def is_proportion(population: PopulationLine) -> bool:
    """Say whether the outcome is successes out of trials."""
    return population.mean_word == "probability"


def coefficient_word(population: PopulationLine) -> str:
    """Name the coefficient in a sentence: ``intercept`` or ``coefficient of x``."""
    return "intercept" if population.coefficient == "1" else f"coefficient of {population.coefficient}"


def link_scale(population: PopulationLine) -> str:
    """Name the scale of the linear predictor: ``log-odds scale``."""
    return scale_of_link(population.link)


def scale_of_link(link: str) -> str:
    """Name the scale of a link.

    Examples
    --------
    >>> scale_of_link("logit"), scale_of_link("identity")
    ('log-odds scale', "outcome's own scale")
    """
    return "outcome's own scale" if link == "identity" else f"{_LINK_SCALES.get(link, link)} scale"


def outcome_scale(population: PopulationLine) -> str:
    """Name the scale of the expected outcome: ``probability``, ``expected rate``, ``expected value``."""
    if is_proportion(population):
        return population.mean_word
    return f"expected {'value' if population.mean_word == 'mean' else population.mean_word}"
