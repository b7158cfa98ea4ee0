"""Use formulae: our terms become its terms, in a closed environment, and its errors become ours."""

from __future__ import annotations

import contextlib
import copy
import io
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from partialpool.errors import FormulaError, PartialPoolError, build
from partialpool.formula.calculation import Calculation
from partialpool.formula.syntax.algebra import Components
from partialpool.formula.syntax.arithmetic_tree import Name, Node
from partialpool.formula.syntax.scan import Piece


def model_of(terms: Iterable[Components], components: Mapping[Node, Any]) -> Any:
    """Make formulae's model of terms; the intercept is first.

    Parameters
    ----------
    components
        formulae's component of each node, which knows its kind.
    """
    from formulae.terms.terms import Intercept, Model

    # Terms share what is computed, but each may need a coding of its own.
    found = [term_of(copy.copy(components[node]) for node in term) if term else Intercept() for term in terms]
    return Model(*sorted(found, key=lambda term: not isinstance(term, Intercept)))


def term_of(components: Iterable[Any]) -> Any:
    """Make formulae's term of its components, which know their kinds."""
    from formulae.terms.terms import Term as TheirTerm

    term = TheirTerm(*components)
    term.kind = "interaction" if len(term.components) > 1 else term.components[0].kind
    return term


def component(node: Node) -> Any:
    """Make formulae's component of a column, or of an expression."""
    from formulae.terms.call import Call
    from formulae.terms.variable import Variable

    return Variable(node.column) if isinstance(node, Name) else Call(Calculation(node))


def environment() -> Any:
    """Return an empty environment: `Calculation` knows the functions that a formula may call."""
    from formulae.environment import Environment

    return Environment([])


@contextlib.contextmanager
def evaluating(piece: Piece) -> Iterator[None]:
    """Run formulae quietly, and turn what it raises into an error that names the piece.

    Raises
    ------
    FormulaError
        When the piece cannot be evaluated.
    """
    # numpy warns of log(0), but the values are checked afterwards; formulae prints before it raises.
    with np.errstate(all="ignore"), contextlib.redirect_stdout(io.StringIO()):
        try:
            yield
        except PartialPoolError:
            raise
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise build(FormulaError, f"{piece.source!r} cannot be evaluated: {error}") from error
