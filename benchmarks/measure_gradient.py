"""Log density and gradient of the million Bernoulli rows: ours, stanli's, JAX's, and one pass over our data.

One process, in turn, medians; every program in its own coordinates. The pass adds up all numbers that our
density reads, in one thread; JAX uses as many as it likes.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import datasets
import numba
import numpy as np
import peer_partialpool as peer
import stan_code
from harness import Task
from problems import PROBLEMS

import partialpool as pp
from partialpool.inference.compiling import load
from partialpool.inference.geometry import choose_geometry
from partialpool.model.density import Density

ROUNDS = 9
PROBLEM = PROBLEMS["million"]


@numba.njit(fastmath=True)
def add_up(values: np.ndarray) -> float:
    """Read every number once."""
    total = 0.0
    for value in values:
        total += value
    return total


def ours(table: datasets.Table) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """partialpool's gradient, and one pass over what it reads."""
    frame = {
        "draws": 1,
        "chains": 1,
        "warmup": None,
        "repeats": 0,
        "seconds": 0.0,
        "started": 0.0,
        "out": None,
    }
    model: pp.Model = peer.build(Task(PROBLEM, "", **frame), table)  # type: ignore[arg-type]
    load(model.spec.family)
    density = Density(model.spec, choose_geometry(model.spec))
    cells = model.spec.cells
    arrays = [
        row for row in (*cells.stats, *cells.columns, *cells.offsets, *cells.group_index) if len(row) > 1
    ]
    x = np.random.default_rng(1).normal(size=density.n_dim) * 0.1
    return lambda: density(x), lambda: [add_up(a) for a in arrays]


def theirs_stanli(table: datasets.Table) -> Callable[[], Any]:
    """stanli's gradient of the non-centred program."""
    import stanli

    code = stan_code.program(PROBLEM, cells=False, centred=False)
    model = stanli.Model(stan_code=code, data=stan_code.data(PROBLEM, table, cells=False))
    n_groups = datasets.groups(table, "g")[1]
    x = np.random.default_rng(1).normal(size=n_groups + 6) * 0.1
    return lambda: model.log_prob_grad(x)


def theirs_jax(table: datasets.Table) -> Callable[[], Any]:
    """JAX's gradient of the non-centred density, written by hand; compiled before it is timed."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    index, n_groups = datasets.groups(table, "g")
    columns = jnp.asarray(np.stack([np.ones(len(index)), *(table[c] for c, _ in PROBLEM.terms[1:])]))
    y, group = jnp.asarray(table["y"]), jnp.asarray(index)

    @jax.jit
    @jax.value_and_grad
    def density(x: Any) -> Any:
        beta, log_sd, z = x[:5], x[5], x[6:]
        eta = beta @ columns + (jnp.exp(log_sd) * z)[group]
        prior = -jnp.sum(beta**2) / 2 - jnp.exp(log_sd) + log_sd - jnp.sum(z**2) / 2
        return prior + jnp.sum(y * eta - jnp.logaddexp(0.0, eta))

    x = jnp.asarray(np.random.default_rng(1).normal(size=n_groups + 6) * 0.1)
    return lambda: jax.block_until_ready(density(x))


def main() -> None:
    """Time all in turn and print medians in milliseconds."""
    table = datasets.read(PROBLEM.data)
    gradient, one_pass = ours(table)
    works = {"one pass": one_pass, "partialpool": gradient}
    works |= {"stanli": theirs_stanli(table), "jax": theirs_jax(table)}
    found: dict[str, list[float]] = {name: [] for name in works}
    for repeat in range(ROUNDS + 1):
        for name, work in works.items():
            started = time.perf_counter()
            work()
            if repeat:
                found[name].append(1000 * (time.perf_counter() - started))
    cores = len(os.sched_getaffinity(0))
    print(
        json.dumps({"milliseconds": {n: median(v) for n, v in found.items()}, "all": found, "cores": cores})
    )


if __name__ == "__main__":
    main()
