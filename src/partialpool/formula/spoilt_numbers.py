"""Predictors that were meant as numbers and came as text: each number would become a category of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import pandas as pd

from partialpool.data.checks import count_rows, first_rows
from partialpool.data.written import is_nothing, is_number, longer_than_a_number, mend, spoilt_how
from partialpool.errors import DataError, build

_AT_LEAST = 10  # labels that are numbers for each that is a word: then the word is a mistake


def refuse_spoilt_numbers(name: str, column: pd.Series) -> None:
    """Refuse labels of which most are numbers, in whatever way they are written.

    Words among numbers are a mistake where they are few. Where numbers are spoilt (a decimal comma, a percent
    sign) or stand beside signs of a missing value (a point), few distinct values are refused as well.

    Parameters
    ----------
    column
        Categories that all occur.

    Raises
    ------
    DataError
        Says which labels in which rows are no numbers, and what makes numbers of them.
    """
    labels = list(column.cat.categories)
    if not all(isinstance(label, str) for label in labels):
        return
    bad = [label for label in labels if not is_number(label)]
    if not bad and longer_than_a_number(labels):
        raise _too_long(name, labels)
    words = [label for label in bad if spoilt_how(label) is None and not is_nothing(label)]
    numbers = [label for label in labels if is_number(label) or spoilt_how(label) is not None]
    # Words alone need many numbers beside them: of the wards 1, 2, 3 and x none is a mistake.
    enough = len(words) * _AT_LEAST if len(words) < len(bad) else max(1, len(words)) * _AT_LEAST
    if bad and numbers and len(numbers) >= enough:
        raise _spoilt(name, column, bad, len(labels))


def way_to_mend(name: str, labels: Iterable[str]) -> str:
    """Say what makes numbers of a column of such labels."""
    ways = Counter(how for how in map(spoilt_how, labels) if how is not None)
    call = f"table[{name!r}]" + (mend(ways.most_common(1)[0][0]) if ways else "")
    return f"clean the column: pandas.to_numeric({call}, errors='coerce') makes missing values of words"


def _spoilt(name: str, column: pd.Series, bad: list[str], n: int) -> DataError:
    positions = column.index[column.isin(bad)]
    how = next((how for how in map(spoilt_how, bad) if how is not None), None)
    first = next(label for label in bad if spoilt_how(label) == how or how is None)
    told = f"{first!r}" + (f", with {how}" if how else "")
    others = f"; its other labels, {n - len(bad):,} of {n:,}, are numbers" if n > len(bad) else ""
    return build(
        DataError,
        f"Column {name!r} is text because of {count_rows(len(positions))} ({first_rows(positions)}, "
        f"counted from 0) such as {told}{others}.",
        hint=f"{way_to_mend(name, bad)}; or write C({name}) if its labels are categories",
    )


def _too_long(name: str, labels: list[str]) -> DataError:
    longest = max(labels, key=len)
    return build(
        DataError,
        f"Column {name!r} is text, of whole numbers with more digits than 64 bits hold, such as {longest}.",
        hint=f"table[{name!r}].astype(float) as a predictor; C({name}) or (1 | {name}) if they are labels",
    )
