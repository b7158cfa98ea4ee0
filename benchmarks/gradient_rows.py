"""Made rows with an outcome for each family, and the formula of the model whose gradient is timed on them."""

from __future__ import annotations

import numpy as np
import pandas as pd

PREDICTORS = "a + b + c + d + (1 | g)"
WITH_TRIALS = ("binomial",)


def table(n: int, n_groups: int, seed: int = 1) -> pd.DataFrame:
    """Rows with four covariates and outcomes for every family."""
    rng = np.random.default_rng(seed)
    x, g = rng.normal(size=(n, 4)), rng.integers(0, n_groups, n)
    eta = -0.3 + x @ [0.5, -0.4, 0.3, 0.2] + 0.5 * rng.normal(size=n_groups)[g]
    p, trials = 1.0 / (1.0 + np.exp(-eta)), rng.integers(1, 30, n)
    rows = pd.DataFrame(x, columns=list("abcd")).assign(g=g, trials=trials)
    rows["bernoulli"] = (rng.random(n) < p).astype(int)
    rows["binomial"] = rng.binomial(trials, p)
    rows["poisson"] = rng.poisson(np.exp(eta))
    rows["negative_binomial"] = rng.poisson(np.exp(eta) * rng.gamma(3.0, 1 / 3.0, n))
    rows["gaussian"] = np.exp(0.1 * eta) + rng.normal(size=n)
    return rows


def formula(family: str) -> str:
    """The model's formula."""
    return f"{family}{' | trials(trials)' if family in WITH_TRIALS else ''} ~ {PREDICTORS}"
