"""The groups of a check: the model's grouping factors, or labels that are not in the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from partialpool.data.row_labels import in_order_of_rows
from partialpool.errors import OptionError, build, unknown_name
from partialpool.formula.group_records import Grouping
from partialpool.formula.records import Design

Labels = Sequence[Any] | NDArray[Any] | pd.Series


def checked_factors(
    design: Design, group: str | Labels | None, rows: NDArray[np.int64]
) -> Mapping[str, Grouping]:
    """Find the factors to check, by name, with the group of each observation.

    Parameters
    ----------
    design
        The fit's rows.
    group
        A factor's name, or labels of the design's rows; None for all factors of the model.
    rows
        (n,) the row of each observation.

    Raises
    ------
    OptionError
        When there is no such factor, not one label for each row, or a Series with another index.
    """
    known: Mapping[str, Grouping] = design.groupings
    if isinstance(group, str):
        if group not in known:
            raise _unknown(group, known)
        known = {group: known[group]}
    elif group is not None:
        factor = _from_labels(group, design)
        known = {factor.name: factor}
    return {name: factor.take(rows) for name, factor in known.items()}


def _unknown(group: str, known: Mapping[str, Grouping]) -> OptionError:
    if known:
        return unknown_name(OptionError, "grouping factor of the model called", group, known)
    return build(
        OptionError,
        f"The model has no grouping factor, so none is called {group!r}.",
        hint=f"the column itself, group=table[{group!r}]",
    )


def _from_labels(labels: Labels, design: Design) -> Grouping:
    n_rows, known = design.n_rows, None if design.frame is None else design.frame.labels
    column = pd.Series(np.asarray(in_order_of_rows(labels, known, n_rows, "group")))
    if len(column) != n_rows:
        raise build(
            OptionError,
            f"group has {len(column):,} labels, and the fit {n_rows:,} rows.",
            allowed="a grouping factor's name, or one label for each row that was fitted",
        )
    missing = int(column.isna().sum())
    if missing:
        raise build(OptionError, f"group lacks a label in {missing:,} of {n_rows:,} rows.")
    index, found = pd.factorize(column, sort=True)
    name = str(getattr(labels, "name", None) or "group")
    return Grouping(name, np.asarray(found), index.astype(np.int64), (name,))
