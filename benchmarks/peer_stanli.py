"""stanli, which runs Stan programs without compiling them: rows and hand-made cells, centred and not."""

from __future__ import annotations

import sys
from typing import Any

import harness
import numpy as np
import stan_code
import stanli

_BIG = {"repeats": 0, "draws": 100, "warmup": 100, "chains": 1, "limit": 3600.0}
JOBS = {
    "no-pooling": {"cells, centred": {"repeats": 5}},
    "partial-pooling": {
        "cells, centred": {"repeats": 5},
        "cells, non-centred": {"repeats": 5},
        "rows, centred": {"repeats": 2},
        "rows, non-centred": {"repeats": 2},
    },
    "slopes": {"rows, centred": {"repeats": 1}, "rows, non-centred": {"repeats": 1}},
    "million": {"rows, centred": _BIG},
    "poisson-1000": {"rows, non-centred": {"repeats": 2}},
    "poisson-10000": {"rows, non-centred": {"repeats": 1}},
    "insteval": {"rows, non-centred": {"repeats": 0, "draws": 300, "warmup": 300, "chains": 2}},
    "ladder-1000": {"rows, centred": {"repeats": 2}},
    "ladder-10000": {"rows, centred": {"repeats": 1}},
    "ladder-100000": {"rows, centred": {"repeats": 0, "draws": 250, "warmup": 250}},
}
REBUILD = True


def build(task: harness.Task, table: dict[str, np.ndarray]) -> stanli.Model:
    """The program and its data, made anew for each fit as partialpool's model is."""
    cells, centred = options(task.variant)
    code = stan_code.program(task.problem, cells, centred)
    return stanli.Model(stan_code=code, data=stan_code.data(task.problem, table, cells))


def options(variant: str) -> tuple[bool, bool]:
    """Whether on cells, and whether centred."""
    return variant.startswith("cells"), variant.endswith(", centred")


def sample(task: harness.Task, model: stanli.Model, seed: int) -> Any:
    """Stan's NUTS."""
    warmup = {} if task.warmup is None else {"warmup": task.warmup}
    return model.sample(chains=task.chains, samples=task.draws, seed=seed, refresh=0, **warmup)


def summary(task: harness.Task, model: stanli.Model, result: Any) -> Any:
    """The table of all parameters."""
    return result.summary()


def draws(task: harness.Task, model: stanli.Model, result: Any) -> np.ndarray:
    """What is monitored."""

    def take(name: str) -> np.ndarray:
        values = np.array(result[name])
        return values.reshape(task.chains, task.draws, *values.shape[1:])

    return stan_code.stacked(task.problem, take, options(task.variant)[1])


if __name__ == "__main__":
    harness.run(sys.modules[__name__], ("stanli", "numpy"))
