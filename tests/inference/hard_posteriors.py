"""Posteriors on which samplers diverge, made from a seed: few groups, tiny groups, sds near zero or large."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from tests.inference.models import model

from partialpool.data.datasets import load_dataset
from partialpool.model.spec import ModelSpec

Case = Callable[[np.random.Generator], ModelSpec]

OUTCOMES = {"binomial": "k | trials(n)", "bernoulli": "y", "poisson": "y", "gaussian": "y"}


def three_districts(rng: np.random.Generator) -> ModelSpec:
    """117, 20 and 2 women, or three other districts of the survey."""
    women = load_dataset("bangladesh")
    others = rng.choice(np.arange(4, 54), 3, replace=False)
    chosen = [1, 2, 3] if rng.random() < 0.5 else list(others)
    return model(
        "`use.contraception` ~ 1 + (1 | district)", women[women["district"].isin(chosen)], "bernoulli"
    )


def grouped(
    family: str, groups: int, rows: int, sd: float, slope: str = "", correlation: float = 0.0
) -> Case:
    """Groups with effects of one sd; with ``slope="x"`` also effects of x, correlated with intercepts."""

    def case(rng: np.random.Generator) -> ModelSpec:
        g = np.repeat(np.arange(groups), rows)
        z = rng.normal(size=(2, groups))
        x = rng.normal(size=len(g)) if slope else np.zeros(len(g))
        slopes = correlation * z[0] + np.sqrt(1 - correlation**2) * z[1]
        table = outcomes(family, 0.5 + sd * (z[0][g] + 0.5 * slopes[g] * x), rng) | {"g": g, "x": x}
        terms = "x + (x | g)" if slope else "1 + (1 | g)"
        return model(f"{OUTCOMES[family]} ~ {terms}", pd.DataFrame(table), family)

    return case


def outcomes(family: str, eta: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Draw outcomes at linear predictors; 20 trials a row for binomial ones, an sd of 1 for gaussian ones."""
    p = 1 / (1 + np.exp(-eta))
    if family == "binomial":
        return {"k": rng.binomial(20, p), "n": np.full(len(eta), 20)}
    if family == "bernoulli":
        return {"y": rng.binomial(1, p)}
    return {"y": rng.poisson(np.exp(eta)) if family == "poisson" else rng.normal(eta)}


def separated(family: str) -> Case:
    """Half of the groups at one end of what is possible, half at the other."""

    def case(rng: np.random.Generator) -> ModelSpec:
        g = np.repeat(np.arange(12), rng.integers(2, 9, 12))
        upper = rng.permutation(np.arange(12) % 2)[g]
        n = np.full(len(g), 20)
        y = {"binomial": 20, "bernoulli": 1, "poisson": 40}[family] * upper
        table = {"y": y, "k": y, "n": n, "g": g}
        return model(f"{OUTCOMES[family]} ~ 1 + (1 | g)", pd.DataFrame(table), family)

    return case


def many_groups(family: str) -> Case:
    """10,000 groups of 500 rows, given as what is enough to know of them: successes in trials, or sums."""

    def case(rng: np.random.Generator) -> ModelSpec:
        g = np.arange(10_000)
        eta = -0.5 + 0.5 * rng.normal(size=len(g))
        n = np.full(len(g), 500)
        if family == "binomial":
            return model(
                "k | trials(n) ~ 1 + (1 | g)",
                {"k": rng.binomial(n, 1 / (1 + np.exp(-eta))), "n": n, "g": g},
                family,
            )
        table = {"y": rng.poisson(n * np.exp(eta)), "exposure": np.log(n), "g": g}
        return model("y ~ 1 + offset(exposure) + (1 | g)", table, family)

    return case


CASES: dict[str, Case] = {"three districts of the survey": three_districts}
for _family in OUTCOMES:
    CASES |= {
        f"{_family}, three groups": grouped(_family, 3, 10, 0.7),
        f"{_family}, ten groups of one row": grouped(_family, 10, 1, 1.0),
        f"{_family}, thirty groups of one row": grouped(_family, 30, 1, 1.0),
        f"{_family}, groups that do not differ": grouped(_family, 12, 5, 0.0),
        f"{_family}, many groups that do not differ": grouped(_family, 100, 20, 0.0),
        f"{_family}, groups that differ wildly": grouped(
            _family, 12, 5, 3.0 if _family == "poisson" else 8.0
        ),
        f"{_family}, slopes that follow intercepts": grouped(_family, 12, 10, 1.0, "x", 0.999),
    }
CASES |= {f"{f}, separated groups": separated(f) for f in ("binomial", "bernoulli", "poisson")}
LARGE = {f"{f}, 10,000 groups of 500 rows": many_groups(f) for f in ("binomial", "poisson")}
