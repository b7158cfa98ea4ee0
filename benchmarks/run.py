"""Run every peer in processes of its own, in turn, and report medians and ratios once posteriors agree.

python benchmarks/run.py [--repeats N] [--rounds N] [--out FILE.json]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).parent
PEERS = ("partialpool", "stanli")
NO, CENTRED, NON_CENTRED, PARTIAL = (
    "no pooling",
    "partial pooling, centred",
    "partial pooling, non-centred",
    "partial pooling",
)
TOLERANCE = 0.1  # of means, in posterior sds: beyond 2.8 standard errors for an ESS of 800


def run_peer(peer: str, repeats: int) -> dict[str, Any]:
    """One process of one peer."""
    command = [sys.executable, str(HERE / f"peer_{peer}.py"), str(repeats)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, cwd=HERE)
    return json.loads(done.stdout.splitlines()[-1])


def agree(ours: dict[str, Any], theirs: dict[str, Any]) -> float:
    """Largest difference of posterior means, in posterior sds; too large a one ends the run."""
    gaps = [abs(a - b) / s for a, b, s in zip(ours["mean"], theirs["mean"], theirs["sd"], strict=True)]
    if max(gaps) > TOLERANCE:
        raise SystemExit(f"posteriors differ by {max(gaps):.2f} sd: no time is worth reading")
    return max(gaps)


def medians(runs: list[dict[str, Any]], problem: str) -> dict[str, float]:
    """Median time and minimum ESS of one problem over all processes."""
    seconds = [s for run in runs for s in run["problems"][problem]["seconds"]]
    ess = [e for run in runs for e in run["problems"][problem]["ess"]]
    found = {"seconds": median(seconds), "fastest": min(seconds), "slowest": max(seconds)}
    return found | {key: median(e[key] for e in ess) for key in ("ess_bulk", "ess_tail")}


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    runs: dict[str, list[dict[str, Any]]] = {peer: [] for peer in PEERS}
    for _ in range(options.rounds):
        for peer in PEERS:
            runs[peer].append(run_peer(peer, options.repeats))
    ours, theirs = runs["partialpool"], runs["stanli"]
    gap = max(
        agree(ours[-1]["moments"][NO], theirs[-1]["moments"][NO]),
        agree(ours[-1]["moments"][PARTIAL], theirs[-1]["moments"][CENTRED]),
    )
    table = {f"partialpool: {p}": medians(ours, p) for p in (NO, PARTIAL)}
    table |= {f"stanli: {p}": medians(theirs, p) for p in (NO, CENTRED, NON_CENTRED)}
    print(f"{date.today()}, {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(", ".join(f"{peer} {found[0]['version']}" for peer, found in runs.items()))
    print(f"posterior means agree to {gap:.3f} sd\n")
    print(f"{'':44}{'median s':>9}{'min':>8}{'max':>8}{'ESS bulk':>10}{'tail':>7}{'bulk/s':>10}")
    for name, row in table.items():
        rate = row["ess_bulk"] / row["seconds"]
        print(
            f"{name:44}{row['seconds']:9.3f}{row['fastest']:8.3f}{row['slowest']:8.3f}"
            f"{row['ess_bulk']:10.0f}{row['ess_tail']:7.0f}{rate:10.0f}"
        )
    own = sum(table[f"partialpool: {p}"]["seconds"] for p in (NO, PARTIAL))
    ratios = {}
    for variant in (CENTRED, NON_CENTRED):
        other = table[f"stanli: {NO}"]["seconds"] + table[f"stanli: {variant}"]["seconds"]
        ratios[variant] = own / other
        print(f"\nboth fits, ours / stanli's ({variant}): {ratios[variant]:.2f}")
    if options.out:
        options.out.write_text(json.dumps({"table": table, "ratios": ratios, "runs": runs}, indent=1) + "\n")


if __name__ == "__main__":
    main()
