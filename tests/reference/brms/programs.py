"""The models as Stan programs in the form of brms' ``stancode()``.

Columns Xc are centred, Intercept is at their means, z_1 are standardised effects, J_1 groups, W_1 weights.
The parts of families and terms are those that brms writes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from models import MODELS, G, related
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Take = Callable[[str], Floats]

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
B_INTERCEPT = "real b_Intercept = Intercept - dot_product(means_X, b);"


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


def one_effect(
    outcome: str, family: str, prior: str, extra: str = "", data: str = "", effect: str = ""
) -> str:
    """A model with one varying intercept."""
    effect = effect or "r_1_1[J_1[n]]"
    return program(
        DATA.format(outcome=outcome) + data,
        f"vector[Kc] b; real Intercept; {extra} vector<lower=0>[1] sd_1; array[1] vector[N_1] z_1;",
        f"""
  vector[N_1] r_1_1 = sd_1[1] * z_1[1];
  real lprior = 0;
  {PRIORS} {prior}
  lprior += exponential_lpdf(sd_1 | 1);""",
        f"""
  vector[N] mu = rep_vector(0.0, N);
  mu += Intercept + Xc * b;
  for (n in 1:N) mu[n] += {effect};
  {family}
  target += std_normal_lpdf(z_1[1]);""",
        B_INTERCEPT,
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
    B_INTERCEPT + " corr_matrix[2] Cor_1 = multiply_lower_tri_self_transpose(L_1);",
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
    B_INTERCEPT + " corr_matrix[2] Cor_1 = multiply_lower_tri_self_transpose(L_1);",
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
PROGRAMS = {
    "gamma": one_effect(
        "vector[N]",
        "mu = exp(mu); target += gamma_lpdf(Y | shape, shape ./ mu);",
        "lprior += gamma_lpdf(shape | 2, 0.5);",
        "real<lower=0> shape;",
    ),
    "shared": SHARED,
    "members": one_effect(
        "array[N] int",
        "target += poisson_log_lpmf(Y | mu);",
        "",
        data="array[N] int<lower=1> J_1_2; vector[N] W_1_1; vector[N] W_1_2;",
        effect="W_1_1[n] * r_1_1[J_1[n]] + W_1_2[n] * r_1_1[J_1_2[n]]",
    ),
    "related": RELATED,
    "cumulative": CUMULATIVE,
    "categorical": CATEGORICAL,
}


def data(name: str) -> dict[str, Any]:
    """The data as brms' ``standata()`` has them."""
    table = MODELS[name].table()
    x, mean = table.x.to_numpy(), float(table.x.mean())
    found: dict[str, Any] = {
        "N": len(table),
        "Y": table.y.tolist(),
        "Kc": 1,
        "Xc": (x - mean)[:, None].tolist(),
        "means_X": [mean],
        "N_1": G,
        "J_1": table.g.tolist(),
    }
    return found | _own(name, table)


def _own(name: str, table: pd.DataFrame) -> dict[str, Any]:
    if name == "members":
        total = table.w + table.v
        shares = {"W_1_1": (table.w / total).tolist(), "W_1_2": (table.v / total).tolist()}
        return {"J_1_2": table.h.tolist(), **shares}
    if name == "related":
        return {"Lcov_1": np.linalg.cholesky(related().to_numpy()).tolist(), "Z_1_2": table.x.tolist()}
    return {"nthres": 3} if name == "cumulative" else {}


def named_draws(name: str, take: Take) -> dict[str, Floats]:
    """Draws of every value under its name in our results; `take` gives (chains, draws, ...) of a variable."""
    groups = range(1, G + 1)
    if name == "categorical":
        named = {}
        for k, (m, r) in {2: ("1", "r_1_mu2_1"), 3: ("2", "r_2_mu3_1")}.items():
            named |= {f"mu_{k}_Intercept": take(f"b_mu{k}_Intercept"), f"mu_{k}_x": take(f"b_mu{k}")[..., 0]}
            named |= {f"mu_{k}_1|g_sigma": take(f"sd_{m}")[..., 0]}
            named |= {f"mu_{k}_1|g[{j}]": take(r)[..., j - 1] for j in groups}
        return named
    named = {"x": take("b")[..., 0]}
    if name == "cumulative":
        named |= {f"threshold[{k}]": take("b_Intercept")[..., k - 1] for k in (1, 2, 3)}
    else:
        named["Intercept"] = take("b_Intercept")
    if name in ("shared", "related"):
        effects = ("1|g", "sigma_1|g" if name == "shared" else "x|g")
        named |= {f"{effect}_sigma": take("sd_1")[..., i] for i, effect in enumerate(effects)}
        corr = "p|g_corr[1, sigma_1]" if name == "shared" else "g_corr[1, x]"
        named[corr] = take("Cor_1")[..., 0, 1]
        named |= {f"{e}[{j}]": take("r_1")[..., j - 1, i] for i, e in enumerate(effects) for j in groups}
        return named | ({"sigma_Intercept": take("Intercept_sigma")} if name == "shared" else {})
    factor = "mm(g, h)" if name == "members" else "g"
    named |= {f"1|{factor}_sigma": take("sd_1")[..., 0]}
    named |= {f"1|{factor}[{j}]": take("r_1_1")[..., j - 1] for j in groups}
    return named | ({"shape": take("shape")} if name == "gamma" else {})
