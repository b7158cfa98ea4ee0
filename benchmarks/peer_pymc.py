"""PyMC with its own NUTS: `pm.sample` compiles the model within each call, so its time contains that."""

from __future__ import annotations

import sys
from typing import Any

import arviz as az
import harness
import numpy as np
import pymc as pm
import pymc_model

JOBS = {
    "no-pooling": {"centred": {"repeats": 1}},
    "partial-pooling": {"centred": {"repeats": 1}, "non-centred": {"repeats": 1}},
    "slopes": {"non-centred": {"repeats": 0}},
    "poisson-1000": {"non-centred": {"repeats": 1}},
}
REBUILD = True


def build(task: harness.Task, table: dict[str, np.ndarray]) -> pm.Model:
    """The model; nothing is compiled yet."""
    return pymc_model.build(task.problem, table, task.variant == "centred")


def sample(task: harness.Task, model: pm.Model, seed: int) -> Any:
    """PyMC's NUTS, a process a chain."""
    tune = 1000 if task.warmup is None else task.warmup
    return pm.sample(
        task.draws,
        tune=tune,
        chains=task.chains,
        cores=task.cores,
        random_seed=seed,
        progressbar=False,
        model=model,
    )


def summary(task: harness.Task, model: pm.Model, result: Any) -> Any:
    """ArviZ's table of all parameters."""
    return az.summary(result)


def draws(task: harness.Task, model: pm.Model, result: Any) -> np.ndarray:
    """What is monitored."""
    return pymc_model.stacked(task, result, task.variant == "centred")


if __name__ == "__main__":
    harness.run(sys.modules[__name__], ("pymc", "pytensor", "numpy"))
