"""Draws as tables: every number beside its own label, in three libraries."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import xarray as xr
from tests.results.fixtures import make_case

from partialpool.errors import OptionError
from partialpool.results.summaries import summary
from partialpool.results.tidy import to_arrow, to_pandas, to_polars
from partialpool.results.tree import posterior_dataset

CASE = make_case(n_chains=2, n_draws=5)
POSTERIOR = posterior_dataset(CASE.draws, CASE.layout)


def as_pandas(table: pa.Table | pl.DataFrame | pd.DataFrame) -> pd.DataFrame:
    return table if isinstance(table, pd.DataFrame) else table.to_pandas()


@pytest.mark.parametrize("make", [to_pandas, to_arrow, to_polars])
def test_wide_has_a_row_a_draw_and_a_column_a_value_of_the_summary(make) -> None:
    table = as_pandas(make(POSTERIOR))
    assert list(table.columns) == ["chain", "draw", *summary(POSTERIOR).index]
    assert table["chain"].tolist() == [0] * 5 + [1] * 5
    assert table["draw"].tolist() == [*range(5)] * 2
    effects = POSTERIOR["cat|district"].sel(cat__expr_dim="c", district__factor_dim=61)
    np.testing.assert_array_equal(table["cat|district[c, 61]"], effects.to_numpy().ravel())
    means = summary(POSTERIOR)["mean"]
    np.testing.assert_allclose(table[means.index].mean(), means, rtol=1e-12)


@pytest.mark.parametrize("make", [to_pandas, to_arrow, to_polars])
def test_long_has_a_row_a_draw_and_value(make) -> None:
    table = as_pandas(make(POSTERIOR, shape="long"))
    dims = [dim for v in POSTERIOR.values() for dim in v.dims if dim not in ("chain", "draw")]
    assert list(table.columns) == ["chain", "draw", "variable", *dict.fromkeys(dims), "value"]
    assert len(table) == CASE.layout.n_values * 10
    for name, cat, district in [
        ("cat|district", "c", 61),
        ("cat|district_sigma", "b", None),
        ("x", None, None),
    ]:
        rows = table[table["variable"] == name]
        assert rows["cat__expr_dim"].isna().all() == (cat is None)
        assert rows["district__factor_dim"].isna().all() == (district is None)
        if cat is not None:
            rows = rows[rows["cat__expr_dim"] == cat]
        if district is not None:
            rows = rows[rows["district__factor_dim"] == district]
        labels = {"cat__expr_dim": cat, "district__factor_dim": district}
        chosen = POSTERIOR[name].sel({dim: label for dim, label in labels.items() if label is not None})
        assert rows["chain"].tolist() == [0] * 5 + [1] * 5
        np.testing.assert_array_equal(rows["value"], chosen.to_numpy().ravel())


def test_wide_and_long_hold_the_same_numbers() -> None:
    wide, long = to_pandas(POSTERIOR), to_pandas(POSTERIOR, shape="long")
    np.testing.assert_array_equal(wide.drop(columns=["chain", "draw"]).to_numpy().T.ravel(), long["value"])


def test_labels_keep_their_types() -> None:
    long = to_pandas(POSTERIOR, shape="long")
    assert long["district__factor_dim"].cat.categories.tolist() == [3, 7, 61]
    assert long["district__factor_dim"].cat.categories.dtype == np.int64
    assert (
        pl.DataFrame(to_polars(POSTERIOR, ["1|district"], "long"))["district__factor_dim"].dtype == pl.Int64
    )
    groups = long[long["variable"] == "1|district"].groupby("district__factor_dim", observed=True)["value"]
    np.testing.assert_allclose(groups.mean(), POSTERIOR["1|district"].mean(("chain", "draw")))


@pytest.mark.parametrize(
    ("labels", "first"),
    [
        (pd.to_datetime(["2024-05-01", "2024-05-02", "2023-01-09"]), pd.Timestamp("2024-05-01")),
        (pd.interval_range(0, 3), "(0, 1]"),
        (np.array([True, False, True])[[0, 1, 0]][:2], True),
    ],
    ids=["dates", "intervals", "flags"],
)
def test_other_labels_become_what_the_library_has(labels, first) -> None:
    values = np.arange(2.0 * len(labels)).reshape(1, 2, len(labels))
    data = xr.Dataset(
        {"1|g": (("chain", "draw", "g__factor_dim"), values)},
        {"chain": [0], "draw": [0, 1], "g__factor_dim": labels},
    )
    assert to_pandas(data, shape="long")["g__factor_dim"].iloc[0] == data.get_index("g__factor_dim")[0]
    assert to_arrow(data, shape="long")["g__factor_dim"][0].as_py() == first
    assert to_polars(data, shape="long")["value"].to_list() == values.transpose(0, 2, 1).ravel().tolist()


def test_only_the_variables_that_are_asked_for() -> None:
    assert list(to_pandas(POSTERIOR, ["x", "shape"]).columns) == ["chain", "draw", "x", "shape"]
    assert list(to_pandas(POSTERIOR, "x", "long").columns) == ["chain", "draw", "variable", "value"]
    with pytest.raises(OptionError, match="There is no variable 'xx'"):
        to_pandas(POSTERIOR, ["xx"])


def test_changing_a_table_changes_no_draw() -> None:
    before = CASE.draws.values.copy()
    for shape in ("wide", "long"):
        table = to_pandas(POSTERIOR, shape=shape)
        table[table.columns[-1]] += 1.0
        table.iloc[0, -1] = 7.0
    np.testing.assert_array_equal(CASE.draws.values, before)


def test_another_shape_is_refused() -> None:
    with pytest.raises(OptionError, match=r"shape='tall' is not an option\.\n  Allowed: 'wide', 'long'"):
        to_pandas(POSTERIOR, shape="tall")


def test_polars_that_is_not_installed_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(OptionError, match=r"needs Polars, which is not installed\.\n  Try: pip"):
        to_polars(POSTERIOR)


def test_a_fit_of_one_chain_and_one_draw_is_a_table() -> None:
    draws = replace(CASE.draws, values=CASE.draws.values[:1, :1], stats={})
    assert to_pandas(posterior_dataset(draws, CASE.layout)).shape == (1, CASE.layout.n_values + 2)
