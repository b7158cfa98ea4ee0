"""The measured process of `side_by_side.py`: one task, done by whatever partialpool is on its path.

It gets ready, says where that partialpool lies, then does one step for each line that it reads and answers
with a line of JSON, a figure for each thing measured. So two such processes can take turns.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from typing import Any

import datasets
import gradient_rows
import harness
import peer_partialpool as peer
from problems import PROBLEMS, Problem
from side_inside import gradient_of, leapfrogs

import partialpool as pp

BUILDS = 3  # of a model for each fit: they are short
Figures = dict[str, float]
Step = Callable[[], Figures]


def clock(cores: int) -> Callable[[], float]:
    """Processor time on one core, which other programs disturb least; the clock's on several."""
    return time.process_time if cores == 1 else time.perf_counter


def seconds(work: Callable[[], object], now: Callable[[], float]) -> float:
    """How long the work takes."""
    started = now()
    work()
    return now() - started


def fit(problem: str, method: str, draws: int, chains: int, seed: int, cores: int) -> Step:
    """Warm times of building and fitting a model, the same fit in each step."""
    now, own, table = clock(cores), PROBLEMS[problem], datasets.read(PROBLEMS[problem].data)
    options: dict[str, Any] = {"method": method, "cores": cores, "progress": False, "seed": seed}
    brief = {"warmup": 50} if method == "nuts" else {}
    _model(own, table).fit(1, 1, **options | brief)  # loads what is compiled

    def step() -> Figures:
        build = min(seconds(lambda: _model(own, table), now) for _ in range(BUILDS))
        model = _model(own, table)
        started = now()
        fitted = model.fit(draws, chains, **options)
        sample = now() - started
        found = {"model, ms": 1e3 * build, "fit, ms": 1e3 * sample}
        if method == "nuts":
            steps = leapfrogs(fitted)
            found |= {"leapfrogs": steps, "fit a leapfrog, us": 1e6 * sample / steps}
        return found

    return step


def density(problem: str, count: int, cores: int) -> Step:
    """Time of a gradient of a problem, from `count` of them a step."""
    batch = _batch(_built(PROBLEMS[problem]), count, cores)
    return lambda: {"gradient, us": batch()}


def families(names: list[str], rows: int, count: int, cores: int) -> Step:
    """Time of a gradient for each family and link, with four covariates and a group for 100 rows."""
    table = gradient_rows.table(rows, rows // 100)
    batches = {}
    for name in names:
        model = pp.Model(gradient_rows.formula(name.partition("(")[0]), table, family=name)
        batches[f"{name}: gradient, us"] = _batch(model, count, cores)
    return lambda: {name: batch() for name, batch in batches.items()}


def memory(problem: str, method: str) -> Step:
    """Peaks beyond draws; for one step, as a process has one peak."""
    import measure_memory

    def step() -> Figures:
        _, build, own = measure_memory.peaks("" if method == "nuts" else method, problem)
        return {"building, MiB": build, "fit beyond draws, MiB": own}

    return step


def first(problem: str, method: str) -> Step:
    """A first fit and its summary; the process is timed from outside."""

    def step() -> Figures:
        print(_built(PROBLEMS[problem]).fit(seed=1, method=method, progress=False).summary())
        return {}

    return step


def tables(names: list[str]) -> Step:
    """Make the problems' tables where they are not there."""

    def step() -> Figures:
        for name in names:
            datasets.folder(name)
        return {}

    return step


def kernels(names: list[str], links: list[str]) -> Step:
    """Compile what is not in the cache: each problem by both methods, then each family's density."""

    def step() -> Figures:
        for name in names:
            model = _built(PROBLEMS[name])
            model.fit(1, 1, warmup=50, progress=False)
            model.fit(1, 1, method="laplace", progress=False)
        families(links, 1000, 1, 1)()
        return {}

    return step


def _built(problem: Problem) -> pp.Model:
    return _model(problem, datasets.read(problem.data))


def _model(problem: Problem, table: datasets.Table) -> pp.Model:
    task = harness.Task(problem, "", 1, 1, None, 0, 0.0, 0.0, None)  # type: ignore[arg-type]
    return peer.build(task, table)


def _batch(model: pp.Model, count: int, cores: int) -> Callable[[], float]:
    """A call that computes `count` gradients and gives the microseconds of one."""
    call, now = gradient_of(model), clock(cores)

    def batch() -> float:
        started = now()
        for _ in range(count):
            call()
        return 1e6 * (now() - started) / count

    batch()  # loads what is compiled
    return batch


TASKS: dict[str, Callable[..., Step]] = {
    task.__name__: task for task in (fit, density, families, memory, first, tables, kernels)
}


def main() -> None:
    """Take turns at the task of the command line: {"task": its name, and its arguments}."""
    arguments = json.loads(sys.argv[1])
    if "cores" in arguments and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-arguments["cores"] :])
    with redirect_stdout(sys.stderr):
        step = TASKS[arguments.pop("task")](**arguments)
    print(json.dumps({"package": pp.__file__}), flush=True)
    for _ in sys.stdin:
        with redirect_stdout(sys.stderr):
            found = step()
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
