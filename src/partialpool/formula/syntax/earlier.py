"""Formulas of files from before arithmetic was read as Python reads it."""

from __future__ import annotations

from partialpool.errors import FileError, build
from partialpool.formula.syntax.scan import Piece

_OPENING = {")": "(", "}": "{", "]": "["}


def require_same_meaning(piece: Piece) -> None:
    """Refuse a formula that once meant something else.

    ``-x**2`` was the square of -x, and ``a**b**c`` was ``(a**b)**c``.

    Raises
    ------
    FileError
        Names the expression.
    """
    texts = [token.text for token in piece.tokens]
    for i, text in enumerate(texts):
        start = _start_of_operand(texts, i) if text == "**" else 0
        before = texts[start - 1] if start else ""
        if before == "**" or (before == "-" and _is_sign(texts, start - 1)):
            raise build(
                FileError,
                f"{piece.source!r}, of the formula of this fit, meant something else when the fit was made: "
                "-x**2 was (-x)**2, and a**b**c was (a**b)**c.",
                hint="fit again, with brackets where the powers are meant so",
            )


def _start_of_operand(texts: list[str], power: int) -> int:
    """Find where the operand left of ``**`` begins."""
    start = power - 1
    if texts[start] not in _OPENING:
        return start
    depth = 0
    while True:
        depth += (texts[start] in _OPENING) - (texts[start] in _OPENING.values())
        if not depth:
            break
        start -= 1
    called = texts[start] == "(" and start > 0 and texts[start - 1][-1] not in "+-*/:(,=<>{"
    return start - called


def _is_sign(texts: list[str], i: int) -> bool:
    """Tell a sign from a difference, which has an operand before it."""
    return i == 0 or (texts[i - 1][-1] in "+-*/:(,=<>{[" and texts[i - 1] != "]")
