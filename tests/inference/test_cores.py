"""How many processors a process takes itself to have."""

from __future__ import annotations

from pathlib import Path

import pytest

from partialpool.inference import cores
from partialpool.inference.cores import available_cores


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine of eight processors whose control groups stand in a folder that is empty."""
    monkeypatch.setattr(cores.os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.setattr(cores, "CONTROL_GROUP", tmp_path)
    return tmp_path


def test_without_a_quota_all_that_affinity_allows(machine: Path) -> None:
    assert available_cores() == 8


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("200000 100000", 2),
        ("250000 100000", 3),
        ("10000 100000", 1),
        ("max 100000", 8),
        ("1600000 100000", 8),
    ],
)
def test_a_containers_quota(machine: Path, text: str, expected: int) -> None:
    (machine / "cpu.max").write_text(text + "\n")
    assert available_cores() == expected


@pytest.mark.parametrize(("quota", "expected"), [("150000", 2), ("-1", 8)])
def test_a_quota_of_the_older_kind(machine: Path, quota: str, expected: int) -> None:
    (machine / "cpu").mkdir()
    (machine / "cpu" / "cpu.cfs_quota_us").write_text(quota + "\n")
    (machine / "cpu" / "cpu.cfs_period_us").write_text("100000\n")
    assert available_cores() == expected


def test_a_system_without_affinity(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(cores.os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(cores.os, "cpu_count", lambda: None)
    assert available_cores() == 1
