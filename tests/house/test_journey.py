"""A call of the front door enters each room once, from top to bottom."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.house.test_imports import PACKAGE, ROOMS, imports, package_sources, room_of

import partialpool as pp

RNG = np.random.default_rng(2)
TABLE = pd.DataFrame({"y": RNG.normal(size=60), "x": RNG.normal(size=60), "g": np.arange(60) % 5})
TEXT, SHORT = "y ~ x + (x | g)", {"draws": 40, "chains": 2, "seed": 1, "progress": False}


def room(frame: FrameType) -> str:
    """The room that a function's file is in; empty for other packages and for generated functions."""
    path = Path(frame.f_code.co_filename)
    return path.relative_to(PACKAGE).parts[0] if path.is_relative_to(PACKAGE) else ""


def counts(frame: FrameType) -> bool:
    """Leave out checks of arguments, which stand at the door, and what records know of themselves."""
    name, owner = frame.f_code.co_name, type(frame.f_locals.get("self"))
    reads = isinstance(getattr(owner, name, None), property | cached_property)
    return not (reads or name.startswith(("_", "<", "check_", "require_")))


def rooms_entered(call: Callable[[], Any]) -> list[str]:
    """The rooms of the functions that `api` calls, one after another."""
    found: list[str] = []

    def watch(frame: FrameType, event: str, _: Any) -> None:
        if event != "call" or frame.f_back is None or room(frame.f_back) != "api" or not counts(frame):
            return
        here = room(frame)
        if here not in ("", "api", "errors") and found[-1:] != [here]:
            found.append(here)

    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        call()
    finally:
        sys.setprofile(before)
    return found


@pytest.fixture(scope="module")
def fit() -> pp.Fit:
    return pp.Model(TEXT, TABLE).fit(**SHORT)


@pytest.fixture(scope="module")
def pools() -> pp.Pools:
    return pp.compare_pooling(TEXT, TABLE, **SHORT)


MAKING = ["families", "data", "formula", "model", "inference"]
JOURNEYS: dict[str, tuple[Callable[[pp.Fit, pp.Pools], Any], list[str]]] = {
    "fit": (lambda *_: pp.Model(TEXT, TABLE).fit(**SHORT), MAKING),
    "prior": (lambda *_: pp.Model(TEXT, TABLE).sample_prior(20, seed=1), MAKING),
    "compare_pooling": (lambda *_: pp.compare_pooling(TEXT, TABLE, **SHORT), MAKING),
    "table": (lambda _, pools: pools.table(), ["pooling"]),
    "explain": (lambda _, pools: pools.explain(), ["pooling"]),
    "plot": (lambda _, pools: pools.plot_forest(), ["pooling", "plots"]),
    "summary": (lambda fit, _: pp.Fit(fit.model, fit.draws).summary(), ["results"]),
    "diagnose": (lambda fit, _: pp.Fit(fit.model, fit.draws).diagnose(), ["results"]),
    "group effects": (lambda fit, _: fit.group_effects(), ["results"]),
    "predict": (lambda fit, _: fit.predict(TABLE[:5]), ["predict"]),
    "check": (lambda fit, _: fit.check(seed=1), ["inference", "checking"]),
    "kfold": (lambda fit, _: fit.kfold(2, progress=False), ["scoring"]),
}


@pytest.mark.parametrize(("call", "expected"), JOURNEYS.values(), ids=JOURNEYS)
def test_each_room_is_entered_once_on_the_way_down(
    call: Callable[[pp.Fit, pp.Pools], Any], expected: list[str], fit: pp.Fit, pools: pp.Pools
) -> None:
    order = [ROOMS.index(name) for name in expected]
    assert order == sorted(set(order))
    made = pp.Pools(pools.no_pooling, pools.partial_pooling, pools.complete_pooling, pools.group)
    assert rooms_entered(lambda: call(fit, made)) == expected


# What begins the work of a room, and the rooms besides its own that call it.
BEGINNINGS = {
    "partialpool.formula.design.build_design": {"api"},
    "partialpool.model.spec.build_spec": {"api"},
    "partialpool.model.poolings.no_pooling": {"api"},
    "partialpool.inference.posterior.draw_posterior": {"api"},
    "partialpool.inference.prior.sample_prior": {"api"},
    "partialpool.inference.chosen_geometry.choose_geometry": set(),
    "partialpool.data.tables.read_table": {"api", "predict"},  # which reads the table of new rows
}


@pytest.mark.parametrize(("function", "rooms"), BEGINNINGS.items(), ids=BEGINNINGS)
def test_no_room_further_down_begins_the_work_of_one_above(function: str, rooms: set[str]) -> None:
    used = [
        room_of(module)
        for module, source in package_sources().items()
        if any(each.target == function for each in imports(source, module))
    ]
    assert used
    assert {*used} - {room_of(function), ""} == rooms
