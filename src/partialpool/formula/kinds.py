"""What each column of a formula was when the model was made, and new rows that are read as the same.

This is the one place where it is decided: ``"number"``, ``"true/false"``, ``"date"``, ``"text"`` and
``"digits"`` are remembered with a recipe and kept in files; ``"other"`` is what is none of them, such as
intervals, and is taken as it comes. ``"digits"`` is text some of which are whole numbers, and the others no
numbers: then a whole number is a text in one way only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from partialpool.data.checks import count_rows, first_rows
from partialpool.data.delimited import EXACT
from partialpool.data.written import BOOLS, DATE, INTEGER, is_number
from partialpool.errors import DataError, build
from partialpool.formula.spoilt_numbers import way_to_mend

Kinds = Mapping[str, str]
TEXT, DIGITS, NUMBER, BOOL, DATES, OTHER = "text", "digits", "number", "true/false", "date", "other"
TEXTS = (TEXT, DIGITS)
KINDS = frozenset((*TEXTS, NUMBER, BOOL, DATES, OTHER))

# Labels that files hold as `str` writes them.
_WRITTEN_ALIKE = (pd.IntervalDtype, pd.PeriodDtype, pd.DatetimeTZDtype)

_PLURAL = {NUMBER: "numbers", BOOL: "true/false", DATES: "dates"}
_ALLOWED = {
    NUMBER: "numbers such as 2, -0.5 or 1e3",
    BOOL: "true/false",
    DATES: "dates, in text as 2026-01-31",
}


def kinds_of_columns(plain: pd.DataFrame) -> dict[str, str]:
    """Say what plain columns are (see :func:`partialpool.formula.plain.plain_columns`).

    Examples
    --------
    >>> kinds_of_columns(pd.DataFrame({"x": [1, 2], "new": [True, False], "g": pd.Categorical(["a", "b"])}))
    {'x': 'number', 'new': 'true/false', 'g': 'text'}
    """
    return {str(name): _kind(plain[name]) for name in plain}


def as_it_was(name: str, column: pd.Series, kind: str | None) -> pd.Series:
    """Read a plain column as what it was when the model was made.

    Parameters
    ----------
    kind
        What it was; None where that is not known.

    Raises
    ------
    DataError
        When it cannot be read so: names the values and their rows.
    """
    read = _READ.get(kind or OTHER)
    now = _kind(column)
    if kind == DIGITS and now == NUMBER:
        return _as_digits(column)
    if kind in TEXTS and isinstance(_labels_of(column), _WRITTEN_ALIKE):
        return pd.Series(pd.Categorical(column.map(str), ordered=True), index=column.index)
    if kind == NUMBER and now == NUMBER and isinstance(column.dtype, pd.CategoricalDtype):
        return column.astype(column.cat.categories.dtype)
    if read is None or now == kind:
        return column
    if now in TEXTS:
        texts = [str(text) for text in column.cat.categories]
        values, good = read(texts)
        bad = ~good[column.cat.codes.to_numpy()]
        if not bad.any():
            return pd.Series(values[column.cat.codes.to_numpy()], index=column.index, name=column.name)
    elif {now, kind} == {NUMBER, BOOL}:
        bad = ~column.isin([0, 1]).to_numpy()
        if not bad.any():
            return column.astype(np.int64 if kind == NUMBER else np.bool_)
    else:
        bad = np.ones(len(column), dtype=np.bool_)
    positions, first = column.index[bad], column[bad].tolist()[0]
    raise build(
        DataError,
        f"Column {name!r} was {_PLURAL[str(kind)]} when the model was made, and now holds "
        f"{first!r} in {count_rows(len(positions))} ({first_rows(positions)}, counted from 0).",
        allowed=_ALLOWED[str(kind)],
        hint=way_to_mend(name, [first]) if kind == NUMBER and now in TEXTS else None,
    )


def _kind(column: pd.Series) -> str:
    kind = column.dtype
    if isinstance(kind, pd.CategoricalDtype):
        labels = kind.categories
        if all(isinstance(label, str) for label in labels):
            return DIGITS if _has_digits(labels) else TEXT
        return NUMBER if labels.dtype.kind in "iuf" else OTHER
    return {"b": BOOL, "i": NUMBER, "u": NUMBER, "f": NUMBER, "M": DATES}.get(kind.kind, OTHER)


def _labels_of(column: pd.Series) -> Any:
    """Return the type of a column, or of its categories."""
    return column.cat.categories.dtype if isinstance(column.dtype, pd.CategoricalDtype) else column.dtype


def _has_digits(labels: pd.Index) -> bool:
    numbers = [label for label in labels if is_number(label)]
    return bool(numbers) and all(re.fullmatch(r"0|-?[1-9][0-9]*", number) for number in numbers)


def _as_digits(column: pd.Series) -> pd.Series:
    """Write whole numbers as text; what has fractions, or may have lost digits, stays as it is."""
    values = (
        column.astype(column.cat.categories.dtype)
        if isinstance(column.dtype, pd.CategoricalDtype)
        else column
    )
    if values.dtype.kind == "f" and not ((values % 1 == 0) & (values.abs() < EXACT)).all():
        return column
    return pd.Series(pd.Categorical(values.map(int).map(str), ordered=True), index=column.index)


# ---- text ------------------------------------------------------------------------------------------------

Values = NDArray[Any]
Good = NDArray[np.bool_]


def _numbers(texts: list[str]) -> tuple[Values, Good]:
    good = np.array([is_number(text) for text in texts], dtype=np.bool_)
    if not good.all():
        return np.empty(len(texts)), good
    if all(re.fullmatch(INTEGER, text.strip()) for text in texts):
        return _whole([int(text) for text in texts]), good
    return np.array([float(text) for text in texts]), good


def _whole(numbers: list[int]) -> Values:
    """Make an array of 64 bits, signed or not, where numbers fit."""
    for kind in (np.int64, np.uint64):
        if all(np.iinfo(kind).min <= number <= np.iinfo(kind).max for number in numbers):
            return np.array(numbers, dtype=kind)
    return np.array(numbers, dtype=np.float64)


def _bools(texts: list[str]) -> tuple[Values, Good]:
    good = np.array([text.strip() in BOOLS for text in texts], dtype=np.bool_)
    return np.array([text.strip().lower() == "true" for text in texts], dtype=np.bool_), good


def _dates(texts: list[str]) -> tuple[Values, Good]:
    written = [text.strip() if re.fullmatch(DATE, text.strip()) else None for text in texts]
    found = pd.to_datetime(pd.Series(written, dtype=object), errors="coerce", format="ISO8601")
    return found.to_numpy(), found.notna().to_numpy()


_READ: dict[str, Callable[[list[str]], tuple[Values, Good]]] = {NUMBER: _numbers, BOOL: _bools, DATES: _dates}
