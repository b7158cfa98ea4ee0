"""Group effects of one fit as a caterpillar plot: a row a group, a panel a coefficient."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from partialpool.errors import OptionError, build, unknown_name
from partialpool.plots.forest import draw_intervals
from partialpool.plots.group_rows import (
    MOST_TICKS,
    height_of,
    in_order,
    label_rows,
    magnify_of,
    panel_width,
    width_of,
)
from partialpool.plots.labels import wrapped, written
from partialpool.plots.style import LINE_COLOUR, new_figure, settle, styled
from partialpool.pooling.pooling_words import percent, scale_of_link

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SORTS = {"label": "position", "mean": "mean", "n": "n"}

_MOST_ABREAST = 3
_POPULATION: dict[str, Any] = {
    "color": LINE_COLOUR,
    "linewidth": 1,
    "linestyle": "--",
    "zorder": 1,
    "label": "population",
}
_FIGURES = [
    "factor",
    "group",
    "label",
    "row",
    "n",
    "coefficient",
    "mean",
    "sd",
    "lower",
    "upper",
    "population",
]


def effects_data(
    effects: pd.DataFrame,
    totals: pd.DataFrame | None = None,
    group: str | None = None,
    sort: str | None = None,
) -> pd.DataFrame:
    """Take one grouping factor's effects, or coefficients, in the order of the figure.

    Parameters
    ----------
    effects
        From `group_table`: each group's deviations from the population.
    totals
        From `group_table` with ``totals=True``, to show these in place of the deviations.
    group
        The grouping factor; may be None when there is only one.
    sort
        ``"label"``, ``"mean"`` (of the first coefficient) or ``"n"``; None is the order of labels up to 100
        groups, and of means beyond, where single groups are hard to find anyway.

    Returns
    -------
    A row a coefficient and group, groups from the top: ``factor``, ``group``, ``label`` (what the figure
    calls it), ``row`` (0 is the top, the same for all coefficients), ``n``, ``coefficient``, ``mean``,
    ``sd``, ``lower``, ``upper``, and ``population``: where a group without a deviation is.

    Raises
    ------
    OptionError
        There is no group-level term, there are several factors and `group` is None, or an option is
        unknown.
    """
    factor = _chosen(effects, group)
    shown = effects if totals is None else totals
    lower, upper = shown.columns[-2:]
    shown = shown.rename(columns={lower: "lower", upper: "upper"}).assign(
        population=shown["mean"] - effects["mean"] if totals is not None else 0.0
    )
    shown = shown[shown["factor"] == factor].reset_index(drop=True)
    rows = in_order(shown[shown["coefficient"] == shown["coefficient"].iloc[0]], sort, SORTS)
    n_coefficients = shown["coefficient"].nunique()
    panels = [shown.iloc[rows["position"] + k * len(rows)] for k in range(n_coefficients)]
    data = pd.concat(panels, ignore_index=True)
    data["label"] = np.tile(rows["label"], n_coefficients)
    data["row"] = np.tile(rows["row"], n_coefficients)
    return data[_FIGURES]


def draw_effects(data: pd.DataFrame, link: str, prob: float) -> Figure:
    """Draw a caterpillar plot, one panel for each coefficient in the data, at most three abreast.

    Parameters
    ----------
    data
        From `effects_data`.
    link
        The link of the parameter whose coefficients these are.
    prob
        The probability of the intervals.
    """
    names = list(dict.fromkeys(data["coefficient"]))
    abreast = min(len(names), _MOST_ABREAST)
    deep = math.ceil(len(names) / abreast)
    factor = data["factor"].iloc[0]
    what = "deviation from the population" if (data["population"] == 0).all() else "coefficient"
    key = f"{written(factor)}: mean and {percent(prob)} interval"
    with styled():
        width = 1.2 + width_of(data["label"]) + abreast * panel_width(abreast)
        figure = new_figure(width, deep * height_of(data["row"].nunique()))
        grid = figure.subplots(deep, abreast, sharey=True, squeeze=False)
        for ax, name in zip(grid.flat, names, strict=False):
            rows = data[data["coefficient"] == name]
            ax.axvline(rows["population"].iloc[0], **_POPULATION)
            draw_intervals(ax, rows, "partial_pooling", name=key)
            ax.set_title("intercept" if name == "1" else written(name))
            ax.locator_params(axis="x", nbins=MOST_TICKS)
            ax.set_xlabel(wrapped(f"{what}, {scale_of_link(link)}", panel_width(abreast) - 0.3))
        for ax in grid.flat[len(names) :]:
            ax.set_axis_off()
        for panels in grid:
            label_rows(panels, data, factor)
        return settle(figure, magnify=magnify_of(data))


def _chosen(effects: pd.DataFrame, group: str | None) -> str:
    factors = list(dict.fromkeys(effects["factor"]))
    if not factors:
        hint = "add one, such as (1 | group)"
        raise build(
            OptionError, "The formula has no group-level term, so there is nothing to draw.", hint=hint
        )
    if group is None and len(factors) > 1:
        problem = f"The formula has {len(factors)} grouping factors, and a figure shows one."
        raise build(OptionError, problem, allowed=", ".join(factors), hint=f"group={factors[0]!r}")
    if group is not None and group not in factors:
        raise unknown_name(OptionError, "grouping factor", group, factors)
    return group or factors[0]
