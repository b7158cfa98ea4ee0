"""What the text inside a function or ``{}`` computes: a tree of a few kinds of nodes, and the text of a tree.

Two trees have the same text only if they are the same: brackets stand wherever leaving them out would mean
another tree, and names that are not plain stand in back-quotes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from partialpool.formula.syntax.scan import is_plain_name


@dataclass(frozen=True)
class Value:
    """A number, a text, or one of True, False and None, with the text that names show."""

    value: float | str | bool | None
    text: str


@dataclass(frozen=True)
class Name:
    """A column of the table."""

    column: str


@dataclass(frozen=True)
class Contrast:
    """A coding of categories that ``C()`` takes by name: ``Sum``, ``Treatment``."""

    name: str


@dataclass(frozen=True)
class Signed:
    """``-x`` or ``+x``."""

    sign: str
    operand: Node


@dataclass(frozen=True)
class Chain:
    """Sums and differences, or products and quotients, from left to right: ``a - b + c``, ``a * b / c``.

    Attributes
    ----------
    rest
        The operators, and what follows each; all of one precedence.
    """

    first: Node
    rest: tuple[tuple[str, Node], ...]


@dataclass(frozen=True)
class Power:
    """``base ** exponent``."""

    base: Node
    exponent: Node


@dataclass(frozen=True)
class Comparison:
    """``left == right``, and the like."""

    left: Node
    operator: str
    right: Node


@dataclass(frozen=True)
class Numbers:
    """``[1, 2.5]``: an argument."""

    items: tuple[Node, ...]


@dataclass(frozen=True)
class Call:
    """A call of a function in the closed list; ``{...}`` is a call of ``I``."""

    function: str
    args: tuple[Node, ...]
    options: tuple[tuple[str, Node], ...] = ()


Node = Value | Name | Contrast | Signed | Chain | Power | Comparison | Numbers | Call

# How tightly the parts of each kind hold together, as in Python.
_COMPARISON, _SUM, _PRODUCT, _SIGN, _POWER, _WHOLE = range(6)


def text_of(node: Node) -> str:
    """Write a tree as a formula has it.

    Examples
    --------
    >>> text_of(Chain(Chain(Name("x"), (("-", Value(70, "70")),)), (("/", Value(10, "10")),)))
    '(x - 70) / 10'
    """
    match node:
        case Value(text=text):
            return text
        case Name(column=name):
            return name if is_plain_name(name) else f"`{name}`"
        case Contrast(name=name):
            return name
        case Signed(sign=sign, operand=operand):
            return sign + _within(operand, _SIGN)
        case Chain(first=first, rest=rest):
            own = _tightness(node)
            text = _within(first, own)
            for sign, part in rest:
                text += f" {sign} {_within(part, own + 1)}"
            return text
        case Power(base=base, exponent=exponent):
            return f"{_within(base, _WHOLE)} ** {_within(exponent, _SIGN)}"
        case Comparison(left=left, operator=operator, right=right):
            return f"{_within(left, _SUM)} {operator} {_within(right, _SUM)}"
        case Numbers(items=items):
            return f"[{', '.join(map(text_of, items))}]"
        case Call(function=function, args=args, options=options):
            given = [*map(text_of, args), *(f"{name}={text_of(value)}" for name, value in options)]
            return f"{function}({', '.join(given)})"


def parts_of(node: Node) -> tuple[Node, ...]:
    """List the nodes directly inside one, from left to right."""
    match node:
        case Signed(operand=operand):
            return (operand,)
        case Chain(first=first, rest=rest):
            return (first, *(part for _, part in rest))
        case Power(base=base, exponent=exponent):
            return (base, exponent)
        case Comparison(left=left, right=right):
            return (left, right)
        case Numbers(items=items):
            return items
        case Call(args=args, options=options):
            return (*args, *(value for _, value in options))
    return ()


def calls_in(node: Node) -> Iterator[Call]:
    """Yield the calls of functions, from the outside in and from left to right."""
    if isinstance(node, Call):
        yield node
    for part in parts_of(node):
        yield from calls_in(part)


def text_without_brackets(node: Node) -> str:
    """Write a tree as names had it before they kept their brackets; files of that time have such names."""
    match node:
        case Name(column=name):
            return name
        case Signed(sign=sign, operand=operand):
            return sign + text_without_brackets(operand)
        case Chain(first=first, rest=rest):
            text = text_without_brackets(first)
            for sign, part in rest:
                text += f" {sign} {text_without_brackets(part)}"
            return text
        case Power(base=base, exponent=exponent):
            return f"{text_without_brackets(base)} ** {text_without_brackets(exponent)}"
        case Comparison(left=left, operator=operator, right=right):
            return f"{text_without_brackets(left)} {operator} {text_without_brackets(right)}"
        case Call(function=function, args=args, options=options):
            named = [f"{name}={text_without_brackets(value)}" for name, value in options]
            return f"{function}({', '.join([*map(text_without_brackets, args), *named])})"
    return text_of(node)


def _within(node: Node, needed: int) -> str:
    """Write a part, in brackets where it holds together less tightly than is needed."""
    text = text_of(node)
    return f"({text})" if _tightness(node) < needed else text


def _tightness(node: Node) -> int:
    match node:
        case Comparison():
            return _COMPARISON
        case Chain(rest=rest):
            return _SUM if rest[0][0] in ("+", "-") else _PRODUCT
        case Signed():
            return _SIGN
        case Power():
            return _POWER
    return _WHOLE
