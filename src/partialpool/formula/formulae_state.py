"""What formulae's terms have learnt from their first table, taken out as plain data and put back.

formulae keeps it in its own objects: the levels and the coding of categorical components, and the numbers of
transforms such as ``scale``. This is the one file that knows where. What has another form than it had in the
version that this was written for is refused, when a fit is kept rather than when it is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import chain
from typing import Any

from partialpool.errors import FileError, build
from partialpool.formula.bridge import component as new_component
from partialpool.formula.bridge import term_of
from partialpool.formula.calculation import Calculation
from partialpool.formula.json_values import decode, encode
from partialpool.formula.syntax.algebra import read_terms
from partialpool.formula.syntax.arithmetic_tree import Call, Name, Node
from partialpool.formula.syntax.scan import Piece
from partialpool.formula.transforms import new_transform

Plain = dict[str, Any]

# formulae keeps the first table's basis of a spline here, a number a row, for a conversion that is not used.
_OF_ROWS = "_random_state"


def remember_terms(theirs: tuple[Any, ...]) -> list[Any]:
    """Take out what evaluated terms know: the components of each, None for an intercept.

    Raises
    ------
    FileError
        When a term holds what cannot be kept.
    """
    return [
        None if term.kind == "intercept" else [_component(component) for component in term.components]
        for term in theirs
    ]


def recall_terms(piece: Piece, kept: list[Any], name_of: Callable[[Node], str]) -> tuple[Any, ...]:
    """Make evaluated terms again, of the text of a formula and of what `remember_terms` returned.

    Parameters
    ----------
    name_of
        How names were written when the terms were kept.

    Raises
    ------
    FormulaError
        When the text does not parse.
    FileError
        When two expressions had one name.
    KeyError, TypeError, ValueError
        When text and memory do not belong together.
    """
    parsed: dict[tuple[bool, str], Node] = {}
    for node in chain.from_iterable(read_terms(piece)):
        key = (False, node.column) if isinstance(node, Name) else (True, name_of(node))
        if parsed.setdefault(key, node) != node:
            raise build(
                FileError,
                f"The formula of this fit has two expressions that were called {key[1]!r} when it was made, "
                "so that one was computed as the other.",
                hint="fit again",
            )
    return tuple(_recalled_term(components, parsed) for components in kept)


def remember_calls(calculation: Calculation) -> list[Any]:
    """Take out what the transforms inside one expression know, in the order of their text."""
    return [
        _transform(call, calculation.learnt.get(call), calculation.ranges.get(call))
        for call in calculation.remembering
    ]


def recall_calls(calculation: Calculation, kept: list[Any]) -> None:
    """Put back what `remember_calls` took out into an expression that has just been parsed."""
    for call, memory in zip(calculation.remembering, kept, strict=True):
        if memory is not None:
            calculation.learnt[call] = _recalled_transform(call.function, memory)
            if "range" in memory:  # which earlier files lack
                least, greatest = map(float, memory["range"])
                calculation.ranges[call] = least, greatest


# ---- components ------------------------------------------------------------------------------------------


def _key(component: Any) -> tuple[bool, str]:
    """Tell the call ``log(x)`` from a column of that name."""
    return hasattr(component, "call"), component.name


def _component(component: Any) -> Plain:
    if component.kind not in ("numeric", "categoric"):
        raise _unknown(component.name, f"a component that is {component.kind}")
    coding = component.contrast_matrix
    is_call, name = _key(component)
    return {
        "call": is_call,
        "name": name,
        "kind": component.kind,
        "levels": encode(component.levels),
        "coding": None if coding is None else [encode(coding.matrix), encode(list(coding.labels))],
        "transforms": remember_calls(component.call) if is_call else [],
    }


def _recalled_term(components: list[Plain] | None, parsed: Mapping[tuple[bool, str], Node]) -> Any:
    from formulae.terms.terms import Intercept

    if components is None:
        return Intercept()
    return term_of(_recalled_component(parsed[kept["call"], kept["name"]], kept) for kept in components)


def _recalled_component(node: Node, kept: Plain) -> Any:
    from formulae.categorical import ContrastMatrix

    component = new_component(node)
    component.kind = kept["kind"]
    component.levels = decode(kept["levels"])
    if kept["coding"] is not None:
        component.contrast_matrix = ContrastMatrix(*(decode(part) for part in kept["coding"]))
    if kept["call"]:
        recall_calls(component.call, kept["transforms"])
    return component


# ---- transforms ------------------------------------------------------------------------------------------


def _transform(call: Call, transform: Any, met: tuple[float, float] | None) -> Plain | None:
    """Take out the numbers of a transform; None where it was never used."""
    if transform is None:
        return None
    state = {name: value for name, value in vars(transform).items() if name != _OF_ROWS}
    kept: Plain = {"name": call.function, "state": {name: _number(value) for name, value in state.items()}}
    return kept if met is None else kept | {"range": list(met)}


def _recalled_transform(function: str, kept: Plain) -> Any:
    transform = new_transform(function)
    if kept["name"] != function or kept["state"].keys() != vars(transform).keys() - {_OF_ROWS}:
        raise ValueError(f"{function}() of this version of formulae remembers other things than the file has")
    for name, value in kept["state"].items():
        setattr(transform, name, _recalled_number(value))
    return transform


def _number(value: Any) -> Any:
    """Encode what a transform knows: numbers, arrays, and scipy's splines."""
    from scipy.interpolate import CubicSpline

    if type(value) is CubicSpline:
        return {"spline": [encode(value.c), encode(value.x), value.extrapolate]}
    return encode(value)


def _recalled_number(kept: Any) -> Any:
    from scipy.interpolate import CubicSpline

    if isinstance(kept, dict) and "spline" in kept:
        coefficients, knots, extrapolate = kept["spline"]
        return CubicSpline.construct_fast(decode(coefficients), decode(knots), extrapolate=extrapolate)
    return decode(kept)


def _unknown(name: str, what: str) -> FileError:
    return build(FileError, f"The fit cannot be kept in a file: {name!r} of its formula is {what}.")
