"""The models of the golden set: every family, link, structure and kind of prior of version 0.1.

They stand here and not in `tests.model.cases`, and their outcomes come from numpy and not from a family:
those files grow with the package, and a golden model may never change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.golden.tables import table

import partialpool as pp
from partialpool import (
    LKJ,
    AtMeans,
    Cauchy,
    Exponential,
    Flat,
    Gamma,
    HalfCauchy,
    HalfNormal,
    HalfStudentT,
    Normal,
    Prior,
    StudentT,
    Uniform,
)


@dataclass(frozen=True)
class GoldenModel:
    """A formula, the family, the table's name, formulas of further parameters, priors by name."""

    formula: str
    family: str
    table: str = "small"
    others: Mapping[str, str] = field(default_factory=dict)
    priors: Mapping[str, Prior] = field(default_factory=dict)

    def build(self) -> pp.Model:
        """Build the model on its table."""
        formula = pp.Formula(self.formula, **self.others)
        return pp.Model(formula, table(self.table), self.family, self.priors)


# What version 0.1 had; later registries grow.
LINKS: dict[str, tuple[str, ...]] = {
    "bernoulli": ("logit", "probit", "cloglog"),
    "binomial": ("logit", "probit", "cloglog"),
    "gaussian": ("identity", "log"),
    "negative_binomial": ("log",),
    "poisson": ("log",),
}
PRIORS = (
    Normal, StudentT, Cauchy, HalfNormal, HalfStudentT, HalfCauchy,
    Exponential, Gamma, Uniform, Flat, LKJ, AtMeans,
)  # fmt: skip

BINARY, COUNTS, NEGBIN = "bernoulli", "poisson", "negative_binomial"

FAMILY_MODELS = {
    "bernoulli logit": GoldenModel("yes ~ x + (x | g)", "bernoulli(logit)"),
    "bernoulli probit": GoldenModel("yes ~ x + (x | g)", "bernoulli(probit)"),
    "bernoulli cloglog": GoldenModel("answer ~ x + (x | g)", "bernoulli(cloglog)"),
    "binomial logit": GoldenModel("hits | trials(m) ~ x + (x | g)", "binomial(logit)"),
    "binomial probit": GoldenModel("hits | trials(m) ~ x + (x || g)", "binomial(probit)"),
    "binomial cloglog": GoldenModel("hits | trials(m) ~ x + (1 | g)", "binomial(cloglog)"),
    "gaussian identity": GoldenModel("size ~ x + (x | g)", "gaussian(identity)"),
    "gaussian log": GoldenModel("length ~ x + (x | g)", "gaussian(log)"),
    "poisson log": GoldenModel("count ~ x + (x | g)", "poisson(log)"),
    "negative binomial log": GoldenModel("spread ~ x + (x | g)", "negative_binomial(log)"),
}

WEIGHTED_MODELS = {
    "weighted bernoulli": GoldenModel("yes | weights(w) ~ x + (1 | g)", BINARY),
    "weighted binomial": GoldenModel("hits | trials(m) + weights(w) ~ x + (1 | g)", "binomial"),
    "weighted gaussian": GoldenModel("size | weights(w) ~ x + (1 | g)", "gaussian"),
    "weighted negative binomial": GoldenModel("spread | weights(w) ~ x + (1 | g)", NEGBIN),
    "weighted poisson": GoldenModel("count | weights(w) ~ x + (1 | g)", COUNTS),
}

STRUCTURE_MODELS = {
    "no groups": GoldenModel("yes ~ x + z", BINARY),
    "intercept alone": GoldenModel("count ~ 1", COUNTS),
    "no intercept": GoldenModel("yes ~ 0 + x + (1 | g)", BINARY),
    "no coefficients": GoldenModel("yes ~ 0 + (1 | g)", BINARY),
    "levels without intercept": GoldenModel("size ~ 0 + cat + (1 | g)", "gaussian"),
    "varying intercepts": GoldenModel("yes ~ 1 + (1 | h)", BINARY),
    "independent slopes": GoldenModel("size ~ x + (x || g)", "gaussian"),
    "slope alone": GoldenModel("yes ~ x + (0 + x | g)", BINARY),
    "three correlated": GoldenModel("size ~ x + z + (x + z | g)", "gaussian"),
    "four correlated": GoldenModel("count ~ x + (x + cat | g)", COUNTS),
    "categorical slopes": GoldenModel("yes ~ cat + (0 + cat | g)", BINARY),
    "independent levels": GoldenModel("yes ~ (cat || g)", BINARY),
    "nested": GoldenModel("yes ~ x + (1 | g/b)", BINARY),
    "nested slopes": GoldenModel("size ~ x + (x | g/b)", "gaussian"),
    "interaction of factors": GoldenModel("count ~ x + (x | g:b)", COUNTS),
    "crossed": GoldenModel("yes ~ x + (x | g) + (1 | h) + (0 + z | h)", BINARY),
    "three factors": GoldenModel("count ~ z + (1 | g) + (1 | h) + (1 | lonely)", COUNTS),
    "two correlated terms of a factor": GoldenModel("yes ~ (x | g) + (0 + z + t | g)", BINARY),
    "interaction of predictors": GoldenModel("size ~ x * cat + x:z + (1 | g)", "gaussian"),
    "offset": GoldenModel("count ~ x + offset(t) + (1 | g)", COUNTS),
    "only an offset and groups": GoldenModel("count ~ 0 + offset(t) + (1 | g)", COUNTS),
    "a group a row": GoldenModel("count ~ x + (1 | row)", COUNTS),
    "groups of one row": GoldenModel("yes ~ x + (x | lonely)", BINARY),
    "two groups": GoldenModel("spread ~ x + (x | two)", NEGBIN),
}

PREDICTORS_MODELS = {
    "sigma with groups": GoldenModel(
        "size ~ x + (x | g)", "gaussian", others={"sigma": "~ z + (1 + z | g) + (1 | h)"}
    ),
    "sigma of a log link": GoldenModel("length ~ x + (1 | g)", "gaussian(log)", others={"sigma": "~ z"}),
    "shape with groups": GoldenModel("spread ~ x + (1 | g)", NEGBIN, others={"shape": "~ z + (1 | h)"}),
    "offsets of two predictors": GoldenModel(
        "size ~ x + offset(t) + (1 | g)", "gaussian", others={"sigma": "~ z + offset(0.1 * t)"}
    ),
    "weighted sigma": GoldenModel(
        "size | weights(w) ~ x + (1 | g)", "gaussian", others={"sigma": "~ 0 + two + (1 | g)"}
    ),
}

PRIOR_MODELS = {
    "a fixed sd": GoldenModel("yes ~ (1 | g)", BINARY, priors={"1|g": Normal(0, 1.5)}),
    "a fixed sd among correlated": GoldenModel(
        "size ~ x + (x + z | g)", "gaussian", priors={"x|g": Normal(0, 2.0), "g_corr": LKJ(3.5)}
    ),
    "only fixed sds, correlated": GoldenModel(
        "yes ~ (x | g)", BINARY, priors={"1|g": Normal(0, 1), "x|g": Normal(0, 2), "g_corr": LKJ(0.8)}
    ),
    "no pooling": GoldenModel(
        "yes ~ 0 + (x || g)", BINARY, priors={"1|g": Normal(0, 1.5), "x|g": StudentT(3, 1, 2)}
    ),
    "effects of a fixed prior": GoldenModel(
        "count ~ x + (1 | g)", COUNTS, priors={"1|g": Normal(0.3, 1.2), "x": Cauchy(-0.1, 2)}
    ),
    "some effects of a fixed prior": GoldenModel(
        "yes ~ (x + cat || g)",
        BINARY,
        priors={"cat[c]|g": Cauchy(0.2, 1.1), "x|g": Normal(0, Gamma(2.5, 1.3))},
    ),
    "plain intercept": GoldenModel(
        "yes ~ x + (1 | g)", BINARY, priors={"Intercept": Normal(0.3, 1.2), "x": Normal(-0.2, 0.9)}
    ),
    "intercepts at means": GoldenModel(
        "size ~ x + cat + (1 | g)",
        "gaussian",
        others={"sigma": "~ z + (1 | h)"},
        priors={"Intercept": AtMeans(StudentT(3, 0.5, 2)), "sigma_Intercept": AtMeans(Normal(-0.5, 1))},
    ),
    "intervals": GoldenModel(
        "size ~ x + z + (x || g)",
        "gaussian",
        priors={
            "x": HalfNormal(1),
            "z": Uniform(-2, 3),
            "sigma": Uniform(0.1, 9),
            "1|g": Normal(0, Uniform(0, 4)),
            "x|g": Normal(0, HalfCauchy(1.4)),
        },
    ),
    "half priors": GoldenModel(
        "length ~ x + cat + (x | g)",
        "gaussian(log)",
        priors={
            "Intercept": Flat(),
            "x": Exponential(0.7),
            "cat[b]": StudentT(4, 0.2, 1.5),
            "cat[c]": Flat(),
            "sigma": HalfStudentT(3, 2.5),
            "1|g": Normal(0, HalfStudentT(4, 1.1)),
            "x|g": Normal(0, HalfNormal(0.8)),
            "g_corr": LKJ(1),
        },
    ),
    "priors of the shape": GoldenModel(
        "spread ~ x + (1 | g) + (1 | h)",
        NEGBIN,
        priors={
            "shape": Gamma(2.5, 1.3),
            "1|g": Normal(0, Exponential(2)),
            "1|h": Normal(0, Uniform(0.05, 3)),
        },
    ),
    "cauchy scales": GoldenModel(
        "size ~ 0 + x + (1 | g)", "gaussian", priors={"x": Cauchy(0.4, 1), "sigma": HalfCauchy(0.9)}
    ),
}

SIZE_MODELS = {
    "a cell a row": GoldenModel("yes ~ x + z + (x | g) + (1 | h)", BINARY, "wide"),
    "a cell a row, weighted": GoldenModel("spread | weights(w) ~ x + (x || g)", NEGBIN, "wide"),
    "a cell a row, sigma": GoldenModel("size ~ x + (x | g)", "gaussian", "wide", {"sigma": "~ z + (1 | h)"}),
    "shares of bernoulli": GoldenModel("yes ~ x + z + (x | g) + (1 | h)", BINARY, "large"),
    "shares of gaussian": GoldenModel("size ~ x + (1 + x | g) + (1 | h)", "gaussian", "large"),
    "shares of binomial": GoldenModel("hits | trials(m) ~ x + (x + z | g)", "binomial(probit)", "large"),
    "many groups": GoldenModel("yes ~ x + (1 | g)", BINARY, "many"),
    "many crossed groups": GoldenModel("count ~ x + (1 | g) + (1 | h)", COUNTS, "many"),
}

MODELS: dict[str, GoldenModel] = {
    **FAMILY_MODELS,
    **WEIGHTED_MODELS,
    **STRUCTURE_MODELS,
    **PREDICTORS_MODELS,
    **PRIOR_MODELS,
    **SIZE_MODELS,
}
