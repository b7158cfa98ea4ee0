"""Values that come beside a table, one a row: put in the order of the rows that were fitted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from partialpool.data.checks import first_labels
from partialpool.errors import OptionError, build


def in_order_of_rows(values: Iterable[Any], labels: pd.Index | None, n_rows: int, what: str) -> pd.Series:
    """Put values in the order of the fitted rows: those of a pandas Series by its index.

    Parameters
    ----------
    values
        A Series, whose index is that of the fitted table in any order, and may have more rows; or anything
        else of one value a row, in the order of the rows.
    labels
        (n,) what the fitted table calls its rows; None where this is not known.
    what
        The name of the argument.

    Returns
    -------
    (n,) values, rows numbered from 0; of the length they came in where that is another one.

    Raises
    ------
    OptionError
        When the index of a Series does not say which row is which.
    """
    if not isinstance(values, pd.Series):
        return pd.Series(np.asarray(values if isinstance(values, np.ndarray) else list(values)))
    numbered = values.index.equals(pd.RangeIndex(n_rows))
    if labels is None:
        if not numbered:
            raise _unknown(
                what, "the labels of the fitted rows are not kept in files unless they are numbers"
            )
        return values
    if values.index.equals(labels) or (numbered and not labels.isin(values.index).any()):
        return values.set_axis(pd.RangeIndex(len(values)))
    if not (labels.is_unique and values.index.is_unique):
        raise _unknown(what, "several rows have the same label")
    places = values.index.get_indexer(labels)
    if (places < 0).any():
        absent = labels[places < 0]
        raise _unknown(what, f"of the fitted rows it lacks {len(absent):,}: {first_labels(absent)}")
    return values.iloc[places].set_axis(pd.RangeIndex(n_rows))


def _unknown(what: str, why: str) -> OptionError:
    return build(
        OptionError,
        f"{what} is a pandas Series whose index does not say which row is which: {why}.",
        allowed="a Series with the index of the fitted table",
        hint=f"{what}=series.to_numpy() if its values are in the order of the fitted rows",
    )
