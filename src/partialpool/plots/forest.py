"""Forest plot: each group's estimate and interval under one pooling, or under several side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from partialpool.plots.group_rows import (
    MOST_LABELLED,
    MOST_TICKS,
    estimates,
    height_of,
    label_rows,
    magnify_of,
    ordered,
    panel_width,
    width_of,
)
from partialpool.plots.labels import wrapped
from partialpool.plots.style import (
    COLOURS,
    MARKERS,
    NAMES,
    draw_population,
    interval_label,
    new_figure,
    settle,
    styled,
)
from partialpool.pooling.population import PopulationLine

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def forest_data(
    table: pd.DataFrame,
    poolings: Sequence[str] = ("no_pooling",),
    scale: str = "link",
    sort: str | None = None,
) -> pd.DataFrame:
    """Take what a forest plot shows.

    Parameters
    ----------
    table
        A pooling table.
    poolings
        One panel each: ``"no_pooling"``, ``"partial_pooling"``, ``"complete_pooling"``.
    scale
        ``"link"`` for coefficients, ``"outcome"`` for expected outcomes.
    sort
        ``"label"``, ``"estimate"`` or ``"n"``; None chooses by the number of groups.

    Returns
    -------
    A row a pooling and group, groups from the top: ``group``, ``label``, ``row``, ``n``, ``raw``,
    ``pooling``, ``mean``, ``lower``, ``upper``.

    Raises
    ------
    OptionError
        An option is none of these.
    """
    rows = ordered(table, sort, scale)
    return pd.concat([estimates(rows, pooling, scale) for pooling in poolings], ignore_index=True)


def draw_forest(data: pd.DataFrame, population: PopulationLine, scale: str = "link") -> Figure:
    """Draw a forest plot, one panel for each pooling in the data, with shared axes.

    Parameters
    ----------
    data
        From `forest_data`.
    population
        The population's line.
    scale
        The scale that the data are on.
    """
    poolings = list(dict.fromkeys(data["pooling"]))
    with styled():
        figure, panels = forest_panels(data, len(poolings))
        name = wrapped(interval_label(population, scale), panel_width(len(poolings)))
        for ax, pooling in zip(panels, poolings, strict=True):
            draw_population(ax, population, scale, vertical=True)
            draw_intervals(ax, data[data["pooling"] == pooling], pooling)
            ax.set_title(NAMES[pooling], y=1.0)  # at a set height, which saves measuring all rows once more
            ax.set_xlabel(name)
        label_rows(panels, data, population.group)
        return settle(figure, magnify=magnify_of(data))


def forest_panels(data: pd.DataFrame, n_panels: int) -> tuple[Figure, list[Axes]]:
    """Make a figure of panels with shared axes, with room for the rows and their labels."""
    width = 1.2 + width_of(data["label"]) + n_panels * panel_width(n_panels)
    figure = new_figure(width, height_of(data["row"].nunique()))
    panels = list(figure.subplots(1, n_panels, sharex=True, sharey=True, squeeze=False)[0])
    panels[0].locator_params(axis="x", nbins=MOST_TICKS)
    return figure, panels


def draw_intervals(
    ax: Axes, rows: pd.DataFrame, pooling: str, shift: float = 0.0, *, name: str | None = None
) -> None:
    """Draw one pooling's estimates as points with intervals, moved down by a part of a row.

    The legend calls them `name`, or by their pooling.
    """
    few = len(rows) <= MOST_LABELLED
    y, colour = rows["row"] + shift, COLOURS[pooling]
    line: dict[str, Any] = {"linewidth": 1.4, "alpha": 0.9} if few else {"linewidth": 0.6, "alpha": 0.5}
    ax.hlines(y, rows["lower"], rows["upper"], color=colour, **line)
    size = 4.0 if few else 1.6
    ax.plot(rows["mean"], y, MARKERS[pooling], color=colour, markersize=size, label=name or NAMES[pooling])
