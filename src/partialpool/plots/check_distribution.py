"""The distribution of outcomes, observed and replicated: a rootogram of counts, a histogram of others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from partialpool.checking.report import Check
from partialpool.plots.check_parts import OBSERVED, REPLICATED, condition
from partialpool.plots.labels import written
from partialpool.plots.style import new_figure, settle, styled
from partialpool.pooling.pooling_words import percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_EVERY_LABEL = 12


def check_distribution_data(check: Check) -> pd.DataFrame:
    """Take the numbers of rows by bins of the outcome.

    Returns
    -------
    A row a bin: ``category`` where outcomes are categories, ``left``, ``right``, ``observed``, and the
    replicated ``mean``, ``lower``, ``upper``.
    """
    return check.distribution.copy()


def draw_check_distribution(data: pd.DataFrame, check: Check) -> Figure:
    """Draw observed numbers of rows as bars, replicated ones as intervals; of counts, on a square root scale.

    Square roots of counts vary about as much wherever they are, so that a misfit in the tail is as visible as
    one at the mode (Kleiber & Zeileis 2016, "Visualizing count data regressions using rootograms").

    Parameters
    ----------
    data
        From `check_distribution_data`.
    check
        Names the outcome, the interval and what bins are of.
    """
    words = {"proportion": "proportion of "}
    counted = check.scale in ("count", "category")
    with styled():
        figure = new_figure(7.5, 4.4)
        ax = figure.subplots()
        if counted:
            _draw_counts(ax, data, check.prob)
        else:
            _draw_steps(ax, data, check.prob)
        rows = "rows" if check.scale != "count" or check.bounded else "rows (square root scale)"
        ax.set(xlabel=f"{words.get(check.scale, '')}{written(check.outcome)}", ylabel=rows)
        if check.scale == "count" and not check.bounded:
            ax.set_yscale("function", functions=(_root, np.square))
        ax.set_ylim(bottom=0)
        hint = "bars that end inside their intervals" if counted else "a line inside the band"
        title = f"{check.kind} predictive check of the distribution of {written(check.outcome)}"
        ax.set_title(f"{title}\n{hint}, {condition(check)}")
        return settle(figure)


def _root(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.sqrt(np.maximum(values, 0.0))


def _draw_counts(ax: Axes, data: pd.DataFrame, prob: float) -> None:
    place = np.arange(len(data))
    ax.bar(place, data["observed"], 0.8, color="#BBBBBB", label="observed")
    ax.vlines(place, data["lower"], data["upper"], color=REPLICATED, linewidth=2, label=_interval(prob))
    ax.plot(place, data["mean"], "o", color=REPLICATED, markersize=4, label="replicated mean")
    step = max(1, -(-len(data) // _EVERY_LABEL))
    labels = (
        [written(name) for name in data["category"]]
        if "category" in data
        else [_label(left, right) for left, right in zip(data["left"], data["right"], strict=True)]
    )
    shown = [*range(0, len(data) - step // 2 - 1, step), len(data) - 1]
    ax.set_xticks(shown, [labels[i] for i in shown])


def _label(left: float, right: float) -> str:
    if np.isinf(right):
        return f"{left:,.0f}+"
    return f"{left:,.0f}" if right == left + 1 else f"{left:,.0f}–{right - 1:,.0f}"


def _draw_steps(ax: Axes, data: pd.DataFrame, prob: float) -> None:
    edges = np.append(data["left"], data["right"].iloc[-1])
    ax.stairs(
        data["upper"],
        edges,
        baseline=data["lower"],
        fill=True,
        color=REPLICATED,
        alpha=0.3,
        label=_interval(prob),
    )
    ax.stairs(data["mean"], edges, color=REPLICATED, linewidth=1.2, label="replicated mean")
    ax.stairs(data["observed"], edges, color=OBSERVED, linewidth=1.4, label="observed")


def _interval(prob: float) -> str:
    return f"replicated, {percent(prob)} interval"
