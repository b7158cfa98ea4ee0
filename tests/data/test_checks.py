"""Columns are there, complete and finite, or the message says which rows are not."""

import numpy as np
import pandas as pd
import pytest

from partialpool.data.checks import complete_rows, missing_rows, require_columns, require_finite
from partialpool.errors import DataError, OptionError

TABLE = pd.DataFrame({"y": [1.0, np.nan, 3.0], "g": ["a", "b", None], "full": [1, 2, 3], "gaps": [None] * 3})


def test_an_absent_column_is_answered_with_the_near_one():
    require_columns(TABLE, ["y", "g"])
    with pytest.raises(DataError) as caught:
        require_columns(TABLE, ["y", "ful"])
    assert str(caught.value) == "There is no column 'ful'.\n  Allowed: y, g, full, gaps\n  Try: 'full'"


@pytest.mark.parametrize(
    ("asked", "columns", "near"),
    [
        ("G", ["y", "g"], "'g'"),
        ("USE", ["use", "age"], "'use'"),
        ("g", ["G", "Gg", "y"], "'G'"),
        ("Agee", ["AGE", "age", "urban"], "'AGE' or 'age'"),
    ],
)
def test_a_column_that_differs_in_capitals_is_near(asked, columns, near):
    table = pd.DataFrame({name: [1] for name in columns})
    with pytest.raises(DataError) as caught:
        require_columns(table, [asked])
    assert str(caught.value) == (
        f"There is no column {asked!r}.\n  Allowed: {', '.join(columns)}\n  Try: {near}"
    )


def test_missing_values_count_only_in_the_columns_that_are_used():
    assert missing_rows(TABLE, ["full"]).tolist() == [False, False, False]
    assert missing_rows(TABLE, ["y", "g"]).tolist() == [False, True, True]
    assert complete_rows(TABLE, ["full"]).tolist() == [0, 1, 2]
    assert complete_rows(TABLE, []).tolist() == [0, 1, 2]


def test_missing_values_are_refused_by_default_with_their_rows():
    with pytest.raises(DataError) as caught:
        complete_rows(TABLE, ["y", "g", "full"])
    assert str(caught.value) == (
        "2 of 3 rows have missing values:\n"
        "    'y': 1 (row 1, counted from 0)\n"
        "    'g': 1 (row 2, counted from 0)\n"
        "  Try: missing='drop' to leave those rows out, or fill the values in"
    )


def test_dropping_keeps_the_complete_rows():
    assert complete_rows(TABLE, ["y", "g"], "drop").tolist() == [0]


@pytest.mark.parametrize(("missing", "start"), [("error", ""), ("drop", "No row is left: ")])
def test_where_no_row_is_left_the_columns_that_lack_values_are_named(missing, start):
    with pytest.raises(DataError) as caught:
        complete_rows(TABLE, ["full", "y", "gaps"], missing)
    assert str(caught.value) == (
        f"{start}3 of 3 rows have missing values:\n"
        "    'y': 1 (row 1, counted from 0)\n"
        "    'gaps': 3 (rows 0, 1, 2, counted from 0)\n"
        "  Try: fill in 'gaps', which has no value at all, or leave it out"
    )
    scattered = pd.DataFrame({"y": [1.0, np.nan], "x": [np.nan, 1.0], "full": [1, 2]})
    with pytest.raises(DataError) as caught:
        complete_rows(scattered, ["y", "x", "full"], missing)
    assert str(caught.value) == (
        f"{start}2 of 2 rows have missing values:\n"
        "    'y': 1 (row 1, counted from 0)\n"
        "    'x': 1 (row 0, counted from 0)\n"
        "  Try: fill values in, or leave one of these columns out"
    )


def test_another_way_with_missing_values_is_refused():
    with pytest.raises(OptionError, match=r"missing='ignore' is not an option\.\n  Allowed: 'error', 'drop'"):
        complete_rows(TABLE, ["y"], "ignore")


@pytest.mark.parametrize("shape", [(8,), (8, 2)])
def test_values_that_are_not_finite_are_counted(shape):
    values = np.ones(shape)
    rows = pd.Index(range(10, 18))
    require_finite(values, "Column 'x'", rows)
    values[1:7] = np.inf
    with pytest.raises(
        DataError, match=r"Column 'x' is infinite .* in 6 rows \(rows 11, 12, 13, 14, 15, \.\.\., "
    ):
        require_finite(values, "Column 'x'", rows)
