"""A grouping factor becomes one integer a row; nothing here has a size of rows times groups."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from partialpool.data.checks import count_rows
from partialpool.errors import DataError, build
from partialpool.formula.group_labels import factorize, label_hashes, positions_among, require_same_kind
from partialpool.formula.group_records import Grouping, Unseen

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
    def text_columns(self) -> tuple[str, ...]:
        """Its columns whose labels are text."""
        pairs = zip(self.columns, self.levels, strict=True)
        return tuple(name for name, known in pairs if isinstance(known[0], str))

    @property
    def key(self) -> tuple[str, ...]:
        """What a recipe knows the factor by."""
        return self.columns

    def columns_read(self, read_groups: bool) -> tuple[str, ...]:
        """List the columns that rows must have: its own, where groups are read."""
        return self.columns if read_groups else ()

    @property
    def name(self) -> str:
        """``"district"``, or ``"school:class"``."""
        return ":".join(self.columns)

    def evaluate(self, table: pd.DataFrame) -> Grouping:
        """Look up the groups of new rows.

        Returns
        -------
        A grouping with the known labels; the index of a group never seen is -1, and `Grouping.unseen`
        tells those groups apart.

        Raises
        ------
        DataError
            When a column has another kind of labels than it had.
        """
        found = [factorize(table[name]) for name in self.columns]
        for name, (_, labels), known in zip(self.columns, found, self.levels, strict=True):
            require_same_kind(name, labels, known)
        codes = [
            positions_among(labels, known)[c] for (c, labels), known in zip(found, self.levels, strict=True)
        ]
        index = _find(self.groups, np.column_stack(codes), self._sizes)
        return Grouping(self.name, self.labels, index, self.columns, self._unseen(found, index))

    def unread(self, table: pd.DataFrame) -> Grouping:
        """Make the grouping of rows whose groups do not matter: every index is -1."""
        return Grouping(self.name, self.labels, np.full(len(table), -1), self.columns)

    def outer_groups(self, outer: Factor) -> Index:
        """Find where each group stands in a factor of some of its columns.

        Returns
        -------
        (J,) positions among the groups of `outer`: the school of each ``school:class``.
        """
        columns = [self.columns.index(name) for name in outer.columns]
        return _find(outer.groups, self.groups[:, columns], outer._sizes)

    def _unseen(self, found: list[tuple[Index, NDArray[Any]]], index: Index) -> Unseen | None:
        """Collect the groups of rows whose `index` is -1, given each column's own codes and labels."""
        new = np.flatnonzero(index < 0)
        if not len(new):
            return None
        levels = tuple(labels for _, labels in found)
        _require_countable(self.columns, levels)
        codes = np.column_stack([code[new] for code, _ in found])
        own, keys = pd.factorize(_keys(codes, tuple(len(labels) for labels in levels)), sort=True)
        groups = codes[_first_rows(own, len(keys))]
        parts = tuple(labels[groups[:, i]] for i, labels in enumerate(levels))
        each = np.tile(np.arange(len(groups))[:, np.newaxis], len(parts))
        position = np.full(len(index), -1, dtype=np.int64)
        position[new] = own
        return Unseen(_labels(self.columns, parts, each), label_hashes(parts), position)

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
    found = [factorize(table[name]) for name in columns]
    levels = tuple(known for _, known in found)
    codes = np.column_stack([code for code, _ in found])
    _require_countable(columns, levels)
    groups, index = _combinations(codes, tuple(len(known) for known in levels))
    factor = known_factor(columns, levels, groups)
    if len(groups) < 2:
        raise build(
            DataError,
            f"Grouping factor {factor.name!r} has one group only, {factor.labels[0]}, in all "
            f"{count_rows(len(table))}.",
            hint="leave its group-level terms out",
        )
    return factor, Grouping(factor.name, factor.labels, index, columns)


def known_factor(columns: tuple[str, ...], levels: tuple[NDArray[Any], ...], groups: Index) -> Factor:
    """Put the parts of a factor together; see :class:`Factor`."""
    return Factor(columns, levels, groups, _labels(columns, levels, groups))


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
    return codes[_first_rows(index, len(found))], np.asarray(index, dtype=np.int64)


def _first_rows(index: NDArray[np.intp], size: int) -> Index:
    """Return (size,) the first row of each code."""
    first = np.empty(size, dtype=np.int64)
    first[index[::-1]] = np.arange(len(index))[::-1]
    return first


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
