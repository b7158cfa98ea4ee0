"""Which group, or which groups, each row belongs to: labels and positions.

Shapes use n for rows and J for the groups of one grouping factor.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Index = NDArray[np.int64]


@dataclass(frozen=True)
class Unseen:
    """Groups of new rows that the first table did not have.

    Attributes
    ----------
    labels
        (M,) their labels, in the form that the known ones have.
    hashes
        (M,) uint64, the same for the same label in every table.
    index
        (n,) int64, the position of each row's group in `labels`, -1 where the group is known; empty where
        rows belong to several groups (see `Membership.unseen`).
    """

    labels: NDArray[Any]
    hashes: NDArray[np.uint64]
    index: NDArray[np.int64]


@dataclass(frozen=True)
class Membership:
    """One group that each row belongs to.

    Attributes
    ----------
    index
        (n,) the position of the group, -1 for a group that is not known.
    weights
        (n,) how much of the group's effects a row gets; None for all of them.
    unseen
        (n,) the position of a group that is not known among `Unseen.labels`, -1 elsewhere; None when every
        group is known.
    """

    index: Index
    weights: Floats | None = None
    unseen: Index | None = None

    def take(self, rows: Index | slice) -> Membership:
        """Take some rows."""
        return Membership(
            self.index[rows],
            None if self.weights is None else self.weights[rows],
            None if self.unseen is None else self.unseen[rows],
        )

    def unread(self) -> Membership:
        """Forget which groups rows are of."""
        return Membership(np.full(len(self.index), -1), self.weights)

    @property
    def arrays(self) -> tuple[NDArray[Any], ...]:
        """What decides a row's share of groups' effects."""
        return tuple(a for a in (self.index, self.weights, self.unseen) if a is not None)


@dataclass(frozen=True)
class Grouping:
    """A grouping factor: which group each row belongs to, or which groups.

    Attributes
    ----------
    name
        ``"district"``, ``"school:class"`` for an interaction of factors, ``"mm(a, b)"`` for the groups that
        several columns name.
    labels
        (J,) the user's own labels, sorted; for an interaction the strings ``"a:b"``.
    index
        (n,) int64, the position of each row's group in `labels`, -1 for a group that is not there; empty
        where rows belong to several groups.
    columns
        The columns of the table that make the factor.
    unseen
        The groups that are not in `labels`; None when there are none.
    members
        Where rows belong to several groups, each of them, one for each of `columns`; empty where they belong
        to one.
    """

    name: str
    labels: NDArray[Any]
    index: Index
    columns: tuple[str, ...]
    unseen: Unseen | None = None
    members: tuple[Membership, ...] = ()

    @property
    def key(self) -> tuple[str, ...]:
        """What a recipe knows the factor by: its columns, or its name where rows belong to several groups."""
        return (self.name,) if self.members else self.columns

    @property
    def memberships(self) -> tuple[Membership, ...]:
        """The groups that rows belong to."""
        own = Membership(self.index, None, None if self.unseen is None else self.unseen.index)
        return self.members or (own,)

    @property
    def arrays(self) -> tuple[NDArray[Any], ...]:
        """What decides a row's share of groups' effects."""
        return tuple(array for member in self.memberships for array in member.arrays)

    def alone(self, member: Membership) -> Grouping:
        """Make a factor of one membership, as if rows belonged to no other group."""
        unseen = None
        if self.unseen is not None and member.unseen is not None:
            unseen = replace(self.unseen, index=member.unseen)
        return replace(self, index=member.index, unseen=unseen, members=())

    def take(self, rows: Index | slice) -> Grouping:
        """Take some rows."""
        if self.members:
            return replace(self, members=tuple(member.take(rows) for member in self.members))
        unseen = None if self.unseen is None else replace(self.unseen, index=self.unseen.index[rows])
        return replace(self, index=self.index[rows], unseen=unseen)

    def unread(self) -> Grouping:
        """Forget which groups rows are of: every index is -1."""
        members = tuple(member.unread() for member in self.members)
        return replace(self, index=np.full(len(self.index), -1), unseen=None, members=members)

    def pairs(self) -> tuple[Index, Index]:
        """Pair rows with the known groups that they are of: (p,) rows, ascending, and (p,) groups.

        A row has a group once, also where two of its memberships are of it, and none for a weight of 0.
        """
        if not self.members:
            rows = np.flatnonzero(self.index >= 0)
            return rows, self.index[rows]
        size, keys = len(self.labels), []
        for member in self.members:
            counts = member.index >= 0
            if member.weights is not None:
                counts &= member.weights != 0.0
            rows = np.flatnonzero(counts)
            keys.append(rows * size + member.index[rows])
        found = np.unique(np.concatenate(keys))
        return found // size, found % size
