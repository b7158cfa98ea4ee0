"""A fit's group effects: what is drawn, in which order, in how many panels."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from tests.plots.cases import make_effects

from partialpool.errors import OptionError
from partialpool.plots.caterpillar import draw_effects, effects_data


def test_the_data_are_the_tables() -> None:
    table = make_effects(60, ("1", "x"))
    data = effects_data(table)
    assert len(data) == 120
    both = data.merge(table, on=["factor", "group", "coefficient"], suffixes=("", "_table"))
    for figure, column in {
        "mean": "mean_table",
        "n": "n_table",
        "lower": "hdi_5.5%",
        "upper": "hdi_94.5%",
    }.items():
        np.testing.assert_array_equal(both[figure], both[column])
    assert (data["population"] == 0).all()


@pytest.mark.parametrize(
    ("n_groups", "sort", "column"),
    [
        (60, None, "group"),
        (1000, None, "mean"),
        (60, "mean", "mean"),
        (60, "n", "n"),
        (1000, "label", "group"),
    ],
)
def test_groups_are_ordered_by_the_first_coefficient(n_groups: int, sort: str | None, column: str) -> None:
    data = effects_data(make_effects(n_groups, ("1", "x")), sort=sort)
    first, second = (rows for _, rows in data.groupby("coefficient", sort=False))
    assert first[column].is_monotonic_increasing
    assert first["row"].tolist() == list(range(n_groups))
    assert first["group"].tolist() == second["group"].tolist()


def test_totals_are_drawn_about_the_population() -> None:
    effects = make_effects(60, ("1", "x"))
    shift = np.repeat([-0.5, 1.25], 60)
    ends = ["mean", "hdi_5.5%", "hdi_94.5%"]
    totals = effects.assign(**{end: effects[end] + shift for end in ends})
    data = effects_data(effects, totals, sort="mean")
    assert data.groupby("coefficient")["population"].mean().to_dict() == pytest.approx({"1": -0.5, "x": 1.25})
    np.testing.assert_allclose(data["mean"] - data["lower"], 1.6 * data["sd"])
    figure = draw_effects(data, "log", 0.9)
    for ax, at in zip(figure.axes, (-0.5, 1.25), strict=True):
        assert ax.lines[0].get_xdata() == pytest.approx([at, at])
        assert ax.get_xlabel() == "coefficient, log scale"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "population",
        "g: mean and 90% interval",
    ]


@pytest.mark.parametrize(("n_coefficients", "shape"), [(1, (1, 1)), (3, (1, 3)), (4, (2, 3))])
def test_panels(n_coefficients: int, shape: tuple[int, int]) -> None:
    names = ("1", *(f"x{i}" for i in range(1, n_coefficients)))
    figure = draw_effects(effects_data(make_effects(3, names)), "logit", 0.89)
    assert figure.axes[0].get_gridspec().get_geometry() == shape
    drawn = [ax for ax in figure.axes if ax.axison]
    assert [ax.get_title() for ax in drawn] == ["intercept", *names[1:]]
    assert all(ax.get_xlabel() == "deviation from the population, log-odds scale" for ax in drawn)


def test_one_of_several_factors_must_be_chosen() -> None:
    table = pd.concat([make_effects(3), make_effects(4, factor="h")], ignore_index=True)
    assert effects_data(table, group="h")["group"].tolist() == [1, 2, 3, 4]
    with pytest.raises(OptionError, match=r"2 grouping factors.*\n  Allowed: g, h\n  Try: group='g'"):
        effects_data(table)
    with pytest.raises(OptionError, match=r"no grouping factor 'k'.*\n  Allowed: g, h"):
        effects_data(table, group="k")


def test_without_groups_and_with_an_unknown_order() -> None:
    with pytest.raises(OptionError, match=r"no group-level term.*\n  Try: add one"):
        effects_data(make_effects(3).iloc[:0])
    with pytest.raises(OptionError, match=r"no order of groups 'size'.*\n  Allowed: label, mean, n"):
        effects_data(make_effects(3), sort="size")
