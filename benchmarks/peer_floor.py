"""Does nothing: what the harness itself costs, with process start, reading the table, writing draws."""

from __future__ import annotations

import sys
from typing import Any

import harness
import numpy as np

JOBS = {"partial-pooling": {"": {}}, "million": {"": {}}}
REBUILD = True


def build(task: harness.Task, table: dict[str, np.ndarray]) -> None:
    """Nothing."""


def sample(task: harness.Task, model: None, seed: int) -> np.random.Generator:
    """Nothing but a generator."""
    return np.random.default_rng(seed)


def summary(task: harness.Task, model: None, result: Any) -> str:
    """Nothing to say."""
    return ""


def draws(task: harness.Task, model: None, result: np.random.Generator) -> np.ndarray:
    """Independent normal numbers, whose effective sample size is their number."""
    return result.normal(size=(task.chains, task.draws, 10))


if __name__ == "__main__":
    harness.run(sys.modules[__name__], ("numpy",))
