"""Tables of all groups, for a reader to sort and to filter."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from partialpool.pooling.pooling_words import (
    coefficient_word,
    has_two_scales,
    link_scale,
    outcome_scale,
    percent,
)
from partialpool.pooling.population import PopulationLine
from partialpool.report.html_tables import digits_for, fixed, group_label
from partialpool.report.page_blocks import Cell, GroupTable, TableColumn

if TYPE_CHECKING:
    import pandas as pd

POOLINGS = {
    "no_pooling": "no pooling",
    "partial_pooling": "partial pooling",
    "complete_pooling": "complete pooling",
}


def scales(population: PopulationLine) -> dict[str, str]:
    """Name the scales that estimates are shown on, by the ending of their columns; the outcome's first.

    A coefficient other than the intercept has but its own scale.
    """
    link = link_scale(population).removesuffix(" scale")
    if population.coefficient != "1":
        return {"": link}
    return {"_outcome": outcome_scale(population), **({"": link} if has_two_scales(population) else {})}


def pooling_groups(table: pd.DataFrame, population: PopulationLine, name: str) -> GroupTable:
    """Show each group's size, raw value, and estimate under every pooling, on every scale.

    Parameters
    ----------
    table
        A pooling table, a row a group.
    population
        Its population's line.
    name
        The table's name on the page.
    """
    views = scales(population)
    columns = {
        TableColumn(population.group, numeric=False): [Cell(group_label(label)) for label in table["group"]],
        TableColumn("rows"): _figures(table["n"], 0),
        **({TableColumn("trials"): _figures(table["trials"], 0)} if "trials" in table else {}),
        TableColumn("raw"): _figures(table["raw"], _digits(table, "_outcome")),
    }
    for suffix, view in views.items():
        digits = _digits(table, suffix)
        for pooling, title in POOLINGS.items():
            figures = (table[f"{pooling}_{figure}{suffix}"] for figure in ("mean", "lower", "upper"))
            columns[TableColumn(title, view if len(views) > 1 else "")] = _estimates(*figures, digits=digits)
    if table["pooling_factor"].notna().any():
        columns[TableColumn("pooling factor")] = _figures(table["pooling_factor"], 2)
    of = "mean" if population.coefficient == "1" else coefficient_word(population)
    caption = (
        f"Each group of {population.group}: rows, raw {population.mean_word}, and the {of} under each "
        f"pooling with its {percent(population.prob)} interval"
    )
    return _assembled(name, caption, f"groups of {population.group}", columns)


def coefficient_groups(
    table: pd.DataFrame, ends: tuple[str, str], name: str, caption: str, *, with_sizes: bool
) -> GroupTable:
    """Show each group's coefficient, population plus deviation.

    Parameters
    ----------
    table
        A row a group: ``factor``, ``group``, ``n``, ``mean``, ``sd`` and the interval.
    ends
        The columns of the interval's ends.
    name, caption
        Of the table on the page.
    with_sizes
        False where the fit was saved without its rows.
    """
    factor = str(table["factor"].iloc[0])
    digits = digits_for(table["sd"])
    columns = {
        TableColumn(factor, numeric=False): [Cell(group_label(label)) for label in table["group"]],
        **({TableColumn("rows"): _figures(table["n"], 0)} if with_sizes else {}),
        TableColumn("mean"): _estimates(table["mean"], table[ends[0]], table[ends[1]], digits=digits),
        TableColumn("sd"): _figures(table["sd"], digits),
    }
    return _assembled(name, caption, f"groups of {factor}", columns)


def _assembled(name: str, caption: str, things: str, columns: dict[TableColumn, list[Cell]]) -> GroupTable:
    return GroupTable(name, caption, things, tuple(columns), tuple(zip(*columns.values(), strict=True)))


def _digits(table: pd.DataFrame, suffix: str) -> int:
    return digits_for(table[f"partial_pooling_sd{suffix}"])


def _figures(values: Iterable[Any], digits: int) -> list[Cell]:
    shown: Sequence[float] = [float(value) for value in values]
    if digits == 0 and not all(value.is_integer() for value in shown if math.isfinite(value)):
        digits = 1  # frequency weights made fractions of the counts
    return [Cell(text, value=_known(value)) for text, value in zip(fixed(shown, digits), shown, strict=True)]


def _estimates(
    means: Iterable[float], lower: Iterable[float], upper: Iterable[float], *, digits: int
) -> list[Cell]:
    shown = [float(mean) for mean in means]
    ends = zip(fixed(lower, digits), fixed(upper, digits), strict=True)
    return [
        Cell(text, f"{low} to {high}" if math.isfinite(mean) else "", _known(mean))
        for text, (low, high), mean in zip(fixed(shown, digits), ends, shown, strict=True)
    ]


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
