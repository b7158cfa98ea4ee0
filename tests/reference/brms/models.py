"""Models that brms has too: a table of each, the formula and the priors that both are given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import partialpool as pp

HERE = Path(__file__).parent

G, N = 15, 240  # groups and rows
MANY = 400  # rows of the tables with groups of very different sizes
SCALE = pp.Normal(0, pp.Exponential(1))
INTERCEPT = pp.AtMeans(pp.Normal(0, 2))


@dataclass(frozen=True)
class BrmsModel:
    """What both programs are given.

    Attributes
    ----------
    table
        Makes the rows.
    brms
        The formula as brms has it, for readers.
    """

    formula: str | pp.Formula
    family: str
    brms: str
    table: Callable[[], pd.DataFrame]
    priors: Mapping[str, pp.Prior]
    covariances: Mapping[str, Any] = field(default_factory=dict)


def related() -> pd.DataFrame:
    """Groups on a line, with variances of their own."""
    at, scale = np.arange(G), 1 + 0.05 * np.arange(G)
    matrix = np.exp(-np.abs(np.subtract.outer(at, at)) / 3) * np.outer(scale, scale)
    return pd.DataFrame(matrix, index=at + 1, columns=at + 1)


def rows(seed: int) -> tuple[np.random.Generator, pd.DataFrame]:
    """A number and two groups for each row; the first group has 2 rows, others more."""
    rng = np.random.default_rng(seed)
    g = np.concatenate([[1, 1], rng.integers(2, G + 1, N - 2)])
    x = rng.normal(0.3, 1, N).round(2)
    return rng, pd.DataFrame({"x": x, "g": g, "h": rng.integers(1, G + 1, N)})


def unbalanced(seed: int) -> tuple[np.random.Generator, pd.DataFrame]:
    """The same columns, groups from 3 rows or so to a quarter of the table."""
    rng = np.random.default_rng(seed)
    shares = 0.8 ** np.arange(G)
    g = np.concatenate([np.arange(1, G + 1), rng.choice(G, MANY - G, p=shares / shares.sum()) + 1])
    x = rng.normal(0.3, 1, MANY).round(2)
    return rng, pd.DataFrame({"x": x, "g": g, "h": rng.integers(1, G + 1, MANY)})


def gamma_table() -> pd.DataFrame:
    rng, table = rows(1)
    mean = np.exp(0.4 + 0.3 * table.x + 0.4 * rng.normal(size=G)[table.g - 1])
    return table.assign(y=rng.gamma(2.5, mean / 2.5).round(4) + 1e-3)


def sigma_table() -> pd.DataFrame:
    rng, table = rows(2)
    effects = rng.multivariate_normal([0, 0], [[0.5, 0.12], [0.12, 0.1]], G)[table.g - 1]
    return table.assign(
        y=(1 + 0.5 * table.x + effects[:, 0] + np.exp(effects[:, 1]) * rng.normal(size=N)).round(4)
    )


def members_table() -> pd.DataFrame:
    rng, table = rows(3)
    w, v = rng.integers(1, 5, (2, N))
    own = 0.7 * rng.normal(size=G)
    effect = (w * own[table.g - 1] + v * own[table.h - 1]) / (w + v)
    return table.assign(w=w, v=v, y=rng.poisson(np.exp(0.5 + 0.3 * table.x + effect)))


def related_table() -> pd.DataFrame:
    rng, table = rows(4)
    matrix = np.kron(related(), [[0.4, 0.1], [0.1, 0.2]])
    effects = rng.multivariate_normal(np.zeros(2 * G), matrix).reshape(G, 2)[table.g - 1]
    eta = 0.2 + 0.4 * table.x + effects[:, 0] + effects[:, 1] * table.x
    return table.assign(y=(rng.random(N) < 1 / (1 + np.exp(-eta))).astype(int))


def shape_table() -> pd.DataFrame:
    rng, table = unbalanced(7)
    mean = np.exp(0.4 + 0.3 * table.x + 0.4 * rng.normal(size=G)[table.g - 1])
    shape = np.exp(0.8 + 0.4 * table.x)
    return table.assign(y=rng.gamma(shape, mean / shape).round(4) + 1e-3)


def counts_table() -> pd.DataFrame:
    rng, table = unbalanced(8)
    covariance = [[0.3, 0.06, -0.1], [0.06, 0.1, 0.03], [-0.1, 0.03, 0.2]]
    effects = rng.multivariate_normal([0, 0, 0], covariance, G)[table.g - 1]
    mean = np.exp(1.5 + 0.3 * table.x + effects[:, 0] + effects[:, 1] * table.x)
    shape = np.exp(1 + effects[:, 2])
    return table.assign(y=rng.poisson(rng.gamma(shape, mean / shape)))


def equal_members_table() -> pd.DataFrame:
    rng, table = unbalanced(9)
    own = 1.0 * rng.normal(size=G)
    eta = -0.2 + 0.5 * table.x + (own[table.g - 1] + own[table.h - 1]) / 2
    return table.assign(y=(rng.random(MANY) < 1 / (1 + np.exp(-eta))).astype(int))


def related_means_table() -> pd.DataFrame:
    rng, table = unbalanced(10)
    effects = rng.multivariate_normal(np.zeros(G), 0.4 * related().to_numpy())[table.g - 1]
    return table.assign(y=(1 + 0.4 * table.x + effects + 0.8 * rng.normal(size=MANY)).round(4))


def ordered_table() -> pd.DataFrame:
    rng, table = rows(5)
    latent = 0.8 * table.x + 0.7 * rng.normal(size=G)[table.g - 1] + rng.logistic(size=N)
    return table.assign(y=np.digitize(latent, [-1.0, 0.2, 1.4]) + 1)


def unordered_table() -> pd.DataFrame:
    rng, table = rows(6)
    eta = np.column_stack([np.zeros(N), 0.3 + 0.7 * table.x, -0.4 - 0.5 * table.x])
    eta[:, 1:] += 0.6 * rng.normal(size=(G, 2))[table.g - 1]
    return table.assign(y=np.argmax(eta + rng.gumbel(size=(N, 3)), axis=1) + 1)


MODELS: dict[str, BrmsModel] = {
    "gamma": BrmsModel(
        "y ~ x + (1 | g)",
        "gamma",
        "y ~ x + (1 | g), Gamma('log')",
        gamma_table,
        {"Intercept": INTERCEPT, "x": pp.Normal(0, 1), "shape": pp.Gamma(2, 0.5), "1|g": SCALE},
    ),
    "shared": BrmsModel(
        pp.Formula("y ~ x + (1 | p | g)", sigma="~ 1 + (1 | p | g)"),
        "gaussian",
        "bf(y ~ x + (1 | p | g), sigma ~ 1 + (1 | p | g))",
        sigma_table,
        {
            "Intercept": INTERCEPT,
            "x": pp.Normal(0, 1),
            "sigma_Intercept": pp.Normal(0, 1),
            "1|g": SCALE,
            "sigma_1|g": SCALE,
            "p|g_corr": pp.LKJ(2),
        },
    ),
    "members": BrmsModel(
        "y ~ x + (1 | mm(g, h, weights=cbind(w, v)))",
        "poisson",
        "y ~ x + (1 | mm(g, h, weights = cbind(w, v))), poisson",
        members_table,
        {"Intercept": INTERCEPT, "x": pp.Normal(0, 1), "1|mm(g, h)": SCALE},
    ),
    "related": BrmsModel(
        "y ~ x + (1 + x | gr(g, cov=A))",
        "bernoulli",
        "y ~ x + (1 + x | gr(g, cov = A)), bernoulli",
        related_table,
        {"Intercept": INTERCEPT, "x": pp.Normal(0, 1), "1|g": SCALE, "x|g": SCALE, "g_corr": pp.LKJ(2)},
        {"A": related()},
    ),
    "gamma_shape": BrmsModel(
        pp.Formula("y ~ x + (1 | g)", shape="~ x"),
        "gamma",
        "bf(y ~ x + (1 | g), shape ~ x), Gamma('log')",
        shape_table,
        {
            "Intercept": INTERCEPT,
            "x": pp.Normal(0, 1),
            "shape_Intercept": pp.AtMeans(pp.Normal(0, 1)),
            "shape_x": pp.Normal(0, 1),
            "1|g": SCALE,
        },
    ),
    "shared_slopes": BrmsModel(
        pp.Formula("y ~ x + (1 + x | p | g)", shape="~ 1 + (1 | p | g)"),
        "negative_binomial",
        "bf(y ~ x + (1 + x | p | g), shape ~ 1 + (1 | p | g)), negbinomial",
        counts_table,
        {
            "Intercept": INTERCEPT,
            "x": pp.Normal(0, 1),
            "shape_Intercept": pp.Normal(0, 1),
            "1|g": SCALE,
            "x|g": SCALE,
            "shape_1|g": SCALE,
            "p|g_corr": pp.LKJ(2),
        },
    ),
    "members_equal": BrmsModel(
        "y ~ x + (1 | mm(g, h))",
        "bernoulli",
        "y ~ x + (1 | mm(g, h)), bernoulli",
        equal_members_table,
        {"Intercept": INTERCEPT, "x": pp.Normal(0, 1), "1|mm(g, h)": SCALE},
    ),
    "related_means": BrmsModel(
        "y ~ x + (1 | gr(g, cov=A))",
        "gaussian",
        "y ~ x + (1 | gr(g, cov = A)), gaussian",
        related_means_table,
        {"Intercept": INTERCEPT, "x": pp.Normal(0, 1), "sigma": pp.Exponential(1), "1|g": SCALE},
        {"A": related()},
    ),
    "cumulative": BrmsModel(
        "y ~ x + (1 | g)",
        "cumulative",
        "y ~ x + (1 | g), cumulative",
        ordered_table,
        {"threshold": pp.AtMeans(pp.StudentT(3, 0, 2.5)), "x": pp.Normal(0, 1), "1|g": SCALE},
    ),
    "categorical": BrmsModel(
        "y ~ x + (1 | g)",
        "categorical",
        "y ~ x + (1 | g), categorical",
        unordered_table,
        {
            name: prior
            for k in (2, 3)
            for name, prior in {
                f"mu_{k}_Intercept": INTERCEPT,
                f"mu_{k}_x": pp.Normal(0, 1),
                f"mu_{k}_1|g": SCALE,
            }.items()
        },
    ),
}
