"""Convert frozen records of arrays and numbers to named arrays, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import NDArray

R = TypeVar("R")
Arrays = Mapping[str, NDArray[Any]]


def to_arrays(record: Any) -> dict[str, NDArray[Any]]:
    """Name the arrays of a record: fields of a record in it, and items of a tuple, come after a dot.

    Examples
    --------
    >>> from partialpool.inference.nuts.metric import unit_metric
    >>> from partialpool.inference.nuts.warmup import Tuning
    >>> sorted(to_arrays(Tuning(unit_metric(2), 0.5, 100)))
    ['metric.directions', 'metric.scale', 'metric.stretch', 'step_size', 'transitions']
    """
    return _named({field.name: getattr(record, field.name) for field in fields(record)})


def from_arrays(kind: type[R], arrays: Arrays) -> R:
    """Make a record of this kind again.

    Raises
    ------
    KeyError
        When an array is missing.
    """
    hints = get_type_hints(kind)
    return kind(**{name: _value(hint, name, arrays) for name, hint in hints.items()})


def _named(values: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {}
    for name, value in values.items():
        if is_dataclass(value):
            arrays |= {f"{name}.{inner}": array for inner, array in to_arrays(value).items()}
        elif isinstance(value, tuple):
            arrays |= _named({f"{name}.{i}": item for i, item in enumerate(value)})
        else:
            arrays[name] = np.asarray(value)
    return arrays


def _value(hint: Any, name: str, arrays: Arrays) -> Any:
    if get_origin(hint) is np.ndarray:
        return arrays[name]
    if get_origin(hint) is tuple:
        items = _within(name, arrays)
        count = len({key.partition(".")[0] for key in items})
        return tuple(_value(get_args(hint)[0], str(i), items) for i in range(count))
    if isinstance(hint, type) and is_dataclass(hint):
        return from_arrays(hint, _within(name, arrays))
    return arrays[name].item()


def _within(name: str, arrays: Arrays) -> dict[str, NDArray[Any]]:
    return {key[len(name) + 1 :]: array for key, array in arrays.items() if key.startswith(f"{name}.")}
