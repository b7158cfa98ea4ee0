"""Figures of 1, 3, 60 and 1,000 groups and of long labels show what they should."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from partialpool.plots.expected_outcomes import draw_outcomes, outcomes_data
from partialpool.plots.forest import draw_forest, forest_data
from partialpool.plots.sd import draw_sd, sd_data
from partialpool.plots.shrinkage import draw_shrinkage, shrinkage_data
from partialpool.pooling.population import PopulationLine

PAIR = ("no_pooling", "partial_pooling")
Draw = Callable[[pd.DataFrame, PopulationLine], Figure]

FIGURES: dict[str, Draw] = {
    "forest": lambda table, line: draw_forest(forest_data(table), line),
    "pair": lambda table, line: draw_forest(forest_data(table, PAIR), line),
    "outcomes": lambda table, line: draw_outcomes(outcomes_data(table), line),
    "sd": lambda table, line: draw_sd(sd_data(table), line),
    "shrinkage": lambda table, line: draw_shrinkage(shrinkage_data(table), line),
    "shrinkage, outcome": lambda table, line: draw_shrinkage(
        shrinkage_data(table, "outcome"), line, "outcome"
    ),
}
pytestmark = pytest.mark.filterwarnings("ignore:Labels have letters")  # which those are differs by machine

ROWS = ("forest", "pair", "outcomes")
CASES = ("1", "3", "60", "1000", "long")


@pytest.fixture(scope="module")
def figures(tables, line) -> Callable[[str, str], Figure]:
    made: dict[tuple[str, str], Figure] = {}

    def figure(name: str, case: str) -> Figure:
        if (name, case) not in made:
            made[name, case] = FIGURES[name](tables(case), line)
        return made[name, case]

    return figure


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", FIGURES)
def test_the_legend_says_something_and_covers_no_axes(figures, name: str, case: str) -> None:
    figure = figures(name, case)
    (legend,) = figure.legends
    texts = [text.get_text() for text in legend.get_texts()]
    assert len(texts) == len(set(texts)) >= 2
    assert all(texts)
    assert len(legend.legend_handles) == len(texts)
    box = legend.get_window_extent()
    assert not box.count_overlaps([ax.bbox for ax in figure.axes])
    assert all(box.y1 <= ax.xaxis.label.get_window_extent().y0 + 1 for ax in figure.axes)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", ROWS)
def test_rows_are_labelled_as_far_as_there_is_room(figures, name: str, case: str) -> None:
    ax = figures(name, case).axes[0]
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert len(set(labels)) == {"1": 1, "3": 3, "60": 60, "1000": 100, "long": 7}[case]
    assert all(labels)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", ["sd", "shrinkage"])
def test_some_points_have_names_that_cross_no_line(figures, name: str, case: str) -> None:
    ax = figures(name, case).axes[0]
    boxes = [text.get_window_extent() for text in ax.texts]
    assert 1 <= len(boxes) <= 8
    lines = [
        ax.transData.transform(ends)
        for c in ax.collections
        if hasattr(c, "get_segments")
        for ends in c.get_segments()
    ]
    assert not any(
        box.x0 < x < box.x1 and min(y) < box.y1 and box.y0 < max(y)
        for box in boxes
        for (x, _), y in ((ends[0], ends[:, 1]) for ends in lines)
    )


def test_every_group_is_drawn(figures, tables) -> None:
    for case in ("3", "1000"):
        table = tables(case)
        left, right = figures("pair", case).axes
        for ax, pooling in ((left, "no_pooling"), (right, "partial_pooling")):
            (points,) = [drawn for drawn in ax.lines if len(drawn.get_xdata()) == len(table)]
            np.testing.assert_allclose(np.sort(points.get_xdata()), np.sort(table[f"{pooling}_mean"]))
            assert sum(len(c.get_segments()) for c in ax.collections if hasattr(c, "get_segments")) == len(
                table
            )
        assert left.get_xlim() == right.get_xlim()
        assert left.get_ylim() == right.get_ylim()


def test_a_crowded_figure_says_how_many_labels_it_shows(figures) -> None:
    assert figures("forest", "1000").axes[0].get_ylabel() == "district (1 label in 10, 1,000 in all)"
    assert figures("forest", "60").axes[0].get_ylabel() == "district"


def test_outcomes_show_the_line_and_the_raw_proportion(figures) -> None:
    (ax,) = figures("outcomes", "60").axes
    at = {drawn.get_label(): drawn.get_xdata()[0] for drawn in ax.lines if len(drawn.get_xdata()) == 2}
    assert at == {"population's line, 89% interval": 0.37, "raw proportion of all rows": 0.39}
    assert ax.get_xlabel() == "probability of use.contraception (mean, 89% interval)"


def test_sizes_of_points_follow_rows(figures, tables) -> None:
    (ax,) = figures("sd", "60").axes
    sizes = ax.collections[0].get_sizes()
    order = sd_data(tables("60"))["n"].to_numpy()
    assert np.corrcoef(sizes, order)[0, 1] == pytest.approx(1)


def test_scales_are_named_for_any_family(tables, line) -> None:
    rate = replace(line, mean_word="rate", link="log", outcome_name="visits")
    (ax,) = draw_outcomes(outcomes_data(tables("3")), rate).axes
    assert ax.get_xlabel() == "expected rate of visits (mean, 89% interval)"
    (ax,) = draw_forest(forest_data(tables("3")), replace(rate, coefficient="x")).axes
    assert ax.get_xlabel() == "coefficient of x on the log scale (mean, 89% interval)"


def test_names_of_columns_that_no_font_has_or_that_are_long(tables, line) -> None:
    odd = replace(line, group="地区", outcome_name="a" * 99)
    figure = draw_outcomes(outcomes_data(tables("3")), odd)
    figure.savefig(io.BytesIO())
    assert len(figure.axes[0].get_xlabel()) < 90


def test_groups_of_one_size(tables, line) -> None:
    figure = draw_shrinkage(shrinkage_data(tables("60").assign(n=30)), line)
    x = figure.axes[0].lines[-1].get_xdata()
    assert len(np.unique(x)) == 60


def test_the_users_settings_are_left_alone(tables, line) -> None:
    before = dict(mpl.rcParams)
    draw_forest(forest_data(tables("3")), line)
    assert dict(mpl.rcParams) == before


def test_a_group_whose_rows_have_no_weight_is_drawn(tables, line) -> None:
    """It has no size, and a log axis has no place for none."""
    table = tables("3")
    table = table.assign(n=[0, *table["n"][1:]])
    figure = draw_shrinkage(shrinkage_data(table), line)
    assert figure.axes[0].get_xlim()[0] == pytest.approx(0.5 / 1.25)
