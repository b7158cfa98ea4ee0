"""Test statistics: each one's distribution over replicated data sets, with the observed one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from partialpool.checking.report import Check, p_text
from partialpool.checking.statistics import EXTREME, FITS
from partialpool.plots.check_parts import OBSERVED, ODD, REPLICATED, condition, linear_width, stretch
from partialpool.plots.labels import written
from partialpool.plots.style import new_figure, settle, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]

_COLUMNS = 4
_PANEL, _LEAST = 2.4, 5.5  # inches across, of a panel and of the figure
_N_BINS = 24
_SMALL = 0.1
_SHOWN = (0.005, 0.995)  # wide priors make data sets that would leave the others no room


def check_statistics_data(check: Check) -> pd.DataFrame:
    """Count replicated data sets by bins of each statistic.

    Returns
    -------
    A row a statistic and bin: ``statistic``, ``left``, ``right``, ``data_sets``, and the statistic's
    ``observed``, ``p`` and ``verdict``. Bins reach over the middle 99% of data sets and the observed figure;
    where these differ by powers of ten they are equally wide on an axis that is linear up to ``linear_width``
    only, which is infinite elsewhere.
    """
    parts = []
    table = check.statistics
    for name, observed in zip(table["statistic"], table["observed"], strict=True):
        values = check.replicated[name]
        low, high = np.quantile(values, _SHOWN)
        ends = min(low, observed), max(high, observed)
        width = linear_width(abs(observed) + float(np.median(np.abs(values))), ends)
        if math.isfinite(width):  # the observed figure near the end of the linear part, not in the first bin
            width = max(abs(observed), float(np.quantile(np.abs(values), _SMALL))) or width
        edges = _edges(values, observed, *ends) if math.isinf(width) else _stretched_edges(*ends, width)
        counts, _ = np.histogram(values, edges)
        columns = {"statistic": name, "left": edges[:-1], "right": edges[1:], "data_sets": counts}
        parts.append(pd.DataFrame(columns | {"linear_width": width}))
    figures = table[["statistic", "observed", "p", "verdict"]]
    return pd.concat(parts).merge(figures, on="statistic", validate="many_to_one")


def draw_check_statistics(data: pd.DataFrame, check: Check) -> Figure:
    """Draw a panel a statistic.

    Parameters
    ----------
    data
        From `check_statistics_data`.
    check
        Names the outcome and the kind of check.
    """
    names = list(dict.fromkeys(data["statistic"]))
    n_columns = min(_COLUMNS, len(names))
    n_rows = math.ceil(len(names) / n_columns)
    with styled():
        figure = new_figure(max(_LEAST, _PANEL * n_columns), 1.2 + 1.9 * n_rows)
        panels = figure.subplots(n_rows, n_columns, squeeze=False).ravel()
        for ax, name in zip(panels, names, strict=False):
            _draw_panel(ax, data[data["statistic"] == name], name)
        for ax in panels[len(names) :]:
            figure.delaxes(ax)
        title = f"{check.kind} predictive check of {written(check.outcome)}"
        hint = f"among replicated figures (p from {EXTREME} to {1 - EXTREME}), {condition(check)}"
        figure.suptitle(f"{title}\n{hint}", fontsize=10)
        return settle(figure)


def _draw_panel(ax: Axes, rows: pd.DataFrame, name: str) -> None:
    first = rows.iloc[0]
    fits = first["verdict"] == FITS
    ax.bar(
        rows["left"],
        rows["data_sets"],
        rows["right"] - rows["left"],
        align="edge",
        color=REPLICATED,
        alpha=0.45,
        label="replicated data sets",
    )
    label = "observed" if fits else "observed: does not fit"
    ax.axvline(first["observed"], color=OBSERVED if fits else ODD, linewidth=1.8, label=label)
    ax.set_title(f"{written(name)}\np {p_text(first['p'], '= ')}", fontsize=9)
    ax.yaxis.set_visible(False)
    ax.margins(x=0.04)
    ax.locator_params(axis="x", nbins=5)
    stretch(ax, first["linear_width"], most_ticks=3)


def _stretched_edges(low: float, high: float, width: float) -> Floats:
    """Bins of equal width on a stretched axis."""
    steps = np.linspace(math.asinh(low / width), math.asinh(high / width), _N_BINS + 1)
    return np.array([width * math.sinh(step) for step in steps])


def _edges(values: Floats, observed: float, low: float, high: float) -> Floats:
    """Bins of equal width; of a statistic with few possible values, as many of those in each bin."""
    different = np.unique(np.append(values, observed))
    gaps = np.diff(different[(different >= low) & (different <= high)])
    gaps = gaps[gaps > 1e-9 * max(abs(low), abs(high))]
    if not len(gaps):
        return np.array([low - 0.5, low + 0.5])
    step, gap = (high - low) / _N_BINS, float(gaps.min())
    if step < 2 * gap * _N_BINS and len(gaps) <= 4 * _N_BINS:
        step = gap * max(1, round(step / gap))
    n_edges = math.ceil((high - low + gap) / step) + 1
    return np.array([low - gap / 2 + step * i for i in range(n_edges)])
