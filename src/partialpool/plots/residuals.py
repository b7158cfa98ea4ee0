"""Quantile residuals: against the normal distribution, against what was expected, and by group."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from partialpool.checking.residuals import against_normal, by_group
from partialpool.plots.checks import OBSERVED, REPLICATED, draw_rows, in_rows
from partialpool.plots.labels import written
from partialpool.plots.rows import height_of, label_rows, magnify_of, width_of
from partialpool.plots.style import LINE_COLOUR, new_figure, settle, styled
from partialpool.pooling.words import percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_POINTS = 4000
WORDS = ("mean residual", "of independent rows", "mean residual outside")
PANELS = ("normal", "expected")


def residuals_data(residuals: pd.DataFrame, prob: float) -> pd.DataFrame:
    """Take what the two panels of residuals show.

    Parameters
    ----------
    residuals
        From `quantile_residuals`.
    prob
        Of the interval around the normal quantiles.

    Returns
    -------
    A row a point: ``panel`` (``"normal"`` or ``"expected"``), ``x``, ``residual``, and for the first panel
    ``lower`` and ``upper``. Of more than 4,000 rows as many are kept, all over the range.
    """
    normal = against_normal(residuals, prob, _MOST_POINTS).rename(columns={"normal": "x"})
    known = residuals.dropna(subset="residual").sort_values("expected", kind="stable")
    step = -(-len(known) // _MOST_POINTS)
    expected = known.iloc[::step][["expected", "residual"]].rename(columns={"expected": "x"})
    parts = [part.assign(panel=panel) for panel, part in zip(PANELS, (normal, expected), strict=True)]
    return pd.concat(parts, ignore_index=True)[["panel", "x", "residual", "lower", "upper"]]


def draw_residuals(data: pd.DataFrame, outcome: str, mean_word: str, prob: float) -> Figure:
    """Draw sorted residuals against normal quantiles, and residuals against expected outcomes.

    Parameters
    ----------
    data
        From `residuals_data`.
    outcome, mean_word
        The outcome's name, and what its mean is called.
    prob
        As given to `residuals_data`.
    """
    normal, expected = (data[data["panel"] == panel] for panel in PANELS)
    with styled():
        figure = new_figure(9.0, 4.4)
        left, right = figure.subplots(1, 2)
        _draw_normal(left, normal, prob)
        right.plot(
            expected["x"], expected["residual"], "o", color=OBSERVED, alpha=_alpha(expected), markersize=2.5
        )
        right.axhline(0, color=LINE_COLOUR, linestyle="--", linewidth=1)
        what = mean_word if mean_word == "probability" else f"expected {mean_word.replace('mean', 'value')}"
        right.set(xlabel=f"{what} of {written(outcome)}", ylabel="quantile residual")
        right.set_title("no pattern, if the model is right")
        return settle(figure, magnify=1.6)


def _draw_normal(ax: Axes, rows: pd.DataFrame, prob: float) -> None:
    ax.fill_between(
        rows["x"],
        rows["lower"],
        rows["upper"],
        color=REPLICATED,
        alpha=0.3,
        linewidth=0,
        label=f"{percent(prob)} interval of each point by itself",
    )
    ends = [rows["x"].min(), rows["x"].max()]
    ax.plot(ends, ends, "--", color=LINE_COLOUR, linewidth=1, label="normal")
    ax.plot(rows["x"], rows["residual"], "o", color=OBSERVED, markersize=2.5, label="residuals")
    ax.set(
        xlabel="normal quantile", ylabel="quantile residual", title="along the line, if the model is right"
    )


def _alpha(rows: pd.DataFrame) -> float:
    return float(np.clip(200 / max(1, len(rows)), 0.15, 0.8))


def residual_groups_data(
    residuals: pd.DataFrame, factor: str, prob: float, sort: str | None = None
) -> pd.DataFrame:
    """Take each group's mean residual in the order of the figure.

    Parameters
    ----------
    residuals
        From `quantile_residuals`.
    factor
        One of its grouping factors.
    prob
        Of the interval of the mean of as many standard normal numbers.
    sort
        ``"label"``, ``"estimate"`` (the mean residual) or ``"n"``; None chooses by the number of groups.

    Returns
    -------
    A row a group: ``group``, ``n``, ``mean``, ``lower``, ``upper``, ``label``, ``row``.

    Raises
    ------
    OptionError
        When there is no such factor or order.
    """
    return in_rows(by_group(residuals, factor, prob), sort)


def draw_residual_groups(data: pd.DataFrame, factor: str, prob: float) -> Figure:
    """Draw mean residuals over the intervals they would have if all rows were independent.

    Group effects follow their own rows: of a model that fits, more groups lie inside than the interval says.

    Parameters
    ----------
    data
        From `residual_groups_data`.
    factor
        The grouping factor.
    prob
        As given to `residual_groups_data`.
    """
    odd = (data["mean"] < data["lower"]) | (data["mean"] > data["upper"])
    with styled():
        figure = new_figure(1.2 + width_of(data["label"]) + 5.2, height_of(len(data)))
        ax = figure.subplots()
        ax.axvline(0, color=LINE_COLOUR, linestyle="--", linewidth=1)
        draw_rows(ax, data, "mean", odd, prob, WORDS)
        ax.set(xlabel="mean quantile residual", title=f"residuals by {written(factor)}")
        label_rows([ax], data, factor)
        return settle(figure, columns=2, magnify=magnify_of(data))
