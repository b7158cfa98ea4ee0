"""Sections of a comparison of poolings: its summary, its figures, its groups."""

from __future__ import annotations

import io
import zlib
from collections.abc import Mapping
from typing import Any

from partialpool.plots.plot import Plot
from partialpool.pooling.pooling_words import coefficient_word, link_scale, outcome_scale, percent
from partialpool.pooling.population import PopulationLine
from partialpool.report.group_tables import pooling_groups, scales
from partialpool.report.page_blocks import Block, Bullets, Chart, Heading, Image, Prose, Section, View
from partialpool.report.protocols import PoolsLike, coefficients
from partialpool.report.shrinkage_chart import SHRINKAGE_KEY, shrinkage_spec
from partialpool.storage.files import DPI

_RUNS = zlib.Z_RLE  # figures are runs of equal pixels: half the time of a search for longer repeats

POOLINGS_IN_WORDS = {
    "no pooling": (
        "Each group of {group} has coefficients of its own, with a fixed prior: what is learnt of one group "
        "says nothing of another."
    ),
    "partial pooling": (
        "Each group's coefficients vary about the population's. How far groups of {group} are spread is "
        "learnt from all of them, so a group with little to say for itself is drawn towards the rest."
    ),
    "complete pooling": (
        "All groups of {group} share the same coefficients: differences between them are taken as chance."
    ),
}


def story_section(pools: PoolsLike, figures: Mapping[str, Image], n_explained: int) -> Section:
    """Describe what pooling changed: all groups in a chart, the largest differences in words.

    Parameters
    ----------
    pools
        The comparison.
    figures
        From `draw_figures`: replacements of the charts.
    n_explained
        How many disagreements to explain.
    """
    blocks: list[Block] = []
    for number, coefficient in enumerate(coefficients(pools), start=1):
        told = pools.explain(n_explained, coefficient)
        if number > 1:
            word = coefficient_word(pools.population(coefficient))
            blocks += [Heading(f"The {word}"), Prose(told.opening)]
        blocks += [
            _chart(pools, coefficient, figures[_still_name(number)]),
            Heading("Where the poolings disagree most, and why"),
            Bullets(tuple(case.text for case in told.disagreements), numbered=True),
        ]
    return Section("pooling", "What pooling changed", tuple(blocks))


def all_groups_section(pools: PoolsLike) -> Section:
    """Put all groups in a table, one for each coefficient that varies."""
    tables = tuple(
        pooling_groups(pools.table(c), pools.population(c), _table_name(pools, c))
        for c in coefficients(pools)
    )
    return Section("groups", "All groups", tables)


def _chart(pools: PoolsLike, coefficient: str, still: Image) -> Chart:
    table, population = pools.table(coefficient), pools.population(coefficient)
    lines = {"": population.on_link, "_outcome": population.on_outcome}
    across = f"rows of each group of {population.group} (log scale)"
    views = tuple(
        View(
            title,
            shrinkage_spec(table, lines[suffix], suffix, (across, _axis(population, suffix))),
        )
        for suffix, title in scales(population).items()
    )
    name = _table_name(pools, coefficient)
    caption = (
        f"Each vertical line is a group of {population.group}: it starts at the estimate of no pooling and "
        "ends at that of partial pooling. Point at a group for its figures. Names stand at the largest "
        "moves; all groups are in the table below."
    )
    return Chart(f"chart-{name}", views, SHRINKAGE_KEY, name, caption, still.alt, still)


def _axis(population: PopulationLine, suffix: str) -> str:
    if suffix == "":
        return f"{coefficient_word(population)} on the {link_scale(population)}"
    return f"{outcome_scale(population)} of {population.outcome_name}"


def _table_name(pools: PoolsLike, coefficient: str) -> str:
    return f"groups-{coefficients(pools).index(coefficient) + 1}"


def draw_figures(pools: PoolsLike) -> dict[str, Image]:
    """Draw every static figure, by the name of its file; one is held in memory at a time.

    Returns
    -------
    The figures of the first coefficient that varies by group; of others, how far they moved.
    """
    first, *others = coefficients(pools)
    population = pools.population(first)
    groups = f"{len(pools.table(first)):,} groups of {population.group}"
    interval = f"{percent(population.prob)} interval"
    figures = {
        "forest_no_pooling": _image(
            pools.plot_forest(first),
            "Each group under no pooling",
            f"Forest plot of {groups}: mean and {interval} under no pooling.",
        ),
        "forests_side_by_side": _image(
            pools.plot_forests(first),
            "No and partial pooling side by side",
            f"Two forest plots of {groups} on shared axes: mean and {interval} under no and partial pooling.",
        ),
        "predictions": _image(
            pools.plot_predictions(first),
            f"Expected {population.outcome_name} of each group",
            f"Expected outcome of {groups} under no and under partial pooling, with the population's line.",
        ),
        _still_name(1): _still(pools, first, groups),
        "sd": _image(
            pools.plot_sd(first),
            "Standard deviation of each group under either pooling",
            f"For {groups}, the posterior sd under partial pooling against that under no pooling, larger "
            "points for more rows.",
        ),
    }
    return figures | {_still_name(i): _still(pools, c, groups) for i, c in enumerate(others, start=2)}


def figures_section(figures: Mapping[str, Image]) -> Section:
    """Show the figures that are not interactive charts."""
    shown = ("forests_side_by_side", "predictions", "sd")
    return Section("figures", "More views", tuple(figures[name] for name in shown))


def _still_name(number: int) -> str:
    """Name the static file that shows the same as the chart of a coefficient."""
    return "shrinkage" if number == 1 else f"shrinkage_{number}"


def _still(pools: PoolsLike, coefficient: str, groups: str) -> Image:
    word = coefficient_word(pools.population(coefficient))
    alt = (
        f"Shrinkage of the {word} in {groups}: a line for each from its estimate under no pooling to that "
        "under partial pooling, placed by the group's rows, with the population's line. The table of groups "
        "has the figures."
    )
    return _image(pools.plot_shrinkage(coefficient), "How far each group moved", alt)


def _image(plot: Plot, caption: str, alt: str) -> Image:
    """Draw a figure once, as it was laid out; `savefig` would lay it out and draw it twice more."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure, png = plot.figure, io.BytesIO()
    figure.set_layout_engine("none")
    figure.set_dpi(DPI)
    canvas: Any = FigureCanvasAgg(figure)
    canvas.print_png(png, metadata={"Software": None}, pil_kwargs={"compress_type": _RUNS})
    return Image(png.getvalue(), caption, alt)
