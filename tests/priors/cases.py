"""One row a prior: an object, scipy's distribution, and the parameters it refuses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from scipy import stats

from partialpool.priors.base import AtMeans, Prior
from partialpool.priors.gamma import Exponential, Gamma
from partialpool.priors.lkj import LKJ
from partialpool.priors.normal import HalfNormal, Normal
from partialpool.priors.student_t import Cauchy, HalfCauchy, HalfStudentT, StudentT
from partialpool.priors.uniform import Flat, Uniform


@dataclass(frozen=True)
class Case:
    """A prior's test data.

    Attributes
    ----------
    frozen
        Scipy's distribution; None for a prior that has no density of one number, or an improper one.
    text
        Its text form.
    bad
        (call, the start of the message) for parameters that it refuses.
    """

    prior: Prior
    frozen: Any
    text: str
    bad: tuple[tuple[str, str], ...] = ()


CASES = {
    "Normal": Case(
        Normal(0.5, 1.5),
        stats.norm(0.5, 1.5),
        "Normal(0.5, 1.5)",
        (
            ("Normal(0, 0)", "Normal: sd is 0.\n  Allowed: sd > 0"),
            ("Normal(0, -1)", "Normal: sd is -1.\n  Allowed: sd > 0"),
            ("Normal(1e999, 1)", "Normal: mean is inf, which is not a finite number."),
            (
                "Normal(0, LKJ(2))",
                "Normal: sd is LKJ(2), which is no prior of a standard deviation.\n  Allowed: a pos",
            ),
            (
                "Normal(0, AtMeans(Normal(0, 1)))",
                "Normal: sd is AtMeans(Normal(0, 1)), which is no prior of a stand",
            ),
            (
                "Normal(0, Normal(0, Exponential(1)))",
                "Normal: sd is Normal(0, Exponential(1)), which is no prior",
            ),
        ),
    ),
    "StudentT": Case(
        StudentT(3, 0.5, 2),
        stats.t(3, 0.5, 2),
        "StudentT(3, 0.5, 2)",
        (
            ("StudentT(0, 0, 1)", "StudentT: nu is 0.\n  Allowed: nu > 0"),
            ("StudentT(3, 0, 0)", "StudentT: sd is 0.\n  Allowed: sd > 0"),
            (
                "StudentT(3, Normal(0, 1), 1)",
                "StudentT: mean is Normal(mean=0, sd=1), which is not a finite number.",
            ),
        ),
    ),
    "Cauchy": Case(
        Cauchy(-1, 2.5),
        stats.cauchy(-1, 2.5),
        "Cauchy(-1, 2.5)",
        (("Cauchy(0, 0)", "Cauchy: sd is 0.\n  Allowed: sd > 0"),),
    ),
    "HalfNormal": Case(
        HalfNormal(2.5),
        stats.halfnorm(0, 2.5),
        "HalfNormal(2.5)",
        (("HalfNormal(-1)", "HalfNormal: sd is -1.\n  Allowed: sd > 0"),),
    ),
    "HalfStudentT": Case(
        HalfStudentT(4, 2.5),
        # Twice the upper half of a t is a folded t: its density where it is positive.
        stats.t(4, 0, 2.5),
        "HalfStudentT(4, 2.5)",
        (("HalfStudentT(-3, 1)", "HalfStudentT: nu is -3.\n  Allowed: nu > 0"),),
    ),
    "HalfCauchy": Case(
        HalfCauchy(2.5),
        stats.halfcauchy(0, 2.5),
        "HalfCauchy(2.5)",
        (("HalfCauchy(0)", "HalfCauchy: sd is 0.\n  Allowed: sd > 0"),),
    ),
    "Exponential": Case(
        Exponential(2),
        stats.expon(scale=0.5),
        "Exponential(2)",
        (("Exponential(0)", "Exponential: rate is 0.\n  Allowed: rate > 0"),),
    ),
    "Gamma": Case(
        Gamma(2, 0.4),
        stats.gamma(2, scale=2.5),
        "Gamma(2, 0.4)",
        (
            ("Gamma(0, 1)", "Gamma: shape is 0.\n  Allowed: shape > 0"),
            ("Gamma(1, -1)", "Gamma: rate is -1.\n  Allowed: rate > 0"),
        ),
    ),
    "Uniform": Case(
        Uniform(-1, 3),
        stats.uniform(-1, 4),
        "Uniform(-1, 3)",
        (("Uniform(2, 1)", "Uniform: lower is 2, upper is 1.\n  Allowed: lower < upper"),),
    ),
    "Flat": Case(
        Flat(),
        None,
        "Flat()",
        (("Flat(1)", "'Flat(1)' gives Flat the wrong parameters.\n  Allowed: Flat()"),),
    ),
    "LKJ": Case(LKJ(2), None, "LKJ(2)", (("LKJ(0)", "LKJ: eta is 0.\n  Allowed: eta > 0"),)),
    "AtMeans": Case(
        AtMeans(Normal(0, 2.5)),
        None,
        "AtMeans(Normal(0, 2.5))",
        (
            (
                "AtMeans(Exponential(1))",
                "AtMeans is given Exponential(1), which is not a prior over all real numbers.",
            ),
            ("AtMeans(3)", "AtMeans is given 3, which is not a prior over all real numbers."),
            (
                "AtMeans(AtMeans(Normal(0, 1)))",
                "AtMeans is given AtMeans(Normal(0, 1)), which is not a prior over",
            ),
            (
                "AtMeans(Normal(0, Exponential(1)))",
                "AtMeans is given Normal(0, Exponential(1)), which is not a prior",
            ),
        ),
    ),
}
UNIVARIATE = [name for name, case in CASES.items() if case.frozen is not None]
