"""Python code that reproduces a fit or a comparison."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

from partialpool.data.datasets import datasets
from partialpool.formula.formula import Formula
from partialpool.inference.draws import Draws
from partialpool.inference.prior import METHOD as PRIOR
from partialpool.priors.base import Prior, number
from partialpool.report.protocols import FitLike, ModelLike, PoolsLike
from partialpool.results.summaries import DEFAULT_PROB

TABLE_ENDINGS = {".csv", ".tsv", ".txt", ".parquet", ".arrow", ".feather", ".ipc"}
PLACEHOLDER = "..."


def fit_script(fit: FitLike, source: str | None, prob: float) -> str:
    """Write Python code that reproduces a fit.

    Parameters
    ----------
    fit
        The fit.
    source
        Name of a bundled data set, or path of a table; anything else becomes ``...``.
    prob
        Probability of the summary's intervals.
    """
    model = _call("model = pp.Model", [*_asked(fit.model), *_missing(fit.model), *_covariances(fit.model)])
    method = "sample_prior" if fit.draws.method == PRIOR else "fit"
    sampled = _call(f"fit = model.{method}", _sampling(fit.draws))
    return "\n".join([*_opening(source), model, sampled, f"print(fit.summary(prob={prob:g}))"])


def pools_script(pools: PoolsLike, source: str | None) -> str:
    """Write Python code that reproduces a comparison; parameters are as for `fit_script`."""
    model = pools.partial_pooling.model
    several = len(model.design.groupings) > 1
    arguments = [
        *_asked(model),
        *([f"group={json.dumps(pools.group, ensure_ascii=False)}"] if several else []),
        *_sampling(pools.partial_pooling.draws),
        *([f"prob={pools.prob:g}"] if pools.prob != DEFAULT_PROB else []),
        *_missing(model),
        *_covariances(model),
    ]
    called = _call("pools = pp.compare_pooling", arguments)
    return "\n".join([*_opening(source), called, "print(pools.table())", "print(pools.explain())"])


def knows_data(source: str | None) -> bool:
    """Say whether the script can name the source of the data."""
    return _data(source) != PLACEHOLDER


def covariance_names(model: ModelLike) -> list[str]:
    """Name the known covariances between groups, which the script cannot write out."""
    terms = (term for predictor in model.design.predictors.values() for term in predictor.groups)
    return list(dict.fromkeys(term.covariance.name for term in terms if term.covariance is not None))


def _opening(source: str | None) -> list[str]:
    return ["import partialpool as pp", "", f"data = {_data(source)}"]


def _data(source: str | None) -> str:
    if source in {dataset.name for dataset in datasets()}:
        return f"pp.load_dataset({_quoted(str(source))})"
    if source and "\n" not in source and Path(source).suffix.lower() in TABLE_ENDINGS:
        return f"pp.read_table({_quoted(source)})"
    return PLACEHOLDER


def _asked(model: ModelLike) -> list[str]:
    family, usual = model.family, type(model.family)().link
    text = family.name if family.link == usual else f"{family.name}({family.link})"
    return [_formula(model.formula), "data", f"family={_quoted(text)}", f"priors={_priors(model.priors)}"]


def _formula(formula: Formula) -> str:
    if not formula.parameters:
        return _quoted(formula.text)
    others = [f"{name}={_quoted(text)}" for name, text in formula.parameters.items()]
    return f"pp.Formula({', '.join([_quoted(formula.text), *others])})"


def _priors(priors: Mapping[str, Prior]) -> str:
    lines = [f"        {_quoted(name)}: {prior_text(prior)}," for name, prior in priors.items()]
    return "\n".join(["{", *lines, "    }"])


def prior_text(prior: Prior) -> str:
    """Write a prior as Python, with all its digits.

    Examples
    --------
    >>> from partialpool.priors.gamma import Exponential
    >>> from partialpool.priors.normal import Normal
    >>> prior_text(Normal(0, Exponential(1)))
    'pp.Normal(0, pp.Exponential(1))'
    """
    values = (getattr(prior, field.name) for field in fields(prior))
    inside = (prior_text(value) if isinstance(value, Prior) else number(value) for value in values)
    return f"pp.{type(prior).__name__}({', '.join(inside)})"


def _sampling(draws: Draws) -> list[str]:
    if draws.method == PRIOR:
        return [f"draws={draws.asked}", f"seed={draws.seed}"]
    n_chains = draws.values.shape[0]
    asked: dict[str, object] = {"draws": draws.asked, "chains": n_chains, "seed": draws.seed}
    asked |= {"method": _quoted(draws.method)} if draws.method == "laplace" else {"warmup": draws.warmup}
    if draws.target_accept is not None:
        asked["target_accept"] = draws.target_accept
    return [f"{name}={value}" for name, value in asked.items()]


def _missing(model: ModelLike) -> list[str]:
    return ['missing="drop"'] if model.design.n_dropped else []


def _covariances(model: ModelLike) -> list[str]:
    tables = [f"{_quoted(name)}: {PLACEHOLDER}" for name in covariance_names(model)]
    return [f"covariances={{{', '.join(tables)}}}"] if tables else []


def _call(function: str, arguments: list[str]) -> str:
    return "\n".join([f"{function}(", *(f"    {argument}," for argument in arguments), ")"])


def _quoted(text: str) -> str:
    """Write a text in double quotes, as Python reads it; letters of all scripts stay legible."""
    return re.sub(
        r"[\u0080-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\ud800-\udfff]",
        _escaped,
        json.dumps(text, ensure_ascii=False),
    )


def _escaped(letter: re.Match[str]) -> str:
    return f"\\u{ord(letter[0]):04x}"
