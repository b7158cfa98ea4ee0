"""How new rows become a design with the terms, codings and groups of the first table."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from partialpool.data.checks import Missing, complete_rows, require_columns
from partialpool.data.frame import Frame
from partialpool.formula.calculation import Calculation
from partialpool.formula.column import Column
from partialpool.formula.combinations import of_combinations
from partialpool.formula.design_rows import take_rows
from partialpool.formula.expression import Expression
from partialpool.formula.extrapolation import warn_of_extrapolation
from partialpool.formula.group_records import Grouping
from partialpool.formula.grouping import Factor
from partialpool.formula.kinds import TEXTS, Kinds
from partialpool.formula.known_covariances import Covariances, KnownCovariance
from partialpool.formula.member_factor import MemberFactor, require_members
from partialpool.formula.nesting import Nesting
from partialpool.formula.outcome import OutcomeRecipe
from partialpool.formula.plain import plain_columns
from partialpool.formula.records import Design, Floats, GroupTerm, Population, Predictor
from partialpool.formula.syntax.right import GroupPart

Columns = tuple[str, ...]
Groupings = Mapping[Columns, Grouping]
AnyFactor = Factor | MemberFactor


@dataclass(frozen=True)
class GroupRecipe:
    """A group-level term that has met its first table."""

    expression: Expression
    factor: Columns
    correlated: bool
    shared: str = ""
    covariance: KnownCovariance | None = None

    def term(self, matrix: Floats, groupings: Groupings) -> GroupTerm:
        """Put a matrix of the expression and the groups of its rows together."""
        names, terms = self.expression.names, self.expression.terms
        correlated = self.correlated and (len(names) > 1 or bool(self.shared))
        grouping = groupings[self.factor]
        return GroupTerm(terms, names, matrix, grouping, correlated, self.shared, self.covariance)


def group_recipe(expression: Expression, part: GroupPart, covariances: Covariances) -> GroupRecipe:
    """Make the recipe of a group-level term of its expression and what stands at its bars."""
    known = covariances[part.key, part.covariance] if part.covariance else None
    return GroupRecipe(expression, part.key, part.correlated, part.shared, known)


@dataclass(frozen=True)
class PredictorRecipe:
    """A linear predictor that has met its first table."""

    parameter: str
    population: Expression
    groups: tuple[GroupRecipe, ...]
    offsets: tuple[Column, ...]

    def predictor(
        self, table: pd.DataFrame, matrix: Floats, group_matrices: Iterable[Floats], groupings: Groupings
    ) -> Predictor:
        """Put the matrices of its parts together."""
        terms = [g.term(m, groupings) for g, m in zip(self.groups, group_matrices, strict=True)]
        offsets = [offset.evaluate(table) for offset in self.offsets]
        return Predictor(
            self.parameter,
            Population(matrix, self.population.names, self.population.terms),
            tuple(terms),
            np.sum(offsets, axis=0) if offsets else None,
        )

    @property
    def expressions(self) -> tuple[Expression, ...]:
        """Its sums of terms, the population's first."""
        return (self.population, *(group.expression for group in self.groups))

    @property
    def columns(self) -> Columns:
        """The columns that its numbers are made of; grouping factors read others."""
        pieces = (*(e.piece for e in self.expressions), *(offset.piece for offset in self.offsets))
        return union(*(piece.columns for piece in pieces))

    def keep_factors(self, factors: Collection[Columns]) -> PredictorRecipe:
        """Leave out the group-level terms of other factors."""
        return replace(self, groups=tuple(group for group in self.groups if group.factor in factors))

    def evaluate(self, table: pd.DataFrame, groupings: Groupings) -> Predictor:
        """Compute the predictor's parts for new rows."""
        matrices = [group.expression.evaluate(table) for group in self.groups]
        return self.predictor(table, self.population.evaluate(table), matrices, groupings)


@dataclass(frozen=True)
class Recipe:
    """How new rows become a design with the columns, codings and groups of the first.

    Attributes
    ----------
    columns
        The columns that the right sides read.
    outcome
        The left side.
    factors
        The grouping factors, by their keys: their columns, or the name of one of several groups a row.
    nested
        Which of them lie in which others.
    labels
        The columns that are labels and nothing else.
    kinds
        What columns were when the model was made: see `formula.kinds`.
    """

    columns: Columns
    outcome: OutcomeRecipe
    predictors: tuple[PredictorRecipe, ...]
    factors: Mapping[Columns, AnyFactor]
    nested: Nesting
    labels: frozenset[str]
    kinds: Kinds

    @property
    def text_columns(self) -> Columns:
        """Columns that hold text, also where all of it looks like something else."""
        return tuple(name for name, kind in self.kinds.items() if kind in TEXTS)

    def plain(self, table: pd.DataFrame, columns: Columns, rows: NDArray[np.intp]) -> pd.DataFrame:
        """Take columns and rows of a new table, as what the columns were when the model was made.

        Raises
        ------
        DataError
            When a column cannot be read so.
        """
        return plain_columns(table, columns, rows, self.labels, self.kinds)

    def evaluate(self, table: pd.DataFrame, missing: Missing = "error", outcome: bool = False) -> Design:
        """Make the design of new rows.

        Parameters
        ----------
        table
            New rows; only columns that are used need be there.
        missing
            ``"error"``, or ``"drop"`` to leave out rows that lack a value.
        outcome
            Whether to read the left side too. Without it the design's outcome is None.

        Returns
        -------
        A design with the same terms and names, each row a combination of its own. The index of a group never
        seen is -1.

        Raises
        ------
        DataError
            When a column or a value is missing, a level of a population-level term is not known,
            or a number is not finite.
        """
        columns = union(self.columns, self.outcome.columns if outcome else ())
        self.require_members(table, missing)
        rows = usable_rows(table, columns, missing)
        plain, n_dropped = self.plain(table, columns, rows), len(table) - len(rows)
        outcomes = self.outcome.evaluate(plain) if outcome else None
        return replace(take_rows(self.read(plain)), outcome=outcomes, n_dropped=n_dropped)

    def require_members(self, table: pd.DataFrame, missing: Missing) -> None:
        """Refuse rows that lack one of several groups, unless they are to be left out.

        Raises
        ------
        DataError
            When a column is absent, or lacks values and `missing` is ``"error"``.
        """
        for factor in self.factors.values():
            if isinstance(factor, MemberFactor):
                require_members(factor.name, factor.columns, table, missing)

    def read(self, plain: pd.DataFrame, read_groups: bool = True) -> Design:
        """Make the design of complete rows in plain types, without an outcome.

        Parameters
        ----------
        plain
            See :func:`partialpool.formula.plain.plain_columns`.
        read_groups
            False leaves the columns of grouping factors unread; every group's index is then -1.
        """

        def read(frame: Frame) -> Design:
            groupings = {
                key: factor.evaluate(frame.table) if read_groups else factor.unread(frame.table)
                for key, factor in self.factors.items()
            }
            predictors = {p.parameter: p.evaluate(frame.table, groupings) for p in self.predictors}
            return Design(None, predictors, frame.n_rows, frame=frame)

        warn_of_extrapolation(self._calculations, plain)
        return of_combinations(plain, self.columns_read(read_groups), read)

    @property
    def _calculations(self) -> list[Calculation]:
        """What is computed of columns, once each."""
        expressions = (c for p in self.predictors for e in p.expressions for c in e.calculations)
        found = (*expressions, *(offset.calculation for p in self.predictors for offset in p.offsets))
        return list({calculation.node: calculation for calculation in found}.values())

    @property
    def covariances(self) -> Covariances:
        """The known covariances between groups."""
        terms = (group for p in self.predictors for group in p.groups)
        return {(g.factor, g.covariance.name): g.covariance for g in terms if g.covariance is not None}

    def columns_read(self, read_groups: bool = True, additions: bool = False) -> Columns:
        """List the columns that new rows must have.

        Parameters
        ----------
        read_groups
            Whether grouping factors are read.
        additions
            Whether what is added to the outcome is.
        """
        factors = (factor.columns_read(read_groups) for factor in self.factors.values())
        added = [own.piece.columns for own in self.outcome.additions.values()] if additions else []
        return union(*(p.columns for p in self.predictors), *factors, *added)

    def keep_factors(self, names: Collection[str]) -> Recipe:
        """Leave out the group-level terms of factors that are not named, nor part of one that is.

        With ``"school:class"`` goes ``"school"``, whose columns are among its own.
        """
        inner = [set(key) for key, factor in self.factors.items() if factor.name in names]
        factors = {key: f for key, f in self.factors.items() if any(set(key) <= keys for keys in inner)}
        predictors = tuple(p.keep_factors(factors) for p in self.predictors)
        smaller = replace(self, predictors=predictors, factors=factors)
        return replace(smaller, columns=smaller.columns_read())


def union(*names: Columns) -> Columns:
    """Put names together, each once, in the order of the first."""
    return tuple(dict.fromkeys(name for some in names for name in some))


def usable_rows(table: pd.DataFrame, columns: Columns, missing: Missing) -> NDArray[np.intp]:
    """Return the positions of the rows that are used, once the columns are there."""
    require_columns(table, columns)
    return complete_rows(table, columns, missing)
