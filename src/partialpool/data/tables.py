"""Whatever the user calls a table becomes one pandas table, read and never changed."""

from __future__ import annotations

import difflib
import glob
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from partialpool.errors import DataError, FileError, build

TEXT_FILES = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz")
PARQUET_FILES = (".parquet", ".pq")
ARROW_FILES = (".arrow", ".feather", ".ipc")

# What a text file may hold where a value is missing; pandas and R write the first two.
MISSING_TEXTS = ["", "NA", "NaN", "nan", "null", "NULL"]


def read_table(source: Any, text: Collection[str] = ()) -> pd.DataFrame:
    """Turn anything that is a table into a pandas table.

    Parameters
    ----------
    source
        A table of pandas, Polars, Arrow or of any library that narwhals or the Arrow
        stream protocol knows; a dict of columns; or the path of a CSV, TSV, Parquet or
        Arrow (Feather) file, whose delimiter and types are found by DuckDB.
    text
        Columns that hold text in a CSV or TSV file even where all of it looks like numbers.

    Returns
    -------
    A table that shares no state with `source`, with the same column names. Names that
    are not text become text.

    Raises
    ------
    DataError
        When `source` is not a table, has no rows, or has two columns of one name.
    FileError
        When the file is absent or cannot be read.

    Examples
    --------
    >>> read_table({"y": [0, 1], "odd name": ["a", "b"]})
       y odd name
    0  0        a
    1  1        b
    """
    if isinstance(source, str | Path):
        table = _read_file(Path(source).expanduser(), text)
    elif isinstance(source, pd.DataFrame):
        table = source.copy(deep=False)
    elif isinstance(source, Mapping):
        table = _from_columns(source)
    else:
        table = _from_other_library(source)
    return _checked(table)


def _checked(table: pd.DataFrame) -> pd.DataFrame:
    if isinstance(table.columns, pd.MultiIndex):
        raise build(DataError, "The table's columns have several levels of names.", hint="give each one name")
    if any(type(name) is not str for name in table.columns):
        table.columns = table.columns.map(str)
    _refuse_duplicates(list(table.columns))
    if table.empty:
        raise build(DataError, f"The table is empty: {len(table)} rows, {len(table.columns)} columns.")
    return table


def _refuse_duplicates(names: Sequence[str]) -> None:
    if len(set(names)) < len(names):
        counts = sorted(Counter(names).items())
        shown = ", ".join(f"{name!r} ({n} times)" for name, n in counts if n > 1)
        raise build(DataError, f"Columns have the same name: {shown}.", hint="rename all but one")


def _from_columns(source: Mapping[Any, Any]) -> pd.DataFrame:
    try:
        return pd.DataFrame(dict(source))
    except (TypeError, ValueError) as error:
        raise build(
            DataError,
            f"The dict is not a table: {error}.",
            allowed="a dict of columns of one length, such as {'y': [0, 1], 'g': ['a', 'b']}",
        ) from error


def _from_other_library(source: Any) -> pd.DataFrame:
    import narwhals as nw

    # A pandas Series or an array of any library is refused: its columns have no names.
    frame = nw.from_native(source, pass_through=True)
    if isinstance(frame, nw.LazyFrame):
        return frame.collect().to_pandas()
    if isinstance(frame, nw.DataFrame):
        return frame.to_pandas().copy(deep=False)
    if hasattr(source, "__arrow_c_stream__") and hasattr(source, "schema"):
        return nw.from_arrow(source, backend="pyarrow").to_pandas()
    raise build(
        DataError,
        f"{type(source).__module__}.{type(source).__qualname__} is not a table.",
        allowed="a pandas, Polars or Arrow table, a dict of columns, "
        "or the path of a CSV, TSV, Parquet or Arrow file",
        hint="source.to_frame()" if isinstance(source, pd.Series) else None,
    )


def _read_file(path: Path, text: Collection[str]) -> pd.DataFrame:
    if not path.is_file():
        raise _no_file(path)
    read = _reader(path, text)
    try:
        return read(path)
    except (DataError, FileError):
        raise
    except (OSError, RuntimeError, ValueError) as error:
        raise _unreadable(path, error) from error


def _reader(path: Path, text: Collection[str]) -> Callable[[Path], pd.DataFrame]:
    readers = dict.fromkeys(TEXT_FILES, partial(_read_text, text=text)) | dict.fromkeys(
        PARQUET_FILES, _read_parquet
    )
    readers |= dict.fromkeys(ARROW_FILES, _read_arrow)
    for ending, read in readers.items():
        if path.name.lower().endswith(ending):
            return read
    raise build(FileError, f"{str(path)!r} is not a kind of file that is read.", allowed=", ".join(readers))


def _no_file(path: Path) -> FileError:
    if path.is_dir():
        return build(FileError, f"{str(path)!r} is a folder.", hint="the path of one file in it")
    if not path.parent.is_dir():
        return build(FileError, f"There is no file {str(path)!r}, nor a folder {str(path.parent)!r}.")
    near = difflib.get_close_matches(path.name, [p.name for p in path.parent.iterdir() if p.is_file()], n=3)
    hint = " or ".join(repr(str(path.parent / name)) for name in near)
    return build(FileError, f"There is no file {str(path)!r}.", hint=hint or None)


def _unreadable(path: Path, error: Exception) -> FileError:
    first_paragraph = str(error).strip().partition("\n\n")[0]
    reason = " ".join(first_paragraph.split())[:300] or type(error).__name__
    text = path.name.lower().endswith(TEXT_FILES)
    hint = "save it as comma-separated UTF-8 text, with the column names in the first line" if text else None
    return build(FileError, f"{str(path)!r} cannot be read: {reason}", hint=hint)


def _read_text(path: Path, text: Collection[str]) -> pd.DataFrame:
    # Left to itself, DuckDB skips first lines that have fewer values, and renames the second of two equal
    # names, both in silence: so nothing is skipped, and the header is read as a row first.
    header = _duckdb_rows("read_csv(?, header=false, skip=0, all_varchar=true) LIMIT 1", path)
    if header.empty:
        raise build(DataError, f"The table is empty: {str(path)!r} has no lines.")
    types = {name: "VARCHAR" for name in header.iloc[0] if name in text}
    table = _duckdb_rows(
        f"read_csv(?, header=true, skip=0, sample_size=-1, nullstr={MISSING_TEXTS}{_as_argument(types)})",
        path,
    )
    if len(table.columns) == len(header.columns):
        _refuse_duplicates([str(name) for name in header.iloc[0] if not pd.isna(name)])
    _refuse_ragged(path, list(table.columns))
    return table


def _as_argument(types: Mapping[str, str]) -> str:
    """Write the types of columns as DuckDB's ``read_csv`` takes them."""
    given = ", ".join("'{}': '{}'".format(name.replace("'", "''"), kind) for name, kind in types.items())
    return f", types={{{given}}}" if given else ""


def _refuse_ragged(path: Path, names: Sequence[str]) -> None:
    """Refuse a file whose lines fit no delimiter, which DuckDB reads as one column of whole lines."""
    if len(names) == 1 and any(delimiter in names[0] for delimiter in ",;\t|"):
        raise build(
            FileError,
            f"{str(path)!r} cannot be read: its lines have different numbers of values, so all of it is one "
            f"column, {names[0]!r}.",
            hint="give every line as many values as the first one has names",
        )


def _read_parquet(path: Path) -> pd.DataFrame:
    return _duckdb_rows("read_parquet(?)", path)


def _duckdb_rows(relation: str, path: Path) -> pd.DataFrame:
    import duckdb

    try:
        with duckdb.connect() as connection:
            connection.execute("SET enable_progress_bar = false")
            pattern = glob.escape(str(path))  # for DuckDB a path is a pattern
            table: pd.DataFrame = connection.execute(f"SELECT * FROM {relation}", [pattern]).df()
            return table
    except duckdb.Error as error:
        raise _unreadable(path, error) from error


def _read_arrow(path: Path) -> pd.DataFrame:
    from pyarrow import feather

    table: pd.DataFrame = feather.read_table(path).to_pandas()
    return table
