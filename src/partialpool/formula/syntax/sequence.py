"""Operands and operators take turns: the check that finds the exact place where an expression goes wrong."""

from __future__ import annotations

from partialpool.errors import FormulaError
from partialpool.formula.syntax.scan import Piece, Token

# Python's parser counts to 200 brackets.
MOST_NESTED = 150
_SIGNS = ("+", "-")
_BETWEEN = ("+", "-", "*", "/", "**", ":", "==", "!=", "<", "<=", ">", ">=", ",", "=")
_OPENING = ("(", "{", "[")
_CLOSING = (")", "}", "]")


def check_sequence(piece: Piece) -> None:
    """Raise unless an operand stands where one is needed, an operator between two, and brackets are few.

    Raises
    ------
    FormulaError
        Points at the first token that cannot stand where it stands.
    """
    needed, depth, before = True, 0, ""
    for token in piece.tokens:
        if not _may_stand(token, needed, before):
            raise _stopped(piece, token)
        depth += (token.text in _OPENING) - (token.text in _CLOSING)
        if depth > MOST_NESTED:
            raise piece.error(
                f"More than {MOST_NESTED} brackets stand inside one another.",
                token,
                hint="a new column of the table with a part of it",
            )
        needed, before = token.kind == "symbol" and token.text not in _CLOSING, token.text
    if needed:
        raise piece.error("The formula ends too early.", piece.end, hint="a term after the last sign")


def _may_stand(token: Token, needed: bool, before: str) -> bool:
    if token.kind != "symbol":
        return needed
    if token.text in _CLOSING:
        return not needed or before == "("  # the call of a function without arguments
    if token.text == "(":
        return True  # after a name it is a call; `check_calls` refuses it after anything else
    return token.text in (*_SIGNS, *_OPENING) if needed else token.text in _BETWEEN


def _stopped(piece: Piece, token: Token) -> FormulaError:
    return piece.error(f"{token.text!r} cannot stand here.", token, hint="a '+' before it, if it is a term")
