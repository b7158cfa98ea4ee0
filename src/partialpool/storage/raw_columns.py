"""Raw columns of a table as plain data and arrays of numbers: labels by their codes, numbers as they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from partialpool.formula.json_values import decode, encode

Plain = dict[str, Any]
Put = Callable[[NDArray[Any]], str]
Get = Callable[[str, type[np.generic]], NDArray[Any]]

NUMBERS: dict[str, type[np.generic]] = {
    "int64": np.int64,
    "uint64": np.uint64,
    "float64": np.float64,
    "bool": np.bool_,
}


def plain_columns(table: pd.DataFrame, put: Put) -> list[Plain]:
    """Write the columns of a table.

    Parameters
    ----------
    table
        Plain columns (see :func:`partialpool.formula.plain.plain_columns`).
    put
        Keeps an array of a number a row; returns its place.
    """
    return [_plain(str(name), table[name], put) for name in table]


def recalled_columns(kept: list[Plain], get: Get) -> pd.DataFrame:
    """Make the table again that `plain_columns` wrote.

    Parameters
    ----------
    get
        From a place and a type to an array, which has a number for every row.

    Raises
    ------
    KeyError, TypeError, ValueError
        When this is not what `plain_columns` writes.
    """
    columns = {column["name"]: _recalled(column, get) for column in kept}
    if len(columns) < len(kept):
        raise ValueError("two raw columns have one name")
    return pd.DataFrame(columns)


def plain_row_labels(labels: pd.Index | None, put: Put) -> Plain | None:
    """Write what the user's table calls the rows, where these are whole numbers; nothing of other labels."""
    if isinstance(labels, pd.RangeIndex):
        return {"range": [labels.start, labels.stop, labels.step]}
    return {"values": put(labels.to_numpy())} if labels is not None and labels.dtype == np.int64 else None


def recalled_row_labels(kept: Plain | None, get: Get) -> pd.Index | None:
    """Make the labels of rows again that `plain_row_labels` wrote.

    Raises
    ------
    KeyError, TypeError, ValueError
        When this is not what it writes.
    """
    if kept is None:
        return None
    return pd.RangeIndex(*kept["range"]) if "range" in kept else pd.Index(get(kept["values"], np.int64))


def _plain(name: str, column: pd.Series, put: Put) -> Plain:
    kind = str(column.dtype)
    if kind in NUMBERS:
        values = column.to_numpy()
        numbers = values.astype(np.int8) if kind == "bool" else values  # netCDF has no true and false
        return {"name": name, "kind": kind, "values": put(numbers)}
    categories = isinstance(column.dtype, pd.CategoricalDtype)
    if categories:
        codes, labels = column.cat.codes.to_numpy(), column.cat.categories
    else:
        codes, found = pd.factorize(column)
        labels = pd.Index(found)
    kept = {"values": put(codes.astype(np.int64)), "labels": [encode(label) for label in labels]}
    return {"name": name, "kind": "labels", "categories": categories} | kept


def _recalled(kept: Plain, get: Get) -> Any:
    kind = kept["kind"]
    if kind == "bool":
        return get(kept["values"], np.int8).astype(np.bool_)
    if kind in NUMBERS:
        return get(kept["values"], NUMBERS[kind])
    if kind != "labels":
        raise ValueError(f"a raw column is of no known kind, {kind!r}")
    codes, labels = get(kept["values"], np.int64), pd.Index([decode(label) for label in kept["labels"]])
    if len(codes) and not 0 <= codes.min() <= codes.max() < len(labels):
        raise ValueError(f"a row of {kept['name']!r} has no label")
    if kept["categories"]:
        return pd.Categorical.from_codes(codes, labels, ordered=True)
    return labels.take(codes)
