"""NumPyro: NUTS compiled by JAX, chains side by side on the processor's cores."""

from __future__ import annotations

import os
import sys
from typing import Any

os.environ["XLA_FLAGS"] = f"--xla_force_host_platform_device_count={len(os.sched_getaffinity(0))}"

import harness
import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
from datasets import groups
from numpyro.infer import MCMC, NUTS
from problems import LKJ_SHAPE, SD_RATE, Factor, Problem

jax.config.update("jax_enable_x64", True)

_BIG = {"repeats": 0, "draws": 100, "warmup": 150, "chains": 1, "limit": 3600.0}
JOBS = {
    "no-pooling": {"centred": {"repeats": 2}},
    "partial-pooling": {"centred": {"repeats": 2}, "non-centred": {"repeats": 2}},
    "slopes": {"non-centred": {"repeats": 1}},
    "million": {"centred": _BIG},
    "poisson-1000": {"non-centred": {"repeats": 1}},
    "poisson-10000": {"non-centred": {"repeats": 1}},
    "ladder-1000": {"centred": {"repeats": 1}},
    "ladder-10000": {"centred": {"repeats": 1}},
    "ladder-100000": {"centred": {"repeats": 0, "draws": 500, "warmup": 500}},
}
REBUILD = False


def model(problem: Problem, table: dict[str, Any], sizes: dict[str, int], centred: bool) -> None:
    """The model of rows."""
    betas = {column: numpyro.sample(f"beta_{column}", dist.Normal(0, sd)) for column, sd in problem.terms}
    eta, absorbed = 0.0, set()
    for factor in problem.factors:
        own = {c for c in factor.columns if centred and problem.own(c)}
        absorbed |= own
        b = effects(
            factor, sizes[factor.name], centred, [betas[c] if c in own else 0.0 for c in factor.columns]
        )
        for k, column in enumerate(factor.columns):
            eta = eta + b[table[factor.name], k] * (1.0 if column == "1" else table[column])
    for column in betas.keys() - absorbed:
        eta = eta + betas[column] * (1.0 if column == "1" else table[column])
    outcome = {"bernoulli": dist.BernoulliLogits, "poisson": lambda e: dist.Poisson(jnp.exp(e))}
    numpyro.sample("y", outcome[problem.family](eta), obs=table["y"])


def effects(factor: Factor, n_groups: int, centred: bool, middle: list[Any]) -> Any:
    """Effects of a factor, (groups, columns); centred ones lie around `middle`."""
    name, q = factor.name, len(factor.columns)
    if factor.fixed_sd:
        return numpyro.sample(f"b_{name}", dist.Normal(0, factor.fixed_sd).expand([n_groups, 1]).to_event(2))
    sd = numpyro.sample(f"sd_{name}", dist.Exponential(SD_RATE).expand([q]).to_event(1))
    if q == 1 and centred:
        return numpyro.sample(f"b_{name}", dist.Normal(middle[0], sd[0]).expand([n_groups, 1]).to_event(2))
    z = numpyro.sample(f"z_{name}", dist.Normal(0, 1).expand([n_groups, q]).to_event(2))
    if q == 1:
        return numpyro.deterministic(f"b_{name}", sd * z)
    chol = numpyro.sample(f"L_{name}", dist.LKJCholesky(q, LKJ_SHAPE))
    numpyro.deterministic(f"corr_{name}", chol @ chol.T)
    return numpyro.deterministic(f"b_{name}", z @ (sd[:, None] * chol).T)


def build(task: harness.Task, table: dict[str, np.ndarray]) -> tuple[MCMC, tuple[Any, ...]]:
    """The sampler and its arguments; JAX compiles on the first run, which is part of the cold time."""
    problem = task.problem
    sizes = {f.name: groups(table, f.name)[1] for f in problem.factors}
    columns = {n: jnp.asarray(groups(table, n)[0] if n in sizes else v) for n, v in table.items()}

    def whole() -> None:
        model(problem, columns, sizes, task.variant == "centred")

    warmup = 1000 if task.warmup is None else task.warmup
    options = {"num_warmup": warmup, "num_samples": task.draws, "num_chains": task.chains}
    method = "parallel" if task.chains <= task.cores else "vectorized"
    return MCMC(NUTS(whole), chain_method=method, progress_bar=False, **options), ()


def sample(task: harness.Task, built: tuple[MCMC, tuple[Any, ...]], seed: int) -> Any:
    """Run the chains and wait for them."""
    mcmc, arguments = built
    mcmc.run(jax.random.PRNGKey(seed), *arguments)
    return jax.block_until_ready(mcmc.get_samples(group_by_chain=True))


def summary(task: harness.Task, built: Any, result: dict[str, Any]) -> str:
    """NumPyro's table, of what is not one value a group in big models."""
    small = {name: np.asarray(v) for name, v in result.items() if v[0, 0].size <= 1000}
    return str(numpyro.diagnostics.summary(small))


def draws(task: harness.Task, built: Any, result: dict[str, Any]) -> np.ndarray:
    """What is monitored."""
    problem, centred = task.problem, task.variant == "centred"
    found = {name: np.array(values) for name, values in result.items()}
    names = [column for column, _ in problem.terms]
    sds, correlations, all_effects = [], [], []
    for factor in problem.factors:
        sds.append(found.get(f"sd_{factor.name}"))
        correlations.append(found.get(f"corr_{factor.name}"))
        b = found[f"b_{factor.name}"]
        for k, column in enumerate(factor.columns):
            if centred and problem.own(column):
                b[..., k] -= found[f"beta_{column}"][..., np.newaxis]
        all_effects.append(b)
    shape = all_effects[0].shape[:2]
    beta = np.stack([found[f"beta_{c}"] for c in names], axis=-1) if names else np.empty((*shape, 0))
    return problem.stack(beta, sds, correlations, None, all_effects)


if __name__ == "__main__":
    harness.run(sys.modules[__name__], ("numpyro", "jax", "jaxlib", "numpy"))
