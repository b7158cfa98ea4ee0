"""Time of a gradient against one pass over its data, and against stanli's and JAX's, on one core.

python benchmarks/gradient.py [--rows N] [--repeats N] [--jax SITE-PACKAGES] [--out FILE.json]

Three kinds of tables are read in turn, once a repeat, so that all see the same machine. Times are of the
processor, not of the clock. A pass is a compiled loop that sums arrays: "pass" the arrays that the gradient
reads, "pass, doubles" the same cells with every number in 64 bits.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numba
import numpy as np
import pandas as pd
import stanli
from gradient_rows import formula, table

import partialpool as pp
from partialpool.families.registry import FAMILIES
from partialpool.kernels.density.packed_rows import widened
from partialpool.model.density import Density
from partialpool.model.geometry import plain_geometry
from partialpool.model.stan import to_stan

Timed = dict[str, Callable[[], object]]


@numba.njit(fastmath={"reassoc"})
def total(numbers):
    """Sum as fast as numbers can be read."""
    result = 0.0
    for i in range(numbers.shape[0]):
        result += numbers[i]
    return result


def ours(model: pp.Model) -> Timed:
    """Our gradient, and passes over the arrays that it reads."""
    spec = model.spec
    density, cells = Density(spec, plain_geometry(spec)), spec.cells
    x = 0.1 * np.random.default_rng(2).normal(size=density.n_dim)
    rows = [*cells.stats, *cells.offsets, *cells.columns]
    wide = [*widened(rows, cells.index.n_cells), *cells.group_index]
    groups = [density.inputs.run_end] if len(density.inputs.run_end) else list(cells.group_index)
    return {
        "gradient": lambda: density(x),
        "pass": lambda: [total(row) for row in [*rows, *groups]],
        "pass, doubles": lambda: [total(row) for row in wide],
    }


def stan(model: pp.Model) -> Timed:
    """The same model's gradient by stanli, from the Stan program that the model exports."""
    program = to_stan(model.spec)
    peer = stanli.Model(stan_code=program.code, data=dict(program.data))
    x = 0.1 * np.random.default_rng(2).normal(size=peer.n_unconstrained)
    return {"stanli": lambda: peer.log_prob_grad(x)}


def jax_gradient(rows: pd.DataFrame) -> Timed:
    """The Bernoulli model's gradient by JAX, in double precision."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    rows = rows.sort_values("g", kind="stable")
    x, y = jnp.asarray(rows[list("abcd")].to_numpy()), jnp.asarray(rows["bernoulli"].to_numpy(float))
    g, n_groups = jnp.asarray(rows["g"].to_numpy()), int(rows["g"].max()) + 1

    def log_density(q):
        z, sigma = q[6:], jnp.exp(q[5])
        eta = q[0] + x @ q[1:5] + (sigma * z)[g]
        likelihood = jnp.sum(y * eta - jnp.logaddexp(0.0, eta))
        return likelihood - 0.5 * jnp.sum(q[:5] ** 2) / 6.25 - 0.5 * jnp.sum(z**2) - sigma + q[5]

    gradient = jax.jit(jax.value_and_grad(log_density))
    q = jnp.asarray(0.1 * np.random.default_rng(2).normal(size=6 + n_groups))
    return {"jax": lambda: jax.block_until_ready(gradient(q))}


def measure(timed: Timed, repeats: int) -> dict[str, float]:
    """Median processor seconds of each, called in turn."""
    seconds: dict[str, list[float]] = {name: [] for name in timed}
    for repeat in range(repeats + 1):
        for name, call in timed.items():
            started = time.process_time()
            call()
            if repeat:  # the first call compiles
                seconds[name].append(time.process_time() - started)
    return {name: median(found) for name, found in seconds.items()}


def report(name: str, n: int, found: dict[str, float]) -> None:
    """One line: ns a row, and ratios."""
    own = found["gradient"]
    words = [f"{1e9 * own / n:7.2f} ns a row"]
    words += [f"{own / seconds:6.2f} x {peer}" for peer, seconds in found.items() if peer != "gradient"]
    print(f"{name:34}" + "   ".join(words), flush=True)


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--jax", help="folder that has JAX, where this environment has not")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    if options.jax:
        sys.path.append(options.jax)
    print(f"{platform.machine()}, Python {platform.python_version()}, stanli {stanli.__version__}")
    rows, found = table(options.rows, options.rows // 100), {}
    model = pp.Model(formula("bernoulli"), rows, family="bernoulli")
    timed = ours(model) | stan(model) | (jax_gradient(rows) if options.jax else {})
    found["bernoulli, 4 covariates"] = measure(timed, options.repeats)
    report(f"bernoulli, {options.rows:,} rows", options.rows, found["bernoulli, 4 covariates"])
    few = rows.iloc[: options.rows // 10].assign(g=lambda t: t["g"] % (options.rows // 1000))
    for family, kind in FAMILIES.items():
        for link in kind.cells:
            model = pp.Model(formula(family), few, family=f"{family}({link})")
            name = f"{family}({link}), {len(few):,} rows"
            found[name] = measure(ours(model) | stan(model), options.repeats)
            report(name, len(few), found[name])
    if options.out:
        options.out.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
