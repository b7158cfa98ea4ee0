"""Records of arrays come back from their arrays, coordinates of nested groups too."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import pytest
from tests.storage.kept import TABLE

import partialpool as pp
from partialpool.inference.chosen_geometry import choose_geometry
from partialpool.inference.nuts.metric import Metric
from partialpool.inference.nuts.resume import Beginning, Part
from partialpool.inference.nuts.warmup import Tuning
from partialpool.model.geometry import Geometry
from partialpool.storage.arrays import from_arrays, to_arrays

RNG = np.random.default_rng(1)
METRIC = Metric(RNG.normal(size=3), RNG.normal(size=(0, 3)), np.zeros(0))
STATES = RNG.integers(0, 2**64, (2, 4), dtype=np.uint64)
CASES = [
    Beginning(Tuning(METRIC, 0.1 + 0.2, 400), RNG.normal(size=(2, 3)), STATES, np.array([-1.0, -np.inf])),
    Part(1, RNG.normal(size=(5, 4)), RNG.normal(size=(5, 8)), RNG.normal(size=3), STATES[0]),
]


def assert_same(a: Any, b: Any) -> None:
    assert type(a) is type(b)
    if is_dataclass(a):
        for field in fields(a):
            assert_same(getattr(a, field.name), getattr(b, field.name))
    elif isinstance(a, tuple):
        assert len(a) == len(b)
        for one, other in zip(a, b, strict=True):
            assert_same(one, other)
    elif isinstance(a, np.ndarray):
        assert (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())
    else:
        assert a == b


@pytest.mark.parametrize("record", CASES, ids=lambda record: type(record).__name__)
def test_a_record_comes_back(record: Any) -> None:
    assert_same(from_arrays(type(record), to_arrays(record)), record)


@pytest.mark.parametrize("formula", ["y ~ x", "y ~ x + (x | g)", "y ~ x + (1 | g / h) + (x | cat)"])
def test_coordinates_come_back(formula: str) -> None:
    """Its tuples are empty, of one item, of several."""
    geometry = choose_geometry(pp.Model(formula, TABLE).spec)
    assert bool(geometry.links) == ("/" in formula)
    assert_same(from_arrays(Geometry, to_arrays(geometry)), geometry)


def test_a_joint_map_comes_back() -> None:
    rng = np.random.default_rng(2)
    table = {"y": rng.normal(size=60), "g": rng.integers(0, 4, 60), "h": rng.integers(0, 3, 60)}
    geometry = choose_geometry(pp.Model("y ~ 1 + (1 | g) + (1 | h)", table).spec)
    assert geometry.joint
    assert_same(from_arrays(Geometry, to_arrays(geometry)), geometry)


def test_a_missing_array_is_no_record() -> None:
    arrays = to_arrays(CASES[0])
    del arrays["tuning.step_size"]
    with pytest.raises(KeyError, match="step_size"):
        from_arrays(Beginning, arrays)
