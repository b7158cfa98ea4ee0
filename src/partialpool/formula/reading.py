"""New rows read a slice at a time, so that a large table never becomes one large design."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from partialpool.data.checks import Missing, complete_rows, count_rows, first_rows, require_columns
from partialpool.errors import DataError, build
from partialpool.formula.group_records import Grouping
from partialpool.formula.plain import plain_columns
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
        return plain_columns(self.table, self.columns, self.positions[rows])

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

    def trials(self, plain: pd.DataFrame) -> Floats | None:
        """Compute the numbers of trials of rows that `plain` took; None when the formula has none.

        Raises
        ------
        DataError
            When one is negative, a fraction or not finite.
        """
        column = self.recipe.outcome.trials
        if column is None:
            return None
        trials = column.evaluate(plain)
        bad = plain.index[(trials < 0) | (trials != np.floor(trials))]
        if len(bad):
            raise build(
                DataError,
                f"The number of trials {column.name!r} is no count in {count_rows(len(bad))} "
                f"({first_rows(bad)}, counted from 0).",
                allowed="whole numbers from 0",
            )
        return trials


def new_rows(
    recipe: Recipe,
    table: pd.DataFrame,
    missing: Missing,
    factors: Collection[str],
    *,
    read_groups: bool = True,
    trials: bool = False,
) -> NewRows:
    """Choose the rows and the columns that are read.

    Parameters
    ----------
    factors
        Names of the grouping factors whose terms are wanted.
    read_groups
        False when it does not matter which groups rows are of.
    trials
        Whether numbers of trials are wanted.

    Raises
    ------
    DataError
        When a column is absent, or a value is missing and `missing` is ``"error"``.
    """
    smaller = recipe.keep_factors(factors)
    columns = smaller.columns_read(read_groups, trials)
    require_columns(table, columns)
    if read_groups:
        smaller.require_members(table, missing)
    positions = complete_rows(table, columns, missing)
    return NewRows(smaller, table, positions, columns, read_groups)
