"""What variables are called: Bambi's names, and predictable ones where Bambi has none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from partialpool.errors import DataError, build
from partialpool.families.base import MAIN
from partialpool.formula.records import Design, GroupTerm
from partialpool.model.layout import Layout

# Dimensions of labelled draws and rows.
SAMPLES, ROWS = ("chain", "draw"), "__obs__"

_ROLES = {
    "population": "a coefficient",
    "auxiliary": "a parameter of the family",
    "group_sd": "a standard deviation of groups",
    "group_corr": "correlations of groups",
    "group_effect": "effects of groups",
}


def prefix(parameter: str) -> str:
    """Before the names of a parameter other than the mean: ``"sigma_"``."""
    return "" if parameter == MAIN else f"{parameter}_"


def group_name(parameter: str, coefficient: str, factor: str) -> str:
    """Name of a group-level coefficient.

    Examples
    --------
    >>> group_name("sigma", "x", "district")
    'sigma_x|district'
    """
    return f"{prefix(parameter)}{coefficient}|{factor}"


def population_name(effect: str) -> str:
    """Name the population-level coefficient that a group-level one varies about.

    Examples
    --------
    >>> population_name("1"), population_name("cat[b]")
    ('Intercept', 'cat[b]')
    """
    return "Intercept" if effect == "1" else effect


@dataclass(frozen=True)
class TermGroup:
    """Group-level terms whose coefficients are one block of effects: one term, or all that share a name.

    Attributes
    ----------
    terms
        Each with the parameter whose predictor it is part of.
    corr
        Name of the correlation matrix of the block; empty where there is none.
    """

    terms: tuple[tuple[str, GroupTerm], ...]
    corr: str

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the coefficients in results: ``"1|district"``."""
        return tuple(group_name(p, n, term.grouping.name) for p, term in self.terms for n in term.names)


def term_groups(design: Design) -> list[TermGroup]:
    """Put together the terms that share a block of effects, in the order of the predictors they are first in.

    A correlation matrix is called ``"district_corr"``; where a factor has several correlated terms, the first
    coefficient is named too, and where terms share a name, that name: ``"id|district_corr"``.
    """
    found: dict[object, list[tuple[str, GroupTerm]]] = {}
    for parameter, predictor in design.predictors.items():
        for number, term in enumerate(predictor.groups):
            key = (term.shared, term.grouping.name) if term.shared else (parameter, number)
            found.setdefault(key, []).append((parameter, term))
    return [TermGroup(tuple(own), _corr_name(design, own)) for own in found.values()]


def _corr_name(design: Design, terms: Sequence[tuple[str, GroupTerm]]) -> str:
    """Name of the correlations of terms that share a block."""
    (parameter, first), factor = terms[0], terms[0][1].grouping.name
    if not first.correlated or sum(len(term.names) for _, term in terms) == 1:
        return ""
    if first.shared:
        return f"{first.shared}|{factor}_corr"
    others = design.predictors[parameter].groups
    several = sum(t.grouping.name == factor and t.correlated and not t.shared for t in others) > 1
    return f"{prefix(parameter)}{f'{first.names[0]}|' if several else ''}{factor}_corr"


def check_names(design: Design, layout: Layout) -> None:
    """Refuse names that results could not tell apart.

    Raises
    ------
    DataError
        When two variables would have one name, such as a predictor ``sigma`` and gaussian's sigma, or one
        has a name that labelled draws need for themselves.
    """
    roles: dict[str, str] = {}
    for variable in layout.variables:
        if variable.name in roles:
            both = f"{_ROLES[roles[variable.name]]} and {_ROLES[variable.role]}"
            raise build(
                DataError,
                f"Results would have two variables called {variable.name!r}: {both}.",
                hint="rename the column of the table",
            )
        roles[variable.name] = variable.role
    outcome = set() if design.outcome is None else {design.outcome.name}
    for name in sorted({*roles, *design.groupings, *outcome} & {*SAMPLES, ROWS}):
        raise build(
            DataError,
            f"Nothing in a model may be called {name!r}: it is the name of a dimension of the results.",
            hint="rename the column of the table",
        )
