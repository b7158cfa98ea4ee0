"""Shared parts of figures of checks: colours, marks of observed and replicated values, rows of groups."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pandas as pd

from partialpool.checking.report import Check
from partialpool.checking.statistics import by_chance
from partialpool.plots.group_rows import MOST_LABELLED, in_order
from partialpool.plots.style import COLOURS, LINE_COLOUR
from partialpool.pooling.pooling_words import percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FAR = 300.0
_BAND: dict[str, Any] = {"linewidth": 5.0, "alpha": 0.3}
OBSERVED, REPLICATED, ODD = LINE_COLOUR, COLOURS["partial_pooling"], COLOURS["no_pooling"]
SORTS = {"label": "position", "estimate": "mean", "n": "n", "p": "p"}


def linear_width(usual: float, ends: Iterable[float]) -> float:
    """How much of an axis is linear: all of it (infinite), or the usual part where the ends are far out.

    Wide priors of a log link make data sets that differ by powers of ten; an axis that is linear around zero
    and logarithmic further out (`asinh`) shows them all.
    """
    return usual if max(map(abs, ends)) > _FAR * usual > 0 else math.inf


def stretch(ax: Axes, width: float, most_ticks: int) -> None:
    """Make the horizontal axis of a finished drawing logarithmic beyond a width around zero.

    Ticks are zero and powers of ten, about as many on each side as are asked for; nothing is changed when the
    width is infinite.
    """
    from matplotlib.ticker import NullLocator

    if math.isinf(width):
        return
    ax.set_xscale("asinh", linear_width=width)
    low, high = ax.get_xlim()
    # Not the power nearest to the width: its label would touch that of zero.
    first, last = math.ceil(math.log10(width)) + 1, math.floor(math.log10(max(-low, high)))
    step = max(1, math.ceil((last - first + 1) / most_ticks))
    powers = [10.0**e for e in range(last, first - 1, -step)]
    ticks = [t for t in (*(-p for p in powers), 0.0, *powers[::-1]) if low <= t <= high]
    ax.set_xticks(ticks, [_power(t) for t in ticks])
    ax.xaxis.set_minor_locator(NullLocator())


def _power(value: float) -> str:
    return f"{value:,.6g}" if abs(value) < 1e6 else f"{value:.0e}".replace("e+", "e")


def in_rows(table: pd.DataFrame, sort: str | None) -> pd.DataFrame:
    """Order a table of groups for a figure, and add what each group is called in it.

    Parameters
    ----------
    table
        A row a group, in the order of labels: ``group``, ``mean``, ``n`` and, to sort by it, ``p``.
    sort
        One of the names of `SORTS`; None is the order of labels up to 100 groups, of means beyond.

    Returns
    -------
    The table with ``label`` (text) and ``row`` (0 is the top).

    Raises
    ------
    OptionError
        The table cannot be sorted so.
    """
    known = {name: column for name, column in SORTS.items() if column == "position" or column in table}
    return in_order(table, sort, known).drop(columns="position")


def condition(check: Check) -> str:
    """Name the condition under which observed data lie within the replicated."""
    return "if the priors leave room" if check.kind == "prior" else "if the model is right"


def odd_words(words: str, odd: pd.Series[bool], share: float) -> str:
    """Name odd rows in a legend, with how many there are and how many chance gives."""
    return f"{words}\n({int(odd.sum()):,} of {len(odd):,}; chance gives {by_chance(len(odd), share)})"


def draw_rows(
    ax: Axes, rows: pd.DataFrame, points: str, odd: pd.Series[bool], prob: float, words: tuple[str, str, str]
) -> None:
    """Draw one interval and one point a row, the odd ones in another colour and shape.

    Parameters
    ----------
    rows
        ``row``, ``lower``, ``upper``.
    points
        The column of the points.
    odd
        Which rows do not fit.
    words
        What points, intervals and odd points are, for the legend.
    """
    few = len(rows) <= MOST_LABELLED
    band = _BAND if few else {"linewidth": 1.0, "alpha": 0.25}
    ax.hlines(rows["row"], rows["lower"], rows["upper"], color=REPLICATED, **band)
    # For the legend alone, where a hair's breadth could not be seen.
    ax.plot([], [], color=REPLICATED, label=f"{words[1]}, {percent(prob)} interval", **_BAND)
    marks = (~odd, "o", OBSERVED, words[0]), (odd, "D", ODD, words[2])
    for chosen, marker, colour, label in marks:
        if chosen.any():
            size = (4.0 if few else 1.8) * (1.0 if marker == "o" else 1.25)
            ax.plot(
                rows.loc[chosen, points],
                rows.loc[chosen, "row"],
                marker,
                color=colour,
                markersize=size,
                label=label,
            )
