"""The problems as Stan programs, as a careful person writes them: rows or hand-made cells, centred or not.

Centred means hierarchically centred: a group's own coefficients are normal around the population's.
"""

from __future__ import annotations

from typing import Any

import datasets
import numpy as np
from problems import LKJ_SHAPE, SD_RATE, Factor, Problem

LIKELIHOODS = {
    "bernoulli": "y ~ bernoulli_logit(eta);",
    "cells": "y ~ binomial_logit(trials, eta);",
    "poisson": "y ~ poisson_log(eta);",
    "gaussian": "y ~ normal(eta, sigma);",
}


def program(problem: Problem, cells: bool, centred: bool) -> str:
    """The Stan program of a problem; group coefficients are b1, b2, ... in each of them."""
    columns = [column for column, _ in problem.terms]
    factors = list(enumerate(problem.factors, 1))
    outcome = "vector[N]" if problem.family == "gaussian" else "array[N] int"
    trials = "array[N] int trials;" if cells else ""
    data = [f"int N; {outcome} y; {trials}"]
    data += [f"int J{k}; array[N] int<lower=1> g{k};" for k, _ in factors]
    data += [f"vector[N] {_column(c)};" for c in _columns(problem)]
    parameters = [f"real beta_{_column(c)};" for c in columns]
    made, model = [], [f"beta_{_column(c)} ~ normal(0, {sd});" for c, sd in problem.terms]
    eta = ["rep_vector(0, N)"]
    absorbed: set[str] = set()
    for k, factor in factors:
        own = [c for c in factor.columns if centred and problem.own(c)]
        absorbed |= set(own)
        for lines, more in zip((parameters, made, model), _group(k, factor, centred, own), strict=True):
            lines += more
        eta += [
            _times(f"b{k}[g{k}{f', {i}' if len(factor.columns) > 1 else ''}]", c)
            for i, c in _numbered(factor)
        ]
    eta += [_times(f"beta_{_column(c)}", c) for c in columns if c not in absorbed]
    if problem.family == "gaussian":
        parameters.append("real<lower=0> sigma;")
        model.append(f"sigma ~ exponential({SD_RATE});")
    model += [f"vector[N] eta = {' + '.join(eta)};", LIKELIHOODS["cells" if cells else problem.family]]
    declared = [line for line in model if line.startswith("vector")]
    model = declared + [line for line in model if line not in declared]
    blocks = {"data": data, "parameters": parameters, "transformed parameters": made, "model": model}
    return "\n".join(f"{name} {{\n  " + "\n  ".join(lines) + "\n}" for name, lines in blocks.items() if lines)


def data(problem: Problem, table: datasets.Table, cells: bool) -> dict[str, Any]:
    """The data of the program; rows with equal covariates become one where cells are asked for."""
    y = table["y"]
    columns = {c: table[c] for c in _columns(problem)}
    indices = {f"g{k}": table[f.name].astype(int) + 1 for k, f in enumerate(problem.factors, 1)}
    found: dict[str, Any] = {f"J{k[1:]}": int(index.max()) for k, index in indices.items()}
    if cells:
        keys = np.stack([*indices.values(), *columns.values()])
        distinct, cell = np.unique(keys, axis=1, return_inverse=True)
        cell = cell.ravel()
        y, found["trials"] = np.bincount(cell, y), np.bincount(cell)
        split = np.split(distinct, [len(indices)])
        indices = dict(zip(indices, split[0].astype(int), strict=True))
        columns = dict(zip(columns, split[1], strict=True))
    found |= {"N": len(y), "y": y if problem.family == "gaussian" else y.astype(int)}
    return found | indices | {_column(c): values for c, values in columns.items()}


def stacked(problem: Problem, take: Any, centred: bool) -> np.ndarray:
    """Lay out what is monitored; `take` gives (chains, draws, ...) of a variable's name."""
    names = [column for column, _ in problem.terms]
    betas = [take(f"beta_{_column(c)}") for c in names]
    sds, correlations, effects = [], [], []
    for k, factor in enumerate(problem.factors, 1):
        several = len(factor.columns) > 1
        sd = None if factor.fixed_sd else take(f"sd{k}")
        sds.append(sd if sd is None or several else sd[..., np.newaxis])
        factor_l = take(f"L{k}") if several else None
        correlations.append(None if factor_l is None else factor_l @ np.swapaxes(factor_l, -1, -2))
        b = take(f"b{k}") if several else take(f"b{k}")[..., np.newaxis]
        for i, column in enumerate(factor.columns):
            if centred and problem.own(column):
                b[..., i] -= betas[names.index(column)][..., np.newaxis]
        effects.append(b)
    shape = effects[0].shape[:2]
    beta = np.stack(betas, axis=-1) if betas else np.empty((*shape, 0))
    return problem.stack(
        beta, sds, correlations, take("sigma") if problem.family == "gaussian" else None, effects
    )


def _group(k: int, factor: Factor, centred: bool, own: list[str]) -> tuple[list[str], list[str], list[str]]:
    """Parameters, transformed parameters and priors of one factor."""
    q, middle = len(factor.columns), [f"beta_{_column(c)}" if c in own else "0" for c in factor.columns]
    if factor.fixed_sd:
        return [f"vector[J{k}] b{k};"], [], [f"b{k} ~ normal(0, {factor.fixed_sd});"]
    if q == 1:
        parameters, model = [f"real<lower=0> sd{k};"], [f"sd{k} ~ exponential({SD_RATE});"]
        if centred:
            return [*parameters, f"vector[J{k}] b{k};"], [], [*model, f"b{k} ~ normal({middle[0]}, sd{k});"]
        made = [f"vector[J{k}] b{k} = sd{k} * z{k};"]
        return [*parameters, f"vector[J{k}] z{k};"], made, [*model, f"z{k} ~ std_normal();"]
    parameters = [
        f"vector<lower=0>[{q}] sd{k};",
        f"cholesky_factor_corr[{q}] L{k};",
        f"matrix[{q}, J{k}] z{k};",
    ]
    model = [f"sd{k} ~ exponential({SD_RATE});", f"L{k} ~ lkj_corr_cholesky({LKJ_SHAPE});"]
    if centred:
        parameters[-1] = f"array[J{k}] vector[{q}] c{k};"
        mean = f"[{', '.join(middle)}]'"
        model.append(f"c{k} ~ multi_normal_cholesky({mean}, diag_pre_multiply(sd{k}, L{k}));")
        made = [f"matrix[J{k}, {q}] b{k};", f"for (j in 1:J{k}) b{k}[j] = c{k}[j]';"]
        return parameters, made, model
    made = [f"matrix[J{k}, {q}] b{k} = (diag_pre_multiply(sd{k}, L{k}) * z{k})';"]
    return parameters, made, [*model, f"to_vector(z{k}) ~ std_normal();"]


def _columns(problem: Problem) -> list[str]:
    used = [c for c, _ in problem.terms] + [c for f in problem.factors for c in f.columns]
    return [c for c in dict.fromkeys(used) if c != "1"]


def _column(column: str) -> str:
    return "one" if column == "1" else column


def _numbered(factor: Factor) -> list[tuple[int, str]]:
    return list(enumerate(factor.columns, 1))


def _times(coefficient: str, column: str) -> str:
    if column == "1":
        return coefficient
    return f"{coefficient} .* {column}" if "[" in coefficient else f"{coefficient} * {column}"
