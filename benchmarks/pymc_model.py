"""The problems as PyMC models, as its users write them; PyMC's own NUTS and nutpie share them."""

from __future__ import annotations

from typing import Any

import datasets
import harness
import numpy as np
import pymc as pm
from problems import LKJ_SHAPE, SD_RATE, Factor, Problem


def build(problem: Problem, table: datasets.Table, centred: bool) -> pm.Model:
    """A model of rows."""
    with pm.Model() as model:
        betas = {column: pm.Normal(f"beta_{column}", 0, sd) for column, sd in problem.terms}
        eta: Any = 0.0
        absorbed: set[str] = set()
        for factor in problem.factors:
            own = {c for c in factor.columns if centred and problem.own(c)}
            absorbed |= own
            index, n_groups = datasets.groups(table, factor.name)
            b = _effects(factor, n_groups, centred, [betas[c] if c in own else 0.0 for c in factor.columns])
            for k, column in enumerate(factor.columns):
                eta = eta + b[index, k] * (1.0 if column == "1" else table[column])
        for column, beta in betas.items():
            if column not in absorbed:
                eta = eta + beta * (1.0 if column == "1" else table[column])
        _outcome(problem, eta, table["y"])
    return model


def _effects(factor: Factor, n_groups: int, centred: bool, middle: list[Any]) -> Any:
    """Effects of a factor, (groups, columns); centred ones lie around `middle`."""
    name, q = factor.name, len(factor.columns)
    if factor.fixed_sd:
        return pm.Normal(f"b_{name}", 0, factor.fixed_sd, shape=(n_groups, 1))
    if q == 1:
        sd = pm.Exponential(f"sd_{name}", SD_RATE)
        if centred:
            return pm.Normal(f"b_{name}", middle[0], sd, shape=(n_groups, 1))
        z = pm.Normal(f"z_{name}", 0, 1, shape=(n_groups, 1))
        return pm.Deterministic(f"b_{name}", sd * z)
    prior = pm.Exponential.dist(SD_RATE, shape=q)
    chol, corr, sd = pm.LKJCholeskyCov(f"chol_{name}", n=q, eta=LKJ_SHAPE, sd_dist=prior, compute_corr=True)
    pm.Deterministic(f"sd_{name}", sd)
    pm.Deterministic(f"corr_{name}", corr)
    if centred:
        return pm.MvNormal(f"b_{name}", pm.math.stack(middle), chol=chol, shape=(n_groups, q))
    z = pm.Normal(f"z_{name}", 0, 1, shape=(n_groups, q))
    return pm.Deterministic(f"b_{name}", z @ chol.T)


def _outcome(problem: Problem, eta: Any, y: np.ndarray) -> None:
    if problem.family == "bernoulli":
        pm.Bernoulli("y", logit_p=eta, observed=y.astype(int))
    elif problem.family == "poisson":
        pm.Poisson("y", mu=pm.math.exp(eta), observed=y.astype(int))
    else:
        pm.Normal("y", eta, pm.Exponential("sigma", SD_RATE), observed=y)


def stacked(task: harness.Task, result: Any, centred: bool) -> np.ndarray:
    """Lay out what is monitored."""
    problem, posterior = task.problem, result.posterior
    names = [column for column, _ in problem.terms]
    betas = [posterior[f"beta_{c}"].values for c in names]
    sds, correlations, effects = [], [], []
    for factor in problem.factors:
        several = len(factor.columns) > 1
        sd = None if factor.fixed_sd else posterior[f"sd_{factor.name}"].values
        sds.append(sd if sd is None or several else sd[..., np.newaxis])
        correlations.append(posterior[f"corr_{factor.name}"].values if several else None)
        b = posterior[f"b_{factor.name}"].values.copy()
        for k, column in enumerate(factor.columns):
            if centred and problem.own(column):
                b[..., k] -= betas[names.index(column)][..., np.newaxis]
        effects.append(b)
    beta = np.stack(betas, axis=-1) if betas else np.empty((*effects[0].shape[:2], 0))
    sigma = posterior["sigma"].values if problem.family == "gaussian" else None
    return problem.stack(beta, sds, correlations, sigma, effects)
