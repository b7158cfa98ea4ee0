"""Splines beyond the values that they were fitted to say so, with the rows."""

import json
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

from partialpool.errors import ExtrapolationWarning
from partialpool.formula.design import build_design
from partialpool.formula.formula import Formula
from partialpool.formula.recipe_io import recall, remember

N = 60
X = np.random.default_rng(4).normal(size=N)
TABLE = pd.DataFrame({"y": np.arange(N) % 7.0, "x": X, "w": np.ones(N), "g": np.arange(N) % 5})

FORMULAS = {
    "bs": "y ~ bs(x, df=5)",
    "cr": "y ~ cr(x, df=5)",
    "tp": "y ~ tp(x, df=5)",
    "in arithmetic": "y ~ bs({x * 10}, df=5)",
    "a coefficient of groups": "y ~ 1 + (0 + bs(x, df=4) | g)",
}


def recipes(formula: str, table: pd.DataFrame = TABLE) -> list[Any]:
    _, recipe = build_design(formula, table)
    return [recipe, recall(Formula(formula), json.loads(json.dumps(remember(recipe))))]


@pytest.mark.parametrize("kind", FORMULAS)
def test_rows_beyond_the_fitted_values_are_named(kind: str) -> None:
    new = pd.DataFrame({"x": [0.1, X.max() + 15, X.min(), X.min() - 1, X.max()], "g": 0})
    for recipe in recipes(FORMULAS[kind]):
        with pytest.warns(ExtrapolationWarning, match=r"and 2 rows \(rows 1, 3, counted from 0\)") as found:
            recipe.evaluate(new)
        assert len(found) == 1


@pytest.mark.parametrize("kind", FORMULAS)
def test_rows_within_are_not(kind: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for recipe in recipes(FORMULAS[kind]):
            recipe.evaluate(TABLE)
            recipe.evaluate(TABLE.iloc[[int(X.argmax())]])


def test_rows_of_a_long_table_have_their_own_numbers() -> None:
    """Though it is evaluated by distinct combinations."""
    x = np.tile([0.0, 0.5, 0.1, X.max() + 1], 5000)
    (recipe, _) = recipes("y ~ cr(x, df=4)")
    with pytest.warns(ExtrapolationWarning, match=r"5,000 rows \(rows 3, 7, 11, 15, 19, \.\.\., counted"):
        recipe.evaluate(pd.DataFrame({"x": x}))


def test_rows_that_count_nothing_are_no_fitted_values() -> None:
    counted = TABLE.assign(w=np.where(X.max() == X, 0.0, 2.0))
    second = np.sort(X)[-2]
    for recipe in recipes("y | weights(w) ~ bs(x, df=5)", counted):
        with pytest.warns(ExtrapolationWarning, match=f"to {second:g}, and 1 row "):
            recipe.evaluate(pd.DataFrame({"x": [X.max(), second]}))


def test_bounds_that_were_given_are_met() -> None:
    (recipe, _) = recipes("y ~ bs(x, df=5, lower_bound=-9, upper_bound=9)")
    with pytest.warns(ExtrapolationWarning, match=r"from -9 to 9, and 1 row \(row 1, "):
        recipe.evaluate(pd.DataFrame({"x": [8.0, 10.0]}))
