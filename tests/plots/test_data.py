"""What figures show comes from the pooling table, unchanged."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from partialpool.errors import OptionError
from partialpool.plots.expected_outcomes import outcomes_data
from partialpool.plots.forest import forest_data
from partialpool.plots.sd import sd_data
from partialpool.plots.shrinkage import shrinkage_data

PAIR = ("no_pooling", "partial_pooling")


def joined(data: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    return data.merge(table, on="group", suffixes=("", "_table"), validate="many_to_one")


@pytest.mark.parametrize(("scale", "suffix"), [("link", ""), ("outcome", "_outcome")])
@pytest.mark.parametrize("n_groups", ["60", "1000"])
def test_forests_show_the_tables_figures(tables, n_groups: str, scale: str, suffix: str) -> None:
    table = tables(n_groups)
    data = forest_data(table, PAIR, scale)
    assert len(data) == 2 * len(table)
    for pooling, rows in data.groupby("pooling"):
        both = joined(rows, table)
        for figure in ("mean", "lower", "upper"):
            np.testing.assert_array_equal(both[figure], both[f"{pooling}_{figure}{suffix}"])


def test_both_poolings_share_rows(tables) -> None:
    data = forest_data(tables("1000"), PAIR)
    assert (data.groupby("group")["row"].nunique() == 1).all()
    assert sorted(data["row"].unique()) == list(range(1000))


@pytest.mark.parametrize(
    ("n_groups", "sort", "column"),
    [
        ("60", None, "position"),
        ("1000", None, "partial_pooling_mean"),
        ("60", "estimate", "partial_pooling_mean"),
        ("60", "n", "n"),
        ("1000", "label", "position"),
    ],
)
def test_rows_are_ordered(tables, n_groups: str, sort: str | None, column: str) -> None:
    table = tables(n_groups)
    data = forest_data(table, sort=sort)
    assert data["row"].tolist() == list(range(len(table)))
    assert table.set_index("group").loc[data["group"], column].is_monotonic_increasing


@pytest.mark.parametrize(("scale", "column"), [("link", "a"), ("outcome", "b")])
def test_estimates_are_ordered_on_the_scale_that_is_shown(tables, scale: str, column: str) -> None:
    table = tables("3")
    estimates = {"a": "partial_pooling_mean", "b": "partial_pooling_mean_outcome"}
    turned = table.assign(**{estimates["a"]: [1.0, 2.0, 3.0], estimates["b"]: [3.0, 2.0, 1.0]})
    data = forest_data(turned, ("partial_pooling",), scale, sort="estimate")
    assert data["mean"].is_monotonic_increasing
    assert turned.set_index("group").loc[data["group"], estimates[column]].is_monotonic_increasing


def test_outcomes_are_on_the_outcomes_scale(tables) -> None:
    data = outcomes_data(tables("60"))
    pd.testing.assert_frame_equal(data, forest_data(tables("60"), PAIR, "outcome"))


def test_sds_come_with_the_largest_fall_first(tables) -> None:
    table = tables("60")
    data = sd_data(table)
    assert (data["partial_pooling_sd"] - data["no_pooling_sd"]).is_monotonic_increasing
    both = joined(data, table)
    np.testing.assert_array_equal(both["no_pooling_sd"], both["no_pooling_sd_table"])


@pytest.mark.parametrize(("scale", "suffix"), [("link", ""), ("outcome", "_outcome")])
def test_shrinkage_comes_with_the_largest_move_first(tables, scale: str, suffix: str) -> None:
    table = tables("60")
    data = shrinkage_data(table, scale)
    assert (data["partial_pooling"] - data["no_pooling"]).abs().is_monotonic_decreasing
    both = joined(data, table)
    for pooling in PAIR:
        np.testing.assert_array_equal(both[pooling], both[f"{pooling}_mean{suffix}"])


def test_unknown_options_are_named(tables) -> None:
    table = tables("3")
    with pytest.raises(OptionError, match=r"no order of groups 'size'.*\n  Allowed: label, estimate, n"):
        forest_data(table, sort="size")
    with pytest.raises(OptionError, match=r"no scale 'odds'.*\n  Allowed: link, outcome"):
        shrinkage_data(table, "odds")
    with pytest.raises(
        OptionError, match=r"no pooling 'some_pooling'.*\n  Allowed: no_pooling, partial_pooling"
    ):
        forest_data(table, ("some_pooling",))
