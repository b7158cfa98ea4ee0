"""The functions that a formula may call, and the check that it calls no other."""

from __future__ import annotations

import difflib
from itertools import pairwise

import numpy as np

from partialpool.errors import FormulaError
from partialpool.formula.syntax.scan import Piece, Token

MATH = {
    "abs": np.abs,
    "cos": np.cos,
    "exp": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "log10": np.log10,
    "log1p": np.log1p,
    "log2": np.log2,
    "sin": np.sin,
    "sqrt": np.sqrt,
    "tan": np.tan,
    "tanh": np.tanh,
}

# Those of formulae that mean the same on new rows as on the rows they were fitted to; `binary` does not.
REMEMBERING = ("bs", "cc", "center", "cr", "poly", "scale", "standardize", "tp")
SPLINES = ("bs", "cr", "tp")  # those whose curve goes on beyond the values that they learnt from
CODING = ("C", "S", "Sum", "T", "Treatment")
TRANSFORMS = tuple(sorted(("I", *CODING, *REMEMBERING)))

ALLOWED = (*sorted(MATH), *(f"np.{name}" for name in sorted(MATH)), *TRANSFORMS)


def check_calls(piece: Piece) -> None:
    """Raise unless every function that is called is in the closed list.

    Raises
    ------
    FormulaError
        Points at the first call that is not allowed, and lists what is.
    """
    for before, token in pairwise(piece.tokens):
        if token.text != "(":
            continue
        if before.kind == "name" and before.is_name:
            if before.text not in ALLOWED:
                raise _not_allowed(piece, before)
        elif before.kind != "symbol" or before.text in (")", "]", "}"):
            raise piece.error("This bracket follows no function.", token, hint="a '+' before it")


# What brms calls in other places, or what it alone has.
_ELSEWHERE = {
    "mm": "(1 | mm(a, b)), right of the bar of a group-level term",
    "mmc": "(x | mm(a, b)): what varies by group is the same column for all groups of a row",
    "gr": "(1 | gr(g)), right of the bar of a group-level term",
}


def _not_allowed(piece: Piece, function: Token) -> FormulaError:
    near = difflib.get_close_matches(function.text, ALLOWED, n=2, cutoff=0.7)
    if function.text in _ELSEWHERE:
        return piece.error(f"{function.text}() cannot stand here.", function, hint=_ELSEWHERE[function.text])
    hint = " or ".join(near) if near else "compute a new column of the table and name it in the formula"
    return piece.error(
        f"A formula cannot call {function.text!r}.",
        function,
        allowed=f"{', '.join([*sorted(MATH), *TRANSFORMS])}; np.log and so on",
        hint=hint,
    )
