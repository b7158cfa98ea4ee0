"""Reasons why a group's estimates differ between no and partial pooling, also as sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from partialpool.pooling.pooling_words import (
    coefficient_word,
    count,
    group_words,
    has_two_scales,
    is_proportion,
    link_scale,
    number,
    outcome_scale,
)
from partialpool.pooling.population import PopulationLine

Row = Mapping[Any, Any]  # one group of a pooling table, by column

FEW_ROWS = "few rows"
EXTREME_RAW = "extreme raw value"
EXTREME_ESTIMATE = "extreme estimate"

FEW = 0.5  # of the median number of rows
EXTREME = 2.0  # times the median distance of groups to the population's line


@dataclass(frozen=True)
class GroupFacts:
    """Typical values over the groups of a table.

    Attributes
    ----------
    rows
        Median number of rows.
    raw_distance
        Median distance of raw values to the population's expected outcome.
    estimate_distance
        Median distance of estimates without pooling to the population's coefficient.
    alike
        True when complete pooling expects the same of every group: no predictor and no offset differs.
    """

    rows: float
    raw_distance: float
    estimate_distance: float
    alike: bool

    @classmethod
    def of(cls, table: pd.DataFrame, population: PopulationLine) -> GroupFacts:
        """Measure a pooling table."""
        own = table["complete_pooling_mean_outcome"]
        alike = bool(own.max() - own.min() <= 1e-9 * own.abs().max())
        expected = population.on_outcome.mean if alike else own
        return cls(
            float(table["n"].median()),
            float((table["raw"] - expected).abs().median()),
            float((table["no_pooling_mean"] - population.on_link.mean).abs().median()),
            alike,
        )

    def expected(self, row: Row, population: PopulationLine) -> float:
        """The value with which a group's raw value is compared: its expectation under the population."""
        return population.on_outcome.mean if self.alike else float(row["complete_pooling_mean_outcome"])


def reasons(row: Row, population: PopulationLine, facts: GroupFacts) -> tuple[str, ...]:
    """List the reasons why a group's two estimates differ.

    Few rows: at most half the median number. Extreme: more than twice as far from the population as
    the median group, judged by the raw value for an intercept and by the estimate without pooling
    for any other coefficient; and a raw value that the link sends to infinity.
    """
    found = [FEW_ROWS] if row["n"] <= FEW * facts.rows else []
    if population.coefficient != "1":
        far = abs(row["no_pooling_mean"] - population.on_link.mean) > EXTREME * facts.estimate_distance
        return (*found, EXTREME_ESTIMATE) if far else tuple(found)
    far = abs(row["raw"] - facts.expected(row, population)) > EXTREME * facts.raw_distance
    return (*found, EXTREME_RAW) if far or _is_at_infinity(row, population) else tuple(found)


def sentence(row: Row, population: PopulationLine, facts: GroupFacts, found: tuple[str, ...]) -> str:
    """Describe the difference of a group's two estimates, and its reasons."""
    parts = [
        _difference(row, population),
        _difference_on_outcome(row, population),
        _why(row, population, facts, found),
    ]
    if _is_at_infinity(row, population) and population.coefficient == "1":
        parts.append(
            f"On the {link_scale(population)} its raw value is infinite: without pooling only the prior "
            "bounds it."
        )
    if not found:
        parts.append(_unremarkable(row, population, facts))
    if np.isfinite(row["pooling_factor"]):
        parts.append(f"Its pooling factor is {number(row['pooling_factor'])}.")
    return " ".join(part for part in parts if part)


def _difference(row: Row, population: PopulationLine) -> str:
    no, partial, line = row["no_pooling_mean"], row["partial_pooling_mean"], population.on_link.mean
    way = "nearer to" if abs(partial - line) < abs(no - line) else "further from"
    return (
        f"{group_words(population.group, row['group'])}: on the {link_scale(population)} no pooling puts its "
        f"{coefficient_word(population)} at {number(no)} and partial pooling at {number(partial)}, "
        f"{_change(no, partial)} and {way} the population's {number(line)}."
    )


def _difference_on_outcome(row: Row, population: PopulationLine) -> str:
    if not has_two_scales(population):
        return ""
    no, partial = row["no_pooling_mean_outcome"], row["partial_pooling_mean_outcome"]
    scale = outcome_scale(population)
    return f"The {scale} goes from {number(no)} to {number(partial)}, {_change(no, partial)}."


def _change(before: float, after: float) -> str:
    """Write a difference; of the figures as they are printed, so that a reader's arithmetic agrees."""
    printed = abs(round(after, 2) - round(before, 2)) if min(abs(before), abs(after)) >= 0.1 else 0.0
    return f"{number(printed or abs(after - before))} {'lower' if after < before else 'higher'}"


def _why(row: Row, population: PopulationLine, facts: GroupFacts, found: tuple[str, ...]) -> str:
    seen = _what_was_seen(row, population)
    sd = f"sd {number(row['no_pooling_sd'])} without pooling"
    expected = number(facts.expected(row, population))
    far = f"far from the {expected} that complete pooling expects of these rows"
    if facts.alike:
        far = f"far from the population's {expected}"
    few, extreme_raw = FEW_ROWS in found, EXTREME_RAW in found
    if few and extreme_raw:
        return f"It has only {seen}, {far}: so few {population.row_word}s can land that far out by chance."
    if extreme_raw:
        return f"It has {seen}, {far}; groups as far out as that are rare, so part of it is read as chance."
    if few and EXTREME_ESTIMATE in found:
        return f"It has only {seen}, and its own estimate, far from the population's, is uncertain ({sd})."
    if EXTREME_ESTIMATE in found:
        return "Its own estimate is far from the population's, and groups as far out as that are rare."
    if few:
        return f"It has only {seen}: too little to know it by itself ({sd}), so the other groups count."
    return f"It has {seen}."


def _unremarkable(row: Row, population: PopulationLine, facts: GroupFacts) -> str:
    share = abs(row["no_pooling_mean"] - row["partial_pooling_mean"]) / row["no_pooling_sd"]
    median = count(facts.rows, population.row_word)
    return (
        f"That is not unusual (the median group has {median}), and the difference is {number(share)} of its "
        "sd without pooling."
    )


def _what_was_seen(row: Row, population: PopulationLine) -> str:
    """Describe a group's own rows: ``2 rows, both successes``."""
    rows = count(row["n"], population.row_word)
    if not is_proportion(population):
        return f"{rows} with a raw {population.mean_word} of {number(row['raw'])}"
    total = row.get("trials", row["n"])
    base = f"{count(total, 'trial')} in {rows}" if "trials" in row else rows
    return f"{base}, {_successes(row['raw'], total)}"


def _successes(raw: float, total: float) -> str:
    if raw == 0:
        return "none of them a success" if total > 1 else "not a success"
    if raw == 1:
        return "a success" if total == 1 else "both successes" if total == 2 else "all successes"
    return f"with {count(round(raw * total, 1), 'success', 'successes')} (a proportion of {number(raw)})"


def _is_at_infinity(row: Row, population: PopulationLine) -> bool:
    """Say whether the link sends the group's raw value to infinity."""
    if is_proportion(population):
        return bool(row["raw"] in (0, 1))
    return population.link == "log" and bool(row["raw"] == 0)
