"""What variables are called: Bambi's names, and predictable ones where Bambi has none."""

from __future__ import annotations

from partialpool.formula.records import Predictor


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
