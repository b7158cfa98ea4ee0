"""``mm(a, b)``, as it is written: columns that each name one of several groups that a row belongs to."""

from __future__ import annotations

from dataclasses import dataclass

from partialpool.formula.syntax.functions import check_calls
from partialpool.formula.syntax.scan import Piece

FUNCTION = "mm"
_ALLOWED = f"columns, weights=cbind(...) and scale: {FUNCTION}(a, b, weights=cbind(w1, w2), scale=FALSE)"
_FLAGS = {"TRUE": True, "True": True, "FALSE": False, "False": False}
# Arguments that brms has, and what says the same here.
_ELSEWHERE = {
    "cor": "(x || mm(a, b)) leaves the correlations out",
    "dist": "effects have a normal distribution",
}


@dataclass(frozen=True)
class MembersPart:
    """A grouping factor of which each row has several groups.

    Attributes
    ----------
    columns
        Each names one group of a row.
    weights
        For each column what a row's group of it counts; empty where all count the same.
    scaled
        Whether a row's weights are divided by their sum.
    """

    columns: tuple[str, ...]
    weights: tuple[Piece, ...] = ()
    scaled: bool = True

    @property
    def name(self) -> str:
        """``"mm(a, b)"``, whatever the weights are."""
        return f"{FUNCTION}({', '.join(self.columns)})"

    def same_as(self, other: MembersPart) -> bool:
        """Tell whether the weights are written in the same way."""
        own, theirs = ([[t.text for t in w.tokens] for w in part.weights] for part in (self, other))
        return own == theirs and self.scaled == other.scaled


def read_members(factor: Piece) -> MembersPart | None:
    """Read what stands right of a bar, if it is a call of ``mm``.

    Raises
    ------
    FormulaError
        Points at an argument that means nothing.
    """
    inside = factor.argument(FUNCTION)
    if inside is None:
        return None
    columns: list[str] = []
    given: dict[str, Piece] = {}
    for argument in inside.split(","):
        texts = [token.text for token in argument.tokens[:2]]
        if len(texts) == 2 and texts[1] == "=":
            _add_option(given, argument, factor)
        elif len(argument) == 1 and argument.tokens[0].is_name:
            columns.append(argument.tokens[0].value)
        else:
            raise _no_column(argument, factor)
    if len(columns) < 2:
        raise factor.error(
            f"{FUNCTION}() needs two columns at least.", hint="(1 | g) where rows have one group"
        )
    if len(set(columns)) < len(columns):
        raise factor.error(f"The grouping factor {factor.source!r} has a column twice.")
    weights = _weights(given["weights"], columns) if "weights" in given else ()
    return MembersPart(tuple(columns), weights, "scale" not in given or _flag(given["scale"]))


def _add_option(given: dict[str, Piece], argument: Piece, factor: Piece) -> None:
    name, value = argument.tokens[0], argument[2:]
    if name.text not in ("weights", "scale"):
        hint = _ELSEWHERE.get(name.text)
        raise factor.error(
            f"{FUNCTION}() has no argument {name.text!r}.", name, allowed=_ALLOWED, **_hint(hint)
        )
    if name.text in given or not len(value):
        raise factor.error(f"{name.text!r} has one value.", name, allowed=_ALLOWED)
    given[name.text] = value


def _hint(text: str | None) -> dict[str, str]:
    return {} if text is None else {"hint": text}


def _no_column(argument: Piece, factor: Piece) -> Exception:
    at = argument.tokens[0] if len(argument) else None
    return factor.error(
        f"{argument.source if len(argument) else 'Nothing'!r} is no column of groups.",
        at,
        allowed=_ALLOWED,
        hint="a new column of the table with the labels",
    )


def _weights(value: Piece, columns: list[str]) -> tuple[Piece, ...]:
    """Read ``cbind(w1, w2)``."""
    inside = value.argument("cbind")
    if inside is None:
        raise value.error("The weights of a row's groups are one for each.", hint="weights=cbind(w1, w2)")
    weights = inside.split(",")
    if len(weights) != len(columns) or not all(len(weight) for weight in weights):
        raise value.error(
            f"{FUNCTION}() has {len(columns)} columns and {sum(map(bool, map(len, weights)))} weights.",
            hint=f"a weight for each of {', '.join(columns)}",
        )
    for weight in weights:
        check_calls(weight)
    return tuple(weights)


def _flag(value: Piece) -> bool:
    if value.source not in _FLAGS:
        raise value.error(f"scale={value.source} is neither true nor false.", allowed="TRUE, FALSE")
    return _FLAGS[value.source]
