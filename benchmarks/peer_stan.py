"""Stan itself, through PyStan: a C++ program compiled for each model, its compilation reported apart."""

from __future__ import annotations

import os
import sys
import tempfile
from typing import Any

import harness
import numpy as np
import stan_code

JOBS = {
    "partial-pooling": {"rows, centred": {"repeats": 2}, "cells, centred": {"repeats": 2}},
    "slopes": {"rows, non-centred": {"repeats": 1}},
    "poisson-1000": {"rows, non-centred": {"repeats": 1}},
}
REBUILD = False


def build(task: harness.Task, table: dict[str, np.ndarray]) -> Any:
    """Compile the program; in a cache folder of its own, so that every process compiles."""
    os.environ["XDG_CACHE_HOME"] = tempfile.mkdtemp(dir=task.out)
    os.chdir(task.out)  # its builder writes there
    import stan

    cells, centred = task.variant.startswith("cells"), task.variant.endswith(", centred")
    data = stan_code.data(task.problem, table, cells)
    plain = {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in data.items()}
    return stan.build(stan_code.program(task.problem, cells, centred), data=plain, random_seed=1)


def sample(task: harness.Task, model: Any, seed: int) -> Any:
    """Stan's NUTS; its seed belongs to the build, so repeats differ by a draw of warm-up."""
    warmup = (1000 if task.warmup is None else task.warmup) + seed - 1
    return model.sample(num_chains=task.chains, num_samples=task.draws, num_warmup=warmup)


def summary(task: harness.Task, model: Any, result: Any) -> Any:
    """Means and sds of all parameters: PyStan has no table of its own."""
    return result.to_frame().describe().T


def draws(task: harness.Task, model: Any, result: Any) -> np.ndarray:
    """What is monitored."""

    def take(name: str) -> np.ndarray:
        values = np.moveaxis(np.array(result[name]), -1, 0)
        per_chain = np.swapaxes(values.reshape(task.draws, task.chains, *values.shape[1:]), 0, 1)
        single = per_chain.ndim == 3 and per_chain.shape[2] == 1 and not name.startswith("b")
        return per_chain[..., 0] if single or name.startswith("beta") else per_chain

    return stan_code.stacked(task.problem, take, task.variant.endswith(", centred"))


if __name__ == "__main__":
    harness.run(sys.modules[__name__], ("pystan", "httpstan", "numpy"))
