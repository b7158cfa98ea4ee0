"""Run peers in processes of their own, in turn, keep what was measured and make docs/benchmarks.md of it.

python benchmarks/run.py [--bars] [--only NAME,...] [--peers NAME,...] [--rounds N] [--page]

Without options everything runs, which takes hours; `--bars` runs what the table of bars needs. A name is a
problem's (`poisson-1000`), its table's (`bangladesh`) or the start of several (`poisson`); compare, gradient,
laplace and memory are measures that have no peers.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import figures
import page
import store
from bars import NEEDED
from jobs import HERE, SECONDS, Job, all_jobs
from problems import PROBLEMS
from processes import LEFT_OUT, Record, merged, run_job

QUICK = 25.0  # jobs whose process takes longer run once, the others in every round


def measures() -> dict[str, Path]:
    """Scripts that measure something else than a peer on a problem."""
    return {path.stem.removeprefix("measure_"): path for path in sorted(HERE.glob("measure_*.py"))}


def chosen(options: argparse.Namespace) -> tuple[list[Job], list[str]]:
    """Jobs and measures that are asked for."""
    jobs, asked = all_jobs(), list(measures())
    if options.bars:
        jobs = [job for job in jobs if job.label in NEEDED.get(job.problem, ())]
    if options.only:
        known = {problem.name: (problem.name, problem.data) for problem in PROBLEMS.values()}
        known |= {name: (name,) for name in asked}
        wanted = {name for word in options.only.split(",") for name in _called(word, known)}
        jobs = [job for job in jobs if job.problem in wanted]
        asked = [name for name in asked if name in wanted]
    if options.peers:
        jobs = [job for job in jobs if job.peer in options.peers.split(",")]
        asked = [] if not options.only else asked
    return jobs, asked


def _called(word: str, known: dict[str, tuple[str, ...]]) -> set[str]:
    """What a word names exactly or, where it names nothing, what starts with it."""
    exact = {name for name, called in known.items() if word in called}
    found = exact or {name for name, called in known.items() if any(c.startswith(word) for c in called)}
    if not found:
        raise SystemExit(f"nothing starts with {word!r}; there are {', '.join(known)}")
    return found


def compile_kernels(jobs: list[Job]) -> None:
    """Let partialpool compile what it compiles once a machine, so that no time contains it."""
    smallest = {"bernoulli": "partial-pooling", "poisson": "poisson-1000", "gaussian": "insteval"}
    own = [job for job in jobs if job.peer == "partialpool"]
    asked = {(smallest[PROBLEMS[job.problem].family], job.variant.split(",")[0]) for job in own}
    for problem, variant in sorted(asked):
        started = time.perf_counter()
        job = Job(problem, "partialpool", variant, repeats=0, draws=25, chains=4, warmup=None)
        run_job(job)
        print(f"kernels: {problem}, {job.label}: {time.perf_counter() - started:.1f} s", file=sys.stderr)


def run_jobs(jobs: list[Job], rounds: int) -> None:
    """Problem by problem; within one, peers take turns, and only quick ones run in every round."""
    for problem in dict.fromkeys(job.problem for job in jobs):
        waiting = [job for job in jobs if job.problem == problem]
        records: dict[str, list[Record]] = {}
        for _ in range(rounds):
            for job in list(waiting):
                started = time.perf_counter()
                record = run_job(job)
                seconds = time.perf_counter() - started
                records.setdefault(job.label, []).append(record)
                if record["status"] != "measured" or seconds > QUICK:
                    waiting.remove(job)
                told = record.get("why") or f"draws {record['sample'][-1]:.3g} s"
                print(
                    f"{problem}: {job.label}: {record['status']} in {seconds:.1f} s: {told}", file=sys.stderr
                )
                store.keep(problem, job.label, merged(records[job.label]))


def run_measure(name: str) -> Record:
    """One script in a process of its own."""
    command = [sys.executable, measures()[name].name]
    try:
        done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, timeout=2 * SECONDS)
    except subprocess.TimeoutExpired:
        return {"status": "over the limit", "why": f"no answer within {2 * SECONDS:.0f} s"}
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        status = "left out" if last.startswith(LEFT_OUT) else "failed"
        return {"status": status, "why": last.removeprefix(LEFT_OUT)}
    return {"status": "measured"} | json.loads(done.stdout.splitlines()[-1])


def told(results: dict[str, dict[str, Any]]) -> None:
    """Say what was left out, and the bars."""
    for name, records in results.items():
        for label, record in records.items():
            if record["status"] != "measured":
                print(f"{name}: {label}: {record['status']}: {record['why']}", file=sys.stderr)
    print(page.bar_table(results))


def main() -> None:
    """Measure, keep, and make the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bars", action="store_true", help="only what the table of bars needs")
    parser.add_argument("--only", default="", help="problems or measures, separated by commas")
    parser.add_argument("--peers", default="", help="peers, separated by commas")
    parser.add_argument("--rounds", type=int, default=2, help="processes of each quick job")
    parser.add_argument("--page", action="store_true", help="measure nothing, make the page of what is kept")
    options = parser.parse_args()
    jobs, asked = ([], []) if options.page else chosen(options)
    if shutil.which("Rscript") is None:
        print("no Rscript: peers in R and InstEval are left out", file=sys.stderr)
    compile_kernels(jobs)
    run_jobs(jobs, options.rounds)
    for name in asked:
        store.keep(name, "all", run_measure(name))
    results = store.read()
    page.write(results, figures=figures.draw(results))
    told(results)


if __name__ == "__main__":
    main()
