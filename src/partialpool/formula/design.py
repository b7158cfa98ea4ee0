"""A formula meets a table: the design, and the recipe that makes the same design of new rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from partialpool.data.checks import Missing
from partialpool.data.frame import Frame, kinds_of
from partialpool.errors import FormulaError
from partialpool.families.base import MAIN
from partialpool.formula.column import column
from partialpool.formula.combinations import of_combinations
from partialpool.formula.expression import fit_expression
from partialpool.formula.formula import Formula
from partialpool.formula.group_records import Grouping
from partialpool.formula.grouping import fit_factor
from partialpool.formula.kinds import kinds_of_columns
from partialpool.formula.known_covariances import Covariances, arrange, read_covariances
from partialpool.formula.member_factor import fit_members, require_members
from partialpool.formula.nesting import find_nesting
from partialpool.formula.outcome import fit_outcome
from partialpool.formula.plain import plain_columns
from partialpool.formula.recipe import (
    AnyFactor,
    Columns,
    Groupings,
    GroupRecipe,
    PredictorRecipe,
    Recipe,
    group_recipe,
    union,
    usable_rows,
)
from partialpool.formula.records import Design, Floats, Predictor
from partialpool.formula.roles import labels_of
from partialpool.formula.syntax.algebra import read_terms
from partialpool.formula.syntax.arithmetic import read_arithmetic
from partialpool.formula.syntax.left import LeftSide
from partialpool.formula.syntax.right import GroupPart, RightSide
from partialpool.formula.syntax.sharing import check_sharing
from partialpool.formula.syntax.split import split_formula, split_parameter


def build_design(
    formula: str | Formula,
    table: pd.DataFrame,
    missing: Missing = "error",
    covariances: Mapping[str, Any] | None = None,
) -> tuple[Design, Recipe]:
    """Evaluate a formula on a table.

    Parameters
    ----------
    formula
        Its text, or a :class:`Formula` with formulas for further parameters.
    table
        As :func:`partialpool.data.tables.read_table` returns it.
    missing
        ``"error"`` refuses missing values in the columns that are used; ``"drop"`` leaves
        out the rows that have any, and the design says how many.
    covariances
        By name, the known covariances between groups: see `formula.known_covariances.read_covariances`.

    Returns
    -------
    The design, and the recipe for new rows.

    Raises
    ------
    FormulaError
        When the formula does not parse, calls a function that is not allowed, or has a coefficient twice.
    DataError
        When a column is absent, lacks values, or cannot be used as the formula uses it; when a covariance
        cannot be used, or does not cover the groups.

    Examples
    --------
    >>> table = pd.DataFrame({"y": [0, 1, 1], "g": ["b", "a", "b"]})
    >>> design, recipe = build_design("y ~ 1 + (1 | g)", table)
    >>> design.predictors["mu"].groups[0].grouping.index
    array([1, 0, 1])
    >>> recipe.evaluate(pd.DataFrame({"g": ["a", "new"]})).predictors["mu"].groups[0].grouping.index
    array([ 0, -1])
    """
    asked = formula if isinstance(formula, Formula) else Formula(formula)
    left, right = split_formula(asked.text)
    sides = {MAIN: right} | {name: split_parameter(text) for name, text in asked.parameters.items()}
    _require_meaning(left, sides.values())  # it is said before what is wrong with the table
    check_sharing(sides.values())
    named = {(g.key, g.covariance): None for s in sides.values() for g in s.groups if g.covariance}
    matrices = read_covariances(covariances, [name for _, name in named])
    columns = union(*(side.columns for side in sides.values()))
    for part in _parts(sides.values()).values():
        if part.members is not None:
            require_members(part.members.name, part.columns, table, missing)
    used, labels = union(left.columns, columns), labels_of(left, sides.values())
    rows = usable_rows(table, used, missing)
    plain, n_dropped = plain_columns(table, used, rows, labels), len(table) - len(rows)

    kinds = kinds_of(table, plain)
    ordered = [name for name, kind in kinds.items() if kind == "ordered"]
    outcome_recipe, outcome = fit_outcome(left, plain, ordered)
    # Labels of a user's order; those in the order of the alphabet are not.
    outcome = replace(outcome, ordered=outcome.name in ordered)

    def fit(frame: Frame) -> tuple[Design, Recipe]:
        weights = frame.totals(outcome.weights)
        factors, groupings = _fit_factors(sides.values(), frame.table, weights)
        known = arrange(matrices, named, groupings)
        fitted = {
            name: _fit_predictor(name, side, frame.table, weights, groupings, known)
            for name, side in sides.items()
        }
        recipes = tuple(recipe for recipe, _ in fitted.values())
        nested, known_kinds = find_nesting(groupings), kinds_of_columns(plain)
        recipe = Recipe(columns, outcome_recipe, recipes, factors, nested, labels, known_kinds)
        predictors = {name: predictor for name, (_, predictor) in fitted.items()}
        whole = replace(frame, kinds=kinds, labels=table.index.take(rows) if n_dropped else table.index)
        return Design(outcome, predictors, frame.n_rows, n_dropped, whole), recipe

    return of_combinations(plain, columns, fit)


def _require_meaning(left: LeftSide, sides: Iterable[RightSide]) -> None:
    """Refuse a formula that does not parse, or asks for too many columns."""
    for piece in (*left.pieces, *(piece for side in sides for piece in side.expressions)):
        read_arithmetic(piece)
    for terms in (terms for side in sides for terms in side.sums):
        read_terms(terms)


def _parts(sides: Iterable[RightSide]) -> dict[Columns, GroupPart]:
    """Take each grouping factor once, however many terms and predictors have it.

    Raises
    ------
    FormulaError
        When two terms weight the groups of one factor differently.
    """
    found: dict[Columns, GroupPart] = {}
    for part in (group for side in sides for group in side.groups):
        known = found.setdefault(part.key, part)
        if part.members is not None and known.members is not None and not part.members.same_as(known.members):
            raise part.expression.error(
                f"{part.members.name} has other weights in another term.",
                hint="the same weights in every term, or the columns in another order: another factor",
            )
    return found


def _fit_factors(
    sides: Iterable[RightSide], table: pd.DataFrame, weights: Floats | None
) -> tuple[dict[Columns, AnyFactor], Groupings]:
    """Index each grouping factor once."""
    factors: dict[Columns, AnyFactor] = {}
    groupings: dict[Columns, Grouping] = {}
    for key, part in _parts(sides).items():
        if part.members is None:
            factors[key], groupings[key] = fit_factor(part.columns, table)
        else:
            factors[key], groupings[key] = fit_members(part.members, table, weights)
    return factors, groupings


def _fit_predictor(
    parameter: str,
    side: RightSide,
    table: pd.DataFrame,
    weights: Floats | None,
    groupings: Groupings,
    covariances: Covariances,
) -> tuple[PredictorRecipe, Predictor]:
    population, matrix = fit_expression(side.population, table, "Intercept", weights)
    fitted = [fit_expression(group.expression, table, "1", weights) for group in side.groups]
    groups = tuple(
        group_recipe(expression, group, covariances)
        for group, (expression, _) in zip(side.groups, fitted, strict=True)
    )
    _refuse_repeats(groups)
    offsets = tuple(column(offset, "Offset") for offset in side.offsets)
    for offset in offsets:
        offset.learn(table, weights)
    recipe = PredictorRecipe(parameter, population, groups, offsets)
    return recipe, recipe.predictor(table, matrix, [m for _, m in fitted], groupings)


def _refuse_repeats(groups: tuple[GroupRecipe, ...]) -> None:
    """Refuse a coefficient that a grouping factor has twice, and a term that has none."""
    seen: dict[tuple[frozenset[str], str], GroupRecipe] = {}
    for group in groups:
        factor = ":".join(group.factor)
        if not group.expression.names:
            raise group.expression.piece.error("The term has no coefficient.", hint=f"(1 | {factor})")
        for name in group.expression.names:
            other = seen.setdefault((frozenset(group.factor), name), group)
            if other is not group:
                raise _repeated(group, other, name, factor)


def _repeated(group: GroupRecipe, other: GroupRecipe, name: str, factor: str) -> FormulaError:
    others = [term.name for term in group.expression.terms if term.name != "1"]
    without = f"(0 + {' + '.join(others)} | {factor})" if name == "1" and others else None
    if (group.covariance is None) != (other.covariance is None):
        without = f"where groups have related and independent effects, a copy of {factor!r} in one of them"
    problem = f"The coefficient {name!r} varies by {factor!r} in two terms."
    return group.expression.piece.error(problem, hint=without or "leave it in one of them")
