"""partialpool: NUTS and nested Laplace, from the rows' table and the formula to draws."""

from __future__ import annotations

import sys
from typing import Any

import harness
import numpy as np
import pandas as pd
from problems import LKJ_SHAPE, SD_RATE, Problem

import partialpool as pp

_FEW = {"draws": 25}  # 100 in all: what is timed is the approximation, not its draws
JOBS = {
    "no-pooling": {"": {"repeats": 9}},
    "partial-pooling": {"": {"repeats": 9}, "laplace": {"repeats": 15}},
    "slopes": {"": {"repeats": 5}, "laplace": {"repeats": 9}},
    "million": {
        "": {"repeats": 1, "draws": 250, "chains": 1},
        "laplace": {"repeats": 2, "draws": 250},
    },
    "poisson-1000": {"": {}, "laplace": {"repeats": 9}, "laplace, 100 draws": _FEW},
    "poisson-10000": {"": {"repeats": 2}, "laplace": {"repeats": 5}, "laplace, 100 draws": _FEW},
    "poisson-100000": {
        "": {"repeats": 1, "draws": 250, "chains": 2},
        "laplace": {"repeats": 3, "draws": 250},
        "laplace, 100 draws": _FEW,
    },
    "poisson-1000000": {"laplace, 100 draws": {"repeats": 1, "draws": 25}},
    "insteval": {"": {"repeats": 1}, "laplace": {"repeats": 3}},
    "ladder-1000": {"": {}, "laplace, 100 draws": _FEW},
    "ladder-10000": {"": {}, "laplace, 100 draws": _FEW},
    "ladder-100000": {"": {"repeats": 1}, "laplace, 100 draws": _FEW},
    "ladder-1000000": {"": {"repeats": 1, "draws": 250}, "laplace, 100 draws": _FEW},
    "ladder-10000000": {"laplace, 100 draws": {"repeats": 1, "draws": 25}},
}
REBUILD = True


def priors(problem: Problem) -> dict[str, pp.Prior]:
    """The problem's priors by the names that results have."""
    sd = pp.Exponential(SD_RATE)
    found = {"Intercept" if column == "1" else column: pp.Normal(0, scale) for column, scale in problem.terms}
    for factor in problem.factors:
        for column in factor.columns:
            found[f"{column}|{factor.name}"] = pp.Normal(0, factor.fixed_sd or sd)
        if len(factor.columns) > 1:
            found[f"{factor.name}_corr"] = pp.LKJ(LKJ_SHAPE)
    return found | ({"sigma": sd} if problem.family == "gaussian" else {})


def build(task: harness.Task, table: dict[str, np.ndarray]) -> pp.Model:
    """The model from its formula and the rows."""
    whole = {factor.name: table[factor.name].astype(np.int64) for factor in task.problem.factors}
    frame = pd.DataFrame(table | whole, copy=False)
    return pp.Model(task.problem.formula, frame, family=task.problem.family, priors=priors(task.problem))


def sample(task: harness.Task, model: pp.Model, seed: int) -> Any:
    """NUTS, or nested Laplace."""
    method = {"method": task.variant.split(",")[0]} if task.variant else {}
    return model.fit(task.draws, task.chains, seed=seed, warmup=task.warmup, progress=False, **method)


def summary(task: harness.Task, model: pp.Model, result: Any) -> pd.DataFrame:
    """The table of all parameters."""
    return result.summary()


def draws(task: harness.Task, model: pp.Model, result: Any) -> np.ndarray:
    """What is monitored."""
    problem, values = task.problem, result.draws.values
    found = {variable.name: variable.take(values) for variable in model.spec.layout.variables}
    names = ["Intercept" if column == "1" else column for column, _ in problem.terms]
    beta = np.stack([found[n] for n in names], axis=-1) if names else np.empty((*values.shape[:2], 0))
    sds, correlations, effects = [], [], []
    for factor in problem.factors:
        terms = [f"{column}|{factor.name}" for column in factor.columns]
        learnt = factor.fixed_sd is None
        sds.append(np.stack([found[f"{t}_sigma"] for t in terms], axis=-1) if learnt else None)
        correlations.append(found.get(f"{factor.name}_corr"))
        effects.append(np.stack([found[t] for t in terms], axis=-1))
    return problem.stack(beta, sds, correlations, found.get("sigma"), effects)


if __name__ == "__main__":
    harness.run(sys.modules[__name__], ("partialpool", "numba", "numpy"))
