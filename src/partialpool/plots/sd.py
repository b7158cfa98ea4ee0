"""Each group's posterior sd under partial pooling against that under no pooling."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from partialpool.plots.labels import legible, wrapped, written
from partialpool.plots.style import (
    COLOURS,
    LINE_COLOUR,
    log_ticks,
    name_points,
    new_figure,
    settle,
    styled,
    written_coefficient,
)
from partialpool.pooling.pooling_words import count
from partialpool.pooling.population import PopulationLine

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_AREA = (10.0, 260.0)  # of points, in square points, smallest and largest group
_NAMED = 8
_SIDE = 4.4  # inches, of the shorter side of the axes
_WIDE = 30  # sds that differ by more are drawn on log scales


def sd_data(table: pd.DataFrame) -> pd.DataFrame:
    """Take each group's sd under no and partial pooling, on the link's scale.

    Parameters
    ----------
    table
        A pooling table.

    Returns
    -------
    A row a group, the one whose sd falls most first: ``group``, ``label``, ``n``, ``no_pooling_sd`` and
    ``partial_pooling_sd``.
    """
    shown = table.assign(label=legible(table["group"]))
    order = (table["partial_pooling_sd"] - table["no_pooling_sd"]).sort_values(kind="stable").index
    columns = ["group", "label", "n", "no_pooling_sd", "partial_pooling_sd"]
    return shown.loc[order, columns].reset_index(drop=True)


def draw_sd(data: pd.DataFrame, population: PopulationLine) -> Figure:
    """Draw one sd against the other, points sized by rows, with the diagonal of equal sds.

    Parameters
    ----------
    data
        From `sd_data`.
    population
        Names the coefficient and the scale.
    """
    x, y = data["no_pooling_sd"].to_numpy(), data["partial_pooling_sd"].to_numpy()
    areas = _areas(data["n"].to_numpy(), float(data["n"].max()))
    smallest, largest = min(x.min(), y.min()), max(x.max(), y.max())
    wide = largest > _WIDE * smallest > 0
    ends = [0.7 * smallest if wide else 0.0, (1.4 if wide else 1.08) * largest]
    top = 2 * y.max() if wide else max(1.2 * y.max(), 0.6 * ends[1])
    with styled():
        figure = new_figure(6.4, 5.6)
        ax = figure.subplots()
        ax.plot(ends, ends, "--", color=LINE_COLOUR, linewidth=1, label="equal sds", zorder=1)
        ax.scatter(x, y, areas, COLOURS["partial_pooling"], **_look(len(data)))
        _explain_sizes(ax, data["n"])
        ax.set(xlim=ends, ylim=[ends[0], top])
        if wide:
            ax.set(xscale="log", yscale="log")
            log_ticks(ax.xaxis)
            log_ticks(ax.yaxis)
        what = f"sd of the {written_coefficient(population)}"
        note = " (log axis)" if wide else ""
        ax.set_xlabel(wrapped(f"{what}, no pooling{note}", _SIDE))
        ax.set_ylabel(wrapped(f"{what}, partial pooling{note}", _SIDE))
        ax.set_title(
            wrapped(f"each point is one {written(population.group)}; names: the sds that fall most", _SIDE)
        )
        settle(figure, columns=4)
        name_points(ax, np.column_stack([x, y]), data["label"].tolist(), _NAMED, radii=np.sqrt(areas / np.pi))
        return figure


def _areas(n: NDArray[np.float64], largest: float) -> NDArray[np.float64]:
    return _AREA[0] + (_AREA[1] - _AREA[0]) * n / largest


def _look(n_groups: int) -> dict[str, Any]:
    return {"alpha": 0.65 if n_groups <= 100 else 0.3, "edgecolors": "white", "linewidths": 0.6, "zorder": 2}


def _explain_sizes(ax: Axes, n: pd.Series[float]) -> None:
    """Add points of the smallest, the median and the largest group to the legend."""
    for size in dict.fromkeys([n.min(), float(np.floor(n.median())), n.max()]):
        area = _areas(np.array([size]), float(n.max()))
        ax.scatter([], [], area, COLOURS["partial_pooling"], label=count(size, "row"), **_look(1))
