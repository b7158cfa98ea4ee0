"""Labels, numbers and arrays as JSON can hold them, and back exactly; nothing in between can run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from partialpool.errors import FileError, build

_PLAIN = (type(None), bool, int, float, str)


def encode(value: Any) -> Any:
    """Turn a value into what JSON can hold.

    Parameters
    ----------
    value
        None, true or false, a number, text, a date or another label of pandas, an array of these, or lists
        and dicts of them.

    Raises
    ------
    FileError
        When it is anything else, or would not come back equal.

    Examples
    --------
    >>> encode(np.array([0.5, 1.0]))
    {'array': {'dtype': '<f8', 'shape': [2], 'values': [0.5, 1.0]}}
    >>> encode(pd.Timestamp("2026-01-31"))
    {'date': ['us', 1769817600000000, None]}
    """
    if type(value) in _PLAIN:
        return value
    if type(value) is list:
        return [encode(item) for item in value]
    if type(value) is dict:
        return {"map": [[encode(key), encode(item)] for key, item in value.items()]}
    if isinstance(value, np.ndarray | np.generic):
        return {"array": _array(np.asarray(value))}
    return _label(value)


def decode(kept: Any) -> Any:
    """Make the value again that `encode` was given.

    Raises
    ------
    KeyError, TypeError, ValueError
        When `kept` is not what `encode` returns.
    """
    if type(kept) in _PLAIN:
        return kept
    if type(kept) is list:
        return [decode(item) for item in kept]
    ((kind, content),) = kept.items()
    return _DECODERS[kind](content)


# ---- arrays ----------------------------------------------------------------------------------------------


def _array(values: NDArray[Any]) -> dict[str, Any]:
    kind = values.dtype.kind
    if kind not in "biufUOmM":
        raise _unknown(f"an array of {values.dtype}")
    flat = values.ravel()
    if kind in "mM":
        flat = flat.view(np.int64)
    items = [encode(item) for item in flat] if kind == "O" else flat.tolist()
    return {"dtype": values.dtype.str, "shape": list(values.shape), "values": items}


def _decoded_array(kept: Mapping[str, Any]) -> Any:
    dtype, items = np.dtype(kept["dtype"]), kept["values"]
    if dtype.kind == "O":
        values = np.empty(len(items), dtype=object)
        values[:] = [decode(item) for item in items]
    elif dtype.kind in "mM":
        values = np.array(items, dtype=np.int64).view(dtype)
    else:
        values = np.array(items, dtype=dtype)
    return values.reshape(kept["shape"])[()]  # an array without dimensions is a number


# ---- labels that only pandas has -------------------------------------------------------------------------


def _label(value: Any) -> dict[str, Any]:
    kept: dict[str, Any]
    if isinstance(value, pd.Timestamp):
        kept = {"date": [value.unit, _ticks(value), None if value.tz is None else str(value.tz)]}
    elif isinstance(value, pd.Timedelta):
        kept = {"duration": [value.unit, _ticks(value)]}
    elif isinstance(value, pd.Interval):
        kept = {"interval": [encode(value.left), encode(value.right), value.closed]}
    elif isinstance(value, pd.Period):
        kept = {"period": [value.ordinal, value.freqstr]}
    else:
        raise _unknown(f"{value!r}, a {type(value).__name__}")
    if not _same(decode(kept), value):
        raise _unknown(repr(value))
    return kept


def _ticks(value: pd.Timestamp | pd.Timedelta) -> int:
    """Units since 1970 in UTC, or of the duration."""
    return int(value.asm8.view(np.int64))


def _same(found: Any, value: Any) -> bool:
    return bool(type(found) is type(value) and found == value and str(found) == str(value))


def _date(kept: list[Any]) -> pd.Timestamp:
    unit, number, zone = kept
    date = pd.Timestamp(np.datetime64(number, unit))
    return date if zone is None else date.tz_localize("UTC").tz_convert(zone)


_DECODERS: dict[str, Callable[[Any], Any]] = {
    "array": _decoded_array,
    "map": lambda kept: {decode(key): decode(item) for key, item in kept},
    "date": _date,
    "duration": lambda kept: pd.Timedelta(np.timedelta64(kept[1], kept[0])),
    "interval": lambda kept: pd.Interval(decode(kept[0]), decode(kept[1]), kept[2]),
    "period": lambda kept: pd.Period(ordinal=kept[0], freq=kept[1]),
}


def _unknown(what: str) -> FileError:
    return build(
        FileError,
        f"The fit cannot be kept in a file: it holds {what}.",
        allowed="numbers, text, true/false, dates, times, periods and intervals",
        hint="text instead of these labels, in the table that is fitted",
    )
