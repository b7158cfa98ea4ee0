"""CSV and TSV files: all is read as text first, and each column's type is decided by all that it holds.

A column is whole numbers, numbers, true/false or dates only if every value is one, written in the one way
that leaves no doubt; else it is text as it is written. ``yes`` and ``no`` are text, and so are days whose
month could be either of two numbers.
"""

from __future__ import annotations

import glob
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from partialpool.data.written import BOOLS, DATE, INTEGER, LEADING_ZERO, NUMBER

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

# What a text file may hold where a value is missing, without quotes; pandas and R write the first two.
MISSING_TEXTS = ["", "NA", "NaN", "nan", "null", "NULL"]
EXACT = 2**53  # from here on different whole numbers are one number in double precision


@dataclass(frozen=True)
class Delimited:
    """What a file holds.

    Attributes
    ----------
    header
        The first line's names.
    table
        The other lines.
    several
        By column of numbers, two ways in which one of them is written.
    """

    header: Sequence[str | None]
    table: pa.Table
    several: dict[str, tuple[str, str]]


def read_delimited(path: Path, text: Collection[str], labels: Collection[str] | None) -> Delimited:
    """Read a file and decide the types of its columns.

    Parameters
    ----------
    text
        Columns that stay text.
    labels
        Columns that are labels and nothing else: they stay text where two ways of writing are one number,
        where numbers begin with 0, or where digits would be lost. None where this is not known.

    Raises
    ------
    duckdb.Error
        When it cannot be read.
    """
    import duckdb

    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false")
        # Left to itself, DuckDB skips first lines that have fewer values, and renames the second of two equal
        # names, both in silence: so nothing is skipped, and the header is read as a row first.
        first = _read(connection, path, "header=false", "").limit(1).fetchall()
        if not first:
            return Delimited((), _read(connection, path, "header=false", "").to_arrow_table(), {})
        nulls = f", nullstr={MISSING_TEXTS}, allow_quoted_nulls=false"
        _read(connection, path, "header=true, sample_size=-1", nulls).create("cells")
        columns = [_Column(connection, name) for name in connection.table("cells").columns]
        known = {column.name: column.type(text, labels) for column in columns}
        chosen = ", ".join(column.cast(known[column.name]) for column in columns)
        table = connection.sql(f"SELECT {chosen} FROM cells").to_arrow_table()
        several = {} if labels is not None else _several(columns, known)
        return Delimited(first[0], table, several)


def read_written(path: Path) -> pa.Table:
    """Read every value of a file as the text that stands in it."""
    import duckdb

    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false")
        return _read(connection, path, "header=true, sample_size=-1", "").to_arrow_table()


def _read(connection: duckdb.DuckDBPyConnection, path: Path, how: str, nulls: str) -> Any:
    pattern = glob.escape(str(path)).replace("'", "''")  # for DuckDB a path is a pattern
    return connection.sql(f"SELECT * FROM read_csv('{pattern}', {how}, skip=0, all_varchar=true{nulls})")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _several(columns: Sequence[_Column], known: dict[str, str]) -> dict[str, tuple[str, str]]:
    """Give two ways of writing one number for each column that has such."""
    numbers = [column for column in columns if known[column.name] in ("BIGINT", "DOUBLE")]
    return {column.name: column.two_ways() for column in numbers if column.merges(known[column.name])}


class _Column:
    """A column of text, of which questions can be asked."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, name: str) -> None:
        self._connection = connection
        self.name = name
        column = _quoted(name)
        self._text = column
        (odd,) = self._ask(f"count(*) FILTER ({column} = '' OR {column} <> trim({column}))")
        if odd:  # which is rare, and takes time to look at in every question
            self._text = f"nullif(trim({column}), '')"

    def cast(self, kind: str) -> str:
        """Write the column in a type; of text, what is empty inside quotes is missing, too."""
        column = _quoted(self.name)
        found = f"nullif({column}, '')" if kind == "VARCHAR" else f"CAST({self._text} AS {kind})"
        return f"{found} AS {column}"

    def type(self, text: Collection[str], labels: Collection[str] | None) -> str:
        """Decide its type, as SQL calls it."""
        if self.name in text:
            return "VARCHAR"
        found = self._by_content()
        if found == "HUGEINT":  # more digits than 64 bits hold
            return "VARCHAR" if labels is None or self.name in labels else "DOUBLE"
        if labels is None or self.name not in labels or found in ("VARCHAR", "BOOLEAN"):
            return found
        return "VARCHAR" if self._loses(found) else found

    def merges(self, kind: str) -> bool:
        """Say whether two ways of writing are one value."""
        again = f"CAST(CAST({self._text} AS {kind}) AS VARCHAR)"
        if not self._ask(f"count(*) FILTER ({again} <> {self._text})")[0]:
            return False  # each is written as its value is
        written, values = self._ask(
            f"count(DISTINCT {self._text}), count(DISTINCT CAST({self._text} AS {kind}))"
        )
        return bool(written != values)

    def two_ways(self) -> tuple[str, str]:
        """Give two ways in which one number is written."""
        number = f"CAST({self._text} AS DOUBLE)"
        query = (
            f"SELECT min({self._text}), max({self._text}) FROM cells GROUP BY {number} "
            f"HAVING count(DISTINCT {self._text}) > 1 ORDER BY {number} LIMIT 1"
        )
        one, other = self._connection.sql(query).fetchall()[0]
        return one, other

    def _by_content(self) -> str:
        n, numbers, bools = self._ask(
            f"count({self._text}), count(TRY_CAST({self._text} AS DOUBLE)), "
            f"count(*) FILTER ({self._text} IN {BOOLS})"
        )
        if n == 0:
            return "VARCHAR"
        if numbers == n and self._every(NUMBER):
            return self._kind_of_number(n)
        if bools == n:
            return "BOOLEAN"
        return "TIMESTAMP" if self._every(DATE) and self._count("TIMESTAMP") == n else "VARCHAR"

    def _kind_of_number(self, n: int) -> str:
        if not self._every(INTEGER):
            return "DOUBLE"
        return "BIGINT" if self._count("BIGINT") == n else "HUGEINT"

    def _count(self, kind: str) -> int:
        """Count the values that can be of a type."""
        (found,) = self._ask(f"count(TRY_CAST({self._text} AS {kind}))")
        return int(found)

    def _loses(self, kind: str) -> bool:
        """Say whether labels would lose something in a type."""
        if kind == "TIMESTAMP":
            return self.merges(kind)
        if self._any(LEADING_ZERO) or self.merges(kind):
            return True
        return kind == "DOUBLE" and bool(self._ask(f"max(abs(CAST({self._text} AS DOUBLE))) >= {EXACT}")[0])

    def _every(self, pattern: str) -> bool:
        return not self._ask(f"count(*) FILTER (NOT regexp_full_match({self._text}, '{pattern}'))")[0]

    def _any(self, pattern: str) -> bool:
        return bool(self._ask(f"count(*) FILTER (regexp_full_match({self._text}, '{pattern}'))")[0])

    def _ask(self, what: str) -> tuple[Any, ...]:
        found: tuple[Any, ...] = self._connection.sql(f"SELECT {what} FROM cells").fetchall()[0]
        return found
