"""What variables are called: Bambi's names, and predictable ones where Bambi has none."""

from __future__ import annotations

from partialpool.errors import DataError, build
from partialpool.formula.records import Design, Predictor
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
    return "" if parameter == "mu" else f"{parameter}_"


def group_name(parameter: str, coefficient: str, factor: str) -> str:
    """Name of a group-level coefficient.

    Examples
    --------
    >>> group_name("sigma", "x", "district")
    'sigma_x|district'
    """
    return f"{prefix(parameter)}{coefficient}|{factor}"


def corr_names(predictor: Predictor) -> tuple[str, ...]:
    """Name of each group-level term's correlation matrix.

    ``"district_corr"``; where a factor has several correlated terms, the first coefficient is named too.
    """
    factors = [term.grouping.name for term in predictor.groups if term.correlated]
    start = prefix(predictor.parameter)
    return tuple(
        f"{start}{term.names[0]}|{term.grouping.name}_corr"
        if factors.count(term.grouping.name) > 1
        else f"{start}{term.grouping.name}_corr"
        for term in predictor.groups
    )


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
