"""Equal to the last bit, through records, arrays and labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import pandas as pd


def assert_same(found: Any, wanted: Any, path: str = "") -> None:
    """Fail unless two values have the same types, shapes and bits; `path` says where they differ."""
    if isinstance(wanted, np.ndarray):
        assert (found.dtype, found.shape) == (wanted.dtype, wanted.shape), path
        if wanted.dtype == object:
            assert [(type(a), a) for a in found.ravel()] == [(type(a), a) for a in wanted.ravel()], path
        else:
            assert np.ascontiguousarray(found).tobytes() == np.ascontiguousarray(wanted).tobytes(), path
    elif isinstance(wanted, pd.DataFrame):
        pd.testing.assert_frame_equal(found, wanted.reset_index(drop=True), check_exact=True)
    elif isinstance(wanted, pd.Index):
        pd.testing.assert_index_equal(found, wanted, exact=True)
    elif is_dataclass(wanted):
        assert type(found) is type(wanted), path
        for field in fields(wanted):
            assert_same(getattr(found, field.name), getattr(wanted, field.name), f"{path}.{field.name}")
    elif isinstance(wanted, Mapping):
        assert list(found) == list(wanted), path
        for key in wanted:
            assert_same(found[key], wanted[key], f"{path}[{key!r}]")
    elif isinstance(wanted, tuple | list):
        assert len(found) == len(wanted), path
        for i, (one, other) in enumerate(zip(found, wanted, strict=True)):
            assert_same(one, other, f"{path}[{i}]")
    else:
        assert found == wanted, path
