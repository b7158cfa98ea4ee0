"""Which symbol each parameter of a model has in its equations."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from partialpool.model.effects import Effects, EffectsTerm, GroupCoefficient
from partialpool.model.names import population_name, prefix
from partialpool.model.parameters import PredictorParameters
from partialpool.model.spec import ModelSpec

LETTERS = "jklmnopq"


@dataclass(frozen=True)
class Effect:
    """A coefficient that varies by group.

    Attributes
    ----------
    name
        Its name as a population-level coefficient: ``"Intercept"``, ``"x"``.
    symbol
        Of one group's effect: ``"alpha_j"``.
    mean
        Of what it varies around: ``"alpha_bar"``, ``"0"``.
    sd
        ``"sigma"``, or the number where it is given.
    row
        What a row gets of it: ``"alpha_j[i]"``, ``"(alpha_j[a_i] + alpha_j[b_i])/2"``.
    """

    coefficient: GroupCoefficient
    name: str
    symbol: str
    mean: str
    sd: str
    row: str


class Symbols:
    """The symbols of one model.

    Intercepts are alpha, slopes beta. A coefficient that varies by one factor is written around its
    population mean (alpha_j around alpha_bar); one that varies by several as deviations around zero, named
    after their factors (alpha_school_j, alpha_class_k).
    """

    def __init__(self, spec: ModelSpec) -> None:
        self._effects = spec.parameters.effects
        self._numbers = {part.parameter: p for p, part in enumerate(spec.parameters.predictors)}
        factors = list(dict.fromkeys(effects.factor for effects in self._effects))
        letters = [*LETTERS, *(f"j{n}" for n in range(1, len(factors)))]
        self._letter = dict(zip(factors, letters, strict=False))
        learnt = sum(int(np.sum(effects.learnt)) for effects in self._effects)
        self._only_sd = learnt == 1 and "sigma" not in spec.family.parameters
        self._correlated = [effects for effects in self._effects if effects.corr is not None]

    def index(self, effects: Effects) -> str:
        """Letter that runs over a block's groups."""
        return self._letter[effects.factor]

    def matrix_suffix(self, effects: Effects) -> str:
        """Tell the matrices of several correlated blocks apart: ``"_2"``."""
        if len(self._correlated) == 1:
            return ""
        return f"_{next(n for n, b in enumerate(self._correlated, 1) if b is effects)}"

    def coefficient(self, part: PredictorParameters, name: str) -> str:
        """Symbol of a population-level coefficient, or of the mean that groups vary around."""
        return _base(part.parameter, name) + ("_bar" if self._folded(part, name) else "")

    def effects(self, parts: Sequence[PredictorParameters], effects: Effects) -> list[Effect]:
        """Symbols of a block's coordinates; `parts` are all predictors."""
        return [
            self._effect(parts[own.predictor], effects, name, effects.coefficients[at])
            for own in effects.terms
            for at, name in zip(own.coordinates, _names(own), strict=True)
        ]

    def _effect(
        self, part: PredictorParameters, effects: Effects, name: str, coefficient: GroupCoefficient
    ) -> Effect:
        base = _base(part.parameter, name)
        shared, folded = _shared(part, name), self._folded(part, name)
        if not folded and (shared or len(self._varying(part, name)) > 1):
            base += "_" + "_".join(re.findall(r"\w+", effects.factor))
        sd = "sigma" if self._only_sd else f"sigma_{base}"
        if not coefficient.learnt:
            sd = "" if coefficient.sd is None else f"{coefficient.sd:g}"
        mean = self.coefficient(part, name) if folded and shared else "0"
        symbol = f"{base}_{self.index(effects)}"
        return Effect(coefficient, name, symbol, mean, sd, _of_row(symbol, effects))

    def terms(self, part: PredictorParameters) -> list[str]:
        """What a predictor is the sum of."""
        assert part.predictor is not None, "a parameter without a formula is no sum"
        own_effects = [
            self._effect(part, effects, name, effects.coefficients[at])
            for effects, own in self._terms_of(part)
            for at, name in zip(own.coordinates, _names(own), strict=True)
        ]
        found = []
        for name in part.predictor.population.names:
            own = [effect for effect in own_effects if effect.name == name]
            folded = self._folded(part, name)
            found.append(_times(own[0].row if folded else self.coefficient(part, name), name))
            own_effects = [effect for effect in own_effects if effect.name != name or not folded]
        found += [_times(effect.row, effect.name) for effect in own_effects]
        return found + (["offset_i"] if part.predictor.offset is not None else [])

    def _terms_of(self, part: PredictorParameters) -> list[tuple[Effects, EffectsTerm]]:
        """The terms of a predictor, each with its block."""
        number = self._numbers[part.parameter]
        return [(e, own) for e in self._effects for own in e.terms if own.predictor == number]

    def _varying(self, part: PredictorParameters, name: str) -> list[tuple[Effects, GroupCoefficient]]:
        """The group-level coefficients that vary a population-level one, each with its block."""
        return [
            (effects, effects.coefficients[own.coordinates[_names(own).index(name)]])
            for effects, own in self._terms_of(part)
            if name in _names(own)
        ]

    def _folded(self, part: PredictorParameters, name: str) -> bool:
        """Whether one term varies a coefficient, with a normal distribution that can take its mean.

        Where rows have several groups the weights may not sum to one, and then it cannot.
        """
        found = self._varying(part, name)
        return len(found) == 1 and found[0][1].sd is not None and not found[0][0].grouping.members


def _of_row(symbol: str, effects: Effects) -> str:
    """Write what a row gets of a group's effect: the weighted sum over its groups, where it has several."""
    grouping = effects.grouping
    if not grouping.members:
        return f"{symbol}[i]"
    own = [f"{symbol}[{column}_i]" for column in grouping.columns]
    weights = {float(w) for m in grouping.members for w in np.unique(1.0 if m.weights is None else m.weights)}
    if weights == {1.0}:
        return f"({' + '.join(own)})"
    if weights == {1.0 / len(own)}:
        return f"({' + '.join(own)})/{len(own)}"
    return f"({' + '.join(f'w{k}_i {text}' for k, text in enumerate(own, 1))})"


def _base(parameter: str, name: str) -> str:
    start = prefix(parameter).removesuffix("_")
    words = ["alpha", start] if name == "Intercept" else ["beta", start, name]
    return "_".join(word for word in words if word)


def _names(own: EffectsTerm) -> list[str]:
    """The coefficients that a term varies, named as population-level ones."""
    return [population_name(name) for name in own.names]


def _shared(part: PredictorParameters, name: str) -> bool:
    return part.predictor is not None and name in part.predictor.population.names


def _times(symbol: str, name: str) -> str:
    return symbol if name == "Intercept" else f"{symbol} {name}_i"
