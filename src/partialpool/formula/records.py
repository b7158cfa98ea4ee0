"""The frozen records a formula and a table become: names, matrices, labels.

Shapes use n for rows, K for population-level coefficients, d for the coefficients
of one group-level term and J for the groups of one grouping factor.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import DataError, build
from partialpool.formula.known_covariances import KnownCovariance

Floats = NDArray[np.float64]
Index = NDArray[np.int64]


@dataclass(frozen=True)
class Term:
    """One term of a formula: a name and the columns it owns.

    Attributes
    ----------
    name
        As results name it: ``"Intercept"``, ``"x"``, ``"cat"``, ``"x:cat"``; inside a
        group-level term the intercept is ``"1"``.
    columns
        Its columns in the matrix it belongs to.
    levels
        The labels of its columns, or None when the term is one unlabelled column.
    """

    name: str
    columns: slice
    levels: tuple[str, ...] | None


@dataclass(frozen=True)
class Population:
    """The population-level part of one linear predictor.

    Attributes
    ----------
    matrix
        (n, K), one column a coefficient.
    names
        K names: ``"Intercept"``, ``"x"``, ``"cat[b]"``.
    terms
        The terms, in the order of their columns.
    """

    matrix: Floats
    names: tuple[str, ...]
    terms: tuple[Term, ...]


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


@dataclass(frozen=True)
class GroupTerm:
    """A group-level term ``(expr | factor)``: d coefficients for each of J groups.

    Attributes
    ----------
    terms
        The terms of ``expr``; the intercept's name is ``"1"``.
    names
        d names: ``"1"``, ``"x"``, ``"cat[b]"``.
    matrix
        (n, d).
    grouping
        The factor.
    correlated
        False for ``(expr || factor)``, and for a term that stands alone and has one coefficient.
    shared
        The name that terms have whose effects are correlated with each other, ``(expr | name | factor)``;
        empty for a term that stands alone.
    covariance
        What is known of the covariance between groups; None where they are independent.
    """

    terms: tuple[Term, ...]
    names: tuple[str, ...]
    matrix: Floats
    grouping: Grouping
    correlated: bool
    shared: str = ""
    covariance: KnownCovariance | None = None

    @property
    def between(self) -> Floats | None:
        """(J, J) known covariance between the factor's groups, where there is one."""
        return None if self.covariance is None else self.covariance.between

    def shares(self, rows: Index | slice = slice(None)) -> Iterator[tuple[Membership, Floats]]:
        """Yield each group that rows belong to, and (n_rows, d) what its effects are multiplied by."""
        matrix = self.matrix[rows]
        for member in self.grouping.memberships:
            own = member.take(rows)
            yield own, matrix if own.weights is None else matrix * own.weights[:, np.newaxis]


@dataclass(frozen=True)
class Predictor:
    """One linear predictor: of the mean (``"mu"``) or of another parameter.

    Attributes
    ----------
    offset
        (n,) added to the predictor with coefficient one, or None.
    """

    parameter: str
    population: Population
    groups: tuple[GroupTerm, ...]
    offset: Floats | None


@dataclass(frozen=True)
class Outcome:
    """The left-hand side of the formula.

    Attributes
    ----------
    values
        (n,) as numbers; for an outcome of labels 0 for the first, 1 for the second, and so on.
    trials
        (n,) numbers of trials, or None.
    weights
        (n,) frequency weights (how many identical rows each row stands for), or None.
    levels
        The labels of a non-numeric outcome, or None.
    trials_name
        What the formula calls the trials; None without trials.
    ordered
        Whether the user gave the labels an order, so that it says more than the alphabet.
    """

    name: str
    values: Floats
    trials: Floats | None
    weights: Floats | None
    levels: tuple[str, ...] | None = None
    trials_name: str | None = None
    ordered: bool = False


@dataclass(frozen=True)
class Design:
    """A formula met a table.

    Attributes
    ----------
    outcome
        The left-hand side, or None for new rows that lack it.
    predictors
        By parameter, the mean's (``"mu"``) first; only parameters that have a formula.
    n_rows
        Rows used.
    n_dropped
        Rows left out because of missing values, at the user's request.
    """

    outcome: Outcome | None
    predictors: Mapping[str, Predictor]
    n_rows: int
    n_dropped: int = 0

    @property
    def main(self) -> Predictor:
        """The predictor of the mean, which the formula's right side is."""
        return next(iter(self.predictors.values()))

    @property
    def groupings(self) -> dict[str, Grouping]:
        """The grouping factors of all predictors by name, in the order of the formula."""
        return {term.grouping.name: term.grouping for p in self.predictors.values() for term in p.groups}

    def require_rows(self, what: str) -> None:
        """Raise when there are no rows: the design is of a fit that was kept without them.

        Parameters
        ----------
        what
            What needs them, as the subject of a sentence: ``"Leave-one-out cross-validation"``.

        Raises
        ------
        DataError
            When there are none.
        """
        if self.n_rows == 0:
            raise build(
                DataError,
                f"{what} needs the rows of the table, and this fit was saved without them.",
                hint="save it with its rows: fit.save(path, rows=True)",
            )
