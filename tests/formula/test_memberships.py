"""Factors of which each row has several groups, mm(a, b): labels, weights, new rows, and what is refused."""

from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd
import pytest
from tests.formula.built import build_design
from tests.formula.same import assert_same

from partialpool.errors import DataError, FormulaError
from partialpool.formula.formula import Formula
from partialpool.formula.group_records import Grouping
from partialpool.formula.recipe_io import recall, remember

TABLE = pd.DataFrame(
    {
        "y": [1.0, 2.0, 4.0, 3.0],
        "x": [0.5, 1.0, 0.0, 2.0],
        "a": [3, 5, 3, 9],
        "b": [5, 5, 7, 9],
        "w": [1.0, 2.0, 0.0, 1.0],
        "v": [1.0, 0.0, 2.0, 3.0],
    }
)


def grouping(text: str, table: pd.DataFrame = TABLE) -> Grouping:
    design, _ = build_design(f"y ~ x + {text}", table)
    (term,) = design.predictors["mu"].groups
    return term.grouping


def weights(text: str) -> list[list[float]]:
    return [member.weights.tolist() for member in grouping(text).members]


def test_the_labels_of_all_columns_are_one_factor() -> None:
    found = grouping("(1 | mm(a, b))")
    assert (found.name, found.columns, found.labels.tolist()) == ("mm(a, b)", ("a", "b"), [3, 5, 7, 9])
    assert [member.index.tolist() for member in found.members] == [[0, 1, 0, 3], [1, 1, 2, 3]]


def test_a_row_has_the_mean_of_its_groups_unless_weights_say_otherwise() -> None:
    assert weights("(1 | mm(a, b))") == [[0.5] * 4] * 2
    assert weights("(1 | mm(a, b, scale=FALSE))") == [[1.0] * 4] * 2
    given = "weights = cbind(w, v)"
    assert weights(f"(1 | mm(a, b, {given}))") == [[0.5, 1.0, 0.0, 0.25], [0.5, 0.0, 1.0, 0.75]]
    assert weights(f"(1 | mm(a, b, {given}, scale = False))") == [TABLE["w"].tolist(), TABLE["v"].tolist()]
    assert weights("(1 | mm(a, b, weights=cbind({w - 1}, -v), scale=FALSE))")[1] == [-1, 0, -2, -3]


def test_a_row_is_paired_once_with_each_group_that_has_a_weight() -> None:
    rows, groups = grouping("(1 | mm(a, b, weights=cbind(w, v)))").pairs()
    assert list(zip(rows.tolist(), groups.tolist(), strict=True)) == [(0, 0), (0, 1), (1, 1), (2, 2), (3, 3)]


def test_slots_are_one_for_each_membership() -> None:
    design, _ = build_design("y ~ (1 + x | mm(a, b, weights=cbind(w, v)))", TABLE)
    (term,) = design.predictors["mu"].groups
    found = [matrix for _, matrix in term.shares()]
    np.testing.assert_array_equal(found[1][:, 1], TABLE["x"] * TABLE["v"] / (TABLE["w"] + TABLE["v"]))
    np.testing.assert_array_equal(sum(found)[:, 0], np.ones(4))


@pytest.mark.parametrize("order", [["z", "a", "m"], ["a", "m", "z"]])
def test_categories_that_all_columns_have_keep_their_order(order: list[str]) -> None:
    rows = pd.DataFrame({"y": [1.0, 2.0, 3.0], "x": [1.0, 2.0, 4.0]})
    kind = pd.CategoricalDtype(order, ordered=True)
    rows["a"], rows["b"] = pd.Series(["a", "m", "z"], dtype=kind), pd.Series(["z", "a", "m"], dtype=kind)
    assert grouping("(1 | mm(a, b))", rows).labels.tolist() == order


def test_new_groups_are_one_by_their_label_in_any_column() -> None:
    _, recipe = build_design("y ~ x + (1 | mm(a, b))", TABLE)
    new = pd.DataFrame({"x": [0.0, 1.0, 2.0], "a": [3, 100, 50], "b": [100, 9, 100]})
    found = recipe.evaluate(new).predictors["mu"].groups[0].grouping
    assert [member.index.tolist() for member in found.members] == [[0, -1, -1], [-1, 3, -1]]
    assert found.unseen is not None
    assert found.unseen.labels.tolist() == [50, 100]
    assert [m.unseen.tolist() for m in found.members if m.unseen is not None] == [[-1, 1, 0], [1, -1, 1]]
    alone = build_design("y ~ x + (1 | a)", TABLE)[1].evaluate(new).predictors["mu"].groups[0].grouping
    assert alone.unseen is not None
    assert alone.unseen.hashes.tolist() == found.unseen.hashes.tolist()


def test_it_lies_in_no_factor_and_none_in_it() -> None:
    assert build_design("y ~ (1 | mm(a, b)) + (1 | a) + (1 | a:b)", TABLE)[1].nested.keys() == {
        (("a", "b"), ("a",))
    }


def test_a_recipe_comes_back() -> None:
    text = "y ~ x + (x | mm(a, b, weights=cbind(scale(w), v), scale=FALSE)) + (1 | a)"
    _, recipe = build_design(text, TABLE)
    again = recall(Formula(text), json.loads(json.dumps(remember(recipe))))
    new = TABLE.iloc[:3].assign(a=[3, 4, 5])
    assert_same(again.evaluate(new), recipe.evaluate(new))
    assert recipe.columns == ("x", "w", "v", "a", "b")


@pytest.mark.parametrize(
    ("factor", "message"),
    [
        ("mm(a)", r"mm\(\) needs two columns at least"),
        ("mm(a, a)", "has a column twice"),
        ("mm(a, b:x)", r"'b:x' is no column of groups"),
        ("mm(a, )", "is no column of groups"),
        ("mm(a, b, by=x)", r"mm\(\) has no argument 'by'"),
        ("mm(a, b, cor=FALSE)", r"\(x \|\| mm\(a, b\)\) leaves the correlations out"),
        ("mm(a, b, weights=w)", r"weights=cbind\(w1, w2\)"),
        ("mm(a, b, weights=cbind(w))", "has 2 columns and 1 weights"),
        ("mm(a, b, weights=cbind(f(w), v))", "cannot call 'f'"),
        ("mm(a, b, scale=2)", "scale=2 is neither true nor false"),
        ("mm(a, b, scale=TRUE, scale=TRUE)", "'scale' has one value"),
        ("mm(a, b) / x", r"A grouping factor cannot be 'mm\(a, b\)'"),
        ("mm(a, b)) + (0 + x | mm(a, b, scale=FALSE)", r"mm\(a, b\) has other weights in another term"),
        ("a) + mm(a, b", r"mm\(\) cannot stand here.*\(1 \| mm\(a, b\)\)"),
        ("a) + (mmc(x, w) | mm(a, b)", r"mmc\(\) cannot stand here.*the same column for all groups"),
    ],
)
def test_what_means_nothing_is_pointed_at(factor: str, message: str) -> None:
    with pytest.raises(FormulaError, match=re.compile(message, re.DOTALL)) as raised:
        build_design(f"y ~ x + (1 | {factor})", TABLE)
    assert "^" in str(raised.value)


@pytest.mark.parametrize(
    ("changes", "factor", "message"),
    [
        ({"b": list("pqrs")}, "mm(a, b)", "'a' has whole numbers, such as 3; 'b' has text, such as p"),
        ({"a": 3, "b": 3}, "mm(a, b)", "one group only, 3, in all 4 rows"),
        ({"b": [1.5, 2, 3, 4]}, "mm(a, b)", "'b' has fractions"),
        ({"w": -1.0}, "mm(a, b, weights=cbind(w, v))", r"negative in 4 rows \(rows 0, 1, 2, 3"),
        ({"v": 0.0}, "mm(a, b, weights=cbind(w, v))", r"all 0 in 1 row \(row 2"),
        (
            {"b": [5, None, 7, None]},
            "mm(a, b)",
            r"'b': 2 rows \(rows 1, 3.*weight 0.*weights=cbind\(w1, w2\)",
        ),
    ],
)
def test_what_cannot_be_used_is_named(changes: dict[str, object], factor: str, message: str) -> None:
    with pytest.raises(DataError, match=re.compile(message, re.DOTALL)):
        build_design(f"y ~ x + (1 | {factor})", TABLE.assign(**changes))


def test_rows_without_a_group_are_left_out_when_asked() -> None:
    design, recipe = build_design("y ~ (1 | mm(a, b))", TABLE.assign(b=[5, None, 7, None]), "drop")
    assert (design.n_rows, design.n_dropped) == (2, 2)
    with pytest.raises(DataError, match="needs a group in each of its columns"):
        recipe.evaluate(TABLE.assign(a=[3, None, 5, 7]))
    with pytest.raises(DataError, match="no column 'b'"):
        recipe.evaluate(TABLE.drop(columns="b"))
    with pytest.raises(DataError, match="'b' was numbers when the model was made"):
        recipe.evaluate(TABLE.assign(b=list("pqrs")))
