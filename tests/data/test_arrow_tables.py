"""Whatever Arrow holds, a table of pandas has the same values."""

import datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
from pyarrow import feather, parquet

from partialpool.data.tables import read_table

LARGE = 1_460_000_000_000_000_001
TABLE = pa.table(
    {
        "id": pa.array([LARGE, None, LARGE + 1], pa.int64()),
        "whole": pa.array([Decimal(LARGE), Decimal(LARGE + 1), None], pa.decimal128(38, 0)),
        "long": pa.array([Decimal(10**30), Decimal(10**30 + 1), Decimal(1)], pa.decimal128(38, 0)),
        "money": pa.array([Decimal("1.10"), Decimal("2.00"), None], pa.decimal128(10, 2)),
        "dose": pa.DictionaryArray.from_arrays(pa.array([1, 0, 1]), ["low", "high"], ordered=True),
        "day": pa.array([datetime.date(2026, 1, 31)] * 3, pa.date32()),
    }
)


def parquet_file(folder: Path) -> Path:
    parquet.write_table(TABLE, folder / "t.parquet")
    return folder / "t.parquet"


def feather_file(folder: Path) -> Path:
    feather.write_feather(TABLE, folder / "t.feather")
    return folder / "t.feather"


SOURCES = {
    "Arrow": lambda _: TABLE,
    "Parquet": parquet_file,
    "Feather": feather_file,
    "Polars": lambda _: pl.from_arrow(TABLE),
}


@pytest.mark.parametrize("source", SOURCES)
def test_nothing_is_lost(source: str, tmp_path: Path) -> None:
    found = read_table(SOURCES[source](tmp_path))
    assert found["id"].dropna().tolist() == [LARGE, LARGE + 1]
    assert found["id"].isna().tolist() == [False, True, False]
    assert found["whole"].dropna().tolist() == [LARGE, LARGE + 1]
    assert found["long"].tolist() == [10**30, 10**30 + 1, 1]
    assert [str(value) for value in found["money"].dropna()] == ["1.10", "2.00"]
    assert found["dose"].tolist() == ["high", "low", "high"]
    assert found["day"].tolist() == [datetime.date(2026, 1, 31)] * 3
    if source != "Polars":  # whose categories have another order
        assert found["dose"].cat.categories.tolist() == ["low", "high"]
        assert found["dose"].cat.ordered
