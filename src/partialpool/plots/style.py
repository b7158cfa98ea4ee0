"""Shared style of figures: colours, fonts, sizes, positions of legends and of names of points."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from partialpool.plots.bidi import visual
from partialpool.plots.fonts import families
from partialpool.plots.labels import shorten, written
from partialpool.pooling.pooling_words import coefficient_word, link_scale, outcome_scale, percent
from partialpool.pooling.population import PopulationLine

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure
    from matplotlib.transforms import BboxBase

Points = NDArray[np.float64]

# Okabe and Ito's palette, which stays apart in the common kinds of colour blindness; markers differ as well.
COLOURS = {"no_pooling": "#D55E00", "partial_pooling": "#0072B2", "complete_pooling": "#009E73"}
MARKERS = {"no_pooling": "s", "partial_pooling": "o", "complete_pooling": "D"}
NAMES = {
    "no_pooling": "no pooling",
    "partial_pooling": "partial pooling",
    "complete_pooling": "complete pooling",
}
LINE_COLOUR = "#333333"
RAW_COLOUR = "#CC79A7"
QUIET = "#999999"
DPI = 120
_MARGIN = 0.08  # inches, about everything
_LONG = 2000  # a log scale whose ends differ by more has ticks at powers of ten only

_NAME_LETTERS = 20  # of a name beside a point

_PARAMETERS = {
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.labelsize": 9,
    "legend.fontsize": 8.5,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E6E6E6",
    "grid.linewidth": 0.6,
    "text.parse_math": False,  # a label may hold a dollar sign
    "axes.unicode_minus": True,
    "axes.formatter.limits": (-4, 6),
}

_NAME: dict[str, Any] = {"va": "center", "fontsize": 8, "zorder": 5}


def styled() -> AbstractContextManager[None]:
    """Set fonts and lines for the figure that is made inside, leaving the user's own settings alone."""
    import matplotlib as mpl

    return mpl.rc_context({**_PARAMETERS, "font.family": list(families())})


def new_figure(width: float, height: float) -> Figure:
    """Make an empty figure, in inches, that belongs to no window."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    layout = ConstrainedLayoutEngine(h_pad=_MARGIN, w_pad=_MARGIN)
    figure = Figure(figsize=(width, height), dpi=DPI, layout=layout)
    FigureCanvasAgg(figure)  # with its one renderer; without, each text measured makes one of its own
    return figure


def settle(figure: Figure, *, columns: int = 3, magnify: float = 1.0) -> Figure:
    """Put one legend below the axes, each entry once and its markers magnified, and fix the layout."""
    entries: dict[str, Artist] = {}
    for ax in figure.axes:
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, handle)
    figure.legend(
        list(entries.values()),
        list(entries),
        loc="outside lower center",
        ncols=columns,
        markerscale=magnify,
    )
    # The layout alone: drawing all to no canvas as well, as draw_without_rendering does, doubles the time.
    figure.get_layout_engine().execute(figure)  # type: ignore[union-attr]
    return figure


def draw_population(ax: Axes, population: PopulationLine, scale: str, *, vertical: bool) -> None:
    """Draw the population's line with its interval as a band."""
    line = population.on_link if scale == "link" else population.on_outcome
    draw_line, draw_band = (ax.axvline, ax.axvspan) if vertical else (ax.axhline, ax.axhspan)
    draw_band(line.lower, line.upper, color=QUIET, alpha=0.25, linewidth=0, zorder=0.5)
    draw_line(
        line.mean,
        color=LINE_COLOUR,
        linewidth=1,
        linestyle="--",
        zorder=1,
        label=f"population's line, {percent(population.prob)} interval",
    )


def log_ticks(axis: Axis) -> None:
    """Write plain numbers on a log scale with limits: 1, 2, 5, 10, ..., or 1, 10, 100, ... on a long one."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    low, high = axis.get_view_interval()
    subs = (1.0, 2.0, 5.0) if high < _LONG * low else (1.0,)
    axis.set_major_locator(LogLocator(base=10, subs=subs))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    axis.set_minor_formatter(NullFormatter())


def scale_label(population: PopulationLine, scale: str) -> str:
    """Name the axis of estimates."""
    if scale == "link":
        return written_coefficient(population)
    return f"{outcome_scale(population)} of {written(population.outcome_name)}"


def interval_label(population: PopulationLine, scale: str) -> str:
    """Name the axis of estimates that are shown with intervals."""
    return f"{scale_label(population, scale)} (mean, {percent(population.prob)} interval)"


def written_coefficient(population: PopulationLine) -> str:
    """Name the coefficient and its scale: ``intercept on the log-odds scale``."""
    return f"{written(coefficient_word(population))} on the {link_scale(population)}"


def name_points(
    ax: Axes,
    points: Points,
    labels: Sequence[str],
    most: int,
    radii: Points | float = 2.5,
    ends: Points | None = None,
) -> None:
    """Write names beside points, the first ones first, where they cover no point, line or other name.

    Parameters
    ----------
    ax
        Axes of a figure that is settled and complete but for the names.
    points
        (n, 2), the most interesting first.
    labels
        Their n names.
    most
        How many names to write at most; a name without room is left out.
    radii
        (n,) or one, radii of the points' markers in typographic points.
    ends
        (n, 2), where a line from each point ends, if lines are drawn.
    """
    radii = np.broadcast_to(radii, len(points))
    pixels, sizes = ax.transData.transform(points), radii * DPI / 72
    lines = None if ends is None else np.stack([pixels, ax.transData.transform(ends)], axis=1)
    taken: list[BboxBase] = []
    for i in range(min(most, len(points))):
        name, gap = shorten(labels[i], _NAME_LETTERS), 5 + float(radii[i])
        for dx, dy, side in (
            (gap, 0, "left"),
            (-gap, 0, "right"),
            (0, gap + 2, "center"),
            (0, -gap - 2, "center"),
        ):
            text = ax.annotate(
                visual(name), points[i], (dx, dy), textcoords="offset points", ha=side, **_NAME
            )
            box = text.get_window_extent()
            free = not (_touches(box, pixels, sizes) or _crosses(box, lines) or box.count_overlaps(taken))
            if free and _within(box, ax.bbox):
                taken.append(box.padded(2))
                break
            text.remove()


def _within(box: BboxBase, frame: BboxBase) -> bool:
    return frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 and box.y1 <= frame.y1


def _touches(box: BboxBase, pixels: Points, sizes: Points) -> bool:
    """Say whether a box reaches into any marker."""
    nearest = np.clip(pixels, box.min, box.max)
    return bool((np.hypot(*(pixels - nearest).T) < sizes).any())


def _crosses(box: BboxBase, lines: Points | None) -> bool:
    """Say whether any vertical line, of (n, 2, 2) ends, reaches into a box."""
    if lines is None:
        return False
    x, low, high = lines[:, 0, 0], lines[:, :, 1].min(axis=1), lines[:, :, 1].max(axis=1)
    return bool(((box.x0 < x) & (x < box.x1) & (low < box.y1) & (box.y0 < high)).any())
