"""Peak memory of a fit beyond its draws, against the size of the cells; Linux only.

The million Bernoulli rows, none of which share a cell. Counted are the cells and whatever the fit allocates
at its peak above what the process held before (table, design and cells), less the draws.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import datasets
import harness
import peer_partialpool as peer
from problems import PROBLEMS

MIB = 2.0**20


def measure(variant: str, problem: str) -> dict[str, Any]:
    """Peaks of building and fitting, and the size of the cells."""
    model, built, own = peaks(variant, problem)
    kept = model.spec.cells
    rows = (*kept.stats, *kept.columns, *kept.offsets, *kept.group_index)
    cells = sum(row.nbytes for row in rows) / MIB
    return {"cells_mib": cells, "fit_mib": own, "build_mib": built, "ratio": (cells + own) / cells}


def peaks(variant: str, problem: str) -> tuple[Any, float, float]:
    """The model, and peaks in MiB: of building it, and of a fit beyond its draws.

    A small fit beforehand loads all code.
    """
    given = {
        "draws": 25,
        "chains": 2,
        "warmup": 50,
        "repeats": 0,
        "seconds": 0.0,
        "started": 0.0,
        "out": None,
    }
    if variant:
        given["warmup"] = None
    small = harness.Task(PROBLEMS["ladder-1000"], variant, **given)  # type: ignore[arg-type]
    peer.sample(small, peer.build(small, datasets.read("ladder-1000")), 1)
    task = harness.Task(PROBLEMS[problem], variant, **given)  # type: ignore[arg-type]
    table = datasets.read(task.problem.data)
    start = harness.memory("VmRSS")
    model = peer.build(task, table)
    built = harness.memory("VmHWM") - start
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    before = harness.memory("VmRSS")
    fit = peer.sample(task, model, 1)
    return model, built, harness.memory("VmHWM") - before - fit.draws.values.nbytes / MIB


def main() -> None:
    """Both methods."""
    if len(sys.argv) > 1:
        print(json.dumps(measure(sys.argv[1].removeprefix("nuts"), "million")))
        return
    print(json.dumps({method: _apart(method) for method in ("nuts", "laplace")}))


def _apart(method: str) -> dict[str, Any]:
    """In a process of its own, because a peak belongs to a process."""
    command = [sys.executable, __file__, method]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parent)
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    main()
