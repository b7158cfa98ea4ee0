"""Explanations of the differences between no and partial pooling: which groups, by how much, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from partialpool.errors import OptionError, build
from partialpool.pooling.population import PopulationLine
from partialpool.pooling.reasons import GroupFacts, Row, reasons, sentence
from partialpool.pooling.story import opening


@dataclass(frozen=True)
class Disagreement:
    """One group on which no pooling and partial pooling differ.

    Attributes
    ----------
    group
        The user's label.
    n
        Rows of the group, counting frequency weights.
    raw
        The outcome's mean over the group's own rows.
    on_link
        Coefficient under no and under partial pooling, on the link's scale.
    on_outcome
        Expected outcome under no and under partial pooling.
    pooling_factor
        From 0 (no pooling) to 1 (complete pooling).
    reasons
        Among ``"few rows"`` and ``"extreme raw value"``; empty when neither explains it.
    text
        All of it as sentences.
    """

    group: Any
    n: float
    raw: float
    on_link: tuple[float, float]
    on_outcome: tuple[float, float]
    pooling_factor: float
    reasons: tuple[str, ...]
    text: str


@dataclass(frozen=True)
class Explanation:
    """The effect of pooling in words: a summary, and the groups that changed most.

    Attributes
    ----------
    opening
        One paragraph about all groups.
    disagreements
        The groups on which the poolings differ most, the largest difference first.
    """

    opening: str
    disagreements: tuple[Disagreement, ...]

    def __str__(self) -> str:
        numbered = [f"{i}. {d.text}" for i, d in enumerate(self.disagreements, 1)]
        return "\n\n".join([self.opening, *numbered])


def explain(table: pd.DataFrame, population: PopulationLine, n: int = 5) -> Explanation:
    """Describe the groups whose estimates differ most between no and partial pooling, and why.

    Parameters
    ----------
    table
        A pooling table.
    population
        Its population's line, for the same factor and coefficient.
    n
        How many groups; fewer when there are fewer.

    Returns
    -------
    Records; ``str()`` of them is the text. Groups are ordered by the absolute difference of their
    coefficients on the link's scale.

    Raises
    ------
    OptionError
        `n` is below one.
    """
    if n < 1:
        raise build(OptionError, f"The number of groups to explain is n={n!r}.", allowed="1, 2, 3, ...")
    moved = (table["partial_pooling_mean"] - table["no_pooling_mean"]).abs().to_numpy()
    chosen = np.argsort(-moved, kind="stable")[:n]
    facts = GroupFacts.of(table, population)
    return Explanation(
        opening(table, population),
        tuple(_disagreement(row, population, facts) for row in table.iloc[chosen].to_dict("records")),
    )


def _disagreement(row: Row, population: PopulationLine, facts: GroupFacts) -> Disagreement:
    found = reasons(row, population, facts)
    return Disagreement(
        group=row["group"],
        n=row["n"],
        raw=float(row["raw"]),
        on_link=(float(row["no_pooling_mean"]), float(row["partial_pooling_mean"])),
        on_outcome=(float(row["no_pooling_mean_outcome"]), float(row["partial_pooling_mean_outcome"])),
        pooling_factor=float(row["pooling_factor"]),
        reasons=found,
        text=sentence(row, population, facts, found),
    )
