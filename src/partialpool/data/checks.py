"""What every table must pass before it is used: the columns are there, complete and finite."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from partialpool.errors import DataError, OptionError, build, unknown_name

Missing = Literal["error", "drop"]


def first_rows(positions: Sequence[Any] | NDArray[Any] | pd.Index, limit: int = 5) -> str:
    """List the first of some row positions, for a message.

    Examples
    --------
    >>> first_rows([3, 8])
    'rows 3, 8'
    >>> first_rows(range(10), limit=2)
    'rows 0, 1, ...'
    """
    shown = ", ".join(str(p) for p in positions[:limit])
    more = ", ..." if len(positions) > limit else ""
    return f"{'row' if len(positions) == 1 else 'rows'} {shown}{more}"


def first_labels(labels: Iterable[Any], limit: int = 5) -> str:
    """List the first of some labels, for a message.

    Examples
    --------
    >>> first_labels(range(9))
    '0, 1, 2, 3, 4, ...'
    """
    found = list(map(str, labels))
    return ", ".join(found[:limit]) + (", ..." if len(found) > limit else "")


def count_rows(n: int) -> str:
    """Write a number of rows: ``"1 row"``, ``"1,204 rows"``."""
    return f"{n:,} row" + ("" if n == 1 else "s")


def require_columns(table: pd.DataFrame, names: Iterable[str]) -> None:
    """Raise unless the table has every one of these columns.

    Raises
    ------
    DataError
        Names the first absent column, the columns there are, and the nearest of them.
    """
    for name in names:
        if name not in table.columns:
            raise unknown_name(DataError, "column", name, table.columns)


def missing_rows(table: pd.DataFrame, columns: Sequence[str]) -> NDArray[np.bool_]:
    """Mark the rows that lack a value in at least one of these columns.

    Returns
    -------
    (n,) True where a value is missing.
    """
    lacking = np.zeros(len(table), dtype=np.bool_)
    for name in columns:
        lacking |= np.asarray(table[name].array.isna(), dtype=np.bool_)
    return lacking


def complete_rows(
    table: pd.DataFrame, columns: Sequence[str], missing: Missing = "error"
) -> NDArray[np.intp]:
    """Choose the rows to use: all of them, or at the user's request those that are complete.

    Parameters
    ----------
    table
        Any table.
    columns
        The columns that are used; the others may lack values.
    missing
        ``"error"`` refuses missing values, ``"drop"`` leaves out the rows that have any.

    Returns
    -------
    Positions of the rows to use, from 0, ascending.

    Raises
    ------
    DataError
        When a value is missing and `missing` is ``"error"``, or when no row is left.
    OptionError
        When `missing` is neither.
    """
    if missing not in ("error", "drop"):
        raise build(OptionError, f"missing={missing!r} is not an option.", allowed="'error', 'drop'")
    lacking = missing_rows(table, columns)
    if lacking.any() and (missing == "error" or lacking.all()):
        raise _missing_values(table, columns, int(lacking.sum()), missing)
    return np.flatnonzero(~lacking)


def _missing_values(table: pd.DataFrame, columns: Sequence[str], n: int, missing: Missing) -> DataError:
    lines, empty = [], []
    for name in columns:
        positions = np.flatnonzero(table[name].isna())
        if len(positions):
            lines.append(f"\n    {name!r}: {len(positions):,} ({first_rows(positions)}, counted from 0)")
        if len(positions) == len(table):
            empty.append(repr(name))
    problem = f"{n:,} of {count_rows(len(table))} have missing values:{''.join(lines)}"
    if missing == "drop":
        problem = f"No row is left: {problem}"
    if empty:
        have, them = ("has", "it") if len(empty) == 1 else ("have", "them")
        hint = f"fill in {' and '.join(empty)}, which {have} no value at all, or leave {them} out"
    elif n == len(table):
        hint = "fill values in, or leave one of these columns out"
    else:
        hint = "missing='drop' to leave those rows out, or fill the values in"
    return build(DataError, problem, hint=hint)


def require_finite(values: NDArray[Any], what: str, rows: pd.Index) -> None:
    """Raise unless all numbers are finite.

    Parameters
    ----------
    values
        (n,) or (n, k) numbers.
    what
        What they are, as a message calls it: ``"Column 'x'"``.
    rows
        (n,) positions of the rows in the user's table.

    Raises
    ------
    DataError
        Says how many rows are infinite or not a number, and which come first.
    """
    finite = np.isfinite(values) if values.ndim == 1 else np.isfinite(values).all(axis=1)
    if finite.all():
        return
    bad = rows[~finite]
    raise build(
        DataError,
        f"{what} is infinite or not a number in {count_rows(len(bad))} ({first_rows(bad)}, counted from 0).",
        hint="correct those values, or leave those rows out",
    )
