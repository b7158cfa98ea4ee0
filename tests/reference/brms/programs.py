"""The models as Stan programs in the form of brms' ``stancode()``.

Columns Xc are centred, Intercept is at their means, z_1 are standardised effects, J_1 groups, W_1 weights.
The parts of families and terms are those that brms writes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from models import MODELS, G, related
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Take = Callable[[str], Floats]
Place = tuple[str | int, ...]  # a variable of the program and, from 0, its index
Names = Mapping[str, Place]

DATA = """
  int<lower=1> N;
  {outcome} Y;
  int<lower=1> Kc;
  matrix[N, Kc] Xc;
  vector[Kc] means_X;
  int<lower=1> N_1;
  array[N] int<lower=1> J_1;
"""
PRIORS = "lprior += normal_lpdf(b | 0, 1) + normal_lpdf(Intercept | 0, 2);"
COEFFICIENTS: Names = {"x": ("b", 0), "Intercept": ("b_Intercept",)}
B_INTERCEPT = "real b_Intercept = Intercept - dot_product(means_X, b);"
CORRELATIONS = " corr_matrix[2] Cor_1 = multiply_lower_tri_self_transpose(L_1);"


def program(
    data: str, parameters: str, transformed: str, model: str, generated: str, functions: str = ""
) -> str:
    """Put the blocks together."""
    head = f"functions {{{functions}}}\n" if functions else ""
    return (
        f"{head}data {{{data}}}\nparameters {{{parameters}}}\n"
        f"transformed parameters {{{transformed}}}\nmodel {{{model}\n  target += lprior;\n}}\n"
        f"generated quantities {{{generated}}}\n"
    )


@dataclass(frozen=True)
class Program:
    """A Stan program, where it has each value of our results, and what it reads besides `shared_data`."""

    code: str
    names: Names
    own_data: Callable[[pd.DataFrame], Mapping[str, Any]] = lambda _: {}


def effects(label: str, variable: str, *coordinate: int) -> dict[str, Place]:
    """The effects of all groups."""
    return {f"{label}[{j + 1}]": (variable, j, *coordinate) for j in range(G)}


def correlated(corr: str, labels: tuple[str, ...], terms: tuple[str, ...]) -> dict[str, Place]:
    """Sds, correlations and effects of a block; its coordinates by their labels and their terms."""
    found: dict[str, Place] = {f"{term}_sigma": ("sd_1", i) for i, term in enumerate(terms)}
    for i, a in enumerate(labels):
        found |= {f"{corr}_corr[{a}, {labels[k]}]": ("Cor_1", i, k) for k in range(i + 1, len(labels))}
    for i, term in enumerate(terms):
        found |= effects(term, "r_1", i)
    return found


def one(term: str) -> dict[str, Place]:
    """Coefficients, the sd and the effects of a model with one varying intercept."""
    return {**COEFFICIENTS, f"{term}_sigma": ("sd_1", 0), **effects(term, "r_1_1")}


def one_effect(
    outcome: str,
    family: str,
    prior: str = "",
    extra: str = "",
    data: str = "",
    effect: str = "r_1_1[J_1[n]]",
    scaled: str = "sd_1[1] * z_1[1]",
    generated: str = "",
) -> str:
    """A model with one varying intercept."""
    return program(
        DATA.format(outcome=outcome) + data,
        f"vector[Kc] b; real Intercept; {extra} vector<lower=0>[1] sd_1; array[1] vector[N_1] z_1;",
        f"""
  vector[N_1] r_1_1 = {scaled};
  real lprior = 0;
  {PRIORS} {prior}
  lprior += exponential_lpdf(sd_1 | 1);""",
        f"""
  vector[N] mu = rep_vector(0.0, N);
  mu += Intercept + Xc * b;
  for (n in 1:N) mu[n] += {effect};
  {family}
  target += std_normal_lpdf(z_1[1]);""",
        B_INTERCEPT + generated,
    )


SHARED = program(
    DATA.format(outcome="vector[N]"),
    """vector[Kc] b; real Intercept; real Intercept_sigma; vector<lower=0>[2] sd_1; matrix[2, N_1] z_1;
  cholesky_factor_corr[2] L_1;""",
    f"""
  matrix[N_1, 2] r_1 = transpose(diag_pre_multiply(sd_1, L_1) * z_1);
  real lprior = 0;
  {PRIORS}
  lprior += normal_lpdf(Intercept_sigma | 0, 1) + exponential_lpdf(sd_1 | 1);
  lprior += lkj_corr_cholesky_lpdf(L_1 | 2);""",
    """
  vector[N] mu = Intercept + Xc * b;
  vector[N] sigma = rep_vector(Intercept_sigma, N);
  for (n in 1:N) { mu[n] += r_1[J_1[n], 1]; sigma[n] += r_1[J_1[n], 2]; }
  sigma = exp(sigma);
  target += normal_lpdf(Y | mu, sigma);
  target += std_normal_lpdf(to_vector(z_1));""",
    B_INTERCEPT + CORRELATIONS,
)
SHARED_SLOPES = program(
    DATA.format(outcome="array[N] int") + "vector[N] Z_1_2;",
    """vector[Kc] b; real Intercept; real Intercept_shape; vector<lower=0>[3] sd_1; matrix[3, N_1] z_1;
  cholesky_factor_corr[3] L_1;""",
    f"""
  matrix[N_1, 3] r_1 = transpose(diag_pre_multiply(sd_1, L_1) * z_1);
  real lprior = 0;
  {PRIORS}
  lprior += normal_lpdf(Intercept_shape | 0, 1) + exponential_lpdf(sd_1 | 1);
  lprior += lkj_corr_cholesky_lpdf(L_1 | 2);""",
    """
  vector[N] mu = Intercept + Xc * b;
  vector[N] shape = rep_vector(Intercept_shape, N);
  for (n in 1:N) {
    mu[n] += r_1[J_1[n], 1] + r_1[J_1[n], 2] * Z_1_2[n];
    shape[n] += r_1[J_1[n], 3];
  }
  shape = exp(shape);
  target += neg_binomial_2_log_lpmf(Y | mu, shape);
  target += std_normal_lpdf(to_vector(z_1));""",
    B_INTERCEPT + CORRELATIONS.replace("[2]", "[3]"),
)
RELATED = program(
    DATA.format(outcome="array[N] int") + "matrix[N_1, N_1] Lcov_1; vector[N] Z_1_2;",
    """vector[Kc] b; real Intercept; vector<lower=0>[2] sd_1; matrix[2, N_1] z_1;
  cholesky_factor_corr[2] L_1;""",
    f"""
  matrix[N_1, 2] r_1 = scale_r_cor_cov(z_1, sd_1, L_1, Lcov_1);
  real lprior = 0;
  {PRIORS}
  lprior += exponential_lpdf(sd_1 | 1) + lkj_corr_cholesky_lpdf(L_1 | 2);""",
    """
  vector[N] mu = Intercept + Xc * b;
  for (n in 1:N) mu[n] += r_1[J_1[n], 1] + r_1[J_1[n], 2] * Z_1_2[n];
  target += bernoulli_logit_lpmf(Y | mu);
  target += std_normal_lpdf(to_vector(z_1));""",
    B_INTERCEPT + CORRELATIONS,
    """
  matrix scale_r_cor_cov(matrix z, vector SD, matrix L, matrix Lcov) {
    return Lcov * transpose(diag_pre_multiply(SD, L) * z);
  }""",
)
CUMULATIVE = program(
    DATA.format(outcome="array[N] int") + "int<lower=2> nthres;",
    "vector[Kc] b; ordered[nthres] Intercept; vector<lower=0>[1] sd_1; array[1] vector[N_1] z_1;",
    """
  vector[N_1] r_1_1 = sd_1[1] * z_1[1];
  real lprior = 0;
  lprior += normal_lpdf(b | 0, 1) + student_t_lpdf(Intercept | 3, 0, 2.5) + exponential_lpdf(sd_1 | 1);""",
    """
  vector[N] mu = Xc * b;
  for (n in 1:N) mu[n] += r_1_1[J_1[n]];
  for (n in 1:N) target += ordered_logistic_lpmf(Y[n] | mu[n], Intercept);
  target += std_normal_lpdf(z_1[1]);""",
    "vector[nthres] b_Intercept = Intercept + dot_product(means_X, b);",
)
CATEGORICAL = program(
    DATA.format(outcome="array[N] int"),
    """vector[Kc] b_mu2; real Intercept_mu2; vector[Kc] b_mu3; real Intercept_mu3;
  vector<lower=0>[1] sd_1; vector<lower=0>[1] sd_2; array[1] vector[N_1] z_1; array[1] vector[N_1] z_2;""",
    """
  vector[N_1] r_1_mu2_1 = sd_1[1] * z_1[1];
  vector[N_1] r_2_mu3_1 = sd_2[1] * z_2[1];
  real lprior = 0;
  lprior += normal_lpdf(b_mu2 | 0, 1) + normal_lpdf(Intercept_mu2 | 0, 2);
  lprior += normal_lpdf(b_mu3 | 0, 1) + normal_lpdf(Intercept_mu3 | 0, 2);
  lprior += exponential_lpdf(sd_1 | 1) + exponential_lpdf(sd_2 | 1);""",
    """
  vector[N] mu2 = Intercept_mu2 + Xc * b_mu2;
  vector[N] mu3 = Intercept_mu3 + Xc * b_mu3;
  for (n in 1:N) { mu2[n] += r_1_mu2_1[J_1[n]]; mu3[n] += r_2_mu3_1[J_1[n]]; }
  for (n in 1:N) target += categorical_logit_lpmf(Y[n] | transpose([0, mu2[n], mu3[n]]));
  target += std_normal_lpdf(z_1[1]) + std_normal_lpdf(z_2[1]);""",
    """
  real b_mu2_Intercept = Intercept_mu2 - dot_product(means_X, b_mu2);
  real b_mu3_Intercept = Intercept_mu3 - dot_product(means_X, b_mu3);""",
)


def members_data(table: pd.DataFrame) -> dict[str, Any]:
    """The second group of each row, and weights that sum to one, which are equal where the table has none."""
    equal = pd.Series(1.0, table.index)
    w, v = table.get("w", equal), table.get("v", equal)
    return {"J_1_2": table.h.tolist(), "W_1_1": (w / (w + v)).tolist(), "W_1_2": (v / (w + v)).tolist()}


def related_data(_: pd.DataFrame) -> dict[str, Any]:
    """The Cholesky factor of the groups' covariance."""
    return {"Lcov_1": np.linalg.cholesky(related().to_numpy()).tolist()}


def slopes_data(table: pd.DataFrame) -> dict[str, Any]:
    """The column of the second effect."""
    return {"Z_1_2": table.x.tolist()}


MEMBERS_DATA = "array[N] int<lower=1> J_1_2; vector[N] W_1_1; vector[N] W_1_2;"
MEMBERS = "W_1_1[n] * r_1_1[J_1[n]] + W_1_2[n] * r_1_1[J_1_2[n]]"
PROGRAMS = {
    "gamma": Program(
        one_effect(
            "vector[N]",
            "mu = exp(mu); target += gamma_lpdf(Y | shape, shape ./ mu);",
            "lprior += gamma_lpdf(shape | 2, 0.5);",
            "real<lower=0> shape;",
        ),
        one("1|g") | {"shape": ("shape",)},
    ),
    "gamma_shape": Program(
        one_effect(
            "vector[N]",
            """mu = exp(mu);
  vector[N] shape = exp(Intercept_shape + Xc_shape * b_shape);
  for (n in 1:N) target += gamma_lpdf(Y[n] | shape[n], shape[n] / mu[n]);""",
            "lprior += normal_lpdf(b_shape | 0, 1) + normal_lpdf(Intercept_shape | 0, 1);",
            "vector[Kc_shape] b_shape; real Intercept_shape;",
            "int<lower=1> Kc_shape; matrix[N, Kc_shape] Xc_shape; vector[Kc_shape] means_X_shape;",
            generated="real b_shape_Intercept = Intercept_shape - dot_product(means_X_shape, b_shape);",
        ),
        one("1|g") | {"shape_x": ("b_shape", 0), "shape_Intercept": ("b_shape_Intercept",)},
        lambda table: {f"{key}_shape": value for key, value in columns(table).items()},
    ),
    "shared": Program(
        SHARED,
        {
            **COEFFICIENTS,
            "sigma_Intercept": ("Intercept_sigma",),
            **correlated("p|g", ("1", "sigma_1"), ("1|g", "sigma_1|g")),
        },
    ),
    "shared_slopes": Program(
        SHARED_SLOPES,
        {
            **COEFFICIENTS,
            "shape_Intercept": ("Intercept_shape",),
            **correlated("p|g", ("1", "x", "shape_1"), ("1|g", "x|g", "shape_1|g")),
        },
        slopes_data,
    ),
    "members": Program(
        one_effect("array[N] int", "target += poisson_log_lpmf(Y | mu);", data=MEMBERS_DATA, effect=MEMBERS),
        one("1|mm(g, h)"),
        members_data,
    ),
    "members_equal": Program(
        one_effect(
            "array[N] int", "target += bernoulli_logit_lpmf(Y | mu);", data=MEMBERS_DATA, effect=MEMBERS
        ),
        one("1|mm(g, h)"),
        members_data,
    ),
    "related": Program(
        RELATED,
        {**COEFFICIENTS, **correlated("g", ("1", "x"), ("1|g", "x|g"))},
        lambda table: related_data(table) | slopes_data(table),
    ),
    "related_means": Program(
        one_effect(
            "vector[N]",
            "target += normal_lpdf(Y | mu, sigma);",
            "lprior += exponential_lpdf(sigma | 1);",
            "real<lower=0> sigma;",
            "matrix[N_1, N_1] Lcov_1;",
            scaled="sd_1[1] * (Lcov_1 * z_1[1])",
        ),
        one("1|g") | {"sigma": ("sigma",)},
        related_data,
    ),
    "cumulative": Program(
        CUMULATIVE,
        {
            "x": ("b", 0),
            **{f"threshold[{k}]": ("b_Intercept", k - 1) for k in (1, 2, 3)},
            "1|g_sigma": ("sd_1", 0),
            **effects("1|g", "r_1_1"),
        },
        lambda _: {"nthres": 3},
    ),
    "categorical": Program(
        CATEGORICAL,
        {
            "mu_2_Intercept": ("b_mu2_Intercept",),
            "mu_2_x": ("b_mu2", 0),
            "mu_2_1|g_sigma": ("sd_1", 0),
            **effects("mu_2_1|g", "r_1_mu2_1"),
            "mu_3_Intercept": ("b_mu3_Intercept",),
            "mu_3_x": ("b_mu3", 0),
            "mu_3_1|g_sigma": ("sd_2", 0),
            **effects("mu_3_1|g", "r_2_mu3_1"),
        },
    ),
}


def columns(table: pd.DataFrame) -> dict[str, Any]:
    """The centred column and its mean."""
    x, mean = table.x.to_numpy(), float(table.x.mean())
    return {"Kc": 1, "Xc": (x - mean)[:, None].tolist(), "means_X": [mean]}


def data(name: str) -> dict[str, Any]:
    """The data as brms' ``standata()`` has them."""
    table = MODELS[name].table()
    return shared_data(table) | dict(PROGRAMS[name].own_data(table))


def shared_data(table: pd.DataFrame) -> dict[str, Any]:
    """What all programs read."""
    return {"N": len(table), "Y": table.y.tolist(), "N_1": G, "J_1": table.g.tolist(), **columns(table)}


def named_draws(name: str, take: Take) -> dict[str, Floats]:
    """Draws of every value under its name in our results; `take` gives (chains, draws, ...) of a variable."""
    return {key: take(str(place[0]))[(..., *place[1:])] for key, place in PROGRAMS[name].names.items()}
