"""A factor of which each row has several groups: the union of several columns' labels, and weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from partialpool.data.checks import Missing, count_rows, first_rows, missing_rows, require_columns
from partialpool.errors import DataError, build
from partialpool.formula.column import Column, column
from partialpool.formula.group_labels import (
    factorize,
    kind_of,
    label_hashes,
    positions_among,
    require_same_kind,
)
from partialpool.formula.group_records import Grouping, Membership, Unseen
from partialpool.formula.records import Floats, Index
from partialpool.formula.syntax.membership import MembersPart

Labels = NDArray[np.generic]


@dataclass(frozen=True)
class MemberFactor:
    """A factor of several groups a row that remembers its groups.

    Attributes
    ----------
    name
        ``"mm(a, b)"``.
    columns
        Each names one group of a row.
    labels
        (J,) the labels of all columns, sorted.
    weights
        For each column what a row's group of it counts; empty where all count the same.
    scaled
        Whether a row's weights are divided by their sum.
    """

    name: str
    columns: tuple[str, ...]
    labels: Labels
    weights: tuple[Column, ...]
    scaled: bool

    @property
    def key(self) -> tuple[str, ...]:
        """What a recipe knows the factor by."""
        return (self.name,)

    @property
    def text_columns(self) -> tuple[str, ...]:
        """Its columns, where labels are text."""
        return self.columns if isinstance(self.labels[0], str) else ()

    def columns_read(self, read_groups: bool) -> tuple[str, ...]:
        """List the columns that rows must have, those of groups among them or not."""
        own = self.columns if read_groups else ()
        return (*own, *(name for weight in self.weights for name in weight.piece.columns))

    def evaluate(self, table: pd.DataFrame) -> Grouping:
        """Look up the groups of new rows; see `Factor.evaluate`.

        Raises
        ------
        DataError
            When a column has another kind of labels than it had, or a weight cannot be used.
        """
        found = [factorize(table[name]) for name in self.columns]
        for name, (_, labels) in zip(self.columns, found, strict=True):
            require_same_kind(name, labels, self.labels)
        return self._grouping(found, table)

    def unread(self, table: pd.DataFrame) -> Grouping:
        """Make the grouping of rows whose groups do not matter: every index is -1; weights are read."""
        nobody = np.full(len(table), -1)
        members = tuple(Membership(nobody, weights) for weights in self._weights(table))
        return Grouping(self.name, self.labels, nobody[:0], self.columns, None, members)

    def _grouping(self, found: Sequence[tuple[Index, Labels]], table: pd.DataFrame) -> Grouping:
        indices = [positions_among(labels, self.labels)[codes] for codes, labels in found]
        unseen, strangers = self._unseen(found, indices)
        members = zip(indices, self._weights(table), strangers, strict=True)
        nothing = indices[0][:0]
        return Grouping(
            self.name, self.labels, nothing, self.columns, unseen, tuple(Membership(*m) for m in members)
        )

    def _unseen(
        self, found: Sequence[tuple[Index, Labels]], indices: Sequence[Index]
    ) -> tuple[Unseen | None, list[Index] | list[None]]:
        """Collect the labels that are not known; a label is one group in whichever column it stands."""
        if all((index >= 0).all() for index in indices):
            return None, [None] * len(indices)
        new = [
            labels[np.unique(codes[index < 0])] for (codes, labels), index in zip(found, indices, strict=True)
        ]
        labels = _union(new)
        positions = [positions_among(theirs, labels)[codes] for codes, theirs in found]
        return Unseen(labels, label_hashes((labels,)), indices[0][:0]), positions

    def _weights(self, table: pd.DataFrame) -> list[Floats]:
        """(n,) weights of each column's groups."""
        if not self.weights:
            k = len(self.columns)
            return [np.full(len(table), 1.0 / k if self.scaled else 1.0)] * k
        weights = np.stack([weight.evaluate(table) for weight in self.weights])
        if self.scaled:
            _require_shares(self.name, weights, table.index)
            weights /= weights.sum(axis=0)
        return list(weights)


def fit_members(
    part: MembersPart, table: pd.DataFrame, weights: Floats | None = None
) -> tuple[MemberFactor, Grouping]:
    """Find the groups of several columns.

    Parameters
    ----------
    part
        The factor as the formula has it.
    table
        Plain columns (see :func:`partialpool.formula.plain.plain_columns`).
    weights
        (n,) how many rows each row stands for; None where each stands for itself.

    Returns
    -------
    The factor, and which groups each row belongs to, with what weights.

    Raises
    ------
    DataError
        When columns have labels of different kinds, there is one group only, a column holds fractions, or a
        weight cannot be used.
    """
    found = [factorize(table[name]) for name in part.columns]
    _require_one_kind(part, [labels for _, labels in found])
    labels = _union([labels for _, labels in found])
    if len(labels) < 2:
        raise build(
            DataError,
            f"Grouping factor {part.name!r} has one group only, {labels[0]}, in all "
            f"{count_rows(len(table))}.",
            hint="leave its group-level terms out",
        )
    factor = known_members(part, labels)
    for weight in factor.weights:
        weight.learn(table, weights)
    return factor, factor._grouping(found, table)


def known_members(part: MembersPart, labels: Labels) -> MemberFactor:
    """Put the parts of a factor together; see `MemberFactor`."""
    weights = tuple(column(piece, "Weight") for piece in part.weights)
    return MemberFactor(part.name, part.columns, labels, weights, part.scaled)


def require_members(name: str, columns: Sequence[str], table: pd.DataFrame, missing: Missing) -> None:
    """Refuse rows that lack one of their groups, unless they are to be left out.

    Raises
    ------
    DataError
        Says in which column, in how many rows, and what to do; or that a column is absent.
    """
    require_columns(table, columns)
    lacking = {c: np.flatnonzero(missing_rows(table, [c])) for c in columns}
    lacking = {c: rows for c, rows in lacking.items() if len(rows)}
    if not lacking or missing != "error":
        return
    found = "".join(
        f"\n    {c!r}: {count_rows(len(rows))} ({first_rows(rows)}, counted from 0)"
        for c, rows in lacking.items()
    )
    example = (
        f"mm({', '.join(columns)}, weights=cbind({', '.join(f'w{i + 1}' for i in range(len(columns)))}))"
    )
    raise build(
        DataError,
        f"{name} needs a group in each of its columns, and some rows lack one:{found}",
        hint=f"where a row has fewer groups, one of them again with the weight 0: {example}; "
        "or missing='drop' to leave those rows out",
    )


def _union(parts: Sequence[Labels]) -> Labels:
    """All labels, sorted; in the order of categories where all columns have the same."""
    first = parts[0]
    if all(np.array_equal(first, labels) for labels in parts):
        return first
    if {part.dtype.kind for part in parts} == {"i", "u"}:  # whose common type would be double precision
        parts = [_without_sign(part) for part in parts]
    _, found = pd.factorize(np.concatenate(parts), sort=True)
    return np.asarray(found)


def _without_sign(labels: Labels) -> Labels:
    if labels.size and labels.min() < 0:
        raise build(
            DataError,
            f"The whole numbers of one factor are negative in one column, such as {labels.min()}, and beyond "
            "64 bits with a sign in another.",
            hint="text in all of them: table[columns].astype(str)",
        )
    return labels.astype(np.uint64)


def _require_one_kind(part: MembersPart, labels: Sequence[Labels]) -> None:
    kinds = [kind_of(own) for own in labels]
    if len(set(kinds)) > 1:
        pairs = zip(part.columns, kinds, labels, strict=True)
        found = "; ".join(f"{name!r} has {kind}, such as {pd.Index(own)[0]}" for name, kind, own in pairs)
        raise build(
            DataError,
            f"The columns of {part.name} name groups of one factor, and their labels are of different kinds: "
            f"{found}.",
            hint="text in all of them: table[columns].astype(str)",
        )


def _require_shares(name: str, weights: Floats, rows: pd.Index) -> None:
    """Refuse weights that cannot be divided by their sum."""
    for bad, what in ((weights.min(axis=0) < 0, "negative"), (weights.sum(axis=0) <= 0, "all 0")):
        if bad.any():
            where = f"{count_rows(int(bad.sum()))} ({first_rows(rows[bad])}, counted from 0)"
            raise build(
                DataError,
                f"The weights of {name} are {what} in {where}: they cannot be made to sum to one.",
                allowed="weights from 0, not all 0 in a row",
                hint="scale=FALSE keeps weights as they are",
            )
