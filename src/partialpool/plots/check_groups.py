"""Each group's observed mean on the interval of its replicated means."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from partialpool.checking.report import Check
from partialpool.checking.statistics import EXTREME, FITS
from partialpool.plots.check_parts import REPLICATED, draw_rows, in_rows, linear_width, odd_words, stretch
from partialpool.plots.group_rows import MOST_LABELLED, height_of, label_rows, magnify_of, width_of
from partialpool.plots.labels import written
from partialpool.plots.style import new_figure, settle, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_ODD = "observed: does not fit"


def check_groups_data(check: Check, factor: str | None = None, sort: str | None = None) -> pd.DataFrame:
    """Take the groups of a check in the order of the figure.

    Parameters
    ----------
    check
        A predictive check.
    factor
        A grouping factor; may be left out when one was checked.
    sort
        ``"label"``, ``"estimate"`` (the replicated mean), ``"n"`` or ``"p"``; None chooses by the number of
        groups.

    Returns
    -------
    The columns of ``Check.groups``, ``label`` and ``row``, groups from the top.

    Raises
    ------
    OptionError
        When there is no such factor or order.
    """
    return in_rows(check.groups(factor), sort)


def draw_check_groups(data: pd.DataFrame, check: Check, factor: str | None = None) -> Figure:
    """Draw observed means over replicated intervals, a row a group.

    Parameters
    ----------
    data
        From `check_groups_data`.
    check
        Names the outcome, the interval and the kind of check.
    factor
        As given to `check_groups_data`.
    """
    with styled():
        figure = new_figure(1.2 + width_of(data["label"]) + 5.2, height_of(len(data)))
        ax = figure.subplots()
        odd = data["verdict"] != FITS
        # Draws from the prior move all groups together, so that chance gives any number.
        odd_word = _ODD if check.kind == "prior" else odd_words(_ODD, odd, 2 * EXTREME)
        draw_rows(ax, data, "observed", odd, check.prob, ("observed", "replicated", odd_word))
        size = 6.0 if len(data) <= MOST_LABELLED else 1.5
        ax.plot(data["mean"], data["row"], "|", color=REPLICATED, markersize=size, label="replicated mean")
        ends = (*data["lower"], *data["upper"], *data["mean"])
        stretch(ax, linear_width(data["observed"].abs().max(), ends), most_ticks=6)
        joined = "in" if check.group_word.startswith("share") else "of"
        ax.set_xlabel(f"{written(check.group_word)} {joined} {written(check.outcome)}")
        ax.set_title(f"{check.kind} predictive check by {written(check.factor(factor))}")
        label_rows([ax], data, check.factor(factor))
        return settle(figure, columns=2, magnify=magnify_of(data))
