"""Makes the reference posteriors of the gallery: ``python tests/reference/gallery/make.py NAME...``.

Long runs of Stan's sampler (stanli) on programs that `programs.py` writes from the same description of a
model that the tests give to `partialpool`, by another route: no formula, no design, no cells and no code of
the package but its bundled data. A run that is not converged is not written.
"""

from __future__ import annotations

import argparse
import json
import time
from functools import partial

import numpy as np
import stanli
from arviz_stats.base import array_stats
from models import GALLERY, HERE, Factor, GalleryModel
from numpy.typing import NDArray
from programs import code, data, levels

Floats = NDArray[np.float64]

CHAINS, WARMUP, DRAWS, SEED = 4, 2000, 10_000, 20260101
MAX_R_HAT, MIN_ESS = 1.005, 10_000
MAX_DENSE = 450  # above that many coordinates a dense metric costs more than it brings
FIGURES = ("mean", "sd", "q5", "q50", "q95", "mcse_mean", "mcse_sd", "mcse_q5", "mcse_q50", "mcse_q95", "ess")


def named_draws(model: GalleryModel, fit: stanli.Fit) -> dict[str, Floats]:
    """Draws of every value that the reference keeps, each (chains, draws), by its name in results."""
    named = {"Intercept": np.asarray(fit.draws("intercept"))}
    named |= {name: np.asarray(fit.draws(f"beta[{k}]")) for k, name in enumerate(model.columns, 1)}
    if model.auxiliary:
        named[model.auxiliary[0]] = np.asarray(fit.draws("auxiliary"))
    for f, factor in enumerate(model.factors, 1):
        named |= factor_draws(model, factor, partial(_variable, fit, f))
    return named


def _variable(fit: stanli.Fit, f: int, name: str) -> Floats:
    return np.asarray(fit.draws(f"{name}{f}"))


def factor_draws(model: GalleryModel, factor: Factor, take: partial[Floats]) -> dict[str, Floats]:
    """Draws of a factor's sds, correlation and effects by their names in results."""
    sd, b = take("sd"), take("b")
    effects = [f"1|{factor.name}"] + ([f"{factor.slope[0]}|{factor.name}"] if factor.slope else [])
    named = {f"{effect}_sigma": sd[..., k] for k, effect in enumerate(effects)}
    if factor.slope:
        named[f"{factor.name}_corr[1, {factor.slope[0]}]"] = take("rho")
    groups = list(enumerate(levels(model, factor)))
    return named | {f"{e}[{label}]": b[..., j, k] for k, e in enumerate(effects) for j, label in groups}


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


def make(name: str, scale: float, delta: float) -> None:
    """Run one model and write its JSON file, or say why not."""
    model, started = GALLERY[name], time.perf_counter()
    program = stanli.Model(stan_code=code(model), data=data(model))
    settings = {
        "chains": CHAINS,
        "warmup": WARMUP,
        "samples": int(DRAWS * scale),
        "delta": delta,
        "metric": "dense_e" if program.n_unconstrained <= MAX_DENSE else "diag_e",
        "seed": SEED,
    }
    fit = program.sample(**settings, refresh=0)
    named = named_draws(model, fit)
    values = {key: figures(x) for key, x in named.items()}
    quality = {
        "largest_r_hat": round(max(float(array_stats.rhat(x)) for x in named.values()), 5),
        "smallest_ess": min(v[-1] for v in values.values()),
        "divergences": int(np.sum(fit.divergences)),
    }
    print(name, f"{time.perf_counter() - started:.0f} s", quality, flush=True)
    if quality["divergences"] or quality["largest_r_hat"] > MAX_R_HAT or quality["smallest_ess"] < MIN_ESS:
        print(f"{name} is not written: try a larger --scale or --delta", flush=True)
        return
    head = {"stanli": stanli.__version__, "settings": settings, "quality": quality, "figures": FIGURES}
    rows = ",\n".join(f"    {json.dumps(key)}: {json.dumps(row)}" for key, row in values.items())
    text = json.dumps(head, indent=2)[:-2] + ',\n  "values": {\n' + rows + "\n  }\n}\n"
    (HERE / f"{name}.json").write_text(text, "utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="all by default")
    parser.add_argument("--scale", type=float, default=1.0, help="how many times the usual number of draws")
    parser.add_argument("--delta", type=float, default=0.98, help="target acceptance rate")
    arguments = parser.parse_args()
    for chosen in arguments.names or GALLERY:
        make(chosen, arguments.scale, arguments.delta)
