"""A summary of a pooling table in words: the population, the sd of groups, size and uncertainty."""

from __future__ import annotations

import pandas as pd

from partialpool.pooling.pooling_words import (
    coefficient_word,
    count,
    has_two_scales,
    interval,
    link_scale,
    number,
    outcome_scale,
    percent,
)
from partialpool.pooling.population import PopulationLine

MIN_GROUPS_FOR_QUARTERS = 8


def opening(table: pd.DataFrame, population: PopulationLine) -> str:
    """Describe the effect of partial pooling on all groups in one paragraph.

    Parameters
    ----------
    table
        A pooling table.
    population
        Its population's line.
    """
    parts = [_groups(table, population), _line(population), _spread(population), _moves(table, population)]
    parts.append(_sizes(table, population.row_word))
    if table["pooling_factor"].notna().any():
        parts.append("A pooling factor of 0 is no pooling, of 1 complete pooling.")
    return " ".join(part for part in parts if part)


def _groups(table: pd.DataFrame, population: PopulationLine) -> str:
    n, word = table["n"], population.row_word
    head = f"{count(n.sum(), word)} in {count(len(table), 'group')} of {population.group}"
    if n.min() == n.max():
        return f"{head}, {count(n.min(), word)} each."
    return f"{head}, {n.min():,g} to {count(n.max(), word)} each (median {n.median():,g})."


def _line(population: PopulationLine) -> str:
    link = population.on_link
    text = (
        f"On the {link_scale(population)} the population's {coefficient_word(population)} is "
        f"{number(link.mean)} ({percent(population.prob)} interval {interval(link)})"
    )
    if not has_two_scales(population):
        return text + "."
    on_outcome = population.on_outcome
    return (
        f"{text}; for a typical group the {outcome_scale(population)} of {population.outcome_name} is "
        f"{number(on_outcome.mean)} ({interval(on_outcome)})."
    )


def _spread(population: PopulationLine) -> str:
    if population.group_sd is None:
        return ""
    return (
        f"Groups vary about it with a standard deviation of {number(population.group_sd.mean)} "
        f"({interval(population.group_sd)})."
    )


def _moves(table: pd.DataFrame, population: PopulationLine) -> str:
    line = population.on_link.mean
    nearer = (table["partial_pooling_mean"] - line).abs() < (table["no_pooling_mean"] - line).abs()
    median = (table["partial_pooling_mean"] - table["no_pooling_mean"]).abs().median()
    return (
        f"Partial pooling moves {nearer.sum():,} of {count(len(table), 'estimate')} towards the population; "
        f"the median move is {number(median)}."
    )


def _sizes(table: pd.DataFrame, word: str) -> str:
    """Compare small and large groups, if their sizes differ."""
    if table["n"].min() == table["n"].max():
        return f"Pooling leaves {_uncertainty(table)}."
    quarters = len(table) >= MIN_GROUPS_FOR_QUARTERS
    low, high = table["n"].quantile([0.25, 0.75]) if quarters else (table["n"].min(), table["n"].max())
    small, large = table[table["n"] <= low], table[table["n"] >= high]
    return (
        f"In groups of {count(small['n'].max(), word)} or fewer it leaves {_uncertainty(small)}; "
        f"in groups of {count(large['n'].min(), word)} or more, {_uncertainty(large)}."
    )


def _uncertainty(groups: pd.DataFrame) -> str:
    ratio = (groups["partial_pooling_sd"] / groups["no_pooling_sd"]).median()
    text = f"{number(ratio)} of the sd without pooling"
    factor = groups["pooling_factor"].median()
    return text if pd.isna(factor) else f"{text} (median pooling factor {number(factor)})"
