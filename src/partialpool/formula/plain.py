"""The columns of a formula in a few plain types, whatever the user's table had."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types

from partialpool.data.checks import count_rows, first_rows, require_finite
from partialpool.data.tables import SEVERAL_WAYS
from partialpool.errors import DataError, build
from partialpool.formula.kinds import as_it_was


def plain_columns(
    table: pd.DataFrame,
    names: Sequence[str],
    rows: NDArray[np.intp],
    labels: Collection[str] = (),
    kinds: Mapping[str, str] = MappingProxyType({}),
) -> pd.DataFrame:
    """Take the columns and the rows that are used, in plain types.

    Parameters
    ----------
    table
        The user's table; it is not changed.
    names
        Columns to take; all must be there.
    rows
        Positions of rows without missing values in these columns.
    labels
        Columns that are labels and nothing else: numbers that are too large to be exact stay text.
    kinds
        What columns were when the model was made: see `formula.kinds`.

    Returns
    -------
    A table whose index is the rows' positions and whose columns are int64, float64, bool,
    dates, or ordered categories that all occur (of text, in sorted order).

    Raises
    ------
    DataError
        When a number is infinite, a column mixes types or is not what it was, or labels have lost digits.

    Examples
    --------
    >>> table = pd.DataFrame({"cat": ["b", "a", "b"]})
    >>> list(plain_columns(table, ["cat"], np.array([0, 2]))["cat"].cat.categories)
    ['b']
    """
    # No copy of rows that are not used, and none at all where all are.
    whole = len(rows) == len(table)
    index = pd.RangeIndex(len(rows)) if whole else pd.Index(rows)
    chosen = {name: (table[name] if whole else table[name].iloc[rows]).set_axis(index) for name in names}
    for name in labels:
        if name in chosen:
            _require_one_way(name, chosen[name], table.attrs.get(SEVERAL_WAYS, {}))
    plain = {
        name: as_it_was(name, _plain(name, column, name in labels), kinds.get(name))
        for name, column in chosen.items()
    }
    return pd.DataFrame(plain, index=index, copy=False)


def require_exact(name: object, column: pd.Series) -> None:
    """Refuse labels that are numbers too large for all their digits, so that some may have become one.

    Raises
    ------
    DataError
        Says how many rows have such a number.
    """
    most = 2.0 ** (np.finfo(column.dtype.type).nmant + 1)
    large = (column.abs() >= most).to_numpy()
    if large.any():
        positions = column.index[large]
        raise build(
            DataError,
            f"Column {name!r} has labels that are floating-point numbers of {most:,.0f} and more, in "
            f"{count_rows(len(positions))} ({first_rows(positions)}, counted from 0), such as "
            f"{column.iloc[large.argmax()]:.0f}: digits may be lost, and different labels be one.",
            hint="read the column as text or as whole numbers where it comes from; "
            "pp.read_table(path, text=[...]) and pandas.read_csv(path, dtype=str) do",
        )


def _require_one_way(name: str, column: pd.Series, several: Mapping[str, Sequence[str]]) -> None:
    """Refuse labels of a file that became one number though they are written in two ways."""
    if name in several and types.is_numeric_dtype(column.dtype):
        one, other = several[name]
        raise build(
            DataError,
            f"Column {name!r} has labels, and two of them, {one} and {other}, were read as one number.",
            hint=f"pp.read_table(path, text=[{name!r}]), or pp.Model(formula, path), which reads labels as "
            "they are written",
        )


def _plain(name: str, column: pd.Series, label: bool) -> pd.Series:
    column = column.infer_objects()
    kind = column.dtype
    if isinstance(kind, pd.ArrowDtype) and kind.kind not in "biuf":
        return _plain(name, _from_arrow(column), label)
    if isinstance(kind, pd.CategoricalDtype):
        return column.cat.remove_unused_categories().cat.as_ordered()
    if types.is_bool_dtype(kind):
        return column.astype(np.bool_)
    if types.is_integer_dtype(kind):
        return _integers(name, column, label)
    if types.is_float_dtype(kind):
        if label and isinstance(kind, np.dtype):
            require_exact(name, column)
        return _finite(name, column)
    if types.is_object_dtype(kind) or types.is_string_dtype(kind):
        return _objects(name, column, label)
    if types.is_complex_dtype(kind):
        raise build(DataError, f"Column {name!r} holds complex numbers.", hint="its real part or its size")
    return column


def _integers(name: str, column: pd.Series, label: bool) -> pd.Series:
    """Keep whole numbers; those of more than 64 bits become text as labels, and else double precision."""
    if column.dtype == np.int64:
        return column
    least, most = (0, 0) if len(column) == 0 else (int(column.min()), int(column.max()))
    for kind in (np.int64, np.uint64):
        if np.iinfo(kind).min <= least and most <= np.iinfo(kind).max:
            return column.astype(kind)
    return _objects(name, column.map(str).astype(object), label) if label else _finite(name, column)


def _finite(name: str, column: pd.Series) -> pd.Series:
    numbers = column.astype(np.float64)
    require_finite(numbers.to_numpy(), f"Column {name!r}", numbers.index)
    return numbers


def _objects(name: str, column: pd.Series, label: bool) -> pd.Series:
    holds = types.infer_dtype(column)
    if holds in ("string", "empty"):
        return pd.Series(_labels(column), index=column.index)
    if holds == "integer":
        return _integers(name, column, label)
    if holds == "decimal" and label and all(value == value.to_integral_value() for value in column):
        return _integers(name, column.map(int).astype(object), label)
    if holds in ("decimal", "mixed-integer-float"):
        return _finite(name, column)
    if holds in ("date", "datetime"):
        return pd.to_datetime(column)
    raise build(
        DataError,
        f"Column {name!r} mixes types or holds an unknown one ({holds}); it begins with {_first(column)}.",
        allowed="numbers, text, true/false, dates, categories: one of them in a column",
        hint=f"table[{name!r}].astype(str)",
    )


def _from_arrow(column: pd.Series) -> pd.Series:
    """Make dates, categories and text of Arrow's."""
    found: pd.Series = column.array.__arrow_array__().to_pandas()
    return found.set_axis(column.index)


def _labels(column: pd.Series) -> pd.Categorical:
    """Number text by its sorted labels, which are of one type, whatever the type of the column."""
    found = pd.Categorical(column, ordered=True)
    return found.set_categories(found.categories.tolist(), rename=True)


def _first(column: pd.Series) -> str:
    values: list[Any] = column.iloc[:3].tolist()
    return ", ".join(repr(value) for value in values)
