"""The frozen records a formula and a table become: names, matrices, labels.

Shapes use n for rows, K for population-level coefficients, d for the coefficients
of one group-level term and J for the groups of one grouping factor.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.data.frame import Frame, by_row, row_totals
from partialpool.errors import DataError, build
from partialpool.formula.group_records import Grouping, Membership
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
    def key(self) -> tuple[str, tuple[str, ...]]:
        """What tells it from the other terms of its predictor, whatever the rows."""
        return self.grouping.name, self.names

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
    additions
        (n,) columns that belong to the outcome, by what the formula calls them: ``"trials"``.
    weights
        (n,) frequency weights (how many identical rows each row stands for), or None.
    levels
        The labels of a non-numeric outcome, or None.
    sources
        What each addition is in the formula: ``{"trials": "n"}``.
    ordered
        Whether the user gave the labels an order, so that it says more than the alphabet.
    """

    name: str
    values: Floats
    additions: Mapping[str, Floats]
    weights: Floats | None
    levels: tuple[str, ...] | None = None
    sources: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    ordered: bool = False

    @property
    def trials(self) -> Floats | None:
        """(n,) numbers of trials, or None."""
        return self.additions.get("trials")

    def take(self, rows: Index | slice) -> Outcome:
        """Take some rows."""
        return replace(
            self,
            values=self.values[rows],
            additions={name: column[rows] for name, column in self.additions.items()},
            weights=None if self.weights is None else self.weights[rows],
        )


@dataclass(frozen=True)
class Design:
    """A formula met a table.

    Attributes
    ----------
    outcome
        The left-hand side, of every row; None for new rows that lack it.
    predictors
        By parameter, the mean's (``"mu"``) first; only parameters that have a formula. Their arrays are of m
        distinct combinations of the columns that formulas use (see `data.frame.Frame`).
    n_rows
        Rows used.
    n_dropped
        Rows left out because of missing values, at the user's request.
    frame
        The raw columns; None for a design that was made without them, whose rows are combinations.
    """

    outcome: Outcome | None
    predictors: Mapping[str, Predictor]
    n_rows: int
    n_dropped: int = 0
    frame: Frame | None = None

    @property
    def row(self) -> Index | None:
        """(n,) combination of each row; None where each row is one of its own, so that m is n."""
        return None if self.frame is None else self.frame.row

    @property
    def n_combinations(self) -> int:
        """The number m of combinations."""
        return self.n_rows if self.frame is None or self.frame.row is None else len(self.frame.table)

    def by_row(self, values: NDArray[Any]) -> NDArray[Any]:
        """Give each row what its combination has: (m, ...) to (n, ...)."""
        return by_row(values, self.row)

    def totals(self, weights: Floats) -> Floats:
        """(m,) sums of (n,) rows' weights by combination."""
        return row_totals(weights, self.row, self.n_combinations)

    @property
    def main(self) -> Predictor:
        """The predictor of the mean, which the formula's right side is."""
        return next(iter(self.predictors.values()))

    @cached_property
    def groupings(self) -> dict[str, Grouping]:
        """The grouping factors of all predictors by name, in the order of the formula, of every row."""
        found = {term.grouping.name: term.grouping for p in self.predictors.values() for term in p.groups}
        return found if self.row is None else {name: g.take(self.row) for name, g in found.items()}

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
