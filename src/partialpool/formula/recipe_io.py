"""What a recipe has learnt from its first table, as plain data that a file can hold.

The formula's text says what to compute and this says with which levels, codings, numbers and groups; together
they are the recipe again. The text is parsed anew, so nothing that a file holds is ever run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.families.base import MAIN
from partialpool.formula.column import Column, column
from partialpool.formula.expression import Expression
from partialpool.formula.formula import Formula
from partialpool.formula.formulae_state import (
    Plain,
    recall_calls,
    recall_terms,
    remember_calls,
    remember_terms,
)
from partialpool.formula.grouping import known_factor
from partialpool.formula.json_values import decode, encode
from partialpool.formula.kinds import KINDS, TEXT
from partialpool.formula.known_covariances import Covariances
from partialpool.formula.member_factor import MemberFactor, known_members
from partialpool.formula.nesting import Nesting, nesting_of_columns
from partialpool.formula.outcome import OutcomeRecipe, outcome_recipe
from partialpool.formula.recipe import AnyFactor, Columns, PredictorRecipe, Recipe, group_recipe, union
from partialpool.formula.records import Term
from partialpool.formula.roles import labels_of
from partialpool.formula.syntax.arithmetic_tree import Node, text_of, text_without_brackets
from partialpool.formula.syntax.earlier import require_same_meaning
from partialpool.formula.syntax.left import LeftSide
from partialpool.formula.syntax.membership import MembersPart
from partialpool.formula.syntax.right import RightSide
from partialpool.formula.syntax.scan import Piece
from partialpool.formula.syntax.split import split_formula, split_parameter

NameOf = Callable[[Node], str]
_ARITHMETIC = "as Python's, with brackets in names"  # what files from before it lack


def remember(recipe: Recipe) -> Plain:
    """Take out what a recipe knows besides its formula.

    Returns
    -------
    Dicts, lists, text and numbers only: what JSON can hold. No row of the table is in it, but what terms have
    learnt from it is: levels, labels of groups, means, knots; up to 2,000 values of a predictor inside
    ``tp()``. Known covariances between groups are not in it: see `storage.kept_covariances`.

    Raises
    ------
    FileError
        When it holds something of a kind that cannot be kept.

    Examples
    --------
    >>> import json, pandas as pd
    >>> from partialpool.formula.design import build_design
    >>> table = pd.DataFrame({"y": [0.1, 0.4, 0.3], "x": [1, 2, 6], "g": ["b", "a", "b"]})
    >>> _, recipe = build_design("y ~ center(x) + (1 | g)", table)
    >>> again = recall(Formula("y ~ center(x) + (1 | g)"), json.loads(json.dumps(remember(recipe))))
    >>> again.evaluate(pd.DataFrame({"x": [5], "g": ["a"]})).predictors["mu"].population.matrix
    array([[1., 2.]])
    """
    return {
        "arithmetic": _ARITHMETIC,
        "kinds": dict(recipe.kinds),
        "outcome": _outcome(recipe.outcome),
        "predictors": {p.parameter: _predictor(p) for p in recipe.predictors},
        "factors": [_factor(factor) for factor in recipe.factors.values()],
        "nested": [_nested(*pair, groups) for pair, groups in _of_rows(recipe).items()],
    }


def recall(formula: Formula, memory: Plain, covariances: Covariances | None = None) -> Recipe:
    """Make a recipe again.

    Parameters
    ----------
    formula
        What the recipe was made of.
    memory
        What `remember` returned.
    covariances
        The known covariances between groups, where the formula has any.

    Raises
    ------
    FormulaError
        When the formula does not parse, or calls a function that is not allowed.
    FileError
        When an earlier version understood the formula in another way.
    KeyError, TypeError, ValueError
        When formula and memory do not belong together.
    """
    left, right = split_formula(formula.text)
    sides = {MAIN: right} | {name: split_parameter(text) for name, text in formula.parameters.items()}
    name_of = text_of
    if is_earlier(memory):
        name_of = text_without_brackets
        for piece in (*left.pieces, *(piece for side in sides.values() for piece in side.pieces)):
            require_same_meaning(piece)
    columns = tuple(dict.fromkeys(name for side in sides.values() for name in side.columns))
    members = {g.key: g.members for side in sides.values() for g in side.groups if g.members is not None}
    factors = _recalled_factors(memory["factors"], members)
    predictors = tuple(
        _recalled_predictor(name, side, memory["predictors"][name], covariances or {}, name_of)
        for name, side in sides.items()
    )
    return Recipe(
        columns,
        _recalled_outcome(left, memory["outcome"]),
        predictors,
        factors,
        _recalled_nesting(memory.get("nested", []), factors),  # which earlier files lack
        labels_of(left, sides.values()),
        _recalled_kinds(memory["kinds"]) if "kinds" in memory else _kinds_of_earlier(predictors, factors),
    )


def is_earlier(memory: Plain) -> bool:
    """Tell whether it was made before arithmetic was Python's, in double precision."""
    return "arithmetic" not in memory


def _recalled_kinds(kept: Plain) -> dict[str, str]:
    if not {*kept.values()} <= KINDS:
        raise ValueError(f"columns are of the kinds {sorted({*kept.values()} - KINDS)}")
    return dict(kept)


def _kinds_of_earlier(
    predictors: Iterable[PredictorRecipe], factors: Mapping[Columns, AnyFactor]
) -> dict[str, str]:
    """Find what earlier files say of kinds: which labels are text."""
    names = union(
        *(factor.text_columns for factor in factors.values()),
        *(expression.text_columns for p in predictors for expression in p.expressions),
    )
    return dict.fromkeys(names, TEXT)


# ---- the left side ---------------------------------------------------------------------------------------


def _outcome(recipe: OutcomeRecipe) -> Plain:
    return {
        "transforms": [remember_calls(part.calculation) for part in _parts(recipe)],
        "levels": None if recipe.levels is None else list(recipe.levels),
    }


def _recalled_outcome(left: LeftSide, kept: Plain) -> OutcomeRecipe:
    recipe = outcome_recipe(left, None if kept["levels"] is None else tuple(kept["levels"]))
    for part, transforms in zip(_parts(recipe), kept["transforms"], strict=True):
        recall_calls(part.calculation, transforms)
    return recipe


def _parts(recipe: OutcomeRecipe) -> list[Column]:
    return list(recipe.parts)


# ---- predictors ------------------------------------------------------------------------------------------


def _predictor(recipe: PredictorRecipe) -> Plain:
    return {
        "population": _expression(recipe.population),
        "groups": [_expression(group.expression) for group in recipe.groups],
        "offsets": [remember_calls(offset.calculation) for offset in recipe.offsets],
    }


def _recalled_predictor(
    parameter: str, side: RightSide, kept: Plain, covariances: Covariances, name_of: NameOf
) -> PredictorRecipe:
    groups = tuple(
        group_recipe(_recalled_expression(part.expression, memory, name_of), part, covariances)
        for part, memory in zip(side.groups, kept["groups"], strict=True)
    )
    offsets = tuple(
        _recalled_offset(piece, memory) for piece, memory in zip(side.offsets, kept["offsets"], strict=True)
    )
    return PredictorRecipe(
        parameter, _recalled_expression(side.population, kept["population"], name_of), groups, offsets
    )


def _recalled_offset(piece: Piece, kept: list[Any]) -> Column:
    offset = column(piece, "Offset")
    recall_calls(offset.calculation, kept)
    return offset


def _expression(expression: Expression) -> Plain:
    return {
        "names": list(expression.names),
        "terms": [plain_term(term) for term in expression.terms],
        "learnt": remember_terms(expression.theirs),
    }


def _recalled_expression(piece: Piece, kept: Plain, name_of: NameOf) -> Expression:
    terms = tuple(recalled_term(term) for term in kept["terms"])
    theirs = recall_terms(piece, kept["learnt"], name_of)
    if len(theirs) != len(terms):
        raise ValueError(f"{piece.source!r} has {len(theirs)} terms and names for {len(terms)}")
    return Expression(piece, terms, tuple(kept["names"]), theirs)


def plain_term(term: Term) -> list[Any]:
    """Write a term as a list of plain data."""
    levels = None if term.levels is None else list(term.levels)
    return [term.name, term.columns.start, term.columns.stop, levels]


def recalled_term(kept: list[Any]) -> Term:
    """Make the term again that `plain_term` wrote."""
    name, start, stop, levels = kept
    return Term(name, slice(start, stop), None if levels is None else tuple(levels))


# ---- grouping factors ------------------------------------------------------------------------------------


def _factor(factor: AnyFactor) -> Plain:
    if isinstance(factor, MemberFactor):
        weights = [remember_calls(weight.calculation) for weight in factor.weights]
        return {"members": factor.name, "labels": encode(factor.labels), "weights": weights}
    levels = [encode(known) for known in factor.levels]
    return {"columns": list(factor.columns), "levels": levels, "groups": encode(factor.groups)}


def _recalled_factors(
    kept: list[Plain], members: Mapping[Columns, MembersPart]
) -> Mapping[Columns, AnyFactor]:
    factors = [_recalled_factor(memory, members) for memory in kept]
    return {factor.key: factor for factor in factors}


def _recalled_factor(kept: Plain, members: Mapping[Columns, MembersPart]) -> AnyFactor:
    if "members" not in kept:
        return known_factor(
            tuple(kept["columns"]), tuple(map(decode, kept["levels"])), decode(kept["groups"])
        )
    factor = known_members(members[(kept["members"],)], decode(kept["labels"]))
    for weight, learnt in zip(factor.weights, kept["weights"], strict=True):
        recall_calls(weight.calculation, learnt)
    return factor


def _of_rows(recipe: Recipe) -> Nesting:
    """What the rows alone say of nesting: what columns say need not be kept."""
    known = nesting_of_columns(recipe.factors)
    return {pair: groups for pair, groups in recipe.nested.items() if pair not in known}


def _nested(inner: Columns, outer: Columns, groups: NDArray[np.int64]) -> Plain:
    return {"inner": list(inner), "outer": list(outer), "groups": encode(groups)}


def _recalled_nesting(kept: list[Plain], factors: Mapping[Columns, AnyFactor]) -> Nesting:
    found = dict(nesting_of_columns(factors))
    for pair in kept:
        inner, outer, groups = tuple(pair["inner"]), tuple(pair["outer"]), decode(pair["groups"])
        n_inner, n_outer = len(factors[inner].labels), len(factors[outer].labels)
        if groups.shape != (n_inner,) or not -1 <= groups.min() <= groups.max() < n_outer:
            raise ValueError(f"the groups of {':'.join(inner)!r} do not lie in those of {':'.join(outer)!r}")
        found[inner, outer] = groups
    return found
