"""Which grouping factors lie in which others: what the rows say, for everything that asks."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from partialpool.formula.group_records import Grouping
from partialpool.formula.grouping import Factor
from partialpool.formula.member_factor import MemberFactor

Index = NDArray[np.int64]
# By the columns of an inner and of an outer factor, the (J,) outer group of each inner one; -1 without rows.
Nesting = Mapping[tuple[tuple[str, ...], tuple[str, ...]], Index]


def outer_groups(inner: NDArray[np.integer], n_inner: int, outer: NDArray[np.integer]) -> Index | None:
    """Find which outer group each inner group lies in.

    Parameters
    ----------
    inner, outer
        (n,) groups of the rows, or of cells.
    n_inner
        How many inner groups there are.

    Returns
    -------
    (n_inner,), -1 for a group without rows; None where the rows of one group are in several outer ones.

    Examples
    --------
    >>> outer_groups(np.array([0, 1, 1, 2]), 4, np.array([5, 6, 6, 5]))
    array([ 5,  6,  5, -1])
    >>> outer_groups(np.array([0, 1, 1]), 2, np.array([5, 6, 5])) is None
    True
    """
    found = np.full(n_inner, -1, np.int64)
    found[inner] = outer
    return found if np.array_equal(found[inner], outer) else None


def find_nesting(groupings: Mapping[tuple[str, ...], Grouping]) -> Nesting:
    """Find every factor that lies in another one with no more groups, whatever their columns are.

    Of two factors that are one by the rows, the one with more columns is the inner, then the first. A factor
    of which rows have several groups lies in no other, and none in it.
    """
    single = [columns for columns, grouping in groupings.items() if not grouping.members]
    order = sorted(single, key=lambda c: (-len(groupings[c].labels), -len(c)))
    found = {}
    for i, inner in enumerate(order):
        own = groupings[inner]
        for outer in order[i + 1 :]:
            groups = outer_groups(own.index, len(own.labels), groupings[outer].index)
            if groups is not None:
                found[inner, outer] = groups
    return found


def nesting_of_columns(factors: Mapping[tuple[str, ...], Factor | MemberFactor]) -> Nesting:
    """Find the factors that lie in others for having all their columns: ``school:class`` in ``school``."""
    return {
        (a, b): inner.outer_groups(outer)
        for a, inner in factors.items()
        for b, outer in factors.items()
        if isinstance(inner, Factor) and isinstance(outer, Factor) and set(b) < set(a)
    }
