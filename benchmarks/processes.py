"""Run one job in a process of its own, under a time limit, and turn its answer into a record."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import datasets
import numpy as np
from agreement import Moments, effective, moments, pooled
from jobs import HERE, Job, peers
from problems import PROBLEMS

Record = dict[str, Any]
LEFT_OUT = "left out: "


def run_job(job: Job) -> Record:
    """The record of one process: times, sizes, moments; or why there is none."""
    path = peers()[job.peer]
    if path.suffix == ".R" and shutil.which("Rscript") is None:
        return {"status": "left out", "why": "no Rscript on this machine"}
    table = datasets.folder(PROBLEMS[job.problem].data)
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable if path.suffix == ".py" else "Rscript", path.name]
        status, output, complaints = _finish([*command, json.dumps(_task(job, table, folder))], job.limit)
        if status is None:
            return {"status": "over the limit", "why": f"no answer within {job.limit:.0f} s"}
        if status:
            return _failed(complaints)
        answer = json.loads(output.splitlines()[-1])
        return _record(job, answer, Path(folder))


def _task(job: Job, table: Path, folder: str) -> dict[str, Any]:
    problem = PROBLEMS[job.problem]
    model = {"formula": problem.formula, "family": problem.family, "terms": problem.terms}
    factors = [asdict(factor) for factor in problem.factors]
    task = {k: v for k, v in asdict(job).items() if k not in ("peer", "limit")}
    # Repeats stop at a third of the limit: a slow peer then still has its cold fit and one warm one.
    own = {"table": str(table), "out": folder, "seconds": job.limit / 3, "started": time.time()}
    return task | model | {"factors": factors} | own


def _finish(command: list[str], limit: float) -> tuple[int | None, str, str]:
    """Run to the end, or to the limit and kill it with what it started."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    installed = os.environ | {"PYTHONDONTWRITEBYTECODE": ""}  # what is installed has its bytecode beside it
    process = subprocess.Popen(command, cwd=HERE, start_new_session=True, env=installed, **pipes)
    try:
        output, complaints = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return None, "", ""
    return process.returncode, output, complaints


def _failed(complaints: str) -> Record:
    lines = [line.strip() for line in complaints.splitlines() if line.strip()] or ["no message"]
    if lines[-1].startswith(LEFT_OUT):
        return {"status": "left out", "why": lines[-1].removeprefix(LEFT_OUT)}
    errors = [
        i for i, line in enumerate(lines) if line.startswith("Error")
    ]  # R's, whose last lines say little
    why = " ".join(lines[errors[-1] : errors[-1] + 2]) if errors else lines[-1]
    missing = "ModuleNotFoundError" in why or "there is no package" in why
    return {"status": "left out" if missing else "failed", "why": why[:300]}


def _record(job: Job, answer: dict[str, Any], folder: Path) -> Record:
    """Times as they are; effective sample sizes and moments by one function for all."""
    runs: list[Moments] = []
    worst: list[dict[str, float]] = []
    for found in answer.pop("draws"):
        if "file" in found:
            values = np.fromfile(folder / found["file"], "<f8").reshape(found["shape"])
            own, sizes = effective(values)
            worst.append(sizes)
            runs.append(own)
        else:
            runs.append(moments(found))
    effort = {name: getattr(job, name) for name in ("draws", "chains", "warmup")}
    return {"status": "measured"} | effort | answer | {"sizes": worst, "moments": pooled(runs).record()}


def merged(records: list[Record]) -> Record:
    """One record of several processes of the same job; a failure counts for all."""
    for record in records:
        if record["status"] != "measured":
            return record
    lists = {name: [record[name] for record in records] for name in ("build", "sample", "sizes")}
    runs = [moments(record["moments"]) for record in records]
    together = {
        "cold": [record["cold"] for record in records],
        "build": [values[0] for values in lists["build"]],
        "rebuild": [v for values in lists["build"] for v in values[1:]],
        "first": [values[0] for values in lists["sample"]],
        "sample": [v for values in lists["sample"] for v in values[1:]],
        "sizes": [v for values in lists["sizes"] for v in values],
        "peak_mib": max(record["peak_mib"] for record in records),
        "moments": pooled(runs).record(),
    }
    return records[0] | together
