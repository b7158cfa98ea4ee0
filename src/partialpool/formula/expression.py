"""A sum of terms becomes a matrix, and the same matrix again for new rows."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import prod
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from partialpool.data.checks import count_rows, first_rows, require_finite
from partialpool.errors import DataError, FormulaError, build
from partialpool.formula.bridge import component as new_component
from partialpool.formula.bridge import environment, evaluating, model_of, term_of
from partialpool.formula.calculation import Calculation, Columns
from partialpool.formula.records import Floats, Term
from partialpool.formula.spoilt_numbers import refuse_spoilt_numbers
from partialpool.formula.syntax.algebra import MOST_COLUMNS, Components, count_text, read_terms
from partialpool.formula.syntax.arithmetic_tree import Node
from partialpool.formula.syntax.scan import Piece

_MOST_CATEGORIES = 9  # in one interaction; each more takes eight times as long to code


@dataclass(frozen=True)
class Expression:
    """A sum of terms that has met its first table and remembers levels, codings and transforms.

    Attributes
    ----------
    terms
        In the order of their columns, the intercept first.
    names
        One a column: ``"Intercept"``, ``"x"``, ``"cat[b]"``.
    theirs
        formulae's terms, which remember; one for each of `terms`.
    """

    piece: Piece
    terms: tuple[Term, ...]
    names: tuple[str, ...]
    theirs: tuple[Any, ...]

    @property
    def text_columns(self) -> tuple[str, ...]:
        """Columns that are categorical terms of text by themselves."""
        plain = (c for c in _components(self.theirs) if c.kind == "categoric" and not hasattr(c, "call"))
        return tuple(c.name for c in plain if isinstance(c.levels[0], str))

    @property
    def calculations(self) -> tuple[Calculation, ...]:
        """What it computes of columns."""
        return tuple(c.call for c in _components(self.theirs) if hasattr(c, "call"))

    def evaluate(self, table: pd.DataFrame) -> Floats:
        """Compute the matrix for new rows.

        Parameters
        ----------
        table
            Plain columns (see :func:`partialpool.formula.plain.plain_columns`).

        Returns
        -------
        (n, K).

        Raises
        ------
        DataError
            When a categorical term has a level that it did not have, a number became text,
            or a value is not finite.
        """
        plain = (c for c in _components(self.theirs) if c.kind == "categoric" and not hasattr(c, "call"))
        rows = Columns(table, {component.name for component in plain})
        with evaluating(self.piece):
            for component in _components(self.theirs):
                _require_known(component, rows)
            blocks = [np.asarray(term.eval_new_data(rows)) for term in self.theirs]
            return _stacked(blocks, self.terms, table.index)


def fit_expression(
    piece: Piece, table: pd.DataFrame, intercept: str, weights: Floats | None = None
) -> tuple[Expression, Floats]:
    """Evaluate a sum of terms for the first time.

    Parameters
    ----------
    piece
        The terms, the implied intercept written out.
    table
        Plain columns (see :func:`partialpool.formula.plain.plain_columns`).
    intercept
        What the intercept is called: ``"Intercept"``, or ``"1"`` in a group-level term.
    weights
        (n,) how many rows each row stands for; None where each stands for itself.

    Returns
    -------
    The expression, and its (n, K) matrix.

    Raises
    ------
    FormulaError
        When the terms cannot be evaluated, or two have one name.
    DataError
        When a predictor is constant, has no numbers and no levels, or is not finite.
    """
    terms = read_terms(piece)
    components = {node: new_component(node) for term in terms for node in term}
    _require_types(components.values(), table)
    with evaluating(piece):
        rows = Columns(table)
        for component in components.values():
            _meet(component, rows, weights)
        _require_few_columns(piece, terms, components)
        theirs = tuple(_evaluate(model_of(terms, components), rows))
    named, names = _named(piece, theirs, intercept)
    matrix = _stacked([term.data for term in theirs], named, table.index)
    if intercept in names:
        _refuse_constant(matrix, theirs, named)
    _forget_rows(theirs)
    return Expression(piece, named, names, theirs), matrix


def _meet(component: Any, rows: Columns, weights: Floats | None) -> None:
    """Let a component learn from its first table, and find out whether it is numbers or categories."""
    if not hasattr(component, "call"):
        component.set_type(rows)
        return
    component.call.learn(rows.table, weights)
    component.set_type(rows, environment())
    if component.kind == "numeric" and np.ndim(component._intermediate_data) == 0:
        raise build(FormulaError, f"{component.name} is a constant, no predictor.", hint="1, the intercept")


def _evaluate(model: Any, rows: Columns) -> Iterator[Any]:
    """Yield terms with their columns of the first table, coded so that no column follows from others.

    formulae finds the codings. A term that has several, since terms within it are absent, becomes several:
    ``a:b`` without ``b`` is ``b`` and ``a:b`` with all levels of b. One that adds nothing becomes none.
    """
    codings = model._get_encoding_bools()
    for term in model.common_terms:
        if term.kind == "intercept":
            term.set_type(rows, None)
        own = codings.get(term.name, [{}])
        for coding in own:
            part = term if len(own) == 1 else _part_of(term, coding)
            part.set_data(coding)
            yield part


def _part_of(term: Any, coding: Collection[str]) -> Any:
    """Make the term of some of the categories of one, and of its numbers."""
    return term_of(copy.copy(c) for c in term.components if c.kind == "numeric" or c.name in coding)


# ---- how many columns ------------------------------------------------------------------------------------


def _require_few_columns(piece: Piece, terms: Sequence[Components], components: Mapping[Node, Any]) -> None:
    """Refuse what could not be computed in any useful time, before it is begun."""
    widths = {node: _width(component) for node, component in components.items()}
    labelled = {node for node, component in components.items() if component.kind == "categoric"}
    for term in terms:
        n_categories = len(labelled.intersection(term))
        if n_categories > _MOST_CATEGORIES:
            combined = count_text(prod(widths[node] for node in term))
            raise piece.error(
                f"An interaction of {n_categories} categories asks for {combined} columns.",
                allowed=f"interactions of {_MOST_CATEGORIES} categories",
                hint="(1 | a:b:c) for a factor of their combinations",
            )
    asked = _count_columns(terms, widths, labelled)
    if asked > MOST_COLUMNS:
        raise piece.error(
            f"These terms ask for {count_text(asked)} columns.",
            allowed=f"{MOST_COLUMNS:,} columns in one sum of terms",
            hint="(1 | g) instead of g, for a factor of many levels",
        )


def _count_columns(
    terms: Sequence[Components], widths: Mapping[Node, int], labelled: Collection[Node]
) -> int:
    """Count the columns of terms whose categories are coded so that no column follows from others.

    Each set of categories in a term, with the numbers in it, adds a column for each combination of levels but
    the first of each; whatever term it stands in, it adds them once.
    """
    counted: dict[tuple[frozenset[Node], frozenset[Node]], int] = {}
    for term in terms:
        numbers = frozenset(node for node in term if node not in labelled)
        columns = prod(widths[node] for node in numbers)
        categories = [node for node in term if node in labelled]
        for n in range(len(categories) + 1):
            for some in combinations(categories, n):
                counted[numbers, frozenset(some)] = columns * prod(widths[node] - 1 for node in some)
    return sum(counted.values())


def _width(component: Any) -> int:
    """Count the columns of numbers, or the levels of categories."""
    found = component._intermediate_data
    if component.kind == "numeric":
        return int(found.shape[1]) if np.ndim(found) == 2 else 1
    labels = found if isinstance(found, pd.Series) else found.data
    return len(pd.unique(labels))


# ---- columns as predictors -------------------------------------------------------------------------------


def _components(theirs: Any) -> list[Any]:
    return [c for term in theirs for c in getattr(term, "components", ())]


def _require_types(components: Iterable[Any], table: pd.DataFrame) -> None:
    for name in (c.name for c in components if not hasattr(c, "call")):
        kind = table[name].dtype
        if not (pd.api.types.is_numeric_dtype(kind) or isinstance(kind, pd.CategoricalDtype)):
            raise build(
                DataError,
                f"Column {name!r} holds {kind}, which cannot be a predictor.",
                allowed="numbers, text, true/false, categories",
                hint="make a column of numbers of it, such as days since the first date",
            )
        if isinstance(kind, pd.CategoricalDtype):
            refuse_spoilt_numbers(name, table[name])


def _refuse_constant(matrix: Floats, theirs: tuple[Any, ...], terms: tuple[Term, ...]) -> None:
    for their, term in zip(theirs, terms, strict=True):
        block = matrix[:, term.columns]
        if their.kind == "numeric" and (block == block[0]).all(axis=0).any():
            raise build(
                DataError,
                f"Predictor {term.name!r} is constant: {block[0, 0]:g} in every row.",
                hint="leave it out; the intercept already says what it says",
            )


# ---- levels of new rows ----------------------------------------------------------------------------------


def _require_known(component: Any, rows: Columns) -> None:
    if component.kind == "categoric":
        _require_levels(component, _labels(component, rows), rows.index)
    elif not hasattr(component, "call") and not pd.api.types.is_numeric_dtype(rows[component.name]):
        raise build(
            DataError,
            f"Column {component.name!r} was numbers when the model was made, and now holds "
            f"{rows[component.name].iloc[0]}.",
            hint="make numbers of the column",
        )


def _labels(component: Any, rows: Columns) -> NDArray[Any]:
    from formulae.categorical import CategoricalBox

    found = component.call.eval(rows) if hasattr(component, "call") else rows[component.name]
    return np.asarray(found.data if isinstance(found, CategoricalBox) else found)


def _require_levels(component: Any, labels: NDArray[Any], rows: pd.Index) -> None:
    unknown = pd.Index(component.levels).get_indexer(pd.Index(labels)) < 0
    if not unknown.any():
        return
    new = ", ".join(str(label) for label in pd.unique(labels[unknown])[:5])
    positions = rows[unknown]
    other_type = set(map(str, pd.unique(labels[unknown]))) <= set(map(str, component.levels))
    raise build(
        DataError,
        f"{component.name!r} has levels that the model does not know: {new}, in {count_rows(len(positions))} "
        f"({first_rows(positions)}, counted from 0).",
        allowed=", ".join(str(level) for level in component.levels[:20]),
        hint="the type that the column had when the model was made" if other_type else None,
    )


# ---- names and columns -----------------------------------------------------------------------------------


def _named(piece: Piece, theirs: tuple[Any, ...], intercept: str) -> tuple[tuple[Term, ...], tuple[str, ...]]:
    """Name terms and columns as formulae does, and so as Bambi does."""
    terms: list[Term] = []
    names: list[str] = []
    for term in theirs:
        labels = [intercept] if term.kind == "intercept" else list(term.labels)
        if not labels:
            level = term.components[0].levels[0]
            raise build(
                DataError,
                f"Predictor {term.name!r} is constant: {level} in every row.",
                hint="leave it out; the intercept already says what it says",
            )
        name = intercept if term.kind == "intercept" else term.name
        columns = slice(len(names), len(names) + len(labels))
        terms.append(Term(name, columns, _levels(term, len(labels))))
        names += labels
    twice = sorted(name for name, times in Counter(names).items() if times > 1)
    if twice:
        raise piece.error(
            f"Two different terms have the name {twice[0]!r}.", hint="a new column of the table for one"
        )
    return tuple(terms), tuple(names)


def _levels(term: Any, width: int) -> tuple[str, ...] | None:
    levels = None if term.kind == "intercept" else term.levels
    if levels is None:
        return None if width == 1 else tuple(str(i) for i in range(width))
    return tuple(levels)


def _stacked(blocks: list[NDArray[Any]], terms: tuple[Term, ...], rows: pd.Index) -> Floats:
    """Put the terms' columns side by side, all finite."""
    matrix = np.empty((len(rows), terms[-1].columns.stop if terms else 0))
    for block, term in zip(blocks, terms, strict=True):
        matrix[:, term.columns] = block if block.ndim == 2 else block[:, np.newaxis]
        require_finite(matrix[:, term.columns], f"Term {term.name!r}", rows)
    return matrix


def _forget_rows(theirs: tuple[Any, ...]) -> None:
    """Let go of the first table's rows, which formulae keeps; levels and transforms stay."""
    for term in theirs:
        term.data = None
        for component in getattr(term, "components", ()):
            component.value = component._intermediate_data = None
