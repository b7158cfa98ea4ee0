"""Shrinkage: each group's estimates under no and under partial pooling, by size of the group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from partialpool.plots.group_rows import scale_suffix
from partialpool.plots.labels import legible, wrapped, written
from partialpool.plots.style import (
    COLOURS,
    MARKERS,
    NAMES,
    QUIET,
    draw_population,
    log_ticks,
    name_points,
    new_figure,
    scale_label,
    settle,
    styled,
)
from partialpool.pooling.population import PopulationLine

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_NAMED = 8
_FEW = 100
_FILLS = {"no_pooling": "white", "partial_pooling": COLOURS["partial_pooling"]}


def shrinkage_data(table: pd.DataFrame, scale: str = "link") -> pd.DataFrame:
    """Take both estimates of each group, and its size.

    Parameters
    ----------
    table
        A pooling table.
    scale
        ``"link"`` for coefficients, ``"outcome"`` for expected outcomes.

    Returns
    -------
    A row a group, the one that moves most first: ``group``, ``label``, ``n``, ``no_pooling`` and
    ``partial_pooling``.

    Raises
    ------
    OptionError
        The scale is neither.
    """
    suffix = scale_suffix(scale)
    shown = table.assign(
        label=legible(table["group"]),
        no_pooling=table[f"no_pooling_mean{suffix}"],
        partial_pooling=table[f"partial_pooling_mean{suffix}"],
    )[["group", "label", "n", "no_pooling", "partial_pooling"]]
    moved = (shown["partial_pooling"] - shown["no_pooling"]).abs()
    return shown.loc[moved.sort_values(ascending=False, kind="stable").index].reset_index(drop=True)


def draw_shrinkage(data: pd.DataFrame, population: PopulationLine, scale: str = "link") -> Figure:
    """Draw a line from each group's estimate without pooling to that with partial pooling, by group size.

    Parameters
    ----------
    data
        From `shrinkage_data`.
    population
        The population's line.
    scale
        The scale that the data are on.
    """
    few = len(data) <= _FEW
    # Groups whose rows all have weight zero are left of those of one row.
    x = _spread(np.maximum(data["n"].to_numpy(dtype=float), 0.5))
    line: dict[str, Any] = {"color": QUIET, "linewidth": 0.9 if few else 0.4, "zorder": 1}
    with styled():
        figure = new_figure(7.5, 5.2)
        ax = figure.subplots()
        draw_population(ax, population, scale, vertical=False)
        ax.vlines(x, data["no_pooling"], data["partial_pooling"], **line)
        for pooling, fill in _FILLS.items():
            look: dict[str, Any] = {
                "color": COLOURS[pooling],
                "markerfacecolor": fill,
                "markersize": 4.5 if few else 2.2,
            }
            ax.plot(x, data[pooling], MARKERS[pooling], label=NAMES[pooling], markeredgewidth=0.8, **look)
        ax.set(xscale="log", xlim=[x.min() / 1.25, x.max() * 1.25])
        log_ticks(ax.xaxis)
        if data["n"].nunique() == 1:
            ax.set_xticks([data["n"].iloc[0]])
        ax.set_ylabel(wrapped(scale_label(population, scale), 4.2))
        ax.set_xlabel(f"rows of the {written(population.group)} (log scale; names: the largest moves)")
        settle(figure, magnify=1.0 if few else 2.0)
        starts, ends = (np.column_stack([x, data[pooling]]) for pooling in _FILLS)
        name_points(ax, starts, data["label"].tolist(), _NAMED, ends=ends)
        return figure


def _spread(n: NDArray[np.float64]) -> NDArray[np.float64]:
    """Move groups of the same size slightly apart, in the order given."""
    ties = pd.Series(n).groupby(n)
    place = ties.cumcount() - (ties.transform("size") - 1) / 2
    step = 0.025 * min(1.0, 10 / ties.size().max())
    return n * np.exp(step * place.to_numpy())
