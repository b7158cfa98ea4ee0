"""Quantile residuals: against the normal distribution, against what was expected, and by group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from partialpool.checking.residuals import against_normal, along_expected, by_group
from partialpool.plots.check_parts import OBSERVED, ODD, REPLICATED, draw_rows, in_rows, odd_words
from partialpool.plots.group_rows import height_of, label_rows, magnify_of, width_of
from partialpool.plots.labels import written
from partialpool.plots.style import LINE_COLOUR, log_ticks, new_figure, settle, styled
from partialpool.pooling.pooling_words import percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_POINTS = 4000
_WORDS = ("mean residual", "means of independent rows", "mean residual outside")
_WIDE = 5.0  # largest over median, for a log scale of what was expected
_MEANS: dict[str, Any] = {"linewidth": 1.2, "markersize": 3.5}
PARTS = ("normal", "expected", "means")


def residuals_data(residuals: pd.DataFrame, prob: float) -> pd.DataFrame:
    """Take what the two panels of residuals show: order statistics, rows, and means of neighbouring rows.

    Parameters
    ----------
    residuals
        From `quantile_residuals`.
    prob
        Of the intervals around normal quantiles, and around means.

    Returns
    -------
    A row a point: ``part`` (``"normal"``; ``"expected"`` and ``"means"``, which share the second panel),
    ``x``, ``residual``, and ``lower`` and ``upper`` of all but single rows. Of more than 4,000 rows as many
    are kept, all over the range.
    """
    normal = against_normal(residuals, prob, _MOST_POINTS).rename(columns={"normal": "x"})
    known = residuals.dropna(subset="residual").sort_values("expected", kind="stable")
    step = -(-len(known) // _MOST_POINTS)
    expected = known.iloc[::step][["expected", "residual"]].rename(columns={"expected": "x"})
    means = along_expected(residuals, prob).rename(columns={"expected": "x", "mean": "residual"})
    parts = [p.assign(part=name) for name, p in zip(PARTS, (normal, expected, means), strict=True)]
    return pd.concat(parts, ignore_index=True)[["part", "x", "residual", "lower", "upper"]]


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
    normal, expected, means = (data[data["part"] == part] for part in PARTS)
    with styled():
        figure = new_figure(9.0, 4.6)
        left, right = figure.subplots(1, 2)
        _draw_normal(left, normal, prob)
        _draw_along(right, expected, means, prob)
        what = mean_word if mean_word == "probability" else f"expected {mean_word.replace('mean', 'value')}"
        right.set(xlabel=f"{what} of {written(outcome)}", ylabel="quantile residual")
        right.set_title("no pattern, if the model is right")
        return settle(figure, magnify=1.6)


def _draw_along(ax: Axes, rows: pd.DataFrame, means: pd.DataFrame, prob: float) -> None:
    """Draw rows faintly, and means of neighbours over the interval where they belong."""
    ax.plot(rows["x"], rows["residual"], "o", color=OBSERVED, alpha=_alpha(rows), markersize=2.5)
    ax.axhline(0, color=LINE_COLOUR, linestyle="--", linewidth=1)
    band: dict[str, Any] = {
        "color": REPLICATED,
        "alpha": 0.3,
        "linewidth": 0,
        "label": f"{percent(prob)} interval of such a mean",
    }
    ax.fill_between(means["x"], means["lower"], means["upper"], **band)
    ax.plot(means["x"], means["residual"], "o-", color=ODD, label="mean of neighbouring rows", **_MEANS)
    if rows["x"].min() > 0 and rows["x"].max() > _WIDE * rows["x"].median():
        ax.set_xscale("log")
        log_ticks(ax.xaxis)


def _draw_normal(ax: Axes, rows: pd.DataFrame, prob: float) -> None:
    ax.fill_between(
        rows["x"],
        rows["lower"],
        rows["upper"],
        color=REPLICATED,
        alpha=0.3,
        linewidth=0,
        label=f"{percent(prob)} interval of each residual",
    )
    ends = [rows["x"].min(), rows["x"].max()]
    ax.plot(ends, ends, "--", color=LINE_COLOUR, linewidth=1, label="normal distribution")
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
        words = (*_WORDS[:2], odd_words(_WORDS[2], odd, 1 - prob))
        draw_rows(ax, data, "mean", odd, prob, words)
        ax.set(xlabel="mean quantile residual", title=f"residuals by {written(factor)}")
        label_rows([ax], data, factor)
        return settle(figure, columns=2, magnify=magnify_of(data))
