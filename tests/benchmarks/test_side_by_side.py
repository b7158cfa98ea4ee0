"""Two versions side by side: who has a turn when, and what the table makes of the figures."""

from __future__ import annotations

import itertools
import time

import pytest
import side_by_side
import side_plan
from side_ratios import Measurement, gathered, smallest, table


def test_versions_take_turns() -> None:
    assert "".join(side_by_side.turns(3, "bn", 60.0)) == "bnbnbn"


def test_no_more_rounds_when_time_is_up_but_one_and_never_half(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = itertools.count()
    monkeypatch.setattr(time, "perf_counter", lambda: float(next(clock)))
    assert "".join(side_by_side.turns(30, "bn", 0.5)) == "bn"
    assert "".join(side_by_side.turns(30, "bn", 2.5)) == "bnbnbn"


def test_figures_of_pairs_become_measurements() -> None:
    pairs = [({"fit": 2.0, "gone": 1.0}, {"fit": 3.0}), ({"fit": 4.0}, {"fit": 2.0})]
    assert gathered(pairs) == [Measurement("fit", [2.0, 4.0], [3.0, 2.0])]
    assert gathered(pairs)[0].ratios == [1.5, 0.5]
    assert smallest([{"fit": 2.0}, {"fit": 1.0}]) == {"fit": 1.0}


@pytest.mark.parametrize(
    ("new", "verdict"),
    [([1.0, 1.04, 1.05], ""), ([1.06, 1.1, 1.2], "SLOWER"), ([0.9, 1.1, 1.2], "slower?"), ([1.2], "slower?")],
)
def test_what_is_slower_is_marked(new: list[float], verdict: str) -> None:
    found = Measurement("fit, ms", [1.0] * len(new), new)
    assert found.verdict == verdict
    assert found.record()["verdict"] == verdict


def test_the_table_is_aligned() -> None:
    slow = Measurement("million, nuts: fit, ms", [1000.0, 2000.0, 3000.0], [2000.0, 3000.0, 3600.0])
    lines = table([Measurement("import, ms", [2.0], [1.0]), slow]).splitlines()
    assert lines[0].split() == ["measurement", "base", "new", "new/base", "least", "most"]
    assert lines[1].split() == ["import,", "ms", "2", "1", "0.500", "0.500", "0.500"]
    assert lines[2].endswith("2,000  3,000     1.500  1.200  2.000  SLOWER")


def test_names_of_tasks_are_distinct_and_quick_ones_are_among_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(side_plan.datasets, "read", lambda _: {"y": [0.0] * 1000})
    every = [task.name for task in side_plan.tasks(quick=False, cores=1)]
    quick = [task.name for task in side_plan.tasks(quick=True, cores=1)]
    assert len(set(every)) == len(every)
    assert set(quick) < set(every)
