"""Two source trees and processes that run in one or the other."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from datasets import CACHE
from side_plan import Task

HERE = Path(__file__).parent
ROOT = HERE.parent
# One thread for dense linear algebra in both, and bytecode kept, as it is of what is installed.
ALIKE = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "PYTHONDONTWRITEBYTECODE": "",
}


PIPES: dict[str, Any] = {"cwd": HERE, "text": True, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
Figures = dict[str, float]


class MeasureError(Exception):
    """A process did not do its task."""


@dataclass(frozen=True)
class Tree:
    """A version's sources: a label, the folder of the checkout, and variables its processes get."""

    label: str
    root: Path
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """Variables of a process that imports this tree's partialpool."""
        return os.environ | ALIKE | {"PYTHONPATH": str(self.root / "src")} | self.variables

    def seconds(self, task: Task) -> float:
        """Processor seconds of a process that does the task once and ends."""
        before = _children()
        done = subprocess.run(_command(task, 0), env=self.environment, input="\n", **PIPES)
        if done.returncode:
            raise _failure(self, task, done.stderr)
        return _children() - before


class Worker:
    """A process that does steps of a task with a tree's partialpool when told to; for a ``with`` block."""

    def __init__(self, tree: Tree, task: Task, seed: int) -> None:
        self.tree, self.task = tree, task
        self.complaints = tempfile.TemporaryFile("w+")  # noqa: SIM115  # closed at the end of the block
        pipes = PIPES | {"stdin": subprocess.PIPE, "stderr": self.complaints}
        self.process = subprocess.Popen(_command(task, seed), env=tree.environment, **pipes)

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()
        self.complaints.close()

    def get_ready(self) -> None:
        """Wait until it could begin.

        Raises
        ------
        MeasureError
            When it failed, or imported another partialpool.
        """
        package = Path(str(self._answer()["package"]))
        if not package.is_relative_to(self.tree.root / "src"):
            raise MeasureError(f"{self.task.name}: {self.tree.label}: it imported {package}")

    def begin(self) -> None:
        """Let it do a step."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def end(self) -> Figures:
        """Wait for the step; its figures by their full names.

        Raises
        ------
        MeasureError
            When it failed.
        """
        return {f"{self.task.name}: {name}": value for name, value in self._answer().items()}

    def _answer(self) -> dict[str, Any]:
        line = self.process.stdout.readline()
        if not line:
            self.complaints.seek(0)
            raise _failure(self.tree, self.task, self.complaints.read())
        return json.loads(line)


def _command(task: Task, seed: int) -> list[str]:
    given = task.arguments | ({"seed": seed} if task.seeded else {})
    return [sys.executable, *(task.command or ("side_task.py", json.dumps(given)))]


def _failure(tree: Tree, task: Task, complaints: str) -> MeasureError:
    last = (complaints.strip().splitlines() or ["it ended without a message"])[-1]
    return MeasureError(f"{task.name}: {tree.label}: {last}")


@contextmanager
def checked_out(commit: str) -> Iterator[Tree]:
    """A commit's tree as long as the block lasts.

    It always lies in the same place and its files have the commit's time, so that kernels which were compiled
    from it once are found again.
    """
    label, seconds = _git("log", "-1", "--format=%h %ct", commit).split()
    root = CACHE / f"base-{label}"
    if root.exists():
        again = f"git worktree remove --force {root}"
        raise SystemExit(f"{root} is in use by another comparison; if one was killed:  {again}")
    _git("worktree", "add", "--detach", "--quiet", str(root), commit)
    try:
        for path in (root / "src").rglob("*.py"):
            os.utime(path, (int(seconds), int(seconds)))
        yield Tree(f"base {label}", root)
    finally:
        _git("worktree", "remove", "--force", str(root))


def present() -> Tree:
    """The tree that this file stands in, as it is."""
    changed = "+" if _git("status", "--porcelain", "--", "src") else ""
    return Tree(f"new {_git('log', '-1', '--format=%h')}{changed}", ROOT)


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"git {arguments[0]}: {done.stderr.strip()}")
    return done.stdout.strip()


def _children() -> float:
    """Processor seconds of all processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
