"""An expression that gives one number a row: an offset, trials, weights, a transformed outcome."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from partialpool.data.checks import require_finite
from partialpool.errors import DataError, build
from partialpool.formula.bridge import evaluating
from partialpool.formula.calculation import Calculation, Columns
from partialpool.formula.records import Floats
from partialpool.formula.syntax.arithmetic import read_arithmetic
from partialpool.formula.syntax.arithmetic_tree import Name, text_of
from partialpool.formula.syntax.scan import Piece


@dataclass(frozen=True)
class Column:
    """A resolved expression; transforms with a memory learn from the first table they see.

    Attributes
    ----------
    what
        What messages call it: ``"Offset"``.
    name
        The column's name, or the expression's text: ``"log(x)"``.
    calculation
        What is computed, which remembers.
    """

    what: str
    name: str
    piece: Piece
    calculation: Calculation

    def learn(self, table: pd.DataFrame, weights: Floats | None) -> None:
        """Let its transforms learn from rows that each stand for as many as their weight says.

        Raises
        ------
        FormulaError
            When it cannot be computed.
        """
        with evaluating(self.piece):
            self.calculation.learn(table, weights)

    def evaluate(self, table: pd.DataFrame) -> Floats:
        """Compute it for rows.

        Returns
        -------
        (n,) finite numbers; a constant is repeated.

        Raises
        ------
        DataError
            When it is not a number, or not finite, in some row.
        FormulaError
            When it cannot be computed at all.
        """
        with evaluating(self.piece):
            found = self.calculation.eval(Columns(table))
        values = np.asarray(found)
        if values.dtype.kind not in "biuf" or values.ndim > 1:
            raise build(DataError, f"{self.what} {self.name!r} is not a number in each row.")
        numbers = np.full(len(table), values, dtype=np.float64)
        require_finite(numbers, f"{self.what} {self.name!r}", table.index)
        return numbers


def column(piece: Piece, what: str) -> Column:
    """Resolve a piece of a formula that gives one number a row.

    Raises
    ------
    FormulaError
        When it does not parse.
    """
    node = read_arithmetic(piece)
    name = node.column if isinstance(node, Name) else text_of(node)
    return Column(what, name, piece, Calculation(node))
