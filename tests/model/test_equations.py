"""Models as text equations."""

from __future__ import annotations

import pytest
from tests.model.cases import CASES, Case

from partialpool.data.datasets import load_dataset
from partialpool.families.bernoulli import Bernoulli
from partialpool.formula.design import build_design
from partialpool.model.equations import equations
from partialpool.model.poolings import complete_pooling, no_pooling
from partialpool.model.spec import build_spec
from partialpool.priors.registry import AtMeans, Exponential, Normal, StudentT

PARTIAL = """\
use.contraception_i ~ Binomial(1, p_i)           i = 1..1934
         logit(p_i) = alpha_j[i]
            alpha_j ~ Normal(alpha_bar, sigma)   j = 1..60 (district)
          alpha_bar ~ Normal(0, 1.5)             Intercept
              sigma ~ Exponential(1)             1|district_sigma"""

NONE = """\
use.contraception_i ~ Binomial(1, p_i)              i = 1..1934
         logit(p_i) = alpha_j[i]
            alpha_j ~ Normal(0, 1.5), independent   j = 1..60 (district)"""

COMPLETE = """\
use.contraception_i ~ Binomial(1, p_i)   i = 1..1934
         logit(p_i) = alpha
              alpha ~ Normal(0, 1.5)     Intercept"""


def test_the_three_poolings_of_the_fertility_survey() -> None:
    design, _ = build_design("`use.contraception` ~ 1 + (1 | district)", load_dataset("bangladesh"))
    given = {"Intercept": Normal(0, 1.5), "1|district": Normal(0, Exponential(1))}
    spec = build_spec(design, Bernoulli(), given)
    assert equations(spec) == PARTIAL
    assert equations(no_pooling(spec)) == NONE
    assert equations(complete_pooling(spec)) == COMPLETE


TEXTS = {
    "correlated": (
        Case("x + (x | g)", priors={"Intercept": Normal(0, 1), "x": Normal(0, 2)}),
        """\
                y_i ~ Binomial(1, p_i)                       i = 1..90
         logit(p_i) = alpha_j[i] + beta_x_j[i] x_i
(alpha_j, beta_x_j) ~ MVNormal((alpha_bar, beta_x_bar), S)   j = 1..5 (g)
                  S = D R D,  D = diag(sigma_alpha, sigma_beta_x)
          alpha_bar ~ Normal(0, 1)                           Intercept
         beta_x_bar ~ Normal(0, 2)
        sigma_alpha ~ Exponential(1)                         1|g_sigma
       sigma_beta_x ~ Exponential(0.5635)                    x|g_sigma
                  R ~ LKJ(2)                                 g_corr""",
    ),
    "crossed, at means": (
        Case("x + offset(t) + (1 | g) + (1 | h)", "poisson", priors={"Intercept": AtMeans(Normal(0, 1))}),
        """\
          y_i ~ Poisson(lambda_i)          i = 1..90
log(lambda_i) = alpha + beta_x x_i + alpha_g_j[i] + alpha_h_k[i] + offset_i
    alpha_g_j ~ Normal(0, sigma_alpha_g)   j = 1..5 (g)
    alpha_h_k ~ Normal(0, sigma_alpha_h)   k = 1..3 (h)
       alpha* = alpha + beta_x mean(x)     alpha: Intercept
       alpha* ~ Normal(0, 1)               where every predictor is at its mean
       beta_x ~ Normal(0, 4.436)
sigma_alpha_g ~ Exponential(1)             1|g_sigma
sigma_alpha_h ~ Exponential(1)             1|h_sigma""",
    ),
    "a parameter with a formula": (
        Case(
            "1",
            "gaussian",
            weights=True,
            others={"sigma": "~ 1 + (1 | g)"},
            priors={
                "Intercept": Normal(0, 1),
                "sigma_Intercept": Normal(0, 1),
                "sigma_1|g": Normal(0, Normal(0, 1)),
            },
        ),
        """\
               y_i ~ Normal(mu_i, sigma_i)                        i = 1..90, each counted weights_i times
              mu_i = alpha
      log(sigma_i) = alpha_sigma_j[i]
     alpha_sigma_j ~ Normal(alpha_sigma_bar, sigma_alpha_sigma)   j = 1..5 (g)
             alpha ~ Normal(0, 1)                                 Intercept
   alpha_sigma_bar ~ Normal(0, 1)                                 sigma_Intercept
sigma_alpha_sigma ~ Normal(0, 1), positive                        sigma_1|g_sigma""",
    ),
    "a parameter without a formula": (
        Case(
            "cat",
            "gaussian",
            priors={"Intercept": Normal(0, 1), "cat": Normal(0, 2), "sigma": Exponential(1)},
        ),
        """\
                     y_i ~ Normal(mu_i, sigma)   i = 1..90
                    mu_i = alpha + beta_cat[b] cat[b]_i + beta_cat[c] cat[c]_i
                   alpha ~ Normal(0, 1)          Intercept
beta_cat[b], beta_cat[c] ~ Normal(0, 2)
                   sigma ~ Exponential(1)""",
    ),
    "fixed priors beside a population mean": (
        Case(
            "(1 | g) + (1 | h)",
            "binomial",
            priors={"1|g": StudentT(3, 0, 1), "1|h": Normal(0, 2), "Intercept": Normal(0, 1)},
        ),
        """\
       y_i ~ Binomial(trials_i, p_i)         i = 1..90
logit(p_i) = alpha + alpha_g_j[i] + alpha_h_k[i]
 alpha_g_j ~ StudentT(3, 0, 1), independent   j = 1..5 (g)
 alpha_h_k ~ Normal(0, 2), independent        k = 1..3 (h)
     alpha ~ Normal(0, 1)                     Intercept""",
    ),
}


@pytest.mark.parametrize(("case", "text"), TEXTS.values(), ids=TEXTS)
def test_the_whole_text(case: Case, text: str) -> None:
    assert [line.split() for line in equations(case.spec()).splitlines()] == [
        line.split() for line in text.splitlines()
    ]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_holds_for_every_model(case: Case) -> None:
    spec = case.spec()
    lines = equations(spec).splitlines()
    assert all(line == line.rstrip() for line in lines)
    signs = {line.index(sign) for line in lines for sign in (" ~ ", " = ") if sign in line[:36]}
    assert len(signs) <= 2  # one column, and at most one more for left sides that stick out
    text = "\n".join(lines)
    for variable in spec.layout.roles("group_corr", "auxiliary"):
        assert variable.name in text
    for block in spec.parameters.effects:
        assert f"({block.factor})" in text


def test_a_long_sum_is_broken() -> None:
    lines = equations(Case("x * cat * z").spec()).splitlines()
    predictor = lines[1:5]
    assert all(line.lstrip().startswith("+ ") for line in predictor[1:])
    assert len({line.index("+" if i else "alpha") for i, line in enumerate(predictor)}) == 1
    assert max(len(line) for line in predictor) < 110
