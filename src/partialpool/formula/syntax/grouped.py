"""``gr(g, cov=A)``, as it is written: a grouping factor with what is known of its groups."""

from __future__ import annotations

from dataclasses import dataclass

from partialpool.errors import FormulaError
from partialpool.formula.syntax.scan import Piece, Token

FUNCTION = "gr"
_ALLOWED = f"a factor and cov: {FUNCTION}(g), {FUNCTION}(g, cov=A), {FUNCTION}(a:b, cov=A)"
# Arguments that brms has, and what to do here.
_ELSEWHERE = {
    "by": "(0 + f || g): effects of each level of f have an sd of their own",
    "id": "(x | id | g) correlates the terms that have the same name between their bars",
    "cor": "(x || g) leaves the correlations out",
    "dist": "effects have a normal distribution",
}


@dataclass(frozen=True)
class GroupedPart:
    """What stands right of the last bar.

    Attributes
    ----------
    factor
        The grouping factor: ``g``, ``a:b``, ``a/b``.
    covariance
        Name of the known covariance between groups; empty where groups are independent.
    """

    factor: Piece
    covariance: str = ""


def read_grouped(factor: Piece) -> GroupedPart:
    """Read a grouping factor, in a call of ``gr`` or by itself.

    Raises
    ------
    FormulaError
        Points at an argument that means nothing.
    """
    inside = factor.argument(FUNCTION)
    if inside is None:
        return GroupedPart(factor)
    own, *options = inside.split(",")
    if not len(own) or _is_option(own):
        raise factor.error(f"{FUNCTION}() begins with a grouping factor.", allowed=_ALLOWED)
    covariance = ""
    for option in options:
        covariance = _covariance(option, factor, covariance)
    if covariance and any(token.text == "/" for _, token in own.levels()):
        raise own.error(
            "A known covariance belongs to one factor, and a/b are two.",
            hint=f"(1 | a) + (1 | {FUNCTION}(a:b, cov={covariance}))",
        )
    return GroupedPart(own, covariance)


def _is_option(piece: Piece) -> bool:
    return len(piece) > 1 and piece.tokens[1].text == "="


def _covariance(option: Piece, factor: Piece, known: str) -> str:
    """Read ``cov=A``, the one option that there is."""
    if not _is_option(option):
        at = option.tokens[0] if len(option) else None
        raise factor.error(f"{FUNCTION}() has one factor.", at, allowed=_ALLOWED, hint="a:b for two together")
    name, value = option.tokens[0], option[2:]
    if name.text != "cov":
        raise _unknown(factor, name)
    if known:
        raise factor.error("The covariance is given twice.", name, allowed=_ALLOWED)
    if len(value) != 1 or not value.tokens[0].is_name:
        raise factor.error(
            "A known covariance is a name here, and the matrix goes to the model.",
            name,
            hint='gr(g, cov=A) and covariances={"A": table}',
        )
    return value.tokens[0].value


def _unknown(factor: Piece, name: Token) -> FormulaError:
    parts = {"allowed": _ALLOWED}
    if name.text in _ELSEWHERE:
        parts["hint"] = _ELSEWHERE[name.text]
    return factor.error(f"{FUNCTION}() has no argument {name.text!r}.", name, **parts)
