"""What may stand among terms, and what only inside the brackets of a function."""

from __future__ import annotations

from collections.abc import Iterator

from partialpool.families.support import ADDITIONS
from partialpool.formula.syntax.functions import check_calls
from partialpool.formula.syntax.scan import Piece, Token

_NOT_AMONG_TERMS = ("=", "==", "!=", "<", "<=", ">", ">=", ",", "~")


def check_terms(piece: Piece) -> None:
    """Raise unless a sum of terms has only what means something among terms.

    Inside the brackets of a function, or inside ``{}``, everything is arithmetic and allowed here.

    Raises
    ------
    FormulaError
        Points at the first token that has no meaning where it stands.
    """
    for _, token, after in piece.neighbours():
        if token.text in ("offset", "weights", *ADDITIONS) and after == "(":
            raise piece.error(f"{token.text}(...) stands alone, between '+' signs.", token)
        if token.text in ("|", "||"):
            raise piece.error(
                "A bar belongs inside the brackets of a group-level term.", token, hint="(x | g)"
            )
    check_calls(piece)
    outside = list(_outside_calls(piece))
    for before, token in zip([None, *outside], outside, strict=False):
        _check_term_token(piece, before.text if before else "", token)


def _outside_calls(piece: Piece) -> Iterator[Token]:
    """Yield what stands among terms: all but the arguments of calls and the insides of ``{}``."""
    arithmetic: list[bool] = []
    for before, token, _ in piece.neighbours():
        closes_terms = token.text in (")", "}") and not arithmetic.pop()
        if not any(arithmetic) and (closes_terms or token.text not in (")", "}")):
            yield token
        if token.text in ("(", "{"):
            arithmetic.append(token.text == "{" or before not in ("", "(", "+", "-", "*", "/", ":", "**"))


def _check_term_token(piece: Piece, before: str, token: Token) -> None:
    if before == "**":
        if not token.text.isdigit() or token.text == "0":
            raise piece.error("The order of interactions after '**' is a whole number from 1.", token)
    elif token.kind == "number" and token.text not in ("0", "1"):
        raise piece.error(f"The number {token.text} is not a term.", token, hint="{2 * x} for arithmetic")
    elif token.kind == "string" or (token.kind == "name" and not token.is_name):
        raise piece.error(f"{token.text} is not a term.", token, hint="back-quotes around a column's name")
    elif token.text == "[":
        raise piece.error("Square brackets belong to the outcome.", token, hint="'y[yes] ~ x'")
    elif token.text == "**" and before != ")":
        raise piece.error("'**' means all interactions of a sum.", token, hint="{x**2} for a power")
    elif token.text in _NOT_AMONG_TERMS:
        raise piece.error(f"{token.text!r} means nothing among terms.", token, hint="{x > 2} to compare")
