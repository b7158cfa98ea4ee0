"""What depends on raw columns alone is computed once for each combination of their values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import pandas as pd

from partialpool.data.frame import Frame, distinct_combinations, every_row
from partialpool.errors import DataError

T = TypeVar("T")


def of_combinations(plain: pd.DataFrame, columns: Sequence[str], make: Callable[[Frame], T]) -> T:
    """Make something of the distinct combinations of columns.

    Parameters
    ----------
    plain
        The columns that are used (see :func:`partialpool.formula.plain.plain_columns`).
    columns
        Those of them that it depends on.
    make
        Does so of combinations.

    Raises
    ------
    DataError
        As `make`: of all rows, so that the message counts and names rows.
    """
    frame = distinct_combinations(plain, columns)
    try:
        return make(frame)
    except DataError:
        if frame.row is None:
            raise
    return make(every_row(plain))
