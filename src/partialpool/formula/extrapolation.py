"""New rows beyond the values that a spline was fitted to: it goes on there as its form says, not the data."""

from __future__ import annotations

import warnings
from collections.abc import Iterable

import numpy as np
import pandas as pd

from partialpool.data.checks import count_rows, first_rows
from partialpool.errors import ExtrapolationWarning
from partialpool.formula.calculation import Calculation
from partialpool.formula.syntax.arithmetic_tree import Call, text_of

_ROUNDING = 1e-9  # of the range: the same value may be computed a little differently in another table
_SHAPES = {"bs": "a polynomial that grows quickly", "cr": "a straight line", "tp": "nearly a straight line"}


def warn_of_extrapolation(calculations: Iterable[Calculation], plain: pd.DataFrame) -> None:
    """Warn of rows where a spline is beyond the values that it has met.

    Parameters
    ----------
    plain
        Rows in plain types, whose index is their positions in the user's table.

    Warns
    -----
    ExtrapolationWarning
        Names the spline, the range and the rows.
    """
    for calculation in calculations:
        for call, (least, greatest) in calculation.ranges.items():
            _warn(calculation, call, least, greatest, plain)


def _warn(calculation: Calculation, call: Call, least: float, greatest: float, plain: pd.DataFrame) -> None:
    x = calculation.given(call, plain)
    slack = _ROUNDING * (greatest - least)
    beyond = (x < least - slack) | (x > greatest + slack)
    if not beyond.any():
        return
    positions = plain.index[beyond]
    farthest = x[beyond][np.argmax(np.maximum(least - x[beyond], x[beyond] - greatest))]
    warnings.warn(
        f"{text_of(call)} was fitted for values from {least:g} to {greatest:g}, and "
        f"{count_rows(len(positions))} ({first_rows(positions)}, counted from 0) "
        f"{'is' if len(positions) == 1 else 'are'} beyond, as far as {farthest:g}: there it is "
        f"{_SHAPES[call.function]}, of which the data say nothing.",
        ExtrapolationWarning,
        stacklevel=2,
    )
