"""`partialpool compare` against the same job as a PyMC script: both cold, from process start to exit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
from agreement import agreement, moments

ROUNDS = 2
HERE = Path(__file__).parent
INSTALLED = os.environ | {"PYTHONDONTWRITEBYTECODE": ""}  # what is installed has its bytecode beside it
OURS = [
    str(Path(sys.executable).with_name("partialpool")),
    *(
        "compare",
        "bangladesh",
        "`use.contraception` ~ 1 + (1 | district)",
        "--family",
        "bernoulli",
        "--quiet",
    ),
    *("--prior", "Intercept=Normal(0, 1.5)", "--prior", "1|district=Normal(0, Exponential(1))", "--out"),
]
THEIRS = [sys.executable, str(HERE / "compare_pymc.py")]


def timed(command: list[str], out: str) -> float:
    """Seconds of a process that writes to a folder."""
    started = time.perf_counter()
    subprocess.run([*command, out], check=True, capture_output=True, cwd=HERE, env=INSTALLED)
    return time.perf_counter() - started


def main() -> None:
    """Once to compile partialpool's kernels on this machine, then both in turn."""
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = f"{folder}/ours", f"{folder}/theirs"
        timed(OURS, ours)
        seconds: dict[str, list[float]] = {"partialpool": [], "pymc": []}
        for _ in range(ROUNDS):
            seconds["partialpool"].append(timed(OURS, ours))
            seconds["pymc"].append(timed(THEIRS, theirs))
        tables = [pd.read_csv(f"{place}/table.csv") for place in (ours, theirs)]
    gaps = {}
    for pooling in ("no_pooling", "partial_pooling"):
        pair = []
        for table in tables:
            size = [1000.0] * len(table)
            record = {"mean": table[f"{pooling}_mean"], "sd": table[f"{pooling}_sd"], "ess": size}
            pair.append(moments(record))
        found = agreement(*pair)
        if not found.agrees:
            raise SystemExit(
                f"{pooling}: posteriors differ by {found.mean_gap:.2f} sd: no time is worth reading"
            )
        gaps[pooling] = found.mean_gap
    print(json.dumps({"seconds": seconds, "largest_gap": gaps}))


if __name__ == "__main__":
    main()
