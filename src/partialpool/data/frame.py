"""The data, once: distinct combinations of raw columns, with the rows that each stands for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from partialpool.data.collapse import collapse

Floats = NDArray[np.float64]
Index = NDArray[np.int64]
Value = TypeVar("Value", bound=np.generic)

FEW = 5000  # rows, of which looking for combinations takes longer than it saves
SAMPLED = 16  # rows that are looked at first, by the square root of all
WORTH = 0.5  # combinations by rows, above which rows are taken as they are
LABELS = ("text", "categories", "ordered")  # what columns of labels may have been
DAYS = "days"  # what a column of dates may have been: days without a time, such as `datetime.date`


@dataclass(frozen=True, eq=False)
class Frame:
    """Distinct combinations of the raw columns that formulas use.

    Whatever is a function of these columns is computed for m combinations, not for n rows. For a table in
    memory `row` says which combination each row is. Where a table is elsewhere, a grouped query by these
    columns and the outcome gives rows of their own, whose frequency weights are the query's counts.

    Attributes
    ----------
    table
        (m) combinations in plain types. Where each row is one of its own these are all columns that are used,
        and their index is the user's positions.
    n_rows
        How many rows the combinations stand for.
    row
        (n,) combination of each row; None where each row is one of its own.
    others
        (n) columns that are not functions of combinations, such as outcomes; None where there are none.
    kinds
        What columns of labels were in the user's table: ``"text"``, ``"categories"`` or ``"ordered"``. Plain
        columns are ordered categories, whatever they were. Dates that were days without a time: ``"days"``.
    labels
        (n,) what the user's table calls the rows; None where that is not known.
    """

    table: pd.DataFrame
    n_rows: int
    row: Index | None = None
    others: pd.DataFrame | None = None
    kinds: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    labels: pd.Index | None = None

    @property
    def rows(self) -> pd.DataFrame:
        """(n) the columns of every row, labels as the user's table had them, rows numbered from 0."""
        every = self.table if self.row is None else self.table.iloc[self.row]
        every = every.set_axis(pd.RangeIndex(self.n_rows))
        if self.others is not None:
            every = pd.concat([self.others, every], axis=1)
        return every.assign(**{name: _as_given(every[name], kind) for name, kind in self.kinds.items()})

    def take(self, rows: Index | slice) -> Frame:
        """Take rows, of which one may come several times, with all combinations.

        Columns that are not functions of combinations stay behind.
        """
        row = np.arange(self.n_rows)[rows] if self.row is None else self.row[rows]
        return Frame(self.table, len(row), row)

    def by_row(self, values: NDArray[Value]) -> NDArray[Value]:
        """Give each row what its combination has: (m, ...) to (n, ...)."""
        return by_row(values, self.row)

    def totals(self, weights: Floats | None) -> Floats | None:
        """Add the weights of rows up to those of combinations.

        Parameters
        ----------
        weights
            (n,) frequency weights; None where each row counts once.

        Returns
        -------
        (m,) weights; None where each combination counts once.
        """
        if self.row is None:
            return weights
        return row_totals(np.ones(self.n_rows) if weights is None else weights, self.row, len(self.table))


def distinct_combinations(table: pd.DataFrame, columns: Sequence[str] | None = None) -> Frame:
    """Find the distinct rows of a table, unless it has few rows or more than half of them are distinct.

    Parameters
    ----------
    table
        Columns of numbers, dates, true/false or categories, without missing values.
    columns
        Whose combinations are wanted; of all when None.

    Examples
    --------
    >>> frame = distinct_combinations(pd.DataFrame({"x": [1, 1, 2, 1] * 2500, "y": [0.5] * 10_000}))
    >>> frame.table["x"].tolist(), frame.row[:4], frame.totals(None)
    ([1, 2], array([0, 0, 1, 0]), array([7500., 2500.]))
    """
    n = len(table)
    if n < FEW:
        return every_row(table)
    columns = [str(name) for name in table] if columns is None else columns
    keys = [_key(table[name]) for name in columns]
    if _nearly_all_differ(keys, n):
        return every_row(table)
    found = collapse(keys, n)
    if found.n_cells > WORTH * n:
        return every_row(table)
    own = {name: table[name].array.take(found.first_row) for name in columns}
    rest = [name for name in table if name not in own]
    others = table[rest].set_axis(pd.RangeIndex(n)) if rest else None
    return Frame(pd.DataFrame(own, pd.RangeIndex(found.n_cells)), n, found.cell, others)


def kinds_of(table: pd.DataFrame, plain: pd.DataFrame) -> dict[str, str]:
    """Say what the labels and dates in plain columns are in the user's table: see `Frame.kinds`."""
    found = {}
    for name, dtype in zip(plain.columns, plain.dtypes, strict=True):
        if isinstance(dtype, pd.CategoricalDtype):
            given = table[name].dtype
            ordered = "ordered" if getattr(given, "ordered", None) else "categories"
            found[str(name)] = ordered if isinstance(given, pd.CategoricalDtype) else "text"
        elif dtype.kind == "M" and _are_days(table[name]):
            found[str(name)] = DAYS
    return found


def _are_days(column: pd.Series) -> bool:
    """Say whether a column holds days without a time: of Python's or of Arrow's."""
    if isinstance(column.dtype, pd.ArrowDtype):
        return str(column.dtype).startswith("date")
    return column.dtype == object and pd.api.types.infer_dtype(column, skipna=True) == "date"


def _as_given(column: pd.Series, kind: str) -> pd.Series:
    """Turn labels or dates in plain form into what they were."""
    if kind == DAYS:
        return pd.Series(column.dt.date.to_numpy(), index=column.index, name=column.name, dtype=object)
    if kind == "text":
        return column.astype(column.cat.categories.dtype)
    return column.cat.as_unordered() if kind == "categories" else column


def every_row(table: pd.DataFrame) -> Frame:
    """Take each row as a combination of its own."""
    return Frame(table, len(table))


def by_row(values: NDArray[Value], row: Index | None) -> NDArray[Value]:
    """Give each row what its combination has."""
    return values if row is None else values[row]


def row_totals(weights: Floats, row: Index | None, n: int) -> Floats:
    """(n,) sums of rows' weights by combination."""
    return weights if row is None else np.bincount(row, weights, n).astype(np.float64)


def _nearly_all_differ(keys: list[NDArray[Any]], n: int) -> bool:
    """Say by a sample of k rows whether more than half of the rows differ.

    Where n / 2 combinations have two rows each, k^2 / (2 n) = 128 rows of a sample equal an earlier one, and
    more do where combinations are fewer or some have more rows. Three quarters of this are 3 standard
    deviations less.
    """
    if n == 0:
        return True
    some = np.unique(np.random.default_rng(0).integers(0, n, int(SAMPLED * np.sqrt(n))))
    equal = len(some) - collapse([key[some] for key in keys], len(some)).n_cells
    return equal < 0.75 * len(some) ** 2 / (2 * n)


def _key(column: pd.Series) -> Any:
    """What tells the values of a column apart, as an array."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.cat.codes.to_numpy()
    return column.to_numpy() if isinstance(column.dtype, np.dtype) else column.array
