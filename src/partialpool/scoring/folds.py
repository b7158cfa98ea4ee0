"""Which rows are held out together: folds of rows, or of whole groups, of about one size."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from partialpool.data.row_labels import in_order_of_rows
from partialpool.errors import DataError, OptionError, build
from partialpool.formula.records import Design

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Groups:
    """Groups of rows to hold out whole.

    Attributes
    ----------
    name
        What they are, in words.
    labels
        (J,) their labels.
    index
        (n,) the group of each row.
    """

    name: str
    labels: NDArray[Any]
    index: Integers


def groups_of(design: Design, group: str | Iterable[Any]) -> Groups:
    """Find the groups of rows that the argument `group` selects.

    Parameters
    ----------
    group
        A grouping factor of the model, or the label of each row, for groups that the model has no term for.

    Raises
    ------
    OptionError
        When the model has no such factor, rows belong to several of its groups, or there is one group only.
    DataError
        When the labels are not one a row, or some are missing.
    """
    if isinstance(group, str):
        known = design.groupings
        if group not in known:
            raise build(
                OptionError,
                f"The model has no grouping factor {group!r}.",
                allowed=", ".join(known) or None,
                hint=f"group=table[{group!r}], the label of each row, for groups without a term in the model",
            )
        if known[group].members:
            raise build(
                OptionError,
                f"Rows belong to several groups of {group}: none can be held out without parts of others.",
                hint=f"group=table[{known[group].columns[0]!r}], the label of each row in one of its columns",
            )
        found = Groups(group, known[group].labels, known[group].index)
    else:
        found = _labelled(design, group)
    if len(found.labels) < 2:
        raise build(OptionError, f"All rows are in one group of {found.name}: nothing would be left to fit.")
    return found


def _labelled(design: Design, group: Iterable[Any]) -> Groups:
    known = None if design.frame is None else design.frame.labels
    labels = in_order_of_rows(group, known, design.n_rows, "group")
    if len(labels) != design.n_rows:
        raise build(
            DataError,
            f"group has {len(labels):,} labels, and the fit has {design.n_rows:,} rows"
            + (f" ({design.n_dropped:,} were dropped for missing values)." if design.n_dropped else "."),
            allowed="one label a row, in the order of the table",
        )
    if labels.isna().any():
        raise build(DataError, f"group lacks a label in {int(labels.isna().sum()):,} rows.")
    index, found = pd.factorize(labels, sort=True)
    name = str(getattr(group, "name", None) or "group")
    return Groups(name, np.asarray(found), index.astype(np.int64))


def row_folds(n_rows: int, k: int, rng: np.random.Generator) -> Integers:
    """Deal rows into k folds at random; sizes differ by one at most.

    Returns
    -------
    (n_rows,) folds from 0.

    Examples
    --------
    >>> np.bincount(row_folds(7, 3, np.random.default_rng(1)))
    array([3, 2, 2])
    """
    return rng.permutation(np.arange(n_rows) % k)


def group_folds(sizes: Integers, k: int, rng: np.random.Generator) -> Integers:
    """Deal whole groups into k folds: the largest first, each into the fold that has fewest rows.

    Parameters
    ----------
    sizes
        (J,) rows of each group. Groups of one size come in a random order.
    k
        J at most.

    Returns
    -------
    (J,) folds from 0.
    """
    shuffled = rng.permutation(len(sizes))
    order = shuffled[np.argsort(-sizes[shuffled], kind="stable")]
    folds, rows = np.empty(len(sizes), np.int64), np.zeros(k)
    for group in order:
        folds[group] = np.argmin(rows)
        rows[folds[group]] += max(sizes[group], 1)  # a group without rows counts as one row
    return folds


def check_k(k: int, n_rows: int) -> None:
    """Raise OptionError unless rows can be dealt into k folds."""
    if isinstance(k, bool) or not isinstance(k, int | np.integer) or k < 2:
        raise build(OptionError, f"k is {k!r}.", allowed="a whole number of folds from 2 on")
    if n_rows < 2:
        raise build(OptionError, "The fit has one row: without it nothing would be left to fit.")
