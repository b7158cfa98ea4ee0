"""What `side_by_side.py` measures: a list of tasks, all of them or the quick ones."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import datasets
import jobs
from problems import PROBLEMS

MOST_ROWS = 1_000_000
QUICK_PROBLEMS = {
    "partial-pooling": 1000,
    "slopes": 250,
}  # and draws of a chain, to have several fits in the time
# Of each kind that compiles kernels of its own the smallest, to have them before anything is timed.
COMPILING = ("partial-pooling", "slopes", "poisson-1000")
FAMILIES = (
    "bernoulli(logit)",
    "binomial(logit)",
    "gaussian(identity)",
    "negative_binomial(log)",
    "poisson(log)",
)
LINKS = (*FAMILIES, "bernoulli(probit)", "bernoulli(cloglog)", "binomial(probit)", "binomial(cloglog)")
LINKS = (*LINKS, "gaussian(log)")
GRADIENT_ROWS = 100_000
ROWS_READ = 2e6  # by the gradients of a step
MOST_STEPS = 30
COLD = {"import": ("-c", "import partialpool"), "help": ("-m", "partialpool", "--help")}


@dataclass(frozen=True)
class Task:
    """One thing to measure.

    Attributes
    ----------
    name
        How the table calls it.
    arguments
        For `side_task.py`: the task's name and its arguments.
    command
        What Python is given instead.
    steps
        How often each of two processes has its turn, while there is time.
    outside
        Whether the processor time of whole processes is the figure; then each step is a process.
    seeded
        Whether each pair of processes gets a seed of its own: NUTS adapts by luck.
    """

    name: str
    arguments: dict[str, Any] = field(default_factory=dict)
    command: tuple[str, ...] = ()
    steps: int = 1
    outside: bool = False
    seeded: bool = False


def tasks(quick: bool, cores: int) -> list[Task]:
    """Everything to measure, in order."""
    return [*fits(quick, cores), *gradients(quick, cores), *cold(quick), *([] if quick else memory())]


def fits(quick: bool, cores: int) -> Iterator[Task]:
    """Warm fits that `peer_partialpool.py` declares; of those that differ in draws only the longest."""
    for job in jobs.all_jobs():
        wanted = list(QUICK_PROBLEMS) if quick else feasible()
        method, _, fewer = job.variant.partition(", ")
        doubled = bool(fewer) and method in jobs.declared(jobs.peers()["partialpool"])[job.problem]
        if job.peer == "partialpool" and job.problem in wanted and not doubled:
            draws = QUICK_PROBLEMS[job.problem] if quick else job.draws
            yield _fit(replace(job, draws=draws), method or "nuts", cores)


def _fit(job: jobs.Job, method: str, cores: int) -> Task:
    own = {"problem": job.problem, "method": method, "draws": job.draws, "chains": job.chains}
    arguments = {"task": "fit", "cores": cores} | own
    return Task(f"{job.problem}, {method}", arguments, steps=MOST_STEPS, seeded=True)


def gradients(quick: bool, cores: int) -> Iterator[Task]:
    """Densities of the problems, and of the families on made rows."""
    for name in () if quick else feasible():
        rows = len(datasets.read(PROBLEMS[name].data)["y"])
        arguments = {"task": "density", "problem": name, "count": gradient_count(rows), "cores": cores}
        yield Task(name, arguments, steps=MOST_STEPS)
    count = gradient_count(GRADIENT_ROWS)
    given = {"task": "families", "rows": GRADIENT_ROWS, "count": count, "cores": cores}
    yield Task(f"{GRADIENT_ROWS:,} rows", given | {"names": FAMILIES if quick else LINKS}, steps=MOST_STEPS)
    if not quick:
        wide = {"rows": MOST_ROWS, "count": gradient_count(MOST_ROWS), "names": FAMILIES[:1]}
        yield Task(f"{MOST_ROWS:,} rows", given | wide, steps=MOST_STEPS)


def gradient_count(rows: int) -> int:
    """How many gradients a step computes: some 5 to 30 ms of them."""
    return int(min(ROWS_READ / rows, 1000))


def cold(quick: bool) -> Iterator[Task]:
    """Whole processes: imports, the help page, a first fit whose kernels are compiled."""
    for name in ("import",) if quick else COLD:
        yield Task(f"cold, {name}", command=COLD[name], steps=10, outside=True)
    for method in () if quick else ("nuts", "laplace"):
        yield Task(f"cold, first fit, {method}", first(method), steps=3, outside=True)


def first(method: str) -> dict[str, Any]:
    """Arguments of a first fit of the survey."""
    return {"task": "first", "problem": "partial-pooling", "method": method}


def memory() -> Iterator[Task]:
    """Peaks on a million rows."""
    for method in ("nuts", "laplace"):
        yield Task(f"memory, million, {method}", {"task": "memory", "problem": "million", "method": method})


def feasible() -> list[str]:
    """Problems up to a million rows whose tables can be had here."""
    problems = [p for p in PROBLEMS.values() if p.name != "ladder-10000000"]
    able = shutil.which("Rscript") is not None or (datasets.CACHE / "insteval").exists()
    return [p.name for p in problems if able or p.data != "insteval"]
