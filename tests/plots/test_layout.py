"""No text of any figure lies on another text or off the page, whatever the groups are called."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from tests.plots.cases import make_effects, make_table

from partialpool.plots.caterpillar import draw_effects, effects_data
from partialpool.plots.expected_outcomes import draw_outcomes, outcomes_data
from partialpool.plots.forest import draw_forest, forest_data
from partialpool.plots.sd import draw_sd, sd_data
from partialpool.plots.shrinkage import draw_shrinkage, shrinkage_data
from partialpool.pooling.population import Estimate, PopulationLine

pytestmark = pytest.mark.filterwarnings("ignore:Labels have letters")  # which those are differs by machine

ODD = [
    "The University Teaching Hospital of the Northern District 01",
    "北京市朝阳区",
    "東京都千代田区ひらがなカタカナ",
    "서울특별시",
    "محافظة القاهرة",
    "תל אביב (יפו) 12",
    "उत्तर प्रदेश",
    "চট্টগ্রাম",
    "🏥 hospital 😀",
    "$x_1$",
    "two\nlines",
    "",
    "a_b^c {d} \\frac",
    "x" * 60 + "a",
    "x" * 60 + "b",
    "中" * 60,
    "é" * 40,
    3,
]
NAMES = [f"The long name of municipality number {i} of the country" for i in range(1000)]
PAIR = ("no_pooling", "partial_pooling")

Draw = Callable[[pd.DataFrame, PopulationLine], Figure]


FIGURES: dict[str, Draw] = {
    "forests": lambda table, line: draw_forest(forest_data(table, PAIR, "outcome"), line, "outcome"),
    "outcomes": lambda table, line: draw_outcomes(outcomes_data(table), line),
    "sd": lambda table, line: draw_sd(sd_data(table), line),
    "shrinkage": lambda table, line: draw_shrinkage(shrinkage_data(table), line),
}


def unequal() -> pd.DataFrame:
    """Sixty groups of 1 to 100,000 rows, the sds following them."""
    table = make_table(60)
    n = np.geomspace(1, 100_000, 60).round().astype(int)
    sds = [f"{pooling}_sd" for pooling in PAIR]
    return table.assign(**{sd: table[sd] * np.sqrt(table["n"] / n) for sd in sds}, n=n)


def millions() -> pd.DataFrame:
    """Three groups whose estimates are millions."""
    table = make_table(3)
    estimates = [name for name in table if "pooling" in name]
    table[estimates] *= 2e5
    table[[name for name in estimates if "_sd" not in name]] += 5e6
    return table


TABLES: dict[str, Callable[[], pd.DataFrame]] = {
    "3": lambda: make_table(3),
    "60": lambda: make_table(60),
    "odd": lambda: make_table(len(ODD), list(ODD)),
    "1000": lambda: make_table(1000, list(NAMES)),
    "unequal": unequal,
    "one size": lambda: make_table(60).assign(n=30),
    "millions": millions,
    "long": lambda: make_table(3),
    "long, 1000": lambda: make_table(1000),
}


@pytest.fixture(scope="module")
def lines(line) -> dict[str, PopulationLine]:
    rate = replace(line, mean_word="rate", link="log", outcome_name="visits", coefficient="urban[T.urban]")
    odd = replace(line, group="地区 מחוז", outcome_name="وسائل منع الحمل")
    name = "the_long_name_of_something_that_varies_by_the_district_of_the_country"
    long = replace(line, group=name, outcome_name=name, coefficient=name, link="cloglog")
    many = Estimate(5e6, 1e4, 4.98e6, 5.02e6)
    score = replace(line, mean_word="mean", link="identity", on_link=many, on_outcome=many, raw=5.01e6)
    special = {"odd": odd, "unequal": rate, "millions": score, "long": long, "long, 1000": long}
    return dict.fromkeys(TABLES, line) | special


def texts(figure: Figure) -> list[Text]:
    """Collect the texts that are seen, apart from ticks beyond an axis's ends."""
    gone = set()
    for ax in figure.axes:
        for axis, (low, high) in ((ax.xaxis, ax.get_xlim()), (ax.yaxis, ax.get_ylim())):
            slack = 1e-9 * abs(high - low)
            for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
                outside = not min(low, high) - slack <= tick.get_loc() <= max(low, high) + slack
                gone |= {tick.label1, tick.label2} if outside else {tick.label2}
        if not ax.axison:
            gone |= set(ax.findobj(Text))
    return [t for t in figure.findobj(Text) if t not in gone and t.get_visible() and t.get_text().strip()]


def check(figure: Figure) -> None:
    figure.draw_without_rendering()  # puts legends in their place
    shown = texts(figure)
    boxes = [text.get_window_extent() for text in shown]
    width, height = figure.bbox.size
    for text, box in zip(shown, boxes, strict=True):
        inside = box.x0 >= -1 and box.y0 >= -1 and box.x1 <= width + 1 and box.y1 <= height + 1
        assert inside, f"{text.get_text()!r} leaves the page"
    x0, y0, x1, y1 = (np.array([getattr(box, side) for box in boxes]) for side in ("x0", "y0", "x1", "y1"))
    across = np.minimum(x1[:, None], x1) - np.maximum(x0[:, None], x0)
    down = np.minimum(y1[:, None], y1) - np.maximum(y0[:, None], y0)
    clash = np.argwhere(np.triu((across > 1) & (down > 1), 1))
    assert not len(clash), f"{[tuple(shown[i].get_text() for i in pair) for pair in clash]} overlap"
    entries = [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    assert len(entries) == len(set(entries)) >= 2
    assert all(entries)


@pytest.mark.parametrize("case", TABLES)
@pytest.mark.parametrize("name", FIGURES)
def test_texts_stay_apart_and_on_the_page(lines, name: str, case: str) -> None:
    check(FIGURES[name](TABLES[case](), lines[case]))


MANY = ("1", "hours", *(f"subject[{'x' * i}]" for i in range(30, 60, 10)))
EFFECTS = {
    "3": (range(3), MANY),
    "60": (range(60), ("1", "hours")),
    "odd": (ODD, MANY),
    "1000": (NAMES, ("1", "hours")),
}


@pytest.mark.parametrize("case", EFFECTS)
def test_texts_of_effects_stay_apart_and_on_the_page(case: str) -> None:
    labels, coefficients = EFFECTS[case]
    data = effects_data(
        make_effects(
            len(labels),
            coefficients,
            list(labels),
            factor="the_name_of_the_hospital_where_the_patients_were_treated",
        )
    )
    check(draw_effects(data, "cloglog", 0.995))


def test_overlaps_and_cut_texts_are_found() -> None:
    for places in ([(0.5, 0.5), (0.51, 0.5)], [(0.98, 0.5), (0.1, 0.5)]):
        figure = Figure()
        for place in places:
            figure.text(*place, "some words")
        with pytest.raises(AssertionError, match=r"overlap|leaves the page"):
            check(figure)
