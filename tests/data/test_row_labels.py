"""Values beside a table are put in the order of its rows by their index, or refused."""

import numpy as np
import pandas as pd
import pytest

from partialpool.data.row_labels import in_order_of_rows
from partialpool.errors import OptionError

KNOWN = {
    "numbers": pd.RangeIndex(4),
    "numbers in another order": pd.Index([2, 0, 3, 1]),
    "text": pd.Index(["c", "a", "d", "b"]),
    "times": pd.date_range("2026-01-01", periods=4),
}
VALUES = np.array(["w", "x", "y", "z"], dtype=object)


@pytest.mark.parametrize("kind", KNOWN)
def test_a_series_is_put_in_order_by_its_index(kind: str) -> None:
    known = KNOWN[kind]
    series = pd.Series(VALUES, known)
    for order in ([0, 1, 2, 3], [3, 1, 0, 2]):
        found = in_order_of_rows(series.iloc[order], known, 4, "group")
        assert found.tolist() == VALUES.tolist()
    part = known[[2, 0]]  # rows that were fitted, of a longer table
    assert in_order_of_rows(series, part, 2, "group").tolist() == ["y", "w"]


def test_what_has_no_index_is_in_the_order_of_the_rows() -> None:
    for values in (VALUES, VALUES.tolist(), tuple(VALUES), iter(VALUES)):
        assert in_order_of_rows(values, KNOWN["text"], 4, "group").tolist() == VALUES.tolist()
    fresh = pd.Series(VALUES)  # numbered, where the table's rows have names
    assert in_order_of_rows(fresh, KNOWN["text"], 4, "group").tolist() == VALUES.tolist()
    assert in_order_of_rows(fresh, None, 4, "group").tolist() == VALUES.tolist()


REFUSED = {
    "other rows": (pd.Series(VALUES, [0, 1, 2, 9]), pd.RangeIndex(4), "of the fitted rows it lacks 1: 3"),
    "the same label twice": (pd.Series(VALUES, [0, 1, 1, 3]), pd.RangeIndex(4), "the same label"),
    "not known": (pd.Series(VALUES, [3, 1, 0, 2]), None, "not kept in files"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_an_index_that_does_not_say_which_row_is_which_is_refused(kind: str) -> None:
    series, known, message = REFUSED[kind]
    with pytest.raises(OptionError, match=message) as caught:
        in_order_of_rows(series, known, 4, "group")
    assert "group=series.to_numpy()" in str(caught.value)
