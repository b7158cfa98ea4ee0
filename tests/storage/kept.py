"""Models of every structure with made-up draws: what a file must bring back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

import partialpool as pp
from partialpool.formula.formula import Formula
from partialpool.inference.draws import Draws
from partialpool.model.layout import Layout
from partialpool.model.poolings import complete_pooling, no_pooling
from partialpool.results.fitted import Fitted
from partialpool.storage.fit_records import KeptFit

N = 120


def make_table(seed: int = 5, n: int = N) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "y": rng.normal(size=n),
            "count": rng.integers(0, 9, n),
            "k": rng.integers(0, 4, n),
            "n": rng.integers(4, 9, n),
            "w": rng.integers(0, 3, n),
            "lab": rng.choice(["no", "はい"], n),
            "x": rng.uniform(0.1, 12, n),
            "cat": rng.choice(list("pqr"), n),
            "flag": rng.integers(0, 2, n).astype(bool),
            "g": rng.choice([3, 7, 61], n),
            "h": rng.choice(["Ährental", "b/c", "年齢"], n),
            "day": pd.to_datetime(["2024-05-01", "2024-05-02", "2023-01-09"])[rng.integers(0, 3, n)],
            "cut": pd.cut(rng.uniform(0, 3, n), [0, 1, 2, 3]),
            "odd / name%": rng.normal(size=n),
        }
    )


TABLE = make_table()

CASES: dict[str, tuple[str | Formula, str, Mapping[str, Any]]] = {
    "plain": ("y ~ x", "gaussian", {}),
    "survey": ("lab[no] ~ flag + (flag | g)", "bernoulli(probit)", {"g_corr": pp.LKJ(3)}),
    "dates": ("y ~ 1 + (1 | day) + (1 | cut) + (1 | flag)", "gaussian", {}),
    "memory": ("scale(y) ~ scale(x) + bs(x, df=5) + poly(x, 2):cat + (center(x) || h)", "gaussian", {}),
    "odd names": ("`odd / name%` ~ I(x / 2) + (I(x / 2) | h)", "gaussian", {}),
    "arithmetic": (
        "(y + x)/2 ~ {(x - 7)/10}:flag + {x - 7/10}:cat + {-x**2} + {flag + w} + (log((x + 1)*2) | g)",
        "gaussian",
        {"I(-x ** 2)": pp.Normal(0, 0.5)},
    ),
    "nested": ("count ~ cat * x + offset(log(x)) + (1 | g / h)", "poisson", {}),
    "counts": ("count | weights(w) ~ x + (1 | cat:g)", "negative_binomial", {"shape": pp.Exponential(0.3)}),
    "trials": ("k | trials(n) ~ x + (1 | g)", "binomial", {"1|g": pp.Normal(0, pp.HalfCauchy(1 / 3))}),
    "two": (Formula("y ~ x + (1 | g)", sigma="~ cat + (1 | h)"), "gaussian", {}),
    "several groups a row": (
        "y ~ x + (x | mm(g, n, weights=cbind(scale(w), n), scale=FALSE)) + (1 | mm(cat, h))",
        "gaussian",
        {},
    ),
    "shared": (Formula("y ~ x + (x | p | g)", sigma="~ (1 | p | g) + (1 | h)"), "gaussian", {}),
    "known covariance": ("count ~ x + (1 | gr(g, cov=A)) + (x | gr(h, cov=B))", "poisson", {}),
    "fixed": ("y ~ x + (cat || g)", "gaussian", {"1|g": pp.StudentT(3, 0, 1.1), "x": pp.Flat()}),
}


def _related(labels: list[Any]) -> pd.DataFrame:
    return pd.DataFrame(0.4 + 0.6 * np.eye(len(labels)), labels, labels)


# Each with a group that the table lacks.
COVARIANCES = {"A": _related([61, 5, 3, 7]), "B": _related(["年齢", "b/c", "x", "Ährental"])}


def keep(model: pp.Model, **changes: Any) -> KeptFit:
    return KeptFit(
        Fitted(model.spec, make_draws(model.layout, **changes)), model.name, model.formula, model.recipe
    )


def kept_case(name: str) -> KeptFit:
    formula, family, priors = CASES[name]
    known = {name: matrix for name, matrix in COVARIANCES.items() if f"cov={name}" in str(formula)}
    return keep(pp.Model(formula, TABLE, family=family, priors=priors, covariances=known))


def kept_poolings() -> dict[str, KeptFit]:
    """The designs of the three poolings, which have fewer terms than the formula."""
    model = pp.Model("y ~ x + cat + (x | g) + (1 | h)", TABLE)

    specs = {"no pooling": no_pooling(model.spec, "g"), "complete pooling": complete_pooling(model.spec, "g")}
    fits = {name: Fitted(spec, make_draws(spec.layout)) for name, spec in specs.items()}
    return {name: KeptFit(fitted, name, model.formula, model.recipe) for name, fitted in fits.items()}


def make_draws(layout: Layout, **changes: Any) -> Draws:
    rng = np.random.default_rng(3)
    shape = (2, 50)
    values = rng.normal(size=(*shape, layout.n_values))
    stats = {
        "diverging": rng.integers(0, 2, shape).astype(bool),
        "tree_depth": rng.integers(1, 9, shape, dtype=np.uint64),
        "energy": rng.normal(size=shape),
    }
    fields: dict[str, Any] = {
        "values": values,
        "stats": stats,
        "method": "nuts",
        "seed": 2**62 + 1,
        "warmup": 400,
        "seconds": 0.1 + 0.2,
        "attempts": ("2 chains, 400 warm-up draws: 3 divergent transitions", "again"),
        "interrupted": True,
        "asked": 60,
        "target_accept": 0.93,
    }
    return Draws(**(fields | changes))
