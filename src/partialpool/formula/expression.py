"""A sum of terms becomes a matrix, and the same matrix again for new rows."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from partialpool.data.checks import count_rows, first_rows, require_finite
from partialpool.errors import DataError, build
from partialpool.formula.bridge import environment, evaluating, parse
from partialpool.formula.records import Floats, Term
from partialpool.formula.syntax.scan import Piece
from partialpool.formula.weighted import learn

_SAFE_TO_MULTIPLY = 2**31  # products of two smaller integers fit 64 bits
_NUMBERS_AT_LEAST = 10  # labels that are numbers for each that is a word: then the word is a mistake


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
        mask = _for_formulae(table, self.piece, self.theirs)
        with evaluating(self.piece):
            for component in _components(self.theirs):
                _require_known(component, mask)
            blocks = [np.asarray(term.eval_new_data(mask)) for term in self.theirs]
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
    model = resolved(piece)
    # Terms such as those of ``cat / x`` share a component, but each may need a coding of its own;
    # and the intercept may have been written last.
    model.common_terms = [copy.deepcopy(term) for term in model.common_terms]
    model.common_terms.sort(key=lambda term: term.kind != "intercept")
    _require_types(model.common_terms, table)
    mask = _for_formulae(table, piece, model.common_terms)
    with evaluating(piece):
        learn([c.call for c in _components(model.common_terms) if hasattr(c, "call")], mask, weights)
        model.eval(mask, environment())
    theirs = tuple(model.common_terms)
    terms, names = _named(piece, theirs, intercept)
    matrix = _stacked([term.data for term in theirs], terms, table.index)
    if intercept in names:
        _refuse_constant(matrix, theirs, terms)
    _forget_rows(theirs)
    return Expression(piece, terms, names, theirs), matrix


def resolved(piece: Piece) -> Any:
    """Make formulae's model of a sum of terms, which has not met a table.

    Raises
    ------
    FormulaError
        When it does not parse, or its terms mean nothing.
    """
    from formulae.resolver import Resolver
    from formulae.terms.terms import Model

    tree = parse(piece)
    with evaluating(piece):
        found = Resolver(tree).resolve()
        return found if isinstance(found, Model) else Model(found)


# ---- columns as predictors -------------------------------------------------------------------------------


def _plain_names(theirs: Any) -> list[str]:
    """List the columns that are terms by themselves, outside every call."""
    return [c.name for c in _components(theirs) if not hasattr(c, "call")]


def _components(theirs: Any) -> list[Any]:
    return [c for term in theirs for c in getattr(term, "components", ())]


def _for_formulae(table: pd.DataFrame, piece: Piece, theirs: Any) -> pd.DataFrame:
    """Change the columns that formulae would get wrong.

    It takes true/false for numbers, where it is a category; and it multiplies integers as
    integers, which may not fit.
    """
    if not piece.columns:
        # To choose none of its columns takes pandas four times as long.
        return pd.DataFrame(index=table.index)
    mask = table[list(piece.columns)]
    flags = [name for name in _plain_names(theirs) if mask[name].dtype == bool]
    integers = [name for name in mask if mask[name].dtype.kind in "iu"]
    large = [name for name in integers if mask[name].abs().max() >= _SAFE_TO_MULTIPLY]
    changed: dict[Any, Any] = {}
    changed |= dict.fromkeys(large, np.float64)
    changed |= dict.fromkeys(flags, "category")
    return mask.astype(changed) if changed else mask  # to change nothing takes pandas a millisecond


def _require_types(theirs: Any, table: pd.DataFrame) -> None:
    for name in _plain_names(theirs):
        kind = table[name].dtype
        if not (pd.api.types.is_numeric_dtype(kind) or isinstance(kind, pd.CategoricalDtype)):
            raise build(
                DataError,
                f"Column {name!r} holds {kind}, which cannot be a predictor.",
                allowed="numbers, text, true/false, categories",
                hint="make a column of numbers of it, such as days since the first date",
            )
        if isinstance(kind, pd.CategoricalDtype):
            _refuse_spoilt_numbers(name, table[name])


def _refuse_spoilt_numbers(name: str, column: pd.Series) -> None:
    """Refuse numbers that a few words made text: each number would become a category of its own."""
    labels = column.cat.categories
    words = labels[pd.to_numeric(pd.Series(labels), errors="coerce").isna().to_numpy()]
    if len(words) and len(labels) - len(words) >= _NUMBERS_AT_LEAST * max(1, len(words)):
        spoilt = column.isin(words)
        positions = column.index[spoilt]
        raise build(
            DataError,
            f"Column {name!r} is text because of {count_rows(len(positions))} ({first_rows(positions)}, "
            f"counted from 0) such as {words[0]!r}; its other labels, {len(labels) - len(words):,} of "
            f"{len(labels):,}, are numbers.",
            hint=f"clean the column: pandas.to_numeric(table[{name!r}], errors='coerce') makes missing "
            f"values of words; or write C({name}) if its labels are categories",
        )


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


def _require_known(component: Any, table: pd.DataFrame) -> None:
    if component.kind == "categoric":
        _require_levels(component, _labels(component, table), table.index)
    elif not hasattr(component, "call") and not pd.api.types.is_numeric_dtype(table[component.name]):
        raise build(
            DataError,
            f"Column {component.name!r} was numbers when the model was made, and now holds "
            f"{table[component.name].iloc[0]}.",
            hint="make numbers of the column",
        )


def _labels(component: Any, table: pd.DataFrame) -> NDArray[Any]:
    from formulae.categorical import CategoricalBox

    found = component.call.eval(table, component.env) if hasattr(component, "call") else table[component.name]
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
    twice = sorted({name for name in names if names.count(name) > 1})
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
