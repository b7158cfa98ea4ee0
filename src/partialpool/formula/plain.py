"""The columns of a formula in a few plain types, whatever the user's table had."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types

from partialpool.data.checks import require_finite
from partialpool.errors import DataError, build


def plain_columns(table: pd.DataFrame, names: Sequence[str], rows: NDArray[np.intp]) -> pd.DataFrame:
    """Take the columns and the rows that are used, in plain types.

    Parameters
    ----------
    table
        The user's table; it is not changed.
    names
        Columns to take; all must be there.
    rows
        Positions of rows without missing values in these columns.

    Returns
    -------
    A table whose index is the rows' positions and whose columns are int64, float64, bool,
    dates, or ordered categories that all occur (of text, in sorted order).

    Raises
    ------
    DataError
        When a number is infinite, or a column mixes types.

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
    plain = {name: _plain(name, column) for name, column in chosen.items()}
    return pd.DataFrame(plain, index=index, copy=False)


def _plain(name: str, column: pd.Series) -> pd.Series:
    column = column.infer_objects()
    kind = column.dtype
    if isinstance(kind, pd.ArrowDtype) and kind.kind not in "biuf":
        return _plain(name, _from_arrow(column))
    if isinstance(kind, pd.CategoricalDtype):
        return column.cat.remove_unused_categories().cat.as_ordered()
    if types.is_bool_dtype(kind):
        return column.astype(np.bool_)
    if types.is_integer_dtype(kind):
        return _integers(column)
    if types.is_float_dtype(kind):
        return _finite(name, column)
    if types.is_object_dtype(kind) or types.is_string_dtype(kind):
        return _objects(name, column)
    if types.is_complex_dtype(kind):
        raise build(DataError, f"Column {name!r} holds complex numbers.", hint="its real part or its size")
    return column


def _integers(column: pd.Series) -> pd.Series:
    if column.dtype == np.int64:
        return column
    beyond = len(column) > 0 and int(column.max()) > np.iinfo(np.int64).max
    return column.astype(np.uint64 if beyond else np.int64)


def _finite(name: str, column: pd.Series) -> pd.Series:
    numbers = column.astype(np.float64)
    require_finite(numbers.to_numpy(), f"Column {name!r}", numbers.index)
    return numbers


def _objects(name: str, column: pd.Series) -> pd.Series:
    holds = types.infer_dtype(column)
    if holds in ("string", "empty"):
        return pd.Series(_labels(column), index=column.index)
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
