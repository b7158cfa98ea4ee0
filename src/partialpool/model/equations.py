"""A model as text equations, the way a statistician would write it on a board."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from partialpool.families.links import LINKS
from partialpool.families.support import ADDITIONS
from partialpool.formula.outcome import name_of_outcome
from partialpool.model.effects import Effects
from partialpool.model.equation_symbols import Effect, Symbols
from partialpool.model.names import prefix
from partialpool.model.parameters import Coefficient, PredictorParameters
from partialpool.model.spec import ModelSpec
from partialpool.priors.base import AtMeans, Prior, unwrapped

WIDEST_LEFT, WIDEST_SUM, WIDEST_NOTED = 32, 72, 80


def equations(spec: ModelSpec) -> str:
    """Write a model as equations.

    Parameters
    ----------
    spec
        The model.

    Returns
    -------
    One statement a line, signs under each other. At the right stands how far an index runs, or what a
    symbol is called in results.
    """
    symbols = Symbols(spec)
    parts = spec.parameters.predictors
    lines = [_outcome(spec), *_predictors(spec, symbols)]
    for effects in spec.parameters.effects:
        lines += _effects(symbols, symbols.effects(parts, effects), effects)
    for part in parts:
        lines += _coefficients(symbols, part)
    for effects in spec.parameters.effects:
        lines += _spread(symbols, symbols.effects(parts, effects), effects)
    return _aligned([*lines, *_without_formula(spec, symbols)])


@dataclass(frozen=True)
class _Line:
    left: str
    sign: str
    right: str
    note: str = ""


def _outcome(spec: ModelSpec) -> _Line:
    """The distribution of a row's outcome."""
    family, outcome = spec.family, spec.design.outcome
    assert outcome is not None, "models are built from rows with an outcome"
    by_row = sorted({*ADDITIONS, family.mean_symbol, *spec.design.predictors}, key=len, reverse=True)
    name, _, arguments = family.equation.partition("(")
    words = "|".join(re.escape(word) for word in by_row)
    arguments = re.sub(rf"(?<!\w)({words})(?!\w)", r"\1_i", arguments)
    counted = "" if outcome.weights is None else ", each counted weights_i times"
    return _Line(
        f"{name_of_outcome(family, outcome)}_i", "~", f"{name}({arguments}", f"{_range(spec)}{counted}"
    )


def _range(spec: ModelSpec) -> str:
    return f"i = 1..{spec.design.n_rows}" if spec.design.n_rows else "each row i"


def _predictors(spec: ModelSpec, symbols: Symbols) -> Iterator[_Line]:
    """Each predictor as a sum."""
    for part in spec.parameters.predictors:
        if part.predictor is None:
            continue
        parameter = part.parameter
        symbol = f"{spec.family.mean_symbol if spec.family.mains == (parameter,) else parameter}_i"
        link = LINKS[spec.family.links[parameter]].text
        yield from _wrapped(f"{link}({symbol})" if link else symbol, symbols.terms(part) or ["0"])


def _effects(symbols: Symbols, shown: Sequence[Effect], effects: Effects) -> Iterator[_Line]:
    """The distribution of a block of group effects."""
    letter, known = symbols.index(effects), effects.covariance
    note = f"{letter} = 1..{effects.size} ({effects.factor})"
    if effects.corr is None:
        for effect in shown:
            if known is None:
                yield _Line(effect.symbol, "~", _effect_prior(effect), note)
            else:
                groups = effect.symbol.removesuffix(letter)
                left = f"({groups}1, ..., {groups}{effects.size})"
                text = f"MVNormal({effect.mean}, {effect.sd}^2 {known.name})"
                yield _Line(left, "~", text, f"({effects.factor}), {known.name} known")
        return
    n = symbols.matrix_suffix(effects)
    means = [effect.mean for effect in shown]
    mean = "0" if set(means) == {"0"} else f"({', '.join(means)})"
    sds = ", ".join(effect.sd for effect in shown)
    own = "" if known is None else f"{known.name}_{letter}{letter} "
    yield _Line(f"({', '.join(e.symbol for e in shown)})", "~", f"MVNormal({mean}, {own}S{n})", note)
    yield _Line(f"S{n}", "=", f"D{n} R{n} D{n},  D{n} = diag({sds})")
    if known is not None:
        text = f"of the effects of groups {letter} and h, {known.name} known"
        yield _Line("Cov", "=", f"{known.name}_{letter}h S{n}", text)


def _effect_prior(effect: Effect) -> str:
    sd = effect.coefficient.sd
    text = str(effect.coefficient.prior) if sd is None else f"Normal({effect.mean}, {effect.sd})"
    return text if isinstance(sd, Prior) else f"{text}, independent"


def _coefficients(symbols: Symbols, part: PredictorParameters) -> Iterator[_Line]:
    """Priors of a predictor's coefficients, a line for all levels of a term that have the same."""
    if part.predictor is None:
        return
    names = part.predictor.population.names
    priors = {name: c.prior for name, c in zip(names, part.coefficients, strict=True)}
    shown = {name: symbols.coefficient(part, name) for name in names}
    for term in part.predictor.population.terms:
        for prior, same in _alike(names[term.columns], priors):
            note = prefix(part.parameter) + term.name if term.name == "Intercept" else ""
            if isinstance(prior, AtMeans) and len(names) > 1:
                yield from _at_means(prior, shown, note)
            else:
                yield _Line(", ".join(shown[name] for name in same), "~", str(unwrapped(prior)), note)


def _alike(names: Iterable[str], priors: Mapping[str, Prior]) -> list[tuple[Prior, list[str]]]:
    """Put together the names that have equal priors."""
    found: list[tuple[Prior, list[str]]] = []
    for name in names:
        same = next((own for prior, own in found if prior == priors[name]), None)
        if same is None:
            found.append((priors[name], [name]))
        else:
            same.append(name)
    return found


def _at_means(prior: AtMeans, shown: Mapping[str, str], note: str) -> Iterator[_Line]:
    """An intercept whose prior holds where every predictor is at its mean."""
    intercept = shown["Intercept"]
    slopes = [f"{symbol} mean({name})" for name, symbol in shown.items() if name != "Intercept"]
    yield from _wrapped(f"{intercept}*", [intercept, *slopes], f"{intercept}: {note}")
    yield _Line(f"{intercept}*", "~", str(prior.prior), "where every predictor is at its mean")


def _without_formula(spec: ModelSpec, symbols: Symbols) -> Iterator[_Line]:
    """Priors of parameters without a formula; those of one variable in one line where they are equal."""
    ordered: dict[str, list[Coefficient]] = {}
    for part in spec.parameters.predictors:
        (coefficient, *_) = part.coefficients or (None,)
        if part.predictor is not None or coefficient is None:
            continue
        name = part.parameter.partition("[")[0]
        if part.parameter in spec.family.vector_values:
            ordered.setdefault(name, []).append(coefficient)
        else:
            yield _Line(part.parameter, "~", _positive(coefficient.prior))
    for name, own in ordered.items():
        yield from _ascending(spec, symbols, name, own)


def _ascending(spec: ModelSpec, symbols: Symbols, name: str, own: Sequence[Coefficient]) -> Iterator[_Line]:
    """Priors of values that ascend, such as thresholds."""
    main = spec.parameters.predictors[0]
    assert main.predictor is not None, "the main parameter has a formula"
    slopes = [f"{symbols.coefficient(main, n)} mean({n})" for n in main.predictor.population.names]
    same = len({c.prior for c in own}) == 1
    for c in own[:1] if same else own:
        left = f"{name}[k]" if same else c.name
        if isinstance(c.prior, AtMeans) and slopes:
            *before, last = slopes
            terms = [*before, f"{last})"]
            yield from _wrapped(f"{left}*", [f"{left} - ({terms[0]}", *terms[1:]])
            left += "*"
        at_means = ", where every predictor is at its mean" if left.endswith("*") else ""
        yield _Line(left, "~", str(unwrapped(c.prior)), f"k = 1..{len(own)}, ascending{at_means}")


def _spread(symbols: Symbols, shown: Sequence[Effect], effects: Effects) -> Iterator[_Line]:
    """Priors of a block's sds and correlations."""
    for effect in shown:
        if isinstance(effect.coefficient.sd, Prior):
            note = f"{effect.coefficient.name}_sigma"
            yield _Line(effect.sd, "~", _positive(effect.coefficient.sd), note)
    if effects.corr is not None:
        yield _Line(f"R{symbols.matrix_suffix(effects)}", "~", str(effects.corr), effects.corr_name)


def _positive(prior: Prior) -> str:
    """A prior of a positive number: one over all reals is cut at zero."""
    return f"{prior}, positive" if prior.support == "real" else str(prior)


def _wrapped(left: str, terms: Sequence[str], note: str = "") -> Iterator[_Line]:
    """A sum, broken over lines where it is long."""
    sign, line = "=", terms[0]
    for term in terms[1:]:
        if len(line) + len(term) > WIDEST_SUM:
            yield _Line(left, sign, line, note)
            left, sign, line, note = "", "", f"+ {term}", ""
        else:
            line += f" + {term}"
    yield _Line(left, sign, line, note)


def _aligned(lines: Sequence[_Line]) -> str:
    """Signs under each other, and notes too; wide lines stick out."""
    left = max(len(line.left) for line in lines if len(line.left) <= WIDEST_LEFT)
    shown = [(f"{line.left:>{left}} {line.sign:1} {line.right}", line.note) for line in lines]
    widths = [len(text) for text, note in shown if note]
    noted = max((width for width in widths if width <= WIDEST_NOTED), default=0)
    return "\n".join(f"{text:<{noted}}   {note}".rstrip() for text, note in shown)
