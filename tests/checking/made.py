"""Models, data drawn from them, and draws to check, without a sampler where none is needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from tests.inference.models import model

from partialpool.inference.nuts.sample import sample
from partialpool.inference.options import NutsOptions
from partialpool.inference.prior import sample_prior
from partialpool.model.spec import ModelSpec
from partialpool.predict.replicates import replicated_outcomes
from partialpool.priors.base import Prior
from partialpool.priors.gamma import Gamma
from partialpool.priors.normal import HalfNormal, Normal
from partialpool.results.fitted import Fitted

TIGHT = {"Intercept": Normal(0.5, 0.2), "x": Normal(0, 0.3), "1|g": Normal(0, HalfNormal(0.4))}
PRIORS: dict[str, dict[str, Prior]] = {
    "bernoulli": TIGHT,
    "binomial": TIGHT,
    "poisson": TIGHT,
    "gaussian": TIGHT | {"sigma": Gamma(20, 20)},
    "negative_binomial": TIGHT | {"shape": Gamma(20, 10)},
}


def made_table(n: int = 120, n_groups: int = 6, seed: int = 0) -> pd.DataFrame:
    """Rows with an outcome that every family accepts; trials include 0."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "x": rng.normal(size=n),
            "g": rng.permutation(np.arange(n) % n_groups) * 10,
            "h": np.array(list("abcd"))[rng.integers(4, size=n)],
            "n": rng.integers(1, 8, n),
            "w": rng.integers(0, 4, n),
            "y": rng.integers(0, 2, n).astype(float),
        }
    )


def formula(family: str, left: str = "y", right: str = "x + (1 | g)") -> str:
    if family == "binomial":
        left = left.replace("|", "| trials(n) +") if "|" in left else f"{left} | trials(n)"
    return f"{left} ~ {right}"


def prior_fit(
    family: str, table: Mapping[str, Any] | pd.DataFrame, draws: int = 60, left: str = "y"
) -> Fitted:
    """Draws from a model's prior."""
    spec = model(formula(family, left), table, family, PRIORS[family])
    return Fitted(spec, sample_prior(spec, draws, seed=5))


def drawn_from(fitted: Fitted, seed: int) -> np.ndarray:
    """(n,) outcomes drawn from the first draw's parameters."""
    return all_outcomes(one_draw(fitted), seed)[0]


def one_draw(fitted: Fitted) -> Fitted:
    return replace(fitted, draws=replace(fitted.draws, values=fitted.draws.values[:, :1]))


def all_outcomes(fitted: Fitted, seed: int) -> np.ndarray:
    """(S, n) replicated outcomes, whole."""
    blocks = replicated_outcomes(fitted, fitted.model.design, seed)
    return np.concatenate([outcomes for _, outcomes in blocks], axis=1)


def posterior_fit(spec: ModelSpec, seed: int = 1, draws: int = 250) -> Fitted:
    return Fitted(spec, sample(spec, NutsOptions(draws=draws, chains=2, warmup=200, seed=seed)))
