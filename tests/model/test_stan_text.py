"""The Stan programs as texts: readable, and valid whatever columns are called."""

from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd
import pytest
import stanli
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.model.cases import CASES, TABLE, Case

from partialpool.families.bernoulli import Bernoulli
from partialpool.formula.design import build_design
from partialpool.formula.group_records import Grouping
from partialpool.formula.records import Design, GroupTerm, Outcome, Population, Predictor, Term
from partialpool.model.equations import equations
from partialpool.model.spec import ModelSpec, build_spec
from partialpool.model.stan import StanProgram, to_stan
from partialpool.model.stan_text import LINE_LENGTH, RESERVED, Identifiers
from partialpool.priors.registry import AtMeans, Exponential, Flat, HalfNormal, Normal, StudentT

PROGRAM = """\
//        y_i ~ Binomial(1, p_i)           i = 1..90
// logit(p_i) = alpha_j[i]
//    alpha_j ~ Normal(alpha_bar, sigma)   j = 1..5 (g)
//  alpha_bar ~ Normal(0, 1.5)             Intercept
//      sigma ~ Exponential(1)             1|g_sigma

data {
  int<lower=1> N;                      // rows
  array[N] int y;                      // outcome y
  int<lower=1> J_g;                    // groups of g
  array[N] int<lower=1, upper=J_g> g;  // g of each row
}
parameters {
  real Intercept;
  real<lower=0> sd_1_g;  // 1|g_sigma
  vector[J_g] z_1_g;     // 1|g in units of its sd
}
transformed parameters {
  vector[J_g] r_1_g = sd_1_g * z_1_g;  // 1|g
}
model {
  Intercept ~ normal(0, 1.5);
  sd_1_g ~ exponential(1);
  z_1_g ~ std_normal();

  // logit of each row's probability
  vector[N] mu = Intercept + r_1_g[g];
  y ~ bernoulli_logit(mu);
}
"""


def test_the_whole_program_of_varying_intercepts() -> None:
    program = to_stan(
        Case("(1 | g)", priors={"Intercept": Normal(0, 1.5), "1|g": Normal(0, Exponential(1))}).spec()
    )
    assert program.code == PROGRAM
    assert program.names == {"Intercept": "Intercept", "1|g_sigma": "sd_1_g", "1|g": "r_1_g"}


def parts(code: str) -> set[str]:
    return {line.strip().partition("  //")[0].strip() for line in code.splitlines()}


def test_a_correlated_term() -> None:
    program = to_stan(Case("x + (x | g)").spec())
    assert parts(program.code) >= {
        "cholesky_factor_corr[2] L_g;",
        "matrix[2, J_g] z_g;",
        "matrix[J_g, 2] r_g = (diag_pre_multiply([sd_1_g, sd_x_g]', L_g) * z_g)';",
        "vector[J_g] r_x_g = r_g[, 2];",
        "L_g ~ lkj_corr_cholesky(2);",
        "vector[N] mu = Intercept + b_x * x + r_1_g[g] + r_x_g[g] .* x;",
        "corr_matrix[2] corr_g = multiply_lower_tri_self_transpose(L_g);",
        "real mean_x = mean(x);",
        "Intercept + b_x * mean_x ~ normal(0, 2.5);",
    }
    assert program.names["g_corr"] == "corr_g"


def test_bounds_flat_priors_and_fixed_effects() -> None:
    priors = {
        "x": HalfNormal(1),
        "z": Flat(),
        "Intercept": Normal(0, 1),
        "1|g": StudentT(3, 0, 1),
        "x|g": Normal(0, 2),
    }
    code = to_stan(Case("x + z + (x || g)", priors=priors).spec()).code
    assert parts(code) >= {
        "real<lower=0> b_x;",
        "b_x ~ normal(0, 1);",
        "real b_z;",
        "vector[J_g] r_1_g;",
        "r_1_g ~ student_t(3, 0, 1);",
        "r_x_g ~ normal(0, 2);",
    }
    assert "b_z ~" not in code
    assert "sd_" not in code


def test_weights_trials_offset_and_a_second_predictor() -> None:
    weighted = to_stan(Case("x + offset(t)", "binomial(probit)", weights=True).spec())
    assert "target += weights[n] * binomial_lpmf(y[n] | trials[n], Phi(mu[n]));" in parts(weighted.code)
    assert "vector[N] units = weights .* to_vector(trials);" in parts(weighted.code)
    assert weighted.data["offset_mu"] == TABLE["t"].tolist()
    spread = to_stan(Case("1", "gaussian", weights=True, others={"sigma": "~ 0 + z"}).spec())
    assert "vector[N] sigma = exp(b_sigma_z * z);" in parts(spread.code)
    assert "target += weights[n] * normal_lpdf(y[n] | mu[n], sigma[n]);" in parts(spread.code)


def test_a_flat_prior_at_the_means_says_nothing() -> None:
    code = to_stan(Case("x", priors={"Intercept": AtMeans(Flat())}).spec()).code
    assert "mean_x" not in code
    assert "Intercept ~" not in code.partition("\ndata {")[2]


def test_labels_of_the_outcome_are_told() -> None:
    table = pd.DataFrame({"y": ["no", "yes", "yes"], "x": [1.0, 2, 0]})
    design, _ = build_design("y ~ x", table)
    assert "// outcome y: 0 for no, 1 for yes" in to_stan(build_spec(design, Bernoulli())).code


def test_levels_that_differ_are_variables_of_their_own() -> None:
    program = to_stan(Case("cat", priors={"cat[b]": HalfNormal(1)}).spec())
    assert program.names["cat[b]"] == "b_cat_b"
    assert {"real<lower=0> b_cat_b;", "real b_cat_c;"} <= parts(program.code)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_holds_for_every_program(case: Case) -> None:
    spec = case.spec()
    program = to_stan(spec)
    data = json.loads(json.dumps(dict(program.data)))
    stan = stanli.Model(stan_code=program.code, data=data)
    assert data["N"] == spec.design.n_rows
    assert all(f" {name};" in program.code for name in data)
    assert len(set(program.names.values())) == len(program.names)
    code = [line.partition("  //")[0] for line in program.code.splitlines() if not line.startswith("//")]
    assert max(len(line) for line in code) <= LINE_LENGTH + 10
    assert all(line == line.rstrip() for line in program.code.splitlines())
    # Everything that results name is there, whole or by its levels.
    for variable in spec.layout.variables:
        stem, bar, rest = variable.name.partition("|")
        split = [n for n in program.names if n.startswith(f"{stem}[") and n.endswith(bar + rest)]
        assert variable.name in program.names or split, variable.name
    assert stan.n_unconstrained > 0 or not spec.layout.variables


def test_a_program_can_be_sampled_and_reports_what_results_name() -> None:
    program = to_stan(Case("x + (x | g)").spec())
    stan = stanli.Model(stan_code=program.code, data=dict(program.data))
    fit = stan.sample(chains=1, warmup=50, samples=5, refresh=0)
    columns = {name.partition("[")[0] for name in fit.names}
    assert set(program.names.values()) <= columns


# --- names --------------------------------------------------------------------------------------------------


def spec_named(outcome: str, predictor: str, factor: str) -> ModelSpec:
    """A model whose names never met a formula's grammar."""
    rng = np.random.default_rng(0)
    x, index = rng.normal(size=12), np.arange(12) % 3
    both = np.column_stack([np.ones(12), x])
    terms = (Term("Intercept", slice(0, 1), None), Term(predictor, slice(1, 2), None))
    inside = (Term("1", slice(0, 1), None), Term(predictor, slice(1, 2), None))
    grouping = Grouping(factor, np.arange(3), index, (factor,))
    group = GroupTerm(inside, ("1", predictor), both, grouping, True)
    population = Population(both, ("Intercept", predictor), terms)
    response = Outcome(outcome, rng.integers(0, 2, 12).astype(float), {}, None)
    return build_spec(Design(response, {"mu": Predictor("mu", population, (group,), None)}, 12), Bernoulli())


def assert_valid(program: StanProgram) -> None:
    stanli.Model(stan_code=program.code, data=dict(program.data))
    assert len(set(program.names.values())) == len(program.names)


@pytest.mark.parametrize(
    "word", sorted(RESERVED | {"mu", "normal", "bernoulli_logit", "r_1_g", "b_x", "J_g", "L_g"})
)
def test_reserved_words_are_avoided(word: str) -> None:
    assert_valid(to_stan(spec_named(word, "x", "g")))
    assert_valid(to_stan(spec_named("y", word, "g")))
    assert_valid(to_stan(spec_named("y", "x", word)))


@settings(max_examples=100)
@given(st.text(min_size=1, max_size=12), st.text(min_size=1, max_size=12), st.text(min_size=1, max_size=12))
def test_any_names_give_a_valid_program(outcome: str, predictor: str, factor: str) -> None:
    if predictor not in ("1", "Intercept"):
        assert_valid(to_stan(spec_named(outcome, predictor, factor)))


def test_names_that_would_collide_are_told_apart() -> None:
    table = pd.DataFrame(
        {"y": [0, 1, 1, 0], "a.b": [1.0, 2, 3, 5], "a b": [0.0, 1, 0, 2], "a_b": [1, 2, 2, 1]}
    )
    design, _ = build_design("y ~ `a.b` + `a b` + (1 | a_b)", table)
    program = to_stan(build_spec(design, Bernoulli()))
    assert_valid(program)
    assert program.data["a_b"] == [1, 2, 3, 5]
    assert program.data["a_b_2"] == [0, 1, 0, 2]
    assert program.data["a_b_3"] == [1, 2, 2, 1]


def test_a_comment_cannot_end_early() -> None:
    program = to_stan(spec_named("y\n} // data {", "x\r\nreal z;", "g\u2028h"))
    assert_valid(program)


@given(st.lists(st.text(max_size=6), max_size=8))
def test_identifiers_are_letters_digits_and_underscores(names: list[str]) -> None:
    identifiers = Identifiers(["mu"])
    found = [identifiers.new(name) for name in names]
    assert len(set(found)) == len(found)
    assert all(f.isascii() and f.isidentifier() and not f.endswith("_") and f[0].isalpha() for f in found)
    assert not set(found) & (RESERVED | {"mu"})


def test_expressions_that_differ_in_brackets_have_names_of_their_own() -> None:
    spec = Case("{(x + 1)*2} + {x + 1*2} + {x**2} + (0 + {(x - 1)/2} | g)").spec()
    program, written = to_stan(spec), equations(spec)
    names, matrix = spec.design.main.population.names, spec.design.main.population.matrix
    texts = ("I((x + 1) * 2)", "I(x + 1 * 2)", "I(x ** 2)")
    assert names == ("Intercept", *texts)
    for coefficient, text in zip(("I_x_1_2", "I_x_1_2_2", "I_x_2"), texts, strict=True):
        assert re.search(rf"\n  real b_{coefficient};\s+// {re.escape(text)}\n", program.code)
        assert f"beta_{text}" in written
        assert np.array_equal(np.unique(program.data[coefficient]), np.unique(matrix[:, names.index(text)]))
    assert "I((x - 1) / 2)|g_sigma" in program.code
