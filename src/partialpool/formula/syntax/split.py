"""A formula's text is cut at ``~`` into its two sides."""

from __future__ import annotations

from partialpool.formula.syntax.left import LeftSide, split_left
from partialpool.formula.syntax.right import RightSide, split_right
from partialpool.formula.syntax.scan import scan


def split_formula(text: str) -> tuple[LeftSide, RightSide]:
    """Cut the formula of the mean, which has an outcome.

    Raises
    ------
    FormulaError
        With a caret under what is wrong.

    Examples
    --------
    >>> left, right = split_formula("k | trials(n) ~ x + (1 | a/b)")
    >>> left.additions["trials"].source, right.population.source, [g.columns for g in right.groups]
    ('n', 'x', [('a',), ('a', 'b')])
    """
    whole = scan(text)
    sides = whole.split("~")
    if len(sides) == 1:
        raise whole.error("The formula has no outcome.", hint="'y ~ x', with the outcome left of '~'")
    if len(sides) > 2:
        second = [token for _, token in whole.levels() if token.text == "~"][1]
        raise whole.error("The formula has a second '~'.", second)
    right = split_right(sides[1])
    left = split_left(sides[0], right.weights)
    return left, right


def split_parameter(text: str) -> RightSide:
    """Cut the formula of another parameter, ``"~ z + (1 | g)"`` or ``"z + (1 | g)"``.

    Raises
    ------
    FormulaError
        With a caret under what is wrong.
    """
    whole = scan(text)
    sides = whole.split("~")
    if len(sides) > 2 or (len(sides) == 2 and len(sides[0])):
        raise whole.error("The formula of a parameter has nothing left of its one '~'.", hint="sigma='~ z'")
    right = split_right(sides[-1])
    if right.weights is not None:
        raise right.weights.error("Weights belong to the outcome's formula.", hint="'y | weights(w) ~ x'")
    return right
