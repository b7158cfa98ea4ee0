"""The labels of one grouping column: which there are, of which kind, and which row has which."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from partialpool.data.checks import count_rows, first_rows
from partialpool.errors import DataError, build
from partialpool.formula.plain import require_exact

Index = NDArray[np.int64]


def factorize(column: pd.Series) -> tuple[Index, NDArray[Any]]:
    """Return (n,) positions and the sorted labels of one column."""
    column = _whole(column)
    if isinstance(column.dtype, pd.CategoricalDtype):
        if column.cat.categories.dtype.kind == "f":
            require_exact(column.name, column.astype(np.float64))
        return np.asarray(column.cat.codes, dtype=np.int64), _as_array(column.cat.categories)
    codes, known = pd.factorize(column, sort=True)
    return np.asarray(codes, dtype=np.int64), _as_array(known)


def positions_among(labels: NDArray[Any], known: NDArray[Any]) -> Index:
    """Return the positions of labels among the known ones, -1 for others."""
    if {known.dtype.kind, labels.dtype.kind} == {"i", "u"}:  # whose common type would be double precision
        known, labels = known.astype(object), labels.astype(object)
    return pd.Index(known).get_indexer(pd.Index(labels)).astype(np.int64)


def require_same_kind(name: str, labels: NDArray[Any], known: NDArray[Any]) -> None:
    """Raise DataError where a column's labels are of another kind than those that are known."""
    kind = kind_of(known)
    if kind_of(labels) != kind:
        raise build(
            DataError,
            f"Column {name!r} had {kind} as labels when the model was made, "
            f"such as {pd.Index(known)[0]}, and now has {kind_of(labels)}, such as {pd.Index(labels)[0]}.",
            hint=f"make {kind} of the column; a new group needs such a label, too",
        )


def label_hashes(parts: tuple[NDArray[Any], ...]) -> NDArray[np.uint64]:
    """Make one number of the labels of each group, (M,), that depends on nothing else."""
    hashes = np.zeros(len(parts[0]), dtype=np.uint64)
    for part in parts:
        text = np.array([str(label) for label in pd.Index(part)], dtype=object)
        hashes = hashes * np.uint64(0x9E3779B97F4A7C15) + pd.util.hash_array(text, categorize=False)
    return hashes


def _whole(column: pd.Series) -> pd.Series:
    """Make integers of whole floats; fractions are no labels."""
    if column.dtype.kind != "f":
        return column
    fractions = column.to_numpy() % 1 != 0
    if fractions.any():
        positions = column.index[fractions]
        raise build(
            DataError,
            f"Grouping column {column.name!r} has fractions in {count_rows(len(positions))} "
            f"({first_rows(positions)}, counted from 0), such as {column.iloc[fractions.argmax()]}.",
            allowed="whole numbers, text, true/false, dates, categories",
            hint="is it a predictor? then it stands left of the bar: (x | g)",
        )
    require_exact(column.name, column)
    return column.astype(np.int64)


def _as_array(labels: Any) -> NDArray[Any]:
    array: NDArray[Any] = np.asarray(labels)
    whole = array.dtype.kind == "f" and not (array % 1).any()
    return array.astype(np.int64) if whole else array


def kind_of(labels: NDArray[Any]) -> str:
    """Name the kind of some labels: ``"whole numbers"``, ``"text"``."""
    names = {"i": "whole numbers", "u": "whole numbers", "b": "true/false", "M": "dates"}
    if labels.dtype.kind in names:
        return names[labels.dtype.kind]
    first = labels[0]
    if isinstance(first, pd.Timestamp):
        return "dates with a time zone"
    return "text" if isinstance(first, str) else type(first).__name__
