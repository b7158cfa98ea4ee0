"""Every kind of table is read alike, and what is not a table is refused in words."""

import gzip
from pathlib import Path

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pyarrow import feather

from partialpool.data.tables import read_table
from partialpool.errors import DataError, FileError

COLUMNS = {
    "use.contraception": [0, 1, 1],
    "odd name": [1.5, 2.5, -1.0],
    "年齢": ["x", "é", "z"],
    "urban": [True, False, True],
}
PANDAS = pd.DataFrame(COLUMNS)


class ArrowStream:
    """A table of a library that nobody has heard of, which speaks Arrow's protocol."""

    def __init__(self, table):
        self.schema = table.schema
        self._table = table

    def __arrow_c_stream__(self, requested_schema=None):
        return self._table.__arrow_c_stream__(requested_schema)


SOURCES = {
    "pandas": PANDAS,
    "dict": COLUMNS,
    "dict of arrays": {name: np.array(values) for name, values in COLUMNS.items()},
    "polars": pl.DataFrame(COLUMNS),
    "polars, lazy": pl.DataFrame(COLUMNS).lazy(),
    "pyarrow": pa.table(COLUMNS),
    "narwhals": nw.from_native(pl.DataFrame(COLUMNS)),
    "Arrow stream": ArrowStream(pa.table(COLUMNS)),
}


def same_values(table, expected=PANDAS):
    assert list(table.columns) == list(expected.columns)
    assert table.to_dict("list") == expected.to_dict("list")


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES.keys())
def test_every_kind_of_table_gives_the_same(source):
    table = read_table(source)
    same_values(table)
    assert table["use.contraception"].dtype.kind == "i"
    assert table["urban"].dtype == bool


def write(path):
    ending = path.name.removeprefix("women")
    if ending == ".parquet":
        PANDAS.to_parquet(path)
    elif ending in (".arrow", ".feather"):
        feather.write_feather(pa.table(COLUMNS), path)
    else:
        separator = {".tsv": "\t", ".txt": ";"}.get(ending, ",")
        text = PANDAS.to_csv(index=False, sep=separator).encode()
        path.write_bytes(gzip.compress(text) if ending.endswith(".gz") else text)


@pytest.mark.parametrize(
    "ending", [".csv", ".tsv", ".txt", ".csv.gz", ".CSV", ".parquet", ".arrow", ".feather"]
)
@pytest.mark.parametrize("as_text", [True, False])
def test_every_kind_of_file_gives_the_same(tmp_path, ending, as_text):
    path = tmp_path / f"women{ending}"
    write(path)
    table = read_table(str(path) if as_text else path)
    same_values(table)
    assert table["use.contraception"].dtype == np.int64


def test_a_file_may_have_a_name_that_looks_like_a_pattern(tmp_path):
    path = tmp_path / "a[1]*.csv"
    path.write_text("y\n1\n0\n", "utf-8")
    assert read_table(path)["y"].tolist() == [1, 0]


def test_missing_values_of_a_file_are_found_and_other_columns_stay_integer(tmp_path):
    path = tmp_path / "gaps.csv"
    path.write_text("y,x,s,n\n1,NA,,1\n0,2,a,2\n", "utf-8")
    table = read_table(path)
    assert table.isna().to_numpy().tolist() == [[False, True, True, False], [False] * 4]
    assert table["y"].dtype == np.int64
    assert table["n"].dtype == np.int64


def test_a_type_that_changes_late_in_a_file_is_seen(tmp_path):
    path = tmp_path / "late.csv"
    path.write_text("y\n" + "1\n" * 30_000 + "a\n", "utf-8")
    assert read_table(path)["y"].iloc[-1] == "a"


def test_the_user_s_table_is_not_changed():
    mine = pd.DataFrame({"y": [1, 2], 3: [4, 5]}, index=["a", "b"])
    before = mine.copy(deep=True)
    table = read_table(mine)
    table["y"] = 0
    table.loc[:, "3"] = 9
    pd.testing.assert_frame_equal(mine, before)
    assert list(table.columns) == ["y", "3"]


def test_a_type_that_arrow_lacks_is_refused_in_words() -> None:
    with pytest.raises(DataError, match="A column of the table cannot be read"):
        read_table(pl.DataFrame({"g": [2**70, 1]}, schema={"g": pl.Int128}))


NOT_TABLES = {
    "array": (np.ones((2, 2)), "numpy.ndarray is not a table"),
    "list": ([1, 2], "builtins.list is not a table"),
    "nothing": (None, "builtins.NoneType is not a table"),
    "pandas series": (pd.Series([1]), r"pandas.*Series is not a table[\s\S]*Try: source.to_frame\(\)"),
    "polars series": (pl.Series([1]), "Series is not a table"),
    "Arrow array": (pa.array([1]), "Int64Array is not a table"),
    "dict of numbers": (
        {"a": 1},
        r"The dict is not a table: [\s\S]*Allowed: a dict of columns of one length",
    ),
    "ragged dict": ({"a": [1], "b": [1, 2]}, "The dict is not a table: .*same length"),
    "no rows": ({"a": []}, "The table is empty: 0 rows, 1 columns"),
    "no columns": (pd.DataFrame(index=range(3)), "The table is empty: 3 rows, 0 columns"),
    "one name twice": (pd.DataFrame([[1, 2, 3]], columns=["a", "b", "a"]), r"the same name: 'a' \(2 times\)"),
    "levels of names": (
        pd.DataFrame([[1]], columns=pd.MultiIndex.from_tuples([("a", "b")])),
        "several levels",
    ),
}


@pytest.mark.parametrize(("source", "message"), NOT_TABLES.values(), ids=NOT_TABLES.keys())
def test_what_is_not_a_table_is_refused(source, message):
    with pytest.raises(DataError, match=message):
        read_table(source)


def test_a_missing_file_is_answered_with_the_near_ones(tmp_path):
    (tmp_path / "women.csv").write_text("y\n1\n", "utf-8")
    with pytest.raises(FileError, match=r"There is no file '.*wemen\.csv'") as caught:
        read_table(tmp_path / "wemen.csv")
    assert f"Try: '{tmp_path / 'women.csv'}'" in str(caught.value)


def test_a_missing_folder_and_a_folder_are_named(tmp_path):
    with pytest.raises(FileError, match="nor a folder"):
        read_table(tmp_path / "none" / "women.csv")
    with pytest.raises(FileError, match="is a folder"):
        read_table(tmp_path)


BROKEN = {
    "other.xlsx": (b"x", FileError, r"is not a kind of file that is read\.\n  Allowed: \.csv, \.tsv"),
    "junk.parquet": (b"junk", FileError, r"junk\.parquet' cannot be read: "),
    "junk.arrow": (b"junk", FileError, r"junk\.arrow' cannot be read: "),
    "latin.csv": (
        "a,b\né,1\n".encode("latin-1"),
        FileError,
        r"not utf-8[\s\S]*Try: save it as comma-separated UTF-8",
    ),
    "ragged.csv": (
        b"y,x\n1,2\n1,2,3\n",
        FileError,
        "different numbers of values, so all of it is one column, 'y,x'",
    ),
    "twice.csv": (b"y,x,y\n1,2,3\n", DataError, r"the same name: 'y' \(2 times\)"),
    "header.csv": (b"y,x\n", DataError, "The table is empty: 0 rows, 2 columns"),
    "empty.csv": (b"", DataError, "has no lines"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_file_that_cannot_be_used_is_refused(tmp_path, name):
    content, kind, message = BROKEN[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(kind, match=message):
        read_table(tmp_path / name)


def test_columns_of_text_are_read_as_text(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("it's,n\n1,1\n2,3\n")
    assert read_table(path)["it's"].tolist() == [1, 2]
    table = read_table(path, text=["it's", "absent"])
    assert table["it's"].tolist() == ["1", "2"]
    assert table["n"].tolist() == [1, 3]
