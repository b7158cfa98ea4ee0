"""What every peer written in Python does: build, sample, summarise once cold; then again, warm; write draws.

A peer's file gives four functions and calls `run`. Its process is told by `run.py` what to do; effective
sample sizes are computed there, by one function for all, from the draws that are written here.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Protocol

import datasets
import numpy as np
from problems import PROBLEMS, Problem

REBUILD_LIMIT = 30.0  # a build that takes longer is measured once


@dataclass(frozen=True)
class Task:
    """What a process is asked to do, as `run.py` writes it; `started` is the time its process was started."""

    problem: Problem
    variant: str
    draws: int
    chains: int
    warmup: int | None
    repeats: int
    seconds: float
    started: float
    out: Path

    @property
    def cores(self) -> int:
        """Processors that this process may use."""
        return len(os.sched_getaffinity(0))


class Peer(Protocol):
    """What a peer's file gives."""

    REBUILD: bool  # whether a warm fit builds its model again, as its users do

    def build(self, task: Task, table: datasets.Table) -> Any:
        """From the table to a model that can be sampled, compiled if the program compiles."""

    def sample(self, task: Task, model: Any, seed: int) -> Any:
        """From the model to the program's own result."""

    def summary(self, task: Task, model: Any, result: Any) -> Any:
        """The program's own table of all parameters."""

    def draws(self, task: Task, model: Any, result: Any) -> np.ndarray | dict[str, np.ndarray]:
        """What is monitored, by `Problem.stack`; or {"mean", "sd"} from a program that has no draws."""


def memory(field: str) -> float:
    """A size of this process in MiB: VmRSS, or its peak VmHWM."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) / 1024


def task_of(text: str) -> Task:
    """Read a task from the command line."""
    given = json.loads(text)
    own = {field.name: given[field.name] for field in fields(Task)}
    return Task(**own | {"problem": PROBLEMS[given["problem"]], "out": Path(given["out"])})


def run(peer: Peer, packages: tuple[str, ...]) -> None:
    """Do the task of the command line and print one line of JSON."""
    task = task_of(sys.argv[1])
    table = datasets.read(task.problem.data)
    before = memory("VmRSS")
    with redirect_stdout(sys.stderr):
        found = measure(peer, task, table)
    versions = {name: importlib.metadata.version(name) for name in packages}
    print(json.dumps({"versions": versions, "base_mib": before} | found))


def measure(peer: Peer, task: Task, table: datasets.Table) -> dict[str, Any]:
    """Time the first fit up to its summary, then warm ones while there is time."""
    found: dict[str, Any] = {"build": [], "sample": [], "draws": []}
    model, began = None, time.perf_counter()
    for repeat in range(task.repeats + 1):
        if repeat and time.perf_counter() - began + found["sample"][-1] > task.seconds:
            break
        if repeat == 0 or peer.REBUILD or (repeat == 1 and found["build"][0] < REBUILD_LIMIT):
            model = timed(found["build"], lambda: peer.build(task, table))
        result = timed(found["sample"], lambda: peer.sample(task, model, repeat + 1))  # noqa: B023
        if repeat == 0:
            found["peak_mib"] = memory("VmHWM")
            print(peer.summary(task, model, result))
            found["cold"] = time.time() - task.started
        found["draws"].append(kept(task, peer.draws(task, model, result), repeat))
    return found


def timed(seconds: list[float], work: Callable[[], Any]) -> Any:
    """Do the work and note how long it took."""
    started = time.perf_counter()
    result = work()
    seconds.append(time.perf_counter() - started)
    return result


def kept(task: Task, draws: np.ndarray | dict[str, np.ndarray], repeat: int) -> dict[str, Any]:
    """Write draws to a file and say where; estimates without draws go with the answer."""
    if isinstance(draws, dict):
        return {name: np.asarray(values, float).tolist() for name, values in draws.items()}
    path = task.out / f"{repeat}.f64"
    np.ascontiguousarray(draws, "<f8").tofile(path)
    return {"file": path.name, "shape": list(draws.shape)}
