"""An expression that gives one number a row: an offset, trials, weights, a transformed outcome."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from partialpool.data.checks import require_finite
from partialpool.errors import DataError, build
from partialpool.formula.bridge import environment, evaluating, parse
from partialpool.formula.records import Floats
from partialpool.formula.syntax.scan import Piece
from partialpool.formula.weighted import learn


@dataclass(frozen=True)
class Column:
    """A resolved expression; transforms with a memory learn from the first table they see.

    Attributes
    ----------
    what
        What messages call it: ``"Offset"``.
    name
        Its text as formulae writes it, without back-quotes: ``"log(x)"``.
    lazy
        formulae's resolved expression, which remembers.
    """

    what: str
    name: str
    piece: Piece
    lazy: Any

    def learn(self, table: pd.DataFrame, weights: Floats | None) -> None:
        """Let its transforms learn from rows that each stand for as many as their weight says.

        Raises
        ------
        FormulaError
            When it cannot be computed.
        """
        with evaluating(self.piece):
            learn([self.lazy], table, weights)

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
            found = self.lazy.eval(table, environment())
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
    from formulae.terms.call_resolver import CallResolver

    tree = parse(piece)
    with evaluating(piece):
        lazy = CallResolver(tree).resolve()
    return Column(what, str(lazy), piece, lazy)
