"""Leave-one-out on cells against ArviZ's on rows, and cross-validation by refits, on the Bangladesh fit."""

from __future__ import annotations

import importlib.metadata
import time
from collections.abc import Callable

import numpy as np

import partialpool as pp
from partialpool.predict.log_likelihood import distinct_rows
from partialpool.scoring.loo import loo

FORMULA = "`use.contraception` ~ 1 + (1 | district)"
PRIORS = {"Intercept": pp.Normal(0, 1.5), "1|district": pp.Normal(0, pp.Exponential(1))}
REPEATS = 5
PACKAGES = ("partialpool", "arviz-stats", "numpy", "numba")


def best(work: Callable[[], object]) -> float:
    """Shortest of some runs after a warm-up, in seconds."""
    work()
    seconds = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def version(package: str) -> str:
    return pp.__version__ if package == "partialpool" else importlib.metadata.version(package)


def main() -> None:
    import arviz_stats

    model = pp.Model(FORMULA, pp.load_dataset("bangladesh"), family="bernoulli", priors=PRIORS)
    fit = model.fit(seed=1, progress=False)
    tree = fit.to_datatree(log_likelihood=True)
    on_rows, on_cells = arviz_stats.loo(tree, pointwise=True), loo(fit.fitted)
    times = {
        "fit": best(lambda: model.fit(seed=1, progress=False)),
        "loo on cells": best(lambda: loo(fit.fitted)),
        "loo on rows": best(lambda: arviz_stats.loo(tree, pointwise=True)),
        "their log likelihood": best(lambda: fit.to_datatree(log_likelihood=True)),
        "kfold(10)": best(lambda: fit.kfold(progress=False)),
        "kfold(10), district": best(lambda: fit.kfold(group="district", progress=False)),
    }
    print(", ".join(f"{name} {version(name)}" for name in PACKAGES))
    print(f"{model.size}, {distinct_rows(model.spec).n_cells} distinct, {len(fit.fitted.values):,} draws")
    for name, seconds in times.items():
        print(f"{name:24}{seconds:8.3f} s")
    print(f"rows / cells: {times['loo on rows'] / times['loo on cells']:.1f}")
    print(f"kfold(10) / fit: {times['kfold(10)'] / times['fit']:.1f}")
    print(f"largest difference of a row: {np.max(np.abs(on_cells.rows['elpd'] - on_rows.elpd_i.values)):.1e}")


if __name__ == "__main__":
    main()
