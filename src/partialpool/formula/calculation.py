"""Expressions are computed as real numbers in double precision, row by row as Python would.

Whole numbers, true and false become double precision before anything is computed of them, so nothing
overflows and true counts as 1. What is no real number (the logarithm of -1, 1/0) becomes infinite or NaN,
which whoever asks for the numbers refuses with the rows.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from partialpool.errors import DataError, FormulaError, build
from partialpool.formula.records import Floats
from partialpool.formula.syntax.arithmetic_tree import (
    Call,
    Chain,
    Comparison,
    Contrast,
    Name,
    Node,
    Numbers,
    Power,
    Signed,
    Value,
    calls_in,
    text_of,
)
from partialpool.formula.syntax.functions import CODING, MATH, REMEMBERING, SPLINES
from partialpool.formula.transforms import arguments, coding, new_transform, require_few_columns
from partialpool.formula.weighted import learnt, make_a_difference

_ARITHMETIC = {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide}
_SIGNS = {"+": np.positive, "-": np.negative}
_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class Columns:
    """A table as formulae meets it: numbers are double precision, true/false by itself is a category.

    Parameters
    ----------
    labelled
        Columns that are categories, whatever they hold here.
    """

    def __init__(self, table: pd.DataFrame, labelled: Collection[str] = ()) -> None:
        self.table = table
        self._labelled = labelled

    def __getitem__(self, name: str) -> pd.Series:
        column = self.table[name]
        if name in self._labelled:
            return column
        if column.dtype == np.bool_:
            return column.astype("category")
        return column.astype(np.float64) if column.dtype.kind in "iu" else column

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.table.shape

    @property
    def index(self) -> pd.Index:
        """The rows' positions."""
        return self.table.index


@dataclass
class Calculation:
    """An expression, and what its transforms with a memory have learnt from the first table.

    formulae takes it for one of its own calls: it asks for `callee`, `eval` and the text.

    Attributes
    ----------
    learnt
        By its call, each transform that has met a table.
    ranges
        The least and the greatest value that each of the splines among them is fitted for.
    """

    node: Node
    learnt: dict[Call, Any] = field(default_factory=dict, compare=False)
    ranges: dict[Call, tuple[float, float]] = field(default_factory=dict, compare=False)

    def __str__(self) -> str:
        return text_of(self.node)

    def __hash__(self) -> int:
        return hash(self.node)

    def __deepcopy__(self, _known: Any) -> Calculation:
        return self  # formulae copies terms to code them in another way: what is computed is the same

    @property
    def callee(self) -> str:
        """The function that is called, where it is a call."""
        return self.node.function if isinstance(self.node, Call) else ""

    @property
    def remembering(self) -> list[Call]:
        """The calls of transforms with a memory, from the outside in and from left to right."""
        return [call for call in calls_in(self.node) if call.function in REMEMBERING]

    def learn(self, table: pd.DataFrame, weights: Floats | None) -> None:
        """Let the transforms learn from rows of which some stand for several.

        Parameters
        ----------
        table
            Plain columns (see :func:`partialpool.formula.plain.plain_columns`).
        weights
            (n,) how many rows each row stands for; None where each stands for itself.

        Raises
        ------
        FormulaError, DataError
            When something cannot be computed.
        """
        if weights is None or not make_a_difference(weights):
            return  # they learn when they are first computed
        for call in reversed(self.remembering):  # those in the arguments of others first
            x, options = self._given(call, table)
            require_few_columns(call, x, options)
            self.learnt[call] = learnt(call.function, x, options, weights)
            self._remember_range(call, x[weights > 0], options)

    def eval(self, rows: Columns, _environment: Any = None) -> Any:
        """Compute it; transforms that have learnt nothing yet learn from these rows.

        Returns
        -------
        Numbers of shape () for a constant, (n,), or (n, K) where a function gives K columns; labels as a
        Series of categories; or formulae's box of labels, of ``C()``.

        Raises
        ------
        FormulaError, DataError
            When something cannot be computed.
        """
        found = self._value(self.node, rows.table)
        return _numbers(found, self.node) if _is_number(found) else found

    def given(self, call: Call, table: pd.DataFrame) -> Floats:
        """Compute what one of its transforms transforms, (n,)."""
        return self._given(call, table)[0]

    def _remember_range(self, call: Call, x: Floats, options: Mapping[str, Any]) -> None:
        """Remember between which values a spline is fitted; bounds that the user gave count as met."""
        if call.function in SPLINES and len(x):
            bounds = [options[name] for name in ("lower_bound", "upper_bound") if name in options]
            met = np.array([*bounds, x.min(), x.max()], dtype=np.float64)
            self.ranges[call] = float(met.min()), float(met.max())

    # ---- one kind of node each ---------------------------------------------------------------------------

    def _value(self, node: Node, table: pd.DataFrame) -> Any:
        match node:
            case Value(value=value):
                return value
            case Name(column=name):
                return table[name]
            case Contrast(name=name):
                return coding(name)
            case Signed(sign=sign, operand=operand):
                return _SIGNS[sign](self._numbers(operand, table))
            case Chain(first=first, rest=rest):
                found = self._numbers(first, table)
                for sign, part in rest:
                    found = _ARITHMETIC[sign](*_aligned(found, self._numbers(part, table)))
                return found
            case Power(base=base, exponent=exponent):
                return np.power(*_aligned(self._numbers(base, table), self._numbers(exponent, table)))
            case Comparison(left=left, operator=sign, right=right):
                return np.asarray(
                    _COMPARISONS[sign](self._value(left, table), self._value(right, table)), dtype=np.bool_
                )
            case Numbers(items=items):
                return [self._option(item, table) for item in items]
            case Call():
                return self._called(node, table)

    def _numbers(self, node: Node, table: pd.DataFrame) -> Floats:
        return _numbers(self._value(node, table), node)

    def _called(self, call: Call, table: pd.DataFrame) -> Any:
        if call.function in REMEMBERING:
            return self._transformed(call, table)
        if call.function in CODING:
            return self._coded(call, table)
        if len(call.args) != 1 or call.options:
            raise build(FormulaError, f"{text_of(call)} needs one argument.", hint=f"{call.function}(x)")
        if call.function == "I":
            return self._value(call.args[0], table)
        return MATH[call.function.removeprefix("np.")](self._numbers(call.args[0], table))

    def _transformed(self, call: Call, table: pd.DataFrame) -> Any:
        x, options = self._given(call, table)
        if call not in self.learnt:
            require_few_columns(call, x, options)
            self.learnt[call] = new_transform(call.function)
            self._remember_range(call, x, options)
        return self.learnt[call](x, **options)

    def _given(self, call: Call, table: pd.DataFrame) -> tuple[Floats, dict[str, Any]]:
        """Compute what a transform transforms, and its options, which are constant."""
        options = arguments(call)
        transformed = options.pop("x")
        x = self._numbers(transformed, table)
        if x.ndim != 1:
            found = "a constant" if x.ndim == 0 else f"{x.shape[1]} columns"
            raise build(
                FormulaError, f"{text_of(call)} needs one number a row; {text_of(transformed)} is {found}."
            )
        return x, {name: self._option(node, table) for name, node in options.items()}

    def _option(self, node: Node, table: pd.DataFrame) -> Any:
        """Compute a constant; whole numbers are such, also where they were computed."""
        found = self._value(node, table)
        if isinstance(found, pd.Series) or np.ndim(found) > isinstance(node, Numbers):
            raise build(FormulaError, f"The argument {text_of(node)} is no constant.")
        if not isinstance(found, np.ndarray | np.generic | float):
            return found
        number = float(found)
        return int(number) if number.is_integer() else number

    def _coded(self, call: Call, table: pd.DataFrame) -> Any:
        """Make categories of labels; or a coding of them, for ``C()`` to use."""
        first, *others = [self._value(arg, table) for arg in call.args] or [None]
        options = {name: self._value(value, table) for name, value in call.options}
        if isinstance(first, np.ndarray):
            first = pd.Series(first, index=table.index)
        return coding(call.function)(first, *others, **options)


def _is_number(found: Any) -> bool:
    if isinstance(found, pd.Series):
        return found.dtype.kind in "biuf"
    return isinstance(found, np.ndarray | np.generic | bool | int | float)


def _numbers(found: Any, node: Node) -> Floats:
    """Turn what was computed into double precision.

    Raises
    ------
    FormulaError
        When it is text, or nothing.
    DataError
        When it is a column of labels or dates.
    """
    if _is_number(found):
        return np.asarray(found, dtype=np.float64)
    if not isinstance(found, pd.Series):
        raise build(FormulaError, f"{text_of(node)} is no number.", allowed="numbers, true/false")
    holds = "labels" if isinstance(found.dtype, pd.CategoricalDtype) else str(found.dtype)
    raise build(
        DataError,
        f"Column {text_of(node)!r} holds {holds}, such as {str(found.iloc[0])!r}, which are no numbers.",
        allowed="numbers and true/false, in arithmetic",
        hint="make a column of numbers of it",
    )


def _aligned(left: Floats, right: Floats) -> tuple[Floats, Floats]:
    """Let one number a row meet several a row."""
    if {left.ndim, right.ndim} != {1, 2}:
        return left, right
    left, right = (part[:, np.newaxis] if part.ndim == 1 else part for part in (left, right))
    return left, right
