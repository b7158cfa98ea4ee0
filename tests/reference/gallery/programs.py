"""The Stan program and data of a model of the gallery: intercepts and pairs of any number of factors."""

from __future__ import annotations

import numpy as np
import pandas as pd
from models import Factor, GalleryModel

LIKELIHOODS = {
    "bernoulli": "y ~ binomial_logit(trials, eta);",
    "binomial": "y ~ binomial_logit(trials, eta);",
    "poisson": "y ~ poisson_log(eta);",
    "negative_binomial": "y ~ neg_binomial_2_log(eta, auxiliary);",
    "gaussian": "y ~ normal(eta, auxiliary);",
}

DATA = """
data {{
  int<lower=1> N; int<lower=0> K;
  matrix[N, K] X;  // its columns centred
  row_vector[K] centre;
  vector[N] offset_;
  {outcome} y;
  array[N] int trials;
  real intercept_mean; real intercept_sd; vector[K] slope_sd; real auxiliary_rate;
{factors}
}}
"""
PROGRAM = """
parameters {{
  real level;  // the intercept at the columns' means
  vector[K] beta;
{parameters}
}}
transformed parameters {{
  real intercept = level - centre * beta;
{transformed}
}}
model {{
  vector[N] eta = level + X * beta + offset_ + {terms};
  intercept ~ normal(intercept_mean, intercept_sd);
  beta ~ normal(0, slope_sd);
{model}
  {likelihood}
}}
"""


def levels(model: GalleryModel, factor: Factor) -> list[str]:
    """The groups, in the order of the reference's effects."""
    return list(pd.factorize(_labels(model.table(), factor))[1])


def _labels(table: pd.DataFrame, factor: Factor) -> pd.Series:
    return table[factor.columns].astype(str).agg(":".join, axis=1)


def code(model: GalleryModel) -> str:
    """Write the Stan program."""
    parts = [_factor(f, factor) for f, factor in enumerate(model.factors, 1)]
    parameters, transformed, statements = (["\n".join(p[k] for p in parts)] for k in (1, 2, 3))
    if model.auxiliary:
        parameters.append("  real<lower=0> auxiliary;")
        statements.append("  auxiliary ~ exponential(auxiliary_rate);")
    outcome = "vector[N]" if model.family == "gaussian" else "array[N] int"
    return DATA.format(outcome=outcome, factors="\n".join(p[0] for p in parts)) + PROGRAM.format(
        parameters="\n".join(parameters),
        transformed="\n".join(transformed),
        terms=" + ".join(p[4] for p in parts),
        model="\n".join(statements),
        likelihood=LIKELIHOODS[model.family],
    )


def _factor(f: int, factor: Factor) -> tuple[str, str, str, str, str]:
    """Lines of the data, parameters, transformed parameters and model blocks, and the predictor's term."""
    d = 2 if factor.slope else 1
    data = f"  int J{f}; array[N] int g{f}; vector[{d}] rate{f};" + (f" vector[N] x{f};" if d > 1 else "")
    parameters, transformed = f"  vector<lower=0>[{d}] sd{f};", ""
    statements, term = f"  sd{f} ~ exponential(rate{f});\n", f"b{f}[g{f}, 1]"
    if d > 1:
        parameters += f" cholesky_factor_corr[2] L{f};"
        transformed = f"  real rho{f} = L{f}[2, 1];\n"
        statements += f"  L{f} ~ lkj_corr_cholesky(2);\n"
        term += f" + b{f}[g{f}, 2] .* x{f}"
    root = f"diag_pre_multiply(sd{f}, L{f})" if d > 1 else f"diag_matrix(sd{f})"
    if factor.centred:
        parameters += f" matrix[J{f}, 1] b{f};"
        statements += f"  b{f}[, 1] ~ normal(0, sd{f}[1]);"
    else:
        parameters += f" matrix[{d}, J{f}] z{f};"
        transformed += f"  matrix[J{f}, {d}] b{f} = ({root} * z{f})';"
        statements += f"  to_vector(z{f}) ~ std_normal();"
    return data, parameters, transformed, statements, term


def data(model: GalleryModel) -> dict[str, object]:
    """The program's data; rows of a yes or no that agree in everything become one row with trials."""
    table = model.table()
    parts = {name: table.eval(text).astype(float) for name, text in model.columns.items()}
    parts |= {f.name: _labels(table, f) for f in model.factors}
    parts["offset"] = table.eval(model.offset) if model.offset else 0.0
    parts["y"] = table.eval(model.outcome[0]).astype(float)
    parts["trials"] = table[model.outcome[1]] if len(model.outcome) > 1 else 1
    rows = pd.DataFrame(parts)
    if model.family == "bernoulli":
        rows = rows.groupby([c for c in rows if c not in ("y", "trials")], sort=False).sum().reset_index()
    x = rows[list(model.columns)].to_numpy(float)
    values: dict[str, object] = {
        "N": len(rows),
        "K": x.shape[1],
        "X": x - x.mean(axis=0),
        "centre": x.mean(axis=0),
        "offset_": rows["offset"].to_numpy(float),
        "y": rows["y"].to_numpy(float if model.family == "gaussian" else int),
        "trials": rows["trials"].to_numpy(int),
        "intercept_mean": model.intercept[0],
        "intercept_sd": model.intercept[1],
        "slope_sd": np.array([_slope_sd(model, name) for name in model.columns]),
        "auxiliary_rate": model.auxiliary[1] if model.auxiliary else 1.0,
    }
    for f, factor in enumerate(model.factors, 1):
        index = pd.Index(levels(model, factor))
        values |= {f"J{f}": len(index), f"g{f}": index.get_indexer(rows[factor.name]) + 1}
        values[f"rate{f}"] = np.array([factor.rate, *([factor.slope[1]] if factor.slope else [])])
        if factor.slope:
            values[f"x{f}"] = rows[factor.slope[0]].to_numpy(float)
    return values


def _slope_sd(model: GalleryModel, name: str) -> float:
    """The prior's sd of a coefficient: of its own name, or of its term's, the name without levels."""
    term = ":".join(part.partition("[")[0] for part in name.split(":"))
    return model.slopes[name if name in model.slopes else term]
