"""What the golden set keeps of a fit: figures with their Monte Carlo standard errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from arviz_stats.base import array_stats
from tests.golden.models import MODELS
from tests.golden.tables import table

import partialpool as pp

NUTS, LAPLACE = "nuts", "laplace"
# Quick to fit; among them are every family, weights, slopes, intervals and crossed factors.
FITTED: dict[str, tuple[str, ...]] = {
    "varying intercepts": (NUTS, LAPLACE),
    "bernoulli logit": (NUTS, LAPLACE),
    "bernoulli probit": (NUTS, LAPLACE),
    "binomial cloglog": (NUTS, LAPLACE),
    "gaussian log": (NUTS, LAPLACE),
    "intervals": (NUTS, LAPLACE),
    "weighted poisson": (NUTS, LAPLACE),
    "negative binomial log": (NUTS, LAPLACE),
    "weighted negative binomial": (NUTS, LAPLACE),
    "categorical slopes": (NUTS, LAPLACE),
    "three correlated": (NUTS, LAPLACE),
    "crossed": (NUTS, LAPLACE),
    "sigma with groups": (NUTS,),  # of its nested Laplace, version 0.1 itself says not to rely on it
}
REFITTED_BY_NUTS = (
    "bernoulli logit",
    "gaussian log",
    "negative binomial log",
    "crossed",
    "three correlated",
    "sigma with groups",
)
MOST_VALUES, NEW_ROWS = 40, 10

Figures = list[float]


def fit(name: str, method: str, seed: int, chains: int = 4, draws: int = 1000) -> pp.Fit:
    """Fit a golden model on one core, which leaves the draws as they are."""
    model = MODELS[name].build()
    return model.fit(draws, chains, seed, method=method, cores=1, progress=False)  # type: ignore[arg-type]


def values(fitted: pp.Fit) -> dict[str, Figures]:
    """Mean, its error, sd, its error of every value that varies."""
    table = fitted.summary()
    table = table[table["mcse_mean"] > 0][["mean", "mcse_mean", "sd", "mcse_sd"]]
    return {str(label): row.tolist() for label, row in zip(table.index, table.to_numpy(), strict=True)}


def kept(figures: dict[str, Figures]) -> dict[str, Figures]:
    """At most 40 of the values, a seeded sample."""
    labels = list(figures)
    chosen = np.random.default_rng(2105).permutation(len(labels))[:MOST_VALUES]
    return {labels[i]: figures[labels[i]] for i in sorted(chosen)}


def new_rows() -> pd.DataFrame:
    """Ten rows at covariates between the fitted ones; the last two in a new group of each factor."""
    rows = table("small").iloc[:NEW_ROWS].reset_index(drop=True).copy()
    rows["x"] = np.linspace(0.9, 2.6, NEW_ROWS)
    rows["z"] = np.linspace(-1.0, 1.0, NEW_ROWS)
    rows.loc[NEW_ROWS - 2 :, "g"] = 99
    rows.loc[NEW_ROWS - 2 :, "h"] = "new"
    return rows


def predictions(fitted: pp.Fit) -> dict[str, Figures]:
    """Posterior mean of the expected outcome of each new row, and its error."""
    tree: Any = fitted.predict(new_rows(), seed=1)
    means = tree["predictions"]["mean"].transpose("chain", "draw", ...).to_numpy()
    rows = {f"new row {i}": means[..., i] for i in range(NEW_ROWS)}
    return {
        label: [float(np.mean(x)), float(array_stats.mcse(x, method="mean"))] for label, x in rows.items()
    }


def scores(fitted: pp.Fit) -> dict[str, float]:
    """Figures whose Monte Carlo error is known from repeated fits alone."""
    loo = fitted.loo(progress=False)
    found = {"elpd_loo": loo.elpd, "p_loo": loo.p}
    if fitted.draws.method == LAPLACE:
        found["log_marginal_likelihood"] = fitted.log_marginal_likelihood
    return found
