"""Expected outcomes by group, no pooling beside partial pooling, with the population's line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from partialpool.plots.forest import draw_intervals, forest_data, forest_panels
from partialpool.plots.group_rows import MOST_LABELLED, label_rows, magnify_of, panel_width
from partialpool.plots.labels import wrapped
from partialpool.plots.style import NAMES, RAW_COLOUR, draw_population, interval_label, settle, styled
from partialpool.pooling.pooling_words import is_proportion
from partialpool.pooling.population import PopulationLine

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SHIFTS = {"no_pooling": -0.17, "partial_pooling": 0.17}
_RAW_LINE: dict[str, Any] = {"color": RAW_COLOUR, "linewidth": 1.4, "linestyle": ":"}


def outcomes_data(table: pd.DataFrame, sort: str | None = None) -> pd.DataFrame:
    """Take each group's expected outcome under no and partial pooling.

    Parameters
    ----------
    table
        A pooling table.
    sort
        ``"label"``, ``"estimate"`` or ``"n"``; None chooses by the number of groups.

    Returns
    -------
    A row a group and pooling, columns as `forest_data` has them.

    Raises
    ------
    OptionError
        `sort` is none of these.
    """
    return forest_data(table, tuple(_SHIFTS), "outcome", sort)


def draw_outcomes(data: pd.DataFrame, population: PopulationLine) -> Figure:
    """Draw both poolings' expected outcomes in one row a group; in two panels when rows are crowded.

    Parameters
    ----------
    data
        From `outcomes_data`.
    population
        The population's line and the raw mean of all rows.
    """
    crowded = data["row"].nunique() > MOST_LABELLED
    with styled():
        figure, panels = forest_panels(data, 2 if crowded else 1)
        for i, (pooling, shift) in enumerate(_SHIFTS.items()):
            rows = data[data["pooling"] == pooling]
            if crowded:
                panels[i].set_title(NAMES[pooling])
                draw_intervals(panels[i], rows, pooling)
            else:
                draw_intervals(panels[0], rows, pooling, shift)
        for ax in panels:
            draw_population(ax, population, "outcome", vertical=True)
            word = "proportion" if is_proportion(population) else population.mean_word
            ax.axvline(population.raw, label=f"raw {word} of all rows", **_RAW_LINE)
            ax.set_xlabel(wrapped(interval_label(population, "outcome"), panel_width(len(panels))))
        label_rows(panels, data, population.group)
        return settle(figure, columns=2, magnify=magnify_of(data))
