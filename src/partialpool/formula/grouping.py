"""A grouping factor becomes one integer a row; nothing here has a size of rows times groups."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from partialpool.data.checks import count_rows, first_rows
from partialpool.errors import DataError, build
from partialpool.formula.records import Grouping

Index = NDArray[np.int64]


@dataclass(frozen=True)
class Factor:
    """A grouping factor that remembers its groups.

    Attributes
    ----------
    columns
        The columns that make it.
    levels
        For each column, its own labels, sorted.
    groups
        (J, number of columns) positions in `levels` of the combinations that occur, sorted.
    labels
        (J,) what results call the groups.
    """

    columns: tuple[str, ...]
    levels: tuple[NDArray[Any], ...]
    groups: Index
    labels: NDArray[Any]

    @property
    def name(self) -> str:
        """``"district"``, or ``"school:class"``."""
        return ":".join(self.columns)

    def evaluate(self, table: pd.DataFrame) -> Grouping:
        """Look up the groups of new rows.

        Returns
        -------
        A grouping with the known labels; the index of a group never seen is -1.

        Raises
        ------
        DataError
            When a column has another kind of labels than it had.
        """
        codes = np.column_stack(
            [_codes_among(table[name], known) for name, known in zip(self.columns, self.levels, strict=True)]
        )
        index = _find(self.groups, codes, self._sizes)
        return Grouping(self.name, self.labels, index, self.columns)

    @property
    def _sizes(self) -> tuple[int, ...]:
        return tuple(len(known) for known in self.levels)


def fit_factor(columns: tuple[str, ...], table: pd.DataFrame) -> tuple[Factor, Grouping]:
    """Find the groups of a factor.

    Parameters
    ----------
    columns
        One column, or several whose combinations are the groups.
    table
        Plain columns (see :func:`partialpool.formula.plain.plain_columns`).

    Returns
    -------
    The factor, and which group each row belongs to.

    Raises
    ------
    DataError
        When there is one group only, or a column holds fractions.
    """
    found = [_factorize(table[name]) for name in columns]
    levels = tuple(known for _, known in found)
    codes = np.column_stack([code for code, _ in found])
    _require_countable(columns, levels)
    groups, index = _combinations(codes, tuple(len(known) for known in levels))
    factor = Factor(columns, levels, groups, _labels(columns, levels, groups))
    if len(groups) < 2:
        raise build(
            DataError,
            f"Grouping factor {factor.name!r} has one group only, {factor.labels[0]}, in all "
            f"{count_rows(len(table))}.",
            hint="leave its group-level terms out",
        )
    return factor, Grouping(factor.name, factor.labels, index, columns)


def _labels(columns: tuple[str, ...], levels: tuple[NDArray[Any], ...], groups: Index) -> NDArray[Any]:
    if len(columns) == 1:
        return levels[0]
    parts = [map(str, known[groups[:, i]].tolist()) for i, known in enumerate(levels)]
    labels = np.array([":".join(combination) for combination in zip(*parts, strict=True)], dtype=object)
    if len(set(labels)) < len(labels):
        name = ":".join(columns)
        raise build(
            DataError,
            f"Different groups of {name!r} would have the same label, because labels contain ':'.",
            hint="replace ':' in the labels of those columns",
        )
    return labels


# ---- one column ------------------------------------------------------------------------------------------


def _factorize(column: pd.Series) -> tuple[Index, NDArray[Any]]:
    """Return (n,) positions and the sorted labels of one column."""
    column = _whole(column)
    if isinstance(column.dtype, pd.CategoricalDtype):
        return np.asarray(column.cat.codes, dtype=np.int64), _as_array(column.cat.categories)
    codes, known = pd.factorize(column, sort=True)
    return np.asarray(codes, dtype=np.int64), _as_array(known)


def _codes_among(column: pd.Series, known: NDArray[Any]) -> Index:
    """Return (n,) positions of labels among the known ones, -1 for others."""
    codes, labels = _factorize(column)
    if _kind(labels) != _kind(known):
        raise build(
            DataError,
            f"Column {column.name!r} had {_kind(known)} as labels when the model was made, "
            f"such as {known[0]}, and now has {_kind(labels)}, such as {labels[0]}.",
            hint=f"make {_kind(known)} of the column",
        )
    return pd.Index(known).get_indexer(pd.Index(labels)).astype(np.int64)[codes]


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
    return column.astype(np.int64)


def _as_array(labels: Any) -> NDArray[Any]:
    array: NDArray[Any] = np.asarray(labels)
    whole = array.dtype.kind == "f" and not (array % 1).any()
    return array.astype(np.int64) if whole else array


def _kind(labels: NDArray[Any]) -> str:
    names = {"i": "whole numbers", "u": "whole numbers", "b": "true/false", "M": "dates"}
    return names.get(labels.dtype.kind, "text" if isinstance(labels[0], str) else type(labels[0]).__name__)


# ---- several columns -------------------------------------------------------------------------------------


def _require_countable(columns: tuple[str, ...], levels: tuple[NDArray[Any], ...]) -> None:
    """Refuse factors whose combinations, also those that do not occur, cannot be numbered in 64 bits."""
    if math.prod(len(known) for known in levels) > np.iinfo(np.int64).max:
        raise build(
            DataError,
            f"Grouping factor {':'.join(columns)!r} has too many possible combinations.",
            hint="make one column of labels of those columns",
        )


def _combinations(codes: Index, sizes: tuple[int, ...]) -> tuple[Index, Index]:
    """Return the sorted combinations that occur, and (n,) which one each row has."""
    if codes.shape[1] == 1:
        return np.arange(sizes[0], dtype=np.int64)[:, np.newaxis], codes[:, 0]
    keys = _keys(codes, sizes)
    index, found = pd.factorize(keys, sort=True)
    first = np.empty(len(found), dtype=np.int64)
    first[index[::-1]] = np.arange(len(index))[::-1]
    return codes[first], np.asarray(index, dtype=np.int64)


def _keys(codes: Index, sizes: tuple[int, ...]) -> Index:
    """Number the combinations, in the order of the columns; -1 where a column's label is unknown."""
    known = (codes >= 0).all(axis=1)
    keys = np.zeros(len(codes), dtype=np.int64)
    for i, size in enumerate(sizes):
        keys = keys * size + codes[:, i]
    return np.where(known, keys, -1)


def _find(groups: Index, codes: Index, sizes: tuple[int, ...]) -> Index:
    """Return (n,) positions of combinations among `groups`, -1 for others."""
    if len(sizes) == 1:
        return codes[:, 0]
    keys = _keys(codes, sizes)
    found = pd.Index(_keys(groups, sizes)).get_indexer(pd.Index(keys)).astype(np.int64)
    return np.where(keys < 0, -1, found)
