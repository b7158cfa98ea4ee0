"""Bambi: a formula front to PyMC; it drops correlations between group effects, so slopes are left out."""

from __future__ import annotations

import sys
from typing import Any

import arviz as az
import bambi as bmb
import harness
import numpy as np
import pandas as pd
from problems import SD_RATE

JOBS = {"partial-pooling": {"": {"repeats": 1}}, "poisson-1000": {"": {"repeats": 0}}}
REBUILD = True


def build(task: harness.Task, table: dict[str, np.ndarray]) -> bmb.Model:
    """The model from its formula."""
    problem = task.problem
    frame = pd.DataFrame(table | {f.name: table[f.name].astype(int) for f in problem.factors})
    names = {"Intercept" if column == "1" else column: sd for column, sd in problem.terms}
    priors: dict[str, Any] = {name: bmb.Prior("Normal", mu=0, sigma=sd) for name, sd in names.items()}
    spread = bmb.Prior("Exponential", lam=SD_RATE)
    priors["1|g"] = bmb.Prior("Normal", mu=0, sigma=spread)
    formula = problem.formula.replace("(1 | g)", "(1|g)")
    return bmb.Model(formula, frame, family=problem.family, priors=priors, center_predictors=False)


def sample(task: harness.Task, model: bmb.Model, seed: int) -> Any:
    """PyMC's NUTS."""
    tune = 1000 if task.warmup is None else task.warmup
    options = {"chains": task.chains, "cores": task.cores, "random_seed": seed, "progressbar": False}
    return model.fit(draws=task.draws, tune=tune, **options)


def summary(task: harness.Task, model: bmb.Model, result: Any) -> Any:
    """ArviZ's table of all parameters."""
    return az.summary(result)


def draws(task: harness.Task, model: bmb.Model, result: Any) -> np.ndarray:
    """What is monitored."""
    found = result.posterior
    names = ["Intercept" if column == "1" else column for column, _ in task.problem.terms]
    beta = np.stack([found[n].values for n in names], axis=-1)
    sd = found["1|g_sigma"].values[..., np.newaxis]
    return task.problem.stack(beta, [sd], [None], None, [found["1|g"].values[..., np.newaxis]])


if __name__ == "__main__":
    harness.run(sys.modules[__name__], ("bambi", "pymc", "numpy"))
