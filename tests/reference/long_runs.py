"""Long runs of Stan's sampler (stanli), of which the figures of every value are kept where they converged."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import stanli
from arviz_stats.base import array_stats
from numpy.typing import NDArray

Floats = NDArray[np.float64]

CHAINS, WARMUP, DRAWS, SEED = 4, 2000, 10_000, 20260101
MAX_R_HAT, MIN_ESS = 1.005, 10_000
MAX_DENSE = 450  # above that many coordinates a dense metric costs more than it brings
FIGURES = ("mean", "sd", "q5", "q50", "q95", "mcse_mean", "mcse_sd", "mcse_q5", "mcse_q50", "mcse_q95", "ess")


def figures(x: Floats) -> list[float]:
    """The figures of one value, in the order of FIGURES."""
    probabilities = (0.05, 0.5, 0.95)
    mcse = partial(array_stats.mcse, x)
    # ArviZ's error of an sd takes the effective sample size of the mean, which is too large for NUTS: draws
    # that alternate about the mean know it better than their spread. So it is taken from the squares.
    squares = (x - x.mean()) ** 2
    sd_error = array_stats.mcse(squares, method="mean") / (2 * x.std())
    found = [x.mean(), x.std(), *np.quantile(x, probabilities), mcse(method="mean"), sd_error]
    found += [mcse(method="quantile", prob=p) for p in probabilities]
    found.append(min(array_stats.ess(x, method="bulk"), array_stats.ess(x, method="tail", prob=(0.05, 0.95))))
    return [float(f"{float(v):.6g}") for v in found]


def run(
    path: Path,
    code: str,
    data: Mapping[str, Any],
    named_draws: Callable[[stanli.Fit], Mapping[str, Floats]],
    scale: float = 1.0,
    delta: float = 0.98,
) -> None:
    """Run one program and write its JSON file, or say why not.

    Parameters
    ----------
    named_draws
        Takes draws of every value that is kept, each (chains, draws), by its name in results.
    scale
        How many times the usual number of draws.
    delta
        Target acceptance rate.
    """
    started = time.perf_counter()
    program = stanli.Model(stan_code=code, data=dict(data))
    settings = {
        "chains": CHAINS,
        "warmup": WARMUP,
        "samples": int(DRAWS * scale),
        "delta": delta,
        "metric": "dense_e" if program.n_unconstrained <= MAX_DENSE else "diag_e",
        "seed": SEED,
    }
    fit = program.sample(**settings, refresh=0)
    named = named_draws(fit)
    values = {key: figures(x) for key, x in named.items()}
    quality = {
        "largest_r_hat": round(max(float(array_stats.rhat(x)) for x in named.values()), 5),
        "smallest_ess": min(v[-1] for v in values.values()),
        "divergences": int(np.sum(fit.divergences)),
    }
    print(path.stem, f"{time.perf_counter() - started:.0f} s", quality, flush=True)
    if quality["divergences"] or quality["largest_r_hat"] > MAX_R_HAT or quality["smallest_ess"] < MIN_ESS:
        print(f"{path.stem} is not written: try a larger --scale or --delta", flush=True)
        return
    head = {"stanli": stanli.__version__, "settings": settings, "quality": quality, "figures": FIGURES}
    rows = ",\n".join(f"    {json.dumps(key)}: {json.dumps(row)}" for key, row in values.items())
    text = json.dumps(head, indent=2)[:-2] + ',\n  "values": {\n' + rows + "\n  }\n}\n"
    path.write_text(text, "utf-8")
