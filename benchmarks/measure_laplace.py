"""How far nested Laplace is from a long NUTS run: every parameter's mean and sd, in posterior sds.

100,000 draws of each, so that Monte Carlo errors are near 0.005 sd.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import datasets
import harness
import numpy as np
import peer_partialpool as peer
from problems import PROBLEMS

NAMES = ("partial-pooling", "slopes")


def gaps(name: str) -> dict[str, Any]:
    """Both methods on one problem."""
    options: dict[str, Any] = {"variant": "", "draws": 25_000, "chains": 4, "warmup": None, "repeats": 0}
    problem = PROBLEMS[name]
    task = harness.Task(problem, **options, seconds=0.0, started=0.0, out=None)  # type: ignore[arg-type]
    model = peer.build(task, datasets.read(problem.data))
    long = peer.sample(task, model, 1).draws.values
    fit = peer.sample(replace(task, variant="laplace"), model, 2)
    quick = fit.draws.values
    mean, sd = long.mean(axis=(0, 1)), long.std(axis=(0, 1))
    varies = sd > 1e-12
    means = np.abs(quick.mean(axis=(0, 1)) - mean)[varies] / sd[varies]
    sds = quick.std(axis=(0, 1))[varies] / sd[varies] - 1
    return {
        "parameters": int(varies.sum()),
        "mean_95%": float(np.quantile(means, 0.95)),
        "mean_max": float(means.max()),
        "sd_95%": float(np.quantile(np.abs(sds), 0.95)),
        "sd_max": float(np.abs(sds).max()),
        "pareto_k": fit.draws.approximation.pareto_k,
        "ess": fit.draws.approximation.ess,
    }


def main() -> None:
    """Print the gaps of each problem."""
    print(json.dumps({name: gaps(name) for name in NAMES}))


if __name__ == "__main__":
    main()
