"""formulae's transforms: those that remember what they learnt from their first rows; codings of labels."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np

from partialpool.errors import FormulaError, build
from partialpool.formula.records import Floats
from partialpool.formula.syntax.algebra import count_text
from partialpool.formula.syntax.arithmetic_tree import Call, Node, text_of

# By option, what it may be at most: K columns of a basis cost n K^2, places of `tp` cost their cube.
_MOST = {"df": 1_000, "degree": 1_000, "max_knots": 5_000}


def coding(name: str) -> Any:
    """Return formulae's function or class for labels: ``C``, ``S``, ``T``, ``Sum``, ``Treatment``."""
    from formulae.terms.call import ENCODINGS, TRANSFORMS

    return (TRANSFORMS | ENCODINGS)[name]


def new_transform(name: str) -> Any:
    """Make a transform with a memory that has learnt nothing."""
    from formulae.transforms import TRANSFORMS

    return TRANSFORMS[name]()


def arguments(call: Call) -> dict[str, Node]:
    """Give the arguments of a transform their names; that which is transformed is ``"x"``.

    Raises
    ------
    TypeError
        When one is missing, given twice, or unknown.
    """
    signature = inspect.signature(new_transform(call.function))
    return dict(signature.bind(*call.args, **dict(call.options)).arguments)


def require_few_columns(call: Call, x: Floats, options: Mapping[str, Any]) -> None:
    """Refuse more columns than can be computed, or than the values of `x` can tell apart.

    Raises
    ------
    FormulaError
        Says how many columns are asked for.
    """
    for name, most in _MOST.items():
        asked = options.get(name)
        if isinstance(asked, int) and asked > most:
            what = f"{count_text(asked)} places of {name}" if name == "max_knots" else _columns(asked)
            raise build(FormulaError, f"{text_of(call)} asks for {what}.", allowed=f"{name} up to {most:,}")
    degree = options.get("degree", 1)
    if call.function == "poly" and isinstance(degree, int) and not options.get("raw", False):
        distinct = len(np.unique(x))
        if degree >= distinct:
            raise build(
                FormulaError,
                f"{text_of(call)} asks for {_columns(degree)} of {distinct:,} distinct values.",
                allowed=f"a degree up to {distinct - 1:,}, one less than there are distinct values",
            )


def _columns(asked: int) -> str:
    return f"{count_text(asked)} column{'s' * (asked != 1)}"
