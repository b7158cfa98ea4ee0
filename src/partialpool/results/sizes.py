"""How many observations each group has, as every table counts them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.families.support import row_weights
from partialpool.formula.group_records import Grouping
from partialpool.formula.records import Outcome


def group_sizes(outcome: Outcome, grouping: Grouping) -> NDArray[Any]:
    """Count the observations of each group: rows, of which one of frequency weight w stands for w.

    Trials are no observations: a row of 40 trials is one. A row of several groups counts for each of them
    that has any weight in it.

    Returns
    -------
    (J,) whole numbers, unless weights are fractions.

    Examples
    --------
    >>> outcome = Outcome("y", np.zeros(3), {}, weights=np.array([1.0, 4.0, 2.0]))
    >>> group_sizes(outcome, Grouping("g", np.array(["a", "b"]), np.array([0, 1, 1]), ("g",)))
    array([1, 6])
    """
    rows, groups = grouping.pairs()
    return whole(np.bincount(groups, row_weights(outcome)[rows], len(grouping.labels)))


def whole(counts: NDArray[Any]) -> NDArray[Any]:
    """Turn counts into integers, unless frequency weights made fractions of them."""
    rounded = counts.round().astype(np.int64)
    return rounded if np.array_equal(rounded, counts) else counts
