"""Which symbol each parameter of a model has in its equations."""

from __future__ import annotations

from dataclasses import dataclass

from partialpool.model.names import prefix
from partialpool.model.parameters import GroupBlock, GroupCoefficient, PredictorParameters
from partialpool.model.spec import ModelSpec
from partialpool.priors.base import Prior

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
    """

    coefficient: GroupCoefficient
    name: str
    symbol: str
    mean: str
    sd: str


class Symbols:
    """The symbols of one model.

    Intercepts are alpha, slopes beta. A coefficient that varies by one factor is written around its
    population mean (alpha_j around alpha_bar); one that varies by several as deviations around zero, named
    after their factors (alpha_school_j, alpha_class_k).
    """

    def __init__(self, spec: ModelSpec) -> None:
        blocks = [block for _, block in spec.parameters.blocks]
        factors = list(dict.fromkeys(block.term.grouping.name for block in blocks))
        letters = [*LETTERS, *(f"j{n}" for n in range(1, len(factors)))]
        self._letter = dict(zip(factors, letters, strict=False))
        learnt = [c for block in blocks for c in block.coefficients if isinstance(c.sd, Prior)]
        self._only_sd = len(learnt) == 1 and "sigma" not in spec.family.parameters
        self._correlated = [block for block in blocks if block.corr is not None]

    def index(self, block: GroupBlock) -> str:
        """Letter that runs over a term's groups."""
        return self._letter[block.term.grouping.name]

    def matrix_suffix(self, block: GroupBlock) -> str:
        """Tell the matrices of several correlated terms apart: ``"_2"``."""
        if len(self._correlated) == 1:
            return ""
        return f"_{next(n for n, b in enumerate(self._correlated, 1) if b is block)}"

    def coefficient(self, part: PredictorParameters, name: str) -> str:
        """Symbol of a population-level coefficient, or of the mean that groups vary around."""
        return _base(part, name) + ("_bar" if _folded(part, name) else "")

    def effects(self, part: PredictorParameters, block: GroupBlock) -> list[Effect]:
        """Symbols of a term's effects."""
        return [
            self._effect(part, block, name, coefficient)
            for name, coefficient in zip(_names(block), block.coefficients, strict=True)
        ]

    def _effect(
        self, part: PredictorParameters, block: GroupBlock, name: str, coefficient: GroupCoefficient
    ) -> Effect:
        base = _base(part, name)
        shared, folded = _shared(part, name), _folded(part, name)
        if not folded and (shared or len(_varying(part, name)) > 1):
            base += f"_{block.term.grouping.name}"
        sd = "sigma" if self._only_sd else f"sigma_{base}"
        if not isinstance(coefficient.sd, Prior):
            sd = "" if coefficient.sd is None else f"{coefficient.sd:g}"
        mean = self.coefficient(part, name) if folded and shared else "0"
        return Effect(coefficient, name, f"{base}_{self.index(block)}", mean, sd)

    def terms(self, part: PredictorParameters) -> list[str]:
        """What a predictor is the sum of."""
        assert part.predictor is not None, "a parameter without a formula is no sum"
        effects = [effect for block in part.blocks for effect in self.effects(part, block)]
        found = []
        for name in part.predictor.population.names:
            own = [effect for effect in effects if effect.name == name]
            folded = _folded(part, name)
            found.append(_times(f"{own[0].symbol}[i]" if folded else self.coefficient(part, name), name))
            effects = [effect for effect in effects if effect.name != name or not folded]
        found += [_times(f"{effect.symbol}[i]", effect.name) for effect in effects]
        return found + (["offset_i"] if part.predictor.offset is not None else [])


def _base(part: PredictorParameters, name: str) -> str:
    parameter = prefix(part.parameter).removesuffix("_")
    words = ["alpha", parameter] if name == "Intercept" else ["beta", parameter, name]
    return "_".join(word for word in words if word)


def _names(block: GroupBlock) -> list[str]:
    """The coefficients that a term varies, named as population-level ones."""
    return ["Intercept" if name == "1" else name for name in block.term.names]


def _varying(part: PredictorParameters, name: str) -> list[GroupBlock]:
    return [block for block in part.blocks if name in _names(block)]


def _shared(part: PredictorParameters, name: str) -> bool:
    return part.predictor is not None and name in part.predictor.population.names


def _folded(part: PredictorParameters, name: str) -> bool:
    """Whether one term varies a coefficient, with a normal distribution that can take its mean."""
    blocks = _varying(part, name)
    if len(blocks) != 1:
        return False
    return blocks[0].coefficients[_names(blocks[0]).index(name)].sd is not None


def _times(symbol: str, name: str) -> str:
    return symbol if name == "Intercept" else f"{symbol} {name}_i"
