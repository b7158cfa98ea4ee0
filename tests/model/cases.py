"""The models that the tests of this room share: every family, every prior in every place, every structure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from partialpool.families.base import Family
from partialpool.families.categories import CategoryFamily
from partialpool.families.registry import FAMILIES, get_family
from partialpool.formula.design import build_design
from partialpool.formula.formula import Formula
from partialpool.model.spec import ModelSpec, build_spec
from partialpool.priors.base import AtMeans, Prior
from partialpool.priors.registry import (
    LKJ,
    Cauchy,
    Exponential,
    Flat,
    Gamma,
    HalfCauchy,
    HalfNormal,
    HalfStudentT,
    Normal,
    StudentT,
    Uniform,
)

N = 90


def covariates(seed: int = 7) -> pd.DataFrame:
    """Rows with few distinct values, so that cells hold several; factors of several sizes."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "x": rng.integers(0, 4, N) / 2 + 1.0,
            "z": rng.integers(0, 3, N) - 1.0,
            "t": np.log(rng.integers(1, 4, N)),
            "w": rng.integers(1, 4, N),
            "m": rng.integers(0, 5, N),
            "cat": rng.choice(list("abc"), N),
            "g": rng.choice([3, 7, 11, 20, 61], N),
            "h": rng.choice(list("uvw"), N),
            "two": rng.choice(["left", "right"], N),
            "row": np.arange(N),
        }
    )
    # Nested in g: the same labels mean another class in each school.
    table = table.assign(b=rng.choice(["p", "q"], N))
    # Another column of groups of g's kind, and weights for both.
    return table.assign(k=rng.choice([3, 7, 11, 99], N), v=rng.integers(1, 4, N), o=rng.integers(0, 2, N))


TABLE = covariates()


def relatedness(labels: list[int]) -> pd.DataFrame:
    """A covariance between groups that are on a line, with variances of their own."""
    at = np.arange(len(labels))
    scale = np.sqrt(1.0 + 0.1 * at)
    matrix = np.exp(-np.abs(np.subtract.outer(at, at)) / 3.0) * np.outer(scale, scale)
    return pd.DataFrame(matrix, index=labels, columns=labels)


# In an order of its own, and with a group that no row has.
COVARIANCES = {"A": relatedness([61, 5, 20, 3, 11, 7])}


def with_outcome(family: Family, table: pd.DataFrame = TABLE, seed: int = 3) -> pd.DataFrame:
    """Add an outcome ``y`` drawn from a family, with ``m`` trials where it needs them."""
    rng = np.random.default_rng(seed)
    if isinstance(family, CategoryFamily):
        family = replace(family, names=("1", "2", "3", "4"), codes=(1.0, 2.0, 3.0, 4.0))
    linear = {p: 0.5 + 0.4 * rng.normal(size=len(table)) for p in family.parameters}
    linear |= {p: np.full(len(table), k - 2.0) for k, p in enumerate(linear) if p.startswith("threshold")}
    additions = {"trials": table["m"].to_numpy(float)} if family.needs_trials else {}
    return table.assign(y=family.draw(rng, linear, additions))


@dataclass(frozen=True)
class Case:
    """One model: the right side of its formula, formulas of other parameters, priors by name."""

    right: str
    family: str = "bernoulli"
    weights: bool = False
    others: Mapping[str, str] = field(default_factory=dict)
    priors: Mapping[str, Prior] = field(default_factory=dict)

    def spec(self, table: pd.DataFrame = TABLE) -> ModelSpec:
        """Build the model on rows."""
        family = get_family(self.family)
        additions = ["trials(m)"] * family.needs_trials + ["weights(w)"] * self.weights
        left = "y | " + " + ".join(additions) if additions else "y"
        formula = Formula(f"{left} ~ {self.right}", **self.others)
        named = "cov=A" in " ".join([self.right, *self.others.values()])
        known = COVARIANCES if named else {}
        design, _ = build_design(formula, with_outcome(family, table), covariances=known)
        return build_spec(design, family, self.priors)


# A prior of each kind; those of one number are put in every place that their support allows.
EXAMPLES: dict[str, Prior] = {
    "Normal": Normal(0.3, 1.2),
    "StudentT": StudentT(4, 0.2, 1.5),
    "Cauchy": Cauchy(-0.1, 2),
    "HalfNormal": HalfNormal(1.7),
    "HalfStudentT": HalfStudentT(3, 2.5),
    "HalfCauchy": HalfCauchy(1.4),
    "Exponential": Exponential(0.7),
    "Gamma": Gamma(2.5, 1.3),
    "Uniform": Uniform(0.2, 4),
    "Flat": Flat(),
    "LKJ": LKJ(3.5),
    "AtMeans": AtMeans(StudentT(3, 0.5, 2)),
}

NUMBER = ("real", "positive", "interval")
GROUPS = "x + cat + (x | g)"
SPREAD = {"sigma": "~ z + (1 | h)"}


def prior_cases() -> dict[str, Case]:
    """Every example in every place that it can stand."""
    cases = {}
    for name, prior in EXAMPLES.items():
        places: dict[str, Case] = {}
        if isinstance(prior, AtMeans):
            places["intercept"] = Case(
                GROUPS, "gaussian", others=SPREAD, priors={"Intercept": prior, "sigma_Intercept": prior}
            )
        elif prior.support == "correlation":
            places["correlations"] = Case("x + (x + z | g)", priors={"g_corr": prior})
        else:
            places["slope"] = Case("x + z + (1 | g)", priors={"x": prior})
            places["intercept"] = Case("x + (1 | g)", priors={"Intercept": prior})
            places["level"] = Case(GROUPS, priors={"cat[c]": prior})
            places["levels"] = Case(GROUPS, priors={"cat": prior})
            places["auxiliary"] = Case("x", "gaussian", priors={"sigma": prior})
            places["slope of sigma"] = Case("x", "gaussian", others=SPREAD, priors={"sigma_z": prior})
            places["group sd"] = Case("(1 | g)", priors={"1|g": Normal(0, prior)})
            places["one of two group sds"] = Case("x + (x | g)", priors={"x|g": Normal(0, prior)})
            places["group sds of levels"] = Case("(cat || g)", priors={"cat[b]|g": Normal(0, prior)})
            if prior.support == "real":
                places["group effects"] = Case("(1 | g)", priors={"1|g": prior})
                places["some group effects"] = Case("(x + cat || g)", priors={"cat[c]|g": prior})
                places["intercept at means"] = Case(GROUPS, priors={"Intercept": AtMeans(prior)})
        cases |= {f"{name} as {place}": case for place, case in places.items()}
    return cases


FAMILY_CASES = {
    f"{name}({link})": Case("x + (x | g)", f"{name}({link})")
    for name, kind in FAMILIES.items()
    for link in kind.cells
}
WEIGHTED_CASES = {
    f"weighted {name}": Case("x + (1 | g)", case.family, weights=True) for name, case in FAMILY_CASES.items()
}
DISTRIBUTIONAL_CASES = {
    f"{parameter} of {'weighted ' * weights}{name}": Case(
        "x + (1 | g)", name, weights=weights, others={parameter: "~ z + (1 + z | g) + (1 | h)"}
    )
    for name, kind in FAMILIES.items()
    for parameter in kind.parameters[1:]
    for weights in (False, True)
}

STRUCTURES = {
    "no group terms": Case("x + z"),
    "one intercept": Case("1"),
    "nothing": Case("0"),
    "no intercept": Case("0 + x + (1 | g)"),
    "no coefficients": Case("0 + (1 | g)"),
    "levels without intercept": Case("0 + cat + (1 | g)"),
    "varying intercepts": Case("1 + (1 | g)"),
    "correlated slope": Case("x + (x | g)"),
    "independent slope": Case("x + (x || g)"),
    "slope alone": Case("x + (0 + x | g)"),
    "correlated levels": Case("cat + (cat | g)"),
    "all levels": Case("(0 + cat | g)"),
    "independent levels": Case("(cat || g)"),
    "three correlated": Case("x + z + (x + z | g)"),
    "four correlated": Case("x + (x + cat | g)"),
    "nested": Case("x + (1 | g/b)"),
    "interaction of factors": Case("x + (x | g:b)"),
    "crossed": Case("x + (x | g) + (1 | h) + (0 + z | h)"),
    "two correlated terms of a factor": Case("(x | g) + (0 + z + t | g)"),
    "interaction of predictors": Case("x * cat + (1 | g)"),
    "several groups a row": Case("x + (1 | mm(g, k))"),
    "several groups a row, weighted": Case("x + (x | mm(g, k, weights = cbind(v, o)))", "poisson"),
    "several groups a row, unscaled": Case(
        "x + cat + (x + cat || mm(g, k, weights = cbind(v, -o), scale = FALSE)) + (1 | g)", "gaussian"
    ),
    "several groups a row, of two predictors": Case(
        "(1 | mm(k, g)) + (1 | h)", "gaussian", others={"sigma": "~ z + (z | mm(k, g))"}
    ),
    "three groups a row, one prior fixed": Case(
        "x + (x || mm(g, k, v))", priors={"x|mm(g, k, v)": StudentT(3, 1, 2)}
    ),
    "offset": Case("x + offset(t) + (1 | g)", "poisson"),
    "only an offset": Case("0 + offset(t)", "poisson"),
    "offsets of two predictors": Case("x + offset(t)", "gaussian", others={"sigma": "~ z + offset(0.1 * t)"}),
    "a group a row": Case("x + (1 | row)", "poisson"),
    "two groups": Case("x + (x | two)"),
    "prior at means": Case("x + cat + (1 | g)", "poisson", weights=True),
    "a fixed sd": Case("(1 | g)", priors={"1|g": Normal(0, 1.5)}),
    "a fixed sd among correlated": Case("x + (x + z | g)", priors={"x|g": Normal(0, 2.0)}),
    "only fixed sds, correlated": Case("(x | g)", priors={"1|g": Normal(0, 1), "x|g": Normal(0, 2)}),
    "a fixed sd among levels": Case("(cat | g)", priors={"cat[b]|g": Normal(0, 0.7)}),
    "a fixed sd among independent": Case("(x || g)", priors={"x|g": Normal(0, 1.3)}),
    "shared by two predictors": Case(
        "x + (x | p | g) + (1 | h)", "gaussian", others={"sigma": "~ (1 | p | g) + (0 + z | g)"}
    ),
    "intercepts shared by two predictors": Case(
        "(1 | 2 | g)", "negative_binomial", others={"shape": "~ (1 | 2 | g)"}
    ),
    "shared by two terms": Case("x + (1 | p | g) + (0 + cat | p | g)"),
    "shared by nobody": Case("(1 | p | g)"),
    "a fixed sd among shared": Case(
        "(1 | p | g)", "gaussian", others={"sigma": "~ (z | p | g)"}, priors={"sigma_z|g": Normal(0, 0.5)}
    ),
    "known covariance": Case("x + (1 | gr(g, cov=A))"),
    "known covariance, correlated": Case("x + (x | gr(g, cov=A)) + (1 | h)", "poisson"),
    "known covariance, independent": Case("x + (x + cat || gr(g, cov=A))"),
    "known covariance, a fixed sd": Case("x + (x || gr(g, cov=A))", priors={"1|g": Normal(0, 1.5)}),
    "known covariance, shared": Case(
        "(1 | p | gr(g, cov=A))", "gaussian", others={"sigma": "~ (z | p | gr(g, cov=A))"}
    ),
    "a factor by its function": Case("(1 | gr(g)) + (1 | gr(g:b))"),
    "thresholds alone": Case("1", "cumulative"),
    "thresholds and group effects": Case("(1 | g) + (1 | h)", "cumulative(probit)"),
    "thresholds at means of levels": Case("x * cat + offset(t) + (x | g) + (1 | g:b)", "cumulative"),
    "thresholds with one prior": Case("x + (1 | g)", "cumulative", priors={"threshold": Normal(0.3, 2)}),
    "thresholds with several priors": Case(
        "x + (1 | mm(g, k))",
        "cumulative(probit)",
        weights=True,
        priors={"threshold": AtMeans(Normal(0.1, 3)), "threshold[2]": StudentT(4, 0.5, 1)},
    ),
    "thresholds at means with several priors": Case(
        "x + (1 | gr(g, cov=A))", "cumulative", priors={"threshold[2]": AtMeans(StudentT(4, 0.5, 1))}
    ),
    "categories that share effects": Case("x + cat + (x | p | g)", "categorical"),
    "categories and known covariances": Case("(1 | gr(g, cov=A)) + (1 | mm(g, k))", "categorical"),
    "a category with a formula of its own": Case(
        "x + offset(t) + (1 | g)",
        "categorical",
        weights=True,
        others={"mu_3": "~ 0 + z + (0 + z | h)"},
        priors={"mu_2_x": StudentT(3, 0.2, 1)},
    ),
    "no pooling": Case("0 + (x || g)", priors={"1|g": Normal(0, 1.5), "x|g": StudentT(3, 1, 2)}),
}

CASES: dict[str, Case] = {
    **STRUCTURES,
    **FAMILY_CASES,
    **WEIGHTED_CASES,
    **DISTRIBUTIONAL_CASES,
    **prior_cases(),
}
