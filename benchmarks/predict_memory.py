"""Peak memory of summarised predictions for ten million rows, beyond the table itself; Linux only.

    python benchmarks/predict_memory.py [rows]

Each problem runs in its own process. A line a problem: seconds, and the peak of the resident set during the
prediction less what it was before (table, fit and libraries loaded). The summary itself takes 32 bytes a row.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

import partialpool as pp
from partialpool.predict.predictions import predict

PROBLEMS = {
    "few distinct rows, 4,000 draws": (1000, {}),
    "all rows distinct, 100 draws": (25, {}),
    "all rows distinct, a new group each, 100 draws": (25, {}),
    "all rows distinct, outcomes, 100 draws": (25, {"kind": "outcome"}),
    "few distinct rows, average over groups, 4,000 draws": (1000, {"groups": "average"}),
}


def new_table(problem: str, n_rows: int) -> pd.DataFrame:
    """Make the rows of a problem."""
    rng = np.random.default_rng(2)
    few = problem.startswith("few")
    x = rng.integers(0, 4, n_rows).astype(float) if few else rng.normal(size=n_rows)
    group = np.arange(100, 100 + n_rows) if "new group" in problem else rng.integers(0, 60, n_rows)
    return pd.DataFrame({"x": x, "g": group})


def measure(problem: str, n_rows: int) -> str:
    """Predict in this process and say what it took."""
    draws, options = PROBLEMS[problem]
    rng = np.random.default_rng(1)
    rows = pd.DataFrame({"x": rng.normal(size=3000), "g": rng.integers(0, 60, 3000)})
    rows["y"] = rng.binomial(1, 1 / (1 + np.exp(-rows["x"])))
    model = pp.Model("y ~ x + (1 + x | g)", rows, family="bernoulli")
    fitted = model.fit(draws=draws, seed=1, progress=False).fitted
    table = new_table(problem, n_rows)
    predict(fitted, model.recipe, table.head(100), seed=1, summary=True, **options)
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    before, start = resident("VmRSS"), time.perf_counter()
    summary = predict(fitted, model.recipe, table, seed=1, summary=True, **options)
    seconds, peak = time.perf_counter() - start, resident("VmHWM") - before
    assert len(summary) == n_rows
    return f"{problem}: {seconds:.0f} s, {peak / 1024:.0f} MiB"


def resident(field: str) -> int:
    """Read a size of this process from the kernel, in KiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field))


def main() -> None:
    """Run every problem in a process of its own."""
    n_rows = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000
    if len(sys.argv) > 2:
        print(measure(sys.argv[2], n_rows), flush=True)
        return
    for problem in PROBLEMS:
        subprocess.run([sys.executable, __file__, str(n_rows), problem], check=True)


if __name__ == "__main__":
    main()
