"""Use formulae: our tokens become its syntax tree, in a closed environment, and its errors become ours."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from typing import Any

import numpy as np

from partialpool.errors import FormulaError, PartialPoolError, build
from partialpool.formula.syntax.functions import namespace
from partialpool.formula.syntax.scan import Piece, Token

_KINDS = {
    "(": "LEFT_PAREN",
    ")": "RIGHT_PAREN",
    "[": "LEFT_BRACKET",
    "]": "RIGHT_BRACKET",
    "{": "LEFT_BRACE",
    "}": "RIGHT_BRACE",
    ",": "COMMA",
    "+": "PLUS",
    "-": "MINUS",
    "*": "STAR",
    "/": "SLASH",
    "**": "STAR_STAR",
    ":": "COLON",
    "|": "PIPE",
    "=": "EQUAL",
    "==": "EQUAL_EQUAL",
    "!=": "BANG_EQUAL",
    "<": "LESS",
    "<=": "LESS_EQUAL",
    ">": "GREATER",
    ">=": "GREATER_EQUAL",
}
_LITERALS = {"True": True, "False": False, "None": None}


def parse(piece: Piece) -> Any:
    """Parse a piece with formulae's parser.

    Returns
    -------
    formulae's syntax tree.

    Raises
    ------
    FormulaError
        With a caret under the token where the piece stops making sense.
    """
    from formulae.parser import ParseError, Parser
    from formulae.token import Token as TheirToken

    theirs = [TheirToken(*_translated(token)) for token in piece.tokens]
    parser = Parser([*theirs, TheirToken("EOF", "")])
    try:
        tree = parser.parse()
    except ParseError as error:
        raise _stopped(piece, parser.current) from error
    if not parser.at_end():
        raise _stopped(piece, parser.current)
    return tree


def _translated(token: Token) -> tuple[Any, ...]:
    if token.kind == "symbol":
        return _KINDS.get(token.text, token.text), token.text
    if token.kind == "number":
        number = float(token.text)
        return "NUMBER", token.text, int(number) if token.text.isdigit() else number
    if token.kind == "string":
        return "STRING", token.text, token.value
    if token.kind == "quoted":
        return "BQNAME", token.text
    if token.text in _LITERALS:
        return "PYTHON_LITERAL", token.text, _LITERALS[token.text]
    return "IDENTIFIER", token.text


def _stopped(piece: Piece, position: int) -> FormulaError:
    if position >= len(piece):
        return piece.error("The formula ends too early.", piece.end, hint="a term after the last sign")
    token = piece.tokens[position]
    return piece.error(f"{token.text!r} cannot stand here.", token, hint="a '+' before it, if it is a term")


def environment() -> Any:
    """Return an environment of our functions and formulae's transforms, and nothing of the caller's."""
    from formulae.environment import Environment
    from formulae.terms.call import ENCODINGS, TRANSFORMS

    return Environment([{**namespace(), **TRANSFORMS, **ENCODINGS}])


def stateful(lazy: Any) -> Iterator[Any]:
    """Yield the calls of transforms that remember, from the outside in and from left to right."""
    from formulae.transforms import TRANSFORMS

    if hasattr(TRANSFORMS.get(getattr(lazy, "callee", "")), "__stateful_transform__"):
        yield lazy
    for part in (*getattr(lazy, "args", ()), *getattr(lazy, "kwargs", {}).values()):
        yield from stateful(part)


@contextlib.contextmanager
def evaluating(piece: Piece) -> Iterator[None]:
    """Run formulae quietly, and turn what it raises into an error that names the piece.

    Raises
    ------
    FormulaError
        When the piece cannot be evaluated.
    """
    from formulae.resolver import ResolverError
    from formulae.terms.call_resolver import CallResolverError

    # numpy warns of log(0), but the values are checked afterwards; formulae prints before it raises.
    with np.errstate(all="ignore"), contextlib.redirect_stdout(io.StringIO()):
        try:
            yield
        except PartialPoolError:
            raise
        except (
            ArithmeticError,
            AttributeError,
            LookupError,
            TypeError,
            ValueError,
            ResolverError,
            CallResolverError,
        ) as error:
            raise build(FormulaError, f"{piece.source!r} cannot be evaluated: {error}") from error
