"""Whether this tree is as quick as another version: both measured in turn, in one run.

python benchmarks/side_by_side.py --base COMMIT [--quick] [--only TEXT] [--pairs N] [--cores N] [--compile]
                                  [--out FILE.json]

Every measurement is some pairs of fresh processes, one of each version, that take turns step by step (a
fit, some gradients): base, new, base, new, so that a slow second or hour meets both. A process's figure is
its smallest, as the work is the same in each step and what else the machine does can only add to it. On one
core, which is the default, times are of the processor. `--quick` takes some two minutes, and as long again
to compile a version's kernels for the first time. What has a median ratio above 1.05 is marked SLOWER, or
"slower?" where a pair contradicts it or pairs are fewer than three: run that again with --only and more
pairs. The exit status is 1 where something is SLOWER, 2 where something could not be measured.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import store
from problems import PROBLEMS
from side_plan import COMPILING, LINKS, Task, feasible, first, tasks
from side_ratios import Measurement, gathered, smallest, table
from side_trees import Figures, MeasureError, Tree, Worker, checked_out, present

T = TypeVar("T")
Trees = tuple[Tree, Tree]
SECONDS = 2.5  # after which a pair of processes takes no more turns


def turns(steps: int, workers: Sequence[T], seconds: float) -> Iterator[T]:
    """Whose turn it is: base, new, base, new, ...; once at least, and no more rounds when time is up."""
    began = time.perf_counter()
    for step in range(steps):
        if step and time.perf_counter() - began > seconds:
            return
        yield from workers


def pair(task: Task, seed: int, trees: Trees) -> tuple[Figures, Figures]:
    """Smallest figures of (base, new)."""
    if task.outside:
        name = f"{task.name}: whole process, ms"
        found = [{name: 1e3 * tree.seconds(task)} for tree in turns(task.steps, trees, math.inf)]
        return smallest(found[::2]), smallest(found[1::2])
    with Worker(trees[0], task, seed) as base, Worker(trees[1], task, seed) as new:
        base.get_ready()
        new.get_ready()
        found = []
        for worker in turns(task.steps, (base, new), SECONDS):
            worker.begin()
            found.append(worker.end())
    return smallest(found[::2]), smallest(found[1::2])


def measured(task: Task, pairs: int, trees: Trees) -> list[Measurement]:
    """All pairs of a task; pairs have seeds of their own."""
    return gathered([pair(task, seed + 1, trees) for seed in range(pairs)])


def prepare(trees: Trees, problems: Sequence[str]) -> None:
    """Make tables, then compile kernels and bytecode of both trees at once, so that no time contains it."""
    wanted = dict.fromkeys(PROBLEMS[name].data for name in (*problems, *COMPILING, "ladder-1000"))
    once(Task("tables", {"task": "tables", "names": list(wanted)}), trees[1:])
    once(Task("kernels", {"task": "kernels", "names": COMPILING, "links": LINKS}), trees)


def once(task: Task, trees: Sequence[Tree]) -> None:
    """Do a task in all trees at the same time."""
    with ExitStack() as stack:
        workers = [stack.enter_context(Worker(tree, task, 0)) for tree in trees]
        for worker in workers:
            worker.get_ready()
            worker.begin()
        for worker in workers:
            worker.end()


def compiling(trees: Trees) -> list[Measurement]:
    """First fits by each method with nothing compiled: one pair, for it takes long."""
    found: list[Measurement] = []
    for method in ("nuts", "laplace"):
        task = Task(f"compiling, first fit, {method}", first(method), outside=True)
        with tempfile.TemporaryDirectory() as folder:
            empty = [
                replace(tree, variables={"PARTIALPOOL_CACHE_DIR": f"{folder}/{k}"})
                for k, tree in enumerate(trees)
            ]
            found += measured(task, 1, (empty[0], empty[1]))
    return found


def run(options: argparse.Namespace, trees: Trees) -> tuple[list[Measurement], list[str]]:
    """Measure what is asked for; what could not be, and why."""
    found: list[Measurement] = []
    failed: list[str] = []
    prepare(trees, () if options.quick else feasible())
    for task in tasks(options.quick, options.cores):
        if options.only in task.name:
            try:
                found += _told(measured(task, options.pairs, trees))
            except MeasureError as error:
                failed.append(str(error))
    return found + (_told(compiling(trees)) if options.compile else []), failed


def _told(found: list[Measurement]) -> list[Measurement]:
    for one in found:
        print(f"{one.name}: {one.ratio:.3f} {one.verdict}", file=sys.stderr, flush=True)
    return found


def write(path: Path, trees: Trees, found: list[Measurement], failed: list[str]) -> None:
    """Keep everything as JSON."""
    about = {"base": trees[0].label, "new": trees[1].label, "machine": store.machine(), "failed": failed}
    records = {one.name: one.record() for one in found}
    path.write_text(json.dumps(about | {"measurements": records}, indent=1) + "\n", "utf-8")


def arguments() -> argparse.Namespace:
    """What is asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--base", required=True, help="commit to compare with")
    parser.add_argument("--quick", action="store_true", help="survey, families at 100,000 rows, import")
    parser.add_argument("--only", default="", help="tasks whose name contains this")
    parser.add_argument("--pairs", type=int, default=5, help="processes of each version")
    parser.add_argument("--cores", type=int, default=1, help="of fits and gradients; clock time if several")
    parser.add_argument("--compile", action="store_true", help="also first fits with nothing compiled")
    parser.add_argument("--out", type=Path, help="file of JSON for all figures")
    return parser.parse_args()


def main() -> int:
    """Compare, print, keep."""
    options = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the base's tree is removed then, too
    if not options.quick and shutil.which("Rscript") is None:
        print("no Rscript: InstEval is left out", file=sys.stderr)
    with checked_out(options.base) as base:
        trees = base, present()
        found, failed = run(options, trees)
    print(f"{trees[0].label}, {trees[1].label}: {store.machine()}\n{table(found)}")
    print("".join(f"not measured: {why}\n" for why in failed), end="")
    if options.out:
        write(options.out, trees, found, failed)
    return 2 if failed else int(any(one.verdict == "SLOWER" for one in found))


if __name__ == "__main__":
    sys.exit(main())
