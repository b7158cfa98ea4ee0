"""The same model as a Stan program on rows, for people who go on where formulas end."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from partialpool.families.base import MAIN, Family
from partialpool.families.links import LINKS
from partialpool.families.support import ADDITIONS
from partialpool.formula.design_rows import take_rows
from partialpool.formula.records import Outcome
from partialpool.model.equations import equations
from partialpool.model.names import prefix
from partialpool.model.parameters import PredictorParameters, build_parameters
from partialpool.model.spec import ModelSpec
from partialpool.model.stan_draft import Draft
from partialpool.model.stan_terms import write_auxiliary, write_coefficients, write_effects, write_ordered
from partialpool.model.stan_text import Identifiers, listed


@dataclass(frozen=True)
class StanProgram:
    """A Stan program and its data.

    Attributes
    ----------
    code
        The program.
    data
        What its data block declares, made of numbers and lists: ``json.dumps(dict(program.data))`` is Stan's
        data file.
    names
        The Stan variable of each of our variables, ``{"1|district_sigma": "sd_1_district"}``. Where the
        levels of a term had to become separate variables, their own names are keys: ``"cat[b]"``.
    """

    code: str
    data: Mapping[str, object]
    names: Mapping[str, str]


def to_stan(spec: ModelSpec) -> StanProgram:
    """Write a model as a Stan program.

    The program has the same parameters and priors; its log density differs from ours by a constant. Group
    effects are non-centred where their sds are learnt.

    Parameters
    ----------
    spec
        The model.

    Returns
    -------
    Code, data (one entry a row) and names.

    Raises
    ------
    DataError
        When the model is of a fit that was kept without its rows.
    """
    spec.design.require_rows("The Stan program")
    whole = take_rows(spec.design)
    spec = replace(spec, design=whole, parameters=build_parameters(whole, spec.family, spec.priors))
    parts, family = spec.parameters.predictors, spec.family
    draft = Draft(Identifiers(re.findall(r"\w+", family.stan)))
    outcome = _write_outcome(draft, spec)
    symbols = {part.parameter: _symbol(draft, family, part.parameter) for part in parts}
    terms = [_write_parameters(draft, spec, part) for part in parts]
    for effects in spec.parameters.effects:
        for number, term in write_effects(draft, [part.parameter for part in parts], effects):
            terms[number].append(term)
    if draft.model.lines:
        draft.model.add("")
    for part, own in zip(parts, terms, strict=True):
        if part.predictor is not None:
            _write_predictor(draft, family, part, own, symbols[part.parameter])
    _write_likelihood(draft, spec, outcome, symbols)
    return StanProgram(_text(spec, draft), dict(draft.values), dict(draft.names))


def _symbol(draft: Draft, family: Family, parameter: str) -> str:
    """Identifier of a parameter: its own name where the family's text has it."""
    known = parameter in re.findall(r"\w+", family.stan)
    return parameter if known or parameter in family.vector_values else draft.identifiers.new(parameter)


def _outcome(spec: ModelSpec) -> Outcome:
    assert spec.design.outcome is not None, "models are built from rows with an outcome"
    return spec.design.outcome


def _write_outcome(draft: Draft, spec: ModelSpec) -> str:
    """Declare the rows, the outcome, trials and weights; return the outcome's identifier."""
    outcome = _outcome(spec)
    symbol = draft.identifiers.new(outcome.name)
    draft.data.add("int<lower=1> N;", "rows")
    draft.values["N"] = spec.design.n_rows
    codes = _codes(spec)
    levels = f": {', '.join(codes)}" if codes else ""
    kind = "array[N] int" if spec.family.discrete else "vector[N]"
    draft.data.add(f"{kind} {symbol};", f"outcome {outcome.name}{levels}")
    values = spec.family.stan_values(outcome.values)
    draft.values[symbol] = (values.astype(np.int64) if spec.family.discrete else values).tolist()
    for name, column in outcome.additions.items():
        counts = ADDITIONS[name].counts
        draft.data.add(f"{'array[N] int<lower=0>' if counts else 'vector[N]'} {name};", f"{name} of each row")
        draft.values[name] = (column.astype(np.int64) if counts else column).tolist()
    if outcome.weights is not None:
        draft.data.add("vector<lower=0>[N] weights;", "how many times each row counts")
        draft.values["weights"] = outcome.weights.tolist()
    return symbol


def _codes(spec: ModelSpec) -> list[str]:
    """Say which number stands for which label."""
    outcome, names = _outcome(spec), spec.family.categories
    if names:
        same = names == tuple(f"{k}" for k in range(1, len(names) + 1))
        return [] if same else [f"{code} for {label}" for code, label in enumerate(names, 1)]
    return [f"{code} for {label}" for code, label in enumerate(outcome.levels or ())]


def _write_parameters(draft: Draft, spec: ModelSpec, part: PredictorParameters) -> list[str]:
    """Write population-level coefficients, or the parameter itself; return the terms of the predictor."""
    if part.predictor is not None:
        return write_coefficients(draft, part)
    family, (name, _, _) = spec.family, part.parameter.partition("[")
    if part.parameter not in family.vector_values:
        write_auxiliary(draft, part.coefficients[0])
    elif name not in draft.names:  # the first of its values
        own = [c for c in spec.parameters.coefficients if c.name in family.vector_values]
        write_ordered(draft, name, own, family.main)
    return []


def _write_predictor(
    draft: Draft, family: Family, part: PredictorParameters, terms: list[str], symbol: str
) -> None:
    """Write the sum of a predictor's terms: the mean's on the scale of its link, others on their own."""
    assert part.predictor is not None, "a parameter without a formula has no predictor"
    name = part.parameter
    if part.predictor.offset is not None:
        offset = draft.identifiers.new(f"offset_{name}")
        draft.data.add(f"vector[N] {offset};", f"offset of {name}")
        draft.values[offset] = part.predictor.offset.tolist()
        terms = [*terms, offset]
    if not terms:
        terms = ["rep_vector(0, N)"]
    elif terms == [draft.names.get(f"{prefix(name)}Intercept")]:
        terms = [f"rep_vector({terms[0]}, N)"]
    inverse = "" if name == family.main else LINKS[family.links[name]].stan
    start, stop = (f"{inverse}(", ");") if inverse else ("", ";")
    link = LINKS[family.links[name]].text
    if name == family.main and link:
        draft.model.note(f"{link} of each row's {family.mean_word}")
    draft.model.add(listed(f"vector[N] {symbol} = {start}", " + ", terms, stop))


def _write_likelihood(draft: Draft, spec: ModelSpec, outcome: str, symbols: Mapping[str, str]) -> None:
    """Write the outcome's distribution: one statement, or a loop where rows have weights."""
    family, weighted = spec.family, "weights" in draft.values
    if not weighted and not family.stan_by_row:
        draft.model.add(f"{outcome} ~ {family.stan.format(**_arguments(spec, symbols))};")
        return
    rows = {p: f"{s}[n]" if p in spec.design.predictors else s for p, s in symbols.items()}
    added = "|".join(ADDITIONS)
    text = re.sub(rf"\b({added})\b", r"\1[n]", family.stan.format(**_arguments(spec, rows)))
    draft.model.add("for (n in 1:N) {")
    if weighted:
        name, _, arguments = text.partition("(")
        suffix = "lpmf" if family.discrete else "lpdf"
        draft.model.add(f"  target += weights[n] * {name}_{suffix}({outcome}[n] | {arguments};")
    else:
        draft.model.add(f"  {outcome}[n] ~ {text};")
    draft.model.add("}")


def _arguments(spec: ModelSpec, symbols: Mapping[str, str]) -> dict[str, str]:
    """What stands in the family's text: the main predictors, others, variables of several values."""
    mains, values = spec.family.mains, spec.family.vector_values
    others = {p: s for p, s in symbols.items() if p not in mains and p not in values}
    others |= {name: name for name in (p.partition("[")[0] for p in values)}
    return {MAIN: ", ".join(symbols[p] for p in mains), **others}


def _text(spec: ModelSpec, draft: Draft) -> str:
    """The model as equations in comments, then the program's blocks."""
    head = "".join(f"// {line}".rstrip() + "\n" for line in equations(spec).splitlines())
    blocks = (
        draft.data,
        draft.transformed_data,
        draft.parameters,
        draft.transformed,
        draft.model,
        draft.generated,
    )
    return head + "\n" + "".join(block.text() for block in blocks)
