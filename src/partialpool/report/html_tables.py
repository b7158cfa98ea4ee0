"""Short tables: the most important rows, with significant digits."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from partialpool.inference.draws import Draws
from partialpool.model.layout import Layout
from partialpool.pooling.pooling_words import MINUS

if TYPE_CHECKING:
    import pandas as pd

CONVERGENCE = ("ess_bulk", "ess_tail", "r_hat")


@dataclass(frozen=True)
class Grid:
    """Cells of text.

    Attributes
    ----------
    header
        The names of the columns; the first is that of the row's own name.
    rows
        Each as long as the header.
    left_out
        Rows of the whole table that are not here.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left_out: int

    def without(self, name: str) -> Grid:
        """Return the grid without one column; the same grid when it has none of that name."""
        kept = [i for i, column in enumerate(self.header) if column != name]
        header, *rows = (tuple(cells[i] for i in kept) for cells in (self.header, *self.rows))
        return Grid(header, tuple(rows), self.left_out)


def for_draws(grid: Grid, draws: Draws) -> Grid:
    """Drop the convergence columns from a grid of independent draws of nested Laplace."""
    if draws.method == "laplace":
        for column in CONVERGENCE:
            grid = grid.without(column)
    return grid


def brief_summary(summary: pd.DataFrame, layout: Layout, prob: float, limit: int) -> Grid:
    """Shorten a summary to the most important rows: constants and group effects come last.

    Parameters
    ----------
    summary
        A row a value, its name in the index.
    layout
        Says which variables are the effects of groups.
    prob
        Probability that the summary's intervals hold.
    limit
        Most rows to keep.
    """
    can_wait = _can_wait(summary, layout)
    order = sorted(range(len(summary)), key=can_wait.__getitem__)
    return _summary_grid(summary.iloc[order[:limit]], prob, len(summary))


def population_summary(summary: pd.DataFrame, layout: Layout, prob: float, limit: int) -> Grid:
    """Drop constants and group effects from a summary; if nothing is left, keep the first rows.

    Under partial pooling an effect is a deviation from the population, under no pooling the whole
    coefficient: side by side they would mislead.

    Parameters are those of `brief_summary`.
    """
    can_wait = _can_wait(summary, layout)
    chosen = [i for i, waits in enumerate(can_wait) if not waits] or list(range(len(summary)))
    return _summary_grid(summary.iloc[chosen[:limit]], prob, len(summary))


def _can_wait(summary: pd.DataFrame, layout: Layout) -> list[bool]:
    """Mark rows that are group effects, constants, or the mirror image of a correlation."""
    effects = {variable.name for variable in layout.roles("group_effect")}
    seen_twice = {
        f"{variable.name}[{a}, {b}]"
        for variable in layout.roles("group_corr")
        for i, a in enumerate(next(iter(variable.coords.values())))
        for b in list(next(iter(variable.coords.values())))[: i + 1]
    }
    names = [str(name) for name in summary.index]
    return [
        name.partition("[")[0] in effects or sd == 0 or name in seen_twice
        for name, sd in zip(names, summary["sd"], strict=True)
    ]


def _summary_grid(shown: pd.DataFrame, prob: float, n_rows: int) -> Grid:
    lower, upper = (name for name in shown.columns if str(name).startswith("hdi"))
    digits = digits_for(shown["sd"])
    columns = {
        "parameter": [str(name) for name in shown.index],
        "mean": fixed(shown["mean"], digits),
        "sd": fixed(shown["sd"], digits),
        f"{100 * prob:g}% HDI": _intervals(shown[lower], shown[upper], digits),
        "mcse": fixed(shown["mcse_mean"], digits + 1),
        "ess_bulk": fixed(shown["ess_bulk"], 0),
        "ess_tail": fixed(shown["ess_tail"], 0),
        "r_hat": fixed(shown["r_hat"], 3),
    }
    return Grid(tuple(columns), tuple(zip(*columns.values(), strict=True)), n_rows - len(shown))


def digits_for(sds: Iterable[float]) -> int:
    """Choose decimals such that the smallest sd has two significant digits."""
    known = [sd for sd in sds if math.isfinite(sd) and sd > 0]
    if not known or min(known) >= 10:
        return 0 if known else 3
    return max(2, 1 - math.floor(math.log10(min(known))))


def fixed(values: Iterable[float], digits: int) -> list[str]:
    """Write numbers with a number of decimals, and ``-`` for missing ones."""
    return [f"{value:z,.{digits}f}" if math.isfinite(value) else "-" for value in values]


def group_label(label: object) -> str:
    """Write the label of a group; an invisible label is replaced by a word.

    Examples
    --------
    >>> group_label(61), group_label(" ")
    ('61', '(empty)')
    """
    return str(label) if str(label).strip() else "(empty)"


def _intervals(lower: Iterable[float], upper: Iterable[float], digits: int) -> list[str]:
    ends = zip(fixed(lower, digits), fixed(upper, digits), strict=True)
    return [f"[{low}, {high}]" for low, high in ends]


def minus(text: str) -> str:
    """Write the minus signs of figures as typography has them.

    Examples
    --------
    >>> minus("[-0.54, 0.20]"), minus("-")
    ('[−0.54, 0.20]', '–')
    """
    return "–" if text == "-" else re.sub(r"-(?=[\d.])", MINUS, text)
