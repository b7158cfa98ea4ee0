"""What the user asks for: the text of the formula, and of the formulas of other parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from partialpool.errors import FormulaError, build
from partialpool.families.base import MAIN
from partialpool.formula.roles import labels_of
from partialpool.formula.syntax.split import split_formula, split_parameter


@dataclass(frozen=True, init=False)
class Formula:
    """A formula for the mean, and formulas for other parameters of the family.

    Parameters
    ----------
    text
        ``"y ~ x + (1 | g)"``.
    **parameters
        By the parameter's name, ``"~ z + (1 | g)"`` or ``"z + (1 | g)"``.

    Raises
    ------
    FormulaError
        When one of them is not text, or the mean has two.

    Examples
    --------
    >>> Formula("y ~ x + (1 | g)", sigma="~ z")
    Formula('y ~ x + (1 | g)', sigma='~ z')
    """

    text: str
    parameters: Mapping[str, str]

    def __init__(self, text: str, /, **parameters: str) -> None:
        for name, value in {"formula": text, **parameters}.items():
            if not isinstance(value, str):
                raise build(FormulaError, f"{name}={value!r} is not the text of a formula.", hint="'y ~ x'")
        if MAIN in parameters:
            raise build(FormulaError, f"The formula of the mean, {MAIN!r}, is the first argument.")
        object.__setattr__(self, "text", text)
        object.__setattr__(self, "parameters", parameters)

    @property
    def labels(self) -> frozenset[str]:
        """The columns that are grouping factors or stand in ``C()``, and nowhere else.

        Raises
        ------
        FormulaError
            When it does not parse.

        Examples
        --------
        >>> sorted(Formula("y ~ C(sec) + log(x) + x + (1 | x) + (1 | school)").labels)
        ['school', 'sec']
        """
        left, right = split_formula(self.text)
        return labels_of(left, (right, *map(split_parameter, self.parameters.values())))

    def __repr__(self) -> str:
        return f"Formula({', '.join([repr(self.text), *(f'{k}={v!r}' for k, v in self.parameters.items())])})"

    def __hash__(self) -> int:
        return hash((self.text, tuple(self.parameters.items())))
