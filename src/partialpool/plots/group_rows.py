"""Groups as rows of a figure: their order, their labels, and how many labels there is room for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from partialpool.errors import OptionError, unknown_name
from partialpool.plots.bidi import visual
from partialpool.plots.labels import legible, width, wrapped, written

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_LABELLED = 100
PANEL = 4.6  # inches across, of the only panel; several share less than as much each
MOST_TICKS = 5  # of estimates: six digits fit in a narrow panel
_ROW = 0.17  # inches
_LETTER = 0.075
_STEPS = (1, 2, 5, 10, 20, 25, 50, 100, 200, 500, 1000)

SORTS = {"label": "position", "estimate": "partial_pooling_mean", "n": "n"}
SCALES = {"link": "", "outcome": "_outcome"}


def ordered(table: pd.DataFrame, sort: str | None, scale: str) -> pd.DataFrame:
    """Order a pooling table for a figure, and add what each group is called in it.

    Parameters
    ----------
    table
        A pooling table.
    sort
        ``"label"``, ``"estimate"`` (partial pooling's) or ``"n"``; None is the order of labels up to
        100 groups, and of estimates beyond, where single groups are hard to find anyway.
    scale
        The scale that estimates are ordered on.

    Returns
    -------
    The table with ``label`` (text) and ``row`` (0 is the top).

    Raises
    ------
    OptionError
        `sort` or `scale` is none of these.
    """
    sorts = {**SORTS, "estimate": SORTS["estimate"] + scale_suffix(scale)}
    return in_order(table, sort, sorts)


def in_order(table: pd.DataFrame, sort: str | None, sorts: Mapping[str, str]) -> pd.DataFrame:
    """Order a table of groups for a figure, and add what each group is called in it.

    Parameters
    ----------
    table
        A row a group, in the order of labels.
    sort
        One of the names of `sorts`; None is the first up to 100 groups, and the second beyond, where single
        groups are hard to find anyway.
    sorts
        By name, the column to sort by; ``position`` is the order that the table has.

    Returns
    -------
    The table with ``position``, ``label`` (text) and ``row`` (0 is the top).

    Raises
    ------
    OptionError
        `sort` is none of these.
    """
    if sort is None:
        sort = list(sorts)[0 if len(table) <= MOST_LABELLED else 1]
    if sort not in sorts:
        raise unknown_name(OptionError, "order of groups", sort, sorts)
    shown = table.assign(position=np.arange(len(table)), label=legible(table["group"]))
    shown = shown.sort_values(sorts[sort], kind="stable").reset_index(drop=True)
    return shown.assign(row=np.arange(len(shown)))


def estimates(table: pd.DataFrame, pooling: str, scale: str) -> pd.DataFrame:
    """Take one pooling's mean and interval on one scale out of an ordered table.

    Returns
    -------
    Columns ``group``, ``label``, ``row``, ``n``, ``raw``, ``pooling``, ``mean``, ``lower``, ``upper``.

    Raises
    ------
    OptionError
        The table lacks the pooling, or the scale is neither ``"link"`` nor ``"outcome"``.
    """
    suffix = scale_suffix(scale)
    if f"{pooling}_mean" not in table:
        valid = [c.removesuffix("_mean") for c in map(str, table) if c.endswith("_mean")]
        raise unknown_name(OptionError, "pooling", pooling, valid)
    figures = {f"{pooling}_{figure}{suffix}": figure for figure in ("mean", "lower", "upper")}
    chosen = table[["group", "label", "row", "n", "raw", *figures]].rename(columns=figures)
    chosen.insert(5, "pooling", pooling)
    return chosen


def scale_suffix(scale: str) -> str:
    """Give the ending that a scale has in the pooling table's columns."""
    if scale not in SCALES:
        raise unknown_name(OptionError, "scale", scale, SCALES)
    return SCALES[scale]


def height_of(n_rows: int) -> float:
    """Choose a figure's height in inches."""
    return 1.6 + _ROW * min(max(n_rows, 6), MOST_LABELLED)


def width_of(labels: pd.Series[str]) -> float:
    """Measure roughly how many inches the labels take."""
    return _LETTER * float(labels.map(width).max())


def panel_width(n_panels: int) -> float:
    """Choose the width in inches of each panel of a figure."""
    return PANEL / n_panels**0.25


def magnify_of(data: pd.DataFrame) -> float:
    """Choose how much larger markers are in the legend than among crowded rows."""
    return 1.0 if data["row"].nunique() <= MOST_LABELLED else 2.5


def label_rows(panels: Sequence[Axes], data: pd.DataFrame, factor: str) -> None:
    """Label the rows of panels that share them, leaving labels out where they would overlap."""
    rows = data.drop_duplicates("row")
    step = next((s for s in _STEPS if len(rows) <= s * MOST_LABELLED), len(rows) // MOST_LABELLED + 1)
    shown = rows.iloc[::step]
    panels[0].set_yticks(shown["row"].to_numpy(), [visual(label) for label in shown["label"]], fontsize=8)
    panels[0].set_ylim(len(rows) - 0.5, -0.5)
    name = written(factor)
    named = name if step == 1 else f"{name} (1 label in {step}, {len(rows):,} in all)"
    panels[0].set_ylabel(wrapped(named, height_of(len(rows)) - 1.3))
    for ax in panels:
        ax.grid(visible=step == 1, axis="y")
