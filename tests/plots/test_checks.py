"""Figures of checks and residuals, of 3, 60 and 1,000 groups and of long labels: complete, legible, true."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from tests.checking.made import drawn_from, made_table, prior_fit
from tests.inference.models import model

from partialpool.checking.check import check
from partialpool.checking.report import Check
from partialpool.checking.residuals import quantile_residuals
from partialpool.errors import OptionError
from partialpool.inference.prior import sample_prior
from partialpool.plots.check_distribution import check_distribution_data, draw_check_distribution
from partialpool.plots.check_groups import check_groups_data, draw_check_groups
from partialpool.plots.check_statistics import check_statistics_data, draw_check_statistics
from partialpool.plots.residual_plot import (
    draw_residual_groups,
    draw_residuals,
    residual_groups_data,
    residuals_data,
)
from partialpool.results.fitted import Fitted

pytestmark = pytest.mark.filterwarnings("ignore:Labels have letters")  # which those are differs by machine

LONG = [
    "Upazila of Chapai Nawabganj Sadar and its surroundings",
    "东京都千代田区",
    "Łódź $x$",
    "x" * 90,
    "北京市",
]
CASES = {
    "3": ("poisson", 3, 90, None),
    "60": ("binomial", 60, 900, None),
    "1000": ("negative_binomial", 1000, 4000, None),
    "long": ("gaussian", 5, 100, LONG),
}
Drawn = tuple[pd.DataFrame, Figure]

FIGURES: dict[str, Callable[[Check, pd.DataFrame], Drawn]] = {
    "groups": lambda c, _: _drawn(check_groups_data(c), draw_check_groups, c),
    "statistics": lambda c, _: _drawn(check_statistics_data(c), draw_check_statistics, c),
    "distribution": lambda c, _: _drawn(check_distribution_data(c), draw_check_distribution, c),
    "residuals": lambda _, r: _drawn(residuals_data(r, 0.89), draw_residuals, "y", "rate", 0.89),
    "residual groups": lambda _, r: _drawn(
        residual_groups_data(r, str(r.columns[0]), 0.89), draw_residual_groups, str(r.columns[0]), 0.89
    ),
}
ROWS = ("groups", "residual groups")


def _drawn(data: pd.DataFrame, draw: Callable[..., Figure], *others: Any) -> Drawn:
    return data, draw(data, *others)


def made(case: str) -> tuple[Check, pd.DataFrame]:
    family, n_groups, n, labels = CASES[case]
    table = made_table(n, n_groups)
    if labels:
        table["g"] = np.array(labels, dtype=object)[table["g"] // 10]
    table = table.assign(y=drawn_from(prior_fit(family, table), 1))
    fitted = prior_fit(family, table, draws=100)
    return check(fitted, 1), quantile_residuals(fitted, 1)


@pytest.fixture(scope="module")
def drawn() -> Callable[[str, str], Drawn]:
    sources: dict[str, tuple[Check, pd.DataFrame]] = {}
    found: dict[tuple[str, str], Drawn] = {}

    def of(name: str, case: str) -> Drawn:
        if case not in sources:
            sources[case] = made(case)
        if (name, case) not in found:
            found[name, case] = FIGURES[name](*sources[case])
        return found[name, case]

    return of


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", FIGURES)
def test_it_can_be_saved_and_nothing_is_cut_off(drawn, name: str, case: str) -> None:
    _, figure = drawn(name, case)
    page = io.BytesIO()
    figure.savefig(page, format="png")
    assert page.getvalue().startswith(b"\x89PNG")
    tight, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    assert min(tight.x0, tight.y0) >= -0.02
    assert tight.x1 <= width + 0.02
    assert tight.y1 <= height + 0.02


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", FIGURES)
def test_the_legend_says_something_and_covers_no_axes(drawn, name: str, case: str) -> None:
    _, figure = drawn(name, case)
    (legend,) = figure.legends
    texts = [text.get_text() for text in legend.get_texts()]
    assert len(texts) == len(set(texts)) >= 2
    assert not legend.get_window_extent().count_overlaps([ax.bbox for ax in figure.axes])


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", ROWS)
def test_labels_of_rows_do_not_overlap(drawn, name: str, case: str) -> None:
    _, figure = drawn(name, case)
    boxes = [label.get_window_extent() for label in figure.axes[0].get_yticklabels() if label.get_text()]
    assert len(boxes) == {"3": 3, "60": 60, "1000": 100, "long": 5}[case]
    assert all(above.y0 > below.y1 - 1 for above, below in pairwise(boxes))


@pytest.mark.parametrize("case", CASES)
def test_titles_of_panels_do_not_overlap(drawn, case: str) -> None:
    _, figure = drawn("statistics", case)
    boxes = [ax.title.get_window_extent() for ax in figure.axes]
    assert not any(box.count_overlaps(boxes[:i]) for i, box in enumerate(boxes))


@pytest.mark.parametrize("case", ["3", "1000"])
def test_every_group_is_drawn_where_the_data_say(drawn, case: str) -> None:
    data, figure = drawn("groups", case)
    (ax,) = figure.axes
    points = [line for line in ax.lines if str(line.get_label()).startswith("observed")]
    at = np.concatenate([np.column_stack(line.get_data()) for line in points])
    expected = data[["observed", "row"]].to_numpy()
    np.testing.assert_allclose(at[np.argsort(at[:, 1])], expected)
    odd = [line for line in points if "does not fit" in str(line.get_label())]
    assert sum(len(line.get_xdata()) for line in odd) == (data["verdict"] != "fits").sum()
    (intervals,) = [c for c in ax.collections if hasattr(c, "get_segments")]
    ends = np.array([segment[:, 0] for segment in intervals.get_segments()])
    np.testing.assert_allclose(ends, data[["lower", "upper"]])


def test_every_statistic_has_a_panel_with_its_data_sets(drawn) -> None:
    data, figure = drawn("statistics", "3")
    names = list(dict.fromkeys(data["statistic"]))
    assert [ax.get_title().split("\n")[0] for ax in figure.axes] == names
    for ax, name in zip(figure.axes, names, strict=True):
        rows = data[data["statistic"] == name]
        assert [bar.get_height() for bar in ax.patches] == rows["data_sets"].tolist()
        assert ax.lines[0].get_xdata()[0] == rows["observed"].iloc[0]
        assert 97 <= rows["data_sets"].sum() <= 100  # all but the outermost
        assert rows["left"].min() <= rows["observed"].iloc[0] <= rows["right"].max()


def test_counts_stand_on_a_square_root_scale(drawn) -> None:
    data, figure = drawn("distribution", "3")
    (ax,) = figure.axes
    assert ax.get_ylabel() == "rows (square root scale)"
    assert [bar.get_height() for bar in ax.patches] == data["observed"].tolist()
    assert ax.get_xticklabels()[-1].get_text().endswith("+")
    assert drawn("distribution", "60")[1].axes[0].get_xlabel() == "proportion of y"


def test_residuals_are_all_there(drawn) -> None:
    data, figure = drawn("residuals", "3")
    assert data["part"].value_counts().to_dict() == {"normal": 90, "expected": 90, "means": 9}
    left, right = figure.axes
    np.testing.assert_array_equal(left.lines[-1].get_ydata(), data["residual"][:90])
    np.testing.assert_array_equal(right.lines[0].get_ydata(), data["residual"][90:180])
    np.testing.assert_array_equal(right.lines[-1].get_ydata(), data["residual"][180:])


def test_expected_rates_of_all_sizes_are_on_a_log_scale() -> None:
    wide = pd.DataFrame({"expected": np.geomspace(0.1, 1000, 60), "residual": np.linspace(-2, 2, 60)})
    for residuals, scale in (wide, "log"), (wide.assign(expected=wide["expected"] - 1), "linear"):
        figure = draw_residuals(residuals_data(residuals, 0.89), "y", "rate", 0.89)
        assert [ax.get_xscale() for ax in figure.axes] == ["linear", scale]


def test_the_legend_says_how_many_groups_chance_gives() -> None:
    """Of groups that are far apart, and known to be, many are odd; the legend counts them."""
    table = made_table(600, 60).assign(y=lambda d: (d["g"] % 20 == 0) * 9.0)
    fitted = prior_fit("gaussian", table, draws=100)
    found, residuals = replace(check(fitted, 1), kind="posterior"), quantile_residuals(fitted, 1)
    figure = draw_check_groups(check_groups_data(found), found)
    odd = int((found.groups()["verdict"] != "fits").sum())
    assert f"observed: does not fit\n({odd} of 60; chance gives about 3)" in legend_of(figure)
    data = residual_groups_data(residuals, "g", 0.89)
    odd = int(((data["mean"] < data["lower"]) | (data["mean"] > data["upper"])).sum())
    words = f"mean residual outside\n({odd} of 60; chance gives about 7)"
    assert words in legend_of(draw_residual_groups(data, "g", 0.89))
    prior = check(fitted, 1)
    assert "observed: does not fit" in legend_of(draw_check_groups(check_groups_data(prior), prior))


def legend_of(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


@pytest.mark.parametrize(("sort", "column"), [("estimate", "mean"), ("n", "n"), ("p", "p")])
def test_groups_are_ordered(sort: str, column: str) -> None:
    found, residuals = made("60")
    data = check_groups_data(found, sort=sort)
    assert data[column].is_monotonic_increasing
    assert data["row"].tolist() == list(range(60))
    with pytest.raises(OptionError, match=r"no order of groups 'size'.*\n  Allowed: label, estimate, n, p"):
        check_groups_data(found, sort="size")
    with pytest.raises(OptionError, match=r"no order of groups 'p'.*\n  Allowed: label, estimate, n$"):
        residual_groups_data(residuals, "g", 0.89, sort="p")


def test_figures_of_wide_priors_are_stretched() -> None:
    """Default priors of a log link make counts of all sizes."""
    spec = model("y ~ x + (1 | g)", made_table().assign(y=3), "poisson")
    found = check(Fitted(spec, sample_prior(spec, 400, 1)), 1)
    data = check_statistics_data(found)
    assert (data.groupby("statistic")["linear_width"].first() < np.inf).mean() > 0.5
    assert data.groupby("statistic")["data_sets"].apply(lambda n: (n > 0).sum()).min() > 5
    figure = draw_check_statistics(data, found)
    assert {ax.get_xscale() for ax in figure.axes} == {"asinh", "linear"}
    (ax,) = draw_check_groups(check_groups_data(found), found).axes
    assert ax.get_xscale() == "asinh"
