"""Whatever the user calls a table becomes one pandas table, read and never changed."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from partialpool.data.arrow_tables import from_arrow
from partialpool.data.delimited import read_delimited, read_written
from partialpool.errors import DataError, FileError, build

Read = TypeVar("Read")

TEXT_FILES = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz")
PARQUET_FILES = (".parquet", ".pq")
SEVERAL_WAYS = "partialpool: numbers written in several ways"  # in the attributes of a table
ARROW_FILES = (".arrow", ".feather", ".ipc")


def read_table(
    source: Any, text: Collection[str] = (), labels: Collection[str] | None = None
) -> pd.DataFrame:
    """Turn anything that is a table into a pandas table.

    Parameters
    ----------
    source
        A table of pandas, Polars, Arrow or of any library that narwhals or the Arrow
        stream protocol knows; a dict of columns; or the path of a CSV, TSV, Parquet or
        Arrow (Feather) file. The delimiter of a text file is found by DuckDB; a column of it is numbers,
        true/false or dates (``2026-01-31``) where all of its values are, and else text: ``yes`` and ``no``,
        days in another order, and ``NA`` in quotes are text.
    text
        Columns that hold text in a CSV or TSV file even where all of it looks like numbers.
    labels
        Columns of which a formula makes labels only: in a CSV or TSV file they are text where numbers would
        lose a part of how they are written, as do ``1.1`` and ``1.10``, ``007``, or ids of 20 digits. None
        where it is not known.

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
        table = _read_file(Path(source).expanduser(), text, labels)
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
    try:
        return _by_arrow(source, frame)
    except (ValueError, NotImplementedError) as error:
        if isinstance(error, DataError):
            raise
        raise build(
            DataError,
            f"A column of the table cannot be read: {' '.join(str(error).split())[:300]}.",
            hint="text or whole numbers of 64 bits in that column",
        ) from error


def _by_arrow(source: Any, frame: Any) -> pd.DataFrame:
    import narwhals as nw

    if isinstance(frame, nw.LazyFrame):
        frame = frame.collect()
    if isinstance(frame, nw.DataFrame):
        pandas_like = frame.implementation.is_pandas_like()
        return frame.to_pandas().copy(deep=False) if pandas_like else from_arrow(frame.to_arrow(), index=True)
    if hasattr(source, "__arrow_c_stream__") and hasattr(source, "schema"):
        return from_arrow(nw.from_arrow(source, backend="pyarrow").to_arrow(), index=True)
    raise build(
        DataError,
        f"{type(source).__module__}.{type(source).__qualname__} is not a table.",
        allowed="a pandas, Polars or Arrow table, a dict of columns, "
        "or the path of a CSV, TSV, Parquet or Arrow file",
        hint="source.to_frame()" if isinstance(source, pd.Series) else None,
    )


def is_text_file(path: Path) -> bool:
    """Say whether a path is that of a file of lines of text, by its ending."""
    return path.name.lower().endswith(TEXT_FILES)


def read_as_written(path: Path) -> pd.DataFrame:
    """Read every value of a file of text as it stands there, in the order of `read_table`'s rows.

    Raises
    ------
    FileError
        When it cannot be read.
    """
    return _duckdb_read(path, lambda: from_arrow(read_written(path)))


def _read_file(path: Path, text: Collection[str], labels: Collection[str] | None) -> pd.DataFrame:
    if not path.is_file():
        raise _no_file(path)
    read = _reader(path, text, labels)
    try:
        return read(path)
    except (DataError, FileError):
        raise
    except (OSError, RuntimeError, ValueError) as error:
        raise _unreadable(path, error) from error


def _reader(
    path: Path, text: Collection[str], labels: Collection[str] | None
) -> Callable[[Path], pd.DataFrame]:
    readers: dict[str, Callable[[Path], pd.DataFrame]] = dict.fromkeys(
        TEXT_FILES, partial(_read_text, text=text, labels=labels)
    )
    readers |= dict.fromkeys(PARQUET_FILES, _read_parquet) | dict.fromkeys(ARROW_FILES, _read_arrow)
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
    told = "save it as comma-separated UTF-8 text, with the column names in the first line"
    hint = told if is_text_file(path) else None
    return build(FileError, f"{str(path)!r} cannot be read: {reason}", hint=hint)


def _read_text(path: Path, text: Collection[str], labels: Collection[str] | None) -> pd.DataFrame:
    found = _duckdb_read(path, lambda: read_delimited(path, text, labels))
    if not found.header:
        raise build(DataError, f"The table is empty: {str(path)!r} has no lines.")
    if len(found.table.column_names) == len(found.header):
        _refuse_duplicates([name for name in found.header if name is not None])
    _refuse_ragged(path, found.table.column_names)
    table = from_arrow(found.table)
    if found.several:
        table.attrs[SEVERAL_WAYS] = {name: list(pair) for name, pair in found.several.items()}
    return table


def _refuse_ragged(path: Path, names: Sequence[str]) -> None:
    """Refuse a file whose lines fit no delimiter, which DuckDB reads as one column of whole lines."""
    if len(names) == 1 and any(delimiter in names[0] for delimiter in ",;\t|"):
        raise build(
            FileError,
            f"{str(path)!r} cannot be read: its lines have different numbers of values, so all of it is one "
            f"column, {names[0]!r}.",
            hint="give every line as many values as the first one has names",
        )


def _duckdb_read(path: Path, read: Callable[[], Read]) -> Read:
    import duckdb

    try:
        return read()
    except duckdb.Error as error:
        raise _unreadable(path, error) from error


def _read_parquet(path: Path) -> pd.DataFrame:
    from pyarrow import parquet

    with path.open("rb") as file:
        return from_arrow(parquet.read_table(file))


def _read_arrow(path: Path) -> pd.DataFrame:
    from pyarrow import feather

    return from_arrow(feather.read_table(path), index=True)
