"""PyMC models sampled by nutpie, compiled by numba: building and compiling reported apart from sampling."""

from __future__ import annotations

import sys
from typing import Any

import arviz as az
import harness
import numpy as np
import nutpie
import pymc_model

_BIG = {"repeats": 0, "draws": 100, "warmup": 100, "chains": 1, "limit": 3600.0}
JOBS = {
    "no-pooling": {"centred": {"repeats": 3}},
    "partial-pooling": {"centred": {"repeats": 3}, "non-centred": {"repeats": 3}},
    "slopes": {"non-centred": {"repeats": 1}},
    "million": {"centred": _BIG},
    "poisson-1000": {"non-centred": {"repeats": 2}},
    "poisson-10000": {"non-centred": {"repeats": 1}},
    "poisson-100000": {"non-centred": _BIG},
    "insteval": {"non-centred": {"repeats": 0, "draws": 300, "warmup": 400, "chains": 2}},
    "ladder-1000": {"centred": {"repeats": 1}},
    "ladder-10000": {"centred": {"repeats": 1}},
    "ladder-100000": {"centred": {"repeats": 0, "draws": 500}},
}
REBUILD = False


def build(task: harness.Task, table: dict[str, np.ndarray]) -> Any:
    """The model, compiled."""
    return nutpie.compile_pymc_model(pymc_model.build(task.problem, table, task.variant == "centred"))


def sample(task: harness.Task, model: Any, seed: int) -> Any:
    """nutpie's NUTS, a thread a chain."""
    options = {"draws": task.draws, "chains": task.chains, "cores": task.cores, "seed": seed}
    return nutpie.sample(model, tune=task.warmup, progress_bar=False, save_warmup=False, **options)


def summary(task: harness.Task, model: Any, result: Any) -> Any:
    """ArviZ's table of all parameters; of a big model those that are few."""
    small = [name for name, values in result.posterior.data_vars.items() if values[0, 0].size <= 1000]
    return az.summary(result, var_names=small)


def draws(task: harness.Task, model: Any, result: Any) -> np.ndarray:
    """What is monitored."""
    return pymc_model.stacked(task, result, task.variant == "centred")


if __name__ == "__main__":
    harness.run(sys.modules[__name__], ("pymc", "nutpie", "pytensor", "numba", "numpy"))
