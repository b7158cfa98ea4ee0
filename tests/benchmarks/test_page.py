"""Tables and bars come from the records: a small set of records, and every line that follows from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bars
import page
import pytest
import store


def record(seconds: float, ess: float, **other: Any) -> dict[str, Any]:
    """A measured record of one parameter."""
    sizes = [{"ess_bulk": ess, "ess_tail": ess / 2}] if ess else []
    moments = {"mean": [1.0], "sd": [1.0], "ess": [ess or 1.0]}
    times = {"build": [9.0], "rebuild": [0.0], "first": [9.0], "sample": [seconds] * 3, "cold": [9.0]}
    effort = {"draws": 1000, "chains": 4, "warmup": None, "peak_mib": 10.0, "versions": {"numpy": "2"}}
    return {"status": "measured", "sizes": sizes, "moments": moments} | times | effort | other


@pytest.fixture
def results(tmp_path: Path) -> dict[str, dict[str, Any]]:
    store.keep("partial-pooling", "partialpool", record(0.1, 8000), tmp_path)
    store.keep("partial-pooling", "stanli (cells, centred)", record(0.5, 4000), tmp_path)
    store.keep("partial-pooling", "lme4 (rows)", record(0.2, 0), tmp_path)
    left = {"status": "left out", "why": "there is no Rscript"}
    store.keep("partial-pooling", "brms (rows)", left, tmp_path)
    store.keep("gradient", "all", {"milliseconds": {"gradient": 12.0, "pass": 4.0}}, tmp_path)
    return store.read(tmp_path)


def test_bars_are_computed_from_the_records(results: dict[str, dict[str, Any]]) -> None:
    lines = page.bar_table(results).splitlines()
    assert any(line.endswith("stanli's on cells | ≤ 0.333 | 0.2 | reached |") for line in lines)
    assert any(line.endswith("ESS/s / stanli's on cells | ≥ 4 | 10 | reached |") for line in lines)
    assert any(line.endswith("one pass over its data | ≤ 2 | 3 | **not reached** |") for line in lines)
    assert sum(line.endswith("| not measured |") for line in lines) == len(bars.BARS) - 3


def test_the_table_of_a_problem_lists_programs_by_time_and_what_was_left_out(
    results: dict[str, dict[str, Any]],
) -> None:
    lines = page.table(results["partial-pooling"]).splitlines()
    assert [line.split("|")[1].strip() for line in lines[2:5]] == [
        "partialpool",
        "lme4 (rows)",
        "stanli (cells, centred)",
    ]
    assert "| 0 | 0.1 | 9 | 8,000 | 4,000 | 80,000 | 40,000 | 10 |" in lines[2]
    assert lines[3].endswith("| point estimate |")
    assert lines[-1] == "* brms (rows): left out (there is no Rscript)"


def test_a_program_with_another_posterior_shows_no_times(results: dict[str, dict[str, Any]]) -> None:
    wrong = record(0.01, 4000, moments={"mean": [2.0], "sd": [1.0], "ess": [4000.0]})
    wrong |= {"date": "2020-01-01", "machine": "an abacus"}
    text = page.table(results["partial-pooling"] | {"wrong": wrong})
    line = next(line for line in text.splitlines() if line.startswith("| wrong"))
    assert "0.01" not in line
    assert "**no**: 1.00 sd" in line


def test_records_of_another_machine_say_so(results: dict[str, dict[str, Any]]) -> None:
    old = record(9.0, 4000) | {"date": "2020-01-01", "machine": "an abacus"}
    lines = page.table(results["partial-pooling"] | {"old": old}).splitlines()
    assert [line.split("|")[1].strip() for line in lines if "†" in line and line[0] == "|"] == ["old †"]
    assert lines[-1] == "* † on another machine, whose times are not those of this one: 2020-01-01, an abacus"


def test_one_record_is_changed_and_the_others_stay(tmp_path: Path) -> None:
    store.keep("million", "one", {"status": "measured", "draws": 1}, tmp_path)
    store.keep("million", "two", {"status": "measured", "draws": 2}, tmp_path)
    store.keep("million", "one", {"status": "failed", "why": "out of memory"}, tmp_path)
    found = store.read(tmp_path)["million"]
    assert (found["one"]["status"], found["two"]["draws"]) == ("failed", 2)
    assert "cores" in found["one"]["machine"]


def test_the_page_is_written_whole(results: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    page.write(results, path, [("some.svg", "words")])
    text = path.read_text("utf-8")
    assert "## What must hold" in text
    assert "![words](figures/some.svg)" in text
    assert "numpy 2" in text


def test_chains_that_did_not_mix_are_nobodys_reference() -> None:
    elsewhere = {"mean": [5.0], "sd": [1.0], "ess": [3.0]}
    records = {
        "partialpool (laplace)": record(0.1, 4000),
        "pymc_nutpie (centred)": record(9.0, 3, moments=elsewhere),
    }
    for entry in records.values():
        entry |= {"date": "2026-11-27", "machine": "an abacus"}
    text = page.table(records)
    assert "**no**" not in text
    records["stanli (rows, centred)"] = records["pymc_nutpie (centred)"] | record(9.0, 300, moments=elsewhere)
    assert "**no**: 4.00 sd" in page.table(records)
