"""New rows read a slice at a time, so that a large table never becomes one large design."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from partialpool.data.checks import Missing, complete_rows, count_rows, first_rows, require_columns
from partialpool.errors import DataError, build
from partialpool.families.support import ADDITIONS
from partialpool.formula.group_records import Grouping
from partialpool.formula.recipe import Columns, Recipe
from partialpool.formula.records import Design, Floats


@dataclass(frozen=True)
class NewRows:
    """The rows of a table that are used, ready to be read.

    Attributes
    ----------
    recipe
        How rows become a design.
    table
        The user's table.
    positions
        (n,) where the rows that are used stand in it.
    columns
        The columns that are read.
    read_groups
        False when grouping factors are not among them.
    """

    recipe: Recipe
    table: pd.DataFrame
    positions: NDArray[np.intp]
    columns: Columns
    read_groups: bool

    def plain(self, rows: slice) -> pd.DataFrame:
        """Take the columns of some rows, in plain types."""
        return self.recipe.plain(self.table, self.columns, self.positions[rows])

    def design(self, plain: pd.DataFrame) -> Design:
        """Make the design of rows that `plain` took.

        Raises
        ------
        DataError
            When a level of a population-level term is not known, or a number is not finite.
        """
        return self.recipe.read(plain, self.read_groups)

    def groupings(self, rows: slice) -> dict[str, Grouping]:
        """Look up the groups of some rows, by factor, and nothing else."""
        plain = self.plain(rows)
        return {factor.name: factor.evaluate(plain) for factor in self.recipe.factors.values()}

    def additions(self, plain: pd.DataFrame) -> dict[str, Floats]:
        """Compute what the formula adds to the outcome, such as trials, of rows that `plain` took.

        Raises
        ------
        DataError
            When a number is not finite, or is no count where it must be one.
        """
        return {name: self._addition(name, plain) for name in self.recipe.outcome.additions}

    def _addition(self, name: str, plain: pd.DataFrame) -> Floats:
        column, about = self.recipe.outcome.additions[name], ADDITIONS[name]
        values = column.evaluate(plain)
        bad = plain.index[(values < 0) | (values != np.floor(values))] if about.counts else plain.index[:0]
        if len(bad):
            raise build(
                DataError,
                f"The {about.what} {column.name!r} is no count in {count_rows(len(bad))} "
                f"({first_rows(bad)}, counted from 0).",
                allowed="whole numbers from 0",
            )
        return values


def new_rows(
    recipe: Recipe,
    table: pd.DataFrame,
    missing: Missing,
    factors: Collection[str],
    *,
    read_groups: bool = True,
    additions: bool = False,
) -> NewRows:
    """Choose the rows and the columns that are read.

    Parameters
    ----------
    factors
        Names of the grouping factors whose terms are wanted.
    read_groups
        False when it does not matter which groups rows are of.
    additions
        Whether what the formula adds to the outcome is wanted.

    Raises
    ------
    DataError
        When a column is absent, or a value is missing and `missing` is ``"error"``.
    """
    smaller = recipe.keep_factors(factors)
    columns = smaller.columns_read(read_groups, additions)
    require_columns(table, columns)
    if read_groups:
        smaller.require_members(table, missing)
    positions = complete_rows(table, columns, missing)
    return NewRows(smaller, table, positions, columns, read_groups)
