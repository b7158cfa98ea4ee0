"""Combinations of raw columns stand for their rows, whatever the columns hold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from partialpool.data import frame as module
from partialpool.data.frame import distinct_combinations, every_row, kinds_of
from partialpool.formula.plain import plain_columns

DAYS = pd.to_datetime(["2024-05-01", "2023-01-09", "2024-05-02"])


@pytest.fixture(autouse=True)
def no_row_is_too_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FEW", 0)


def table(n: int = 400, seed: int = 2) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "text": rng.choice(["b c", "a", "年齢"], n),
            "whole": rng.choice([3, -7, 2**53 + 1], n),
            "real": rng.choice([0.5, -0.0, 1e-300], n),
            "flag": rng.integers(0, 2, n).astype(bool),
            "day": DAYS[rng.integers(0, 3, n)],
            "zoned": DAYS.tz_localize("Europe/Berlin")[rng.integers(0, 3, n)],
            "cut": pd.cut(rng.uniform(0, 2, n), [0, 1, 2]),
            "scale": pd.Categorical(rng.choice(["lo", "hi"], n), ["lo", "hi"], ordered=True),
            "kind": pd.Categorical(rng.choice(["u", "v"], n), ["v", "u", "never"]),
            "nullable": pd.array(rng.choice([4, 5], n), "Int64"),
            "maybe": pd.array(rng.integers(0, 2, n).astype(bool), "boolean"),
            "string": pd.array(rng.choice(["s", "t"], n), "string"),
            "arrow": pd.array(rng.choice([0.25, 7.0], n), "double[pyarrow]"),
            "arrow text": pd.array(rng.choice(["p", "q"], n), pd.ArrowDtype(pa.string())),
            "arrow day": pd.array(DAYS[rng.integers(0, 3, n)].date, pd.ArrowDtype(pa.date32())),
        }
    )


def plain(data: pd.DataFrame) -> pd.DataFrame:
    return plain_columns(data, list(data), np.arange(len(data)))


@pytest.mark.parametrize(
    "names",
    [
        ["text"],
        ["whole", "real"],
        ["flag", "day"],
        ["zoned", "text"],
        ["cut", "scale", "kind"],
        ["nullable", "maybe"],
        ["string", "arrow", "arrow text", "arrow day"],
    ],
)
def test_each_row_is_its_combination(names: list[str]) -> None:
    rows = plain(table())[names]
    frame = distinct_combinations(rows)
    assert frame.row is not None
    assert frame.n_rows == len(rows)
    assert len(frame.table) == len(rows.drop_duplicates())
    pd.testing.assert_frame_equal(frame.table.iloc[frame.row].reset_index(drop=True), rows)


def test_totals_are_sums_of_weights_over_rows() -> None:
    rows, weights = (
        plain(table())[["text", "flag"]],
        np.random.default_rng(1).integers(0, 4, 400).astype(float),
    )
    frame = distinct_combinations(rows)
    expected = rows.assign(w=weights).groupby(["text", "flag"], observed=True, sort=False)["w"].sum()
    np.testing.assert_array_equal(frame.totals(weights), expected)
    np.testing.assert_array_equal(frame.totals(None), rows.value_counts(sort=False)[expected.index])
    assert every_row(rows).totals(None) is None
    assert every_row(rows).totals(weights) is weights


def test_rows_that_differ_are_taken_as_they_are() -> None:
    rows = pd.DataFrame({"x": np.random.default_rng(0).normal(size=100)})
    frame = distinct_combinations(rows)
    assert frame.row is None
    assert frame.table is rows
    assert frame.by_row(np.arange(100)) is not None


def test_few_rows_are_taken_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FEW", 5000)
    same = pd.DataFrame({"x": np.ones(5000)})
    assert distinct_combinations(same[1:]).row is None
    assert len(distinct_combinations(same).table) == 1


@pytest.mark.parametrize(("pairs", "joined"), [(0, False), (3, False), (15_000, False), (25_000, True)])
@pytest.mark.parametrize("ordered", [True, False])
def test_many_rows_are_looked_at_by_a_sample(pairs: int, joined: bool, ordered: bool) -> None:
    x = np.arange(50_000.0)
    x[:pairs] = x[pairs : 2 * pairs]
    x = np.sort(x) if ordered else x
    assert (distinct_combinations(pd.DataFrame({"x": x})).row is not None) == joined


def test_a_million_rows() -> None:
    x, g = np.random.default_rng(5).integers(0, (40, 250), (10**6, 2)).T
    frame = distinct_combinations(pd.DataFrame({"x": x / 4, "g": g}))
    assert frame.row is not None
    assert len(frame.table) == 10_000
    np.testing.assert_array_equal(frame.by_row(frame.table["x"].to_numpy()), x / 4)
    np.testing.assert_array_equal(frame.by_row(frame.table["g"].to_numpy()), g)
    totals = frame.totals(None)
    assert totals is not None
    np.testing.assert_array_equal(totals, np.bincount(frame.row))


def test_the_sign_of_zero_makes_no_difference() -> None:
    frame = distinct_combinations(pd.DataFrame({"x": [0.0, -0.0, 1.0, -0.0, 0.0, 1.0]}))
    assert frame.row is not None
    assert frame.row.tolist() == [0, 0, 1, 0, 0, 1]


def test_rows_that_were_left_out_are_in_no_combination() -> None:
    data = table()
    rows = np.flatnonzero(data["text"] != "a")
    frame = distinct_combinations(plain_columns(data, ["text", "flag"], rows))
    assert frame.n_rows == len(rows)
    assert frame.rows["text"].tolist() == data["text"].to_numpy()[rows].tolist()


def test_text_is_of_one_type_whatever_it_was() -> None:
    rows = plain(table())
    types = {rows[name].cat.categories.dtype for name in ("text", "string", "arrow text")}
    assert len(types) == 1


@pytest.mark.parametrize("n", [1, 2, 3])
def test_no_columns_and_few_rows(n: int) -> None:
    frame = distinct_combinations(pd.DataFrame(index=pd.RangeIndex(n)))
    assert frame.by_row(np.arange(len(frame.table))).shape == (n,)


def test_rows_come_back_as_they_were() -> None:
    data = table()[["text", "flag", "cut", "scale", "kind", "whole"]]
    rows = plain(data)
    frame = distinct_combinations(rows, ["text", "flag", "cut", "scale", "kind"])
    assert frame.others is not None
    again = replace(frame, kinds=kinds_of(data, rows)).rows[list(data)]
    used = data.assign(kind=data["kind"].cat.remove_unused_categories())
    intervals = again["cut"].cat.as_ordered()
    pd.testing.assert_frame_equal(again.assign(cut=intervals), used)


def test_kinds_are_those_of_the_users_table() -> None:
    data = table().assign(objects=np.array(["x"] * 400, dtype=object), numbers=[0.5] * 400)
    assert kinds_of(data, plain(data)) == {
        "text": "text",
        "cut": "ordered",
        "scale": "ordered",
        "kind": "categories",
        "string": "text",
        "arrow text": "text",
        "objects": "text",
        "arrow day": "days",
    }
