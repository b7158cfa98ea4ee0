"""Groups are indexed by their own labels; a new one is -1."""

import numpy as np
import pandas as pd
import pytest
from tests.formula.built import build_design

from partialpool.errors import DataError, FormulaError

from .table import TABLE, N


def groupings(text, table=TABLE):
    design, recipe = build_design(text, table)
    return [term.grouping for term in design.predictors["mu"].groups], recipe


LABELS = {
    "g": ([3, 5, 61], [2, 0, 0, 2, 1, 1], "i"),
    "h": (["p", "q"], [1, 0, 1, 0, 1, 0], "O"),
    "f": ([1, 2], [1, 0, 1, 0, 1, 0], "i"),
    "flag": ([False, True], [1, 0, 0, 1, 1, 0], "b"),
    "order": (["l", "o", "i", "h"], [0, 1, 3, 2, 0, 1], "O"),
    "day": ([pd.Timestamp("2020-01-01"), pd.Timestamp("2021-01-01")], [1, 1, 1, 0, 0, 0], "M"),
    "date": ([pd.Timestamp("2020-01-01"), pd.Timestamp("2021-01-01")], [1, 1, 1, 0, 0, 0], "M"),
    "whole": ([1, 2, 3, 4, 5, 6], [0, 1, 2, 3, 4, 5], "i"),
    "`年齢`": ([1, 2, 5], [0, 2, 1, 1, 2, 0], "i"),
    "`odd name`": ([0, 1, 2], [2, 1, 0, 1, 2, 0], "i"),
    "g:h": (["3:p", "3:q", "5:p", "5:q", "61:p", "61:q"], [5, 0, 1, 4, 3, 2], "O"),
    "h:flag": (["p:False", "p:True", "q:False", "q:True"], [3, 0, 2, 1, 3, 0], "O"),
    "h:two:g": (["p:u:3", "p:u:5", "p:u:61", "q:v:3", "q:v:5", "q:v:61"], [5, 0, 3, 2, 4, 1], "O"),
}


@pytest.mark.parametrize("factor", LABELS)
def test_labels_keep_the_user_s_type_and_are_sorted(factor):
    labels, index, kind = LABELS[factor]
    (grouping,), recipe = groupings(f"y ~ (1 | {factor})")
    assert list(grouping.labels) == labels
    assert grouping.labels.dtype.kind == kind
    assert grouping.index.dtype == np.int64
    assert grouping.index.tolist() == index
    assert grouping.name == factor.replace("`", "")
    assert grouping.name == ":".join(grouping.columns)
    again = recipe.evaluate(TABLE).predictors["mu"].groups[0].grouping
    assert again.index.tolist() == index
    assert again.labels is grouping.labels


def test_labels_of_combinations_are_in_the_order_of_their_columns_not_of_their_text():
    table = pd.DataFrame({"y": [0, 1, 0], "a": [10, 9, 9], "b": [1, 10, 2]})
    (grouping,), _ = groupings("y ~ (1 | a:b)", table)
    assert grouping.labels.tolist() == ["9:2", "9:10", "10:1"]


def test_nested_and_crossed_factors():
    found, _ = groupings("y ~ (1 | g/h) + (x | flag) + (0 + x | g)")
    assert [grouping.name for grouping in found] == ["g", "g:h", "flag", "g"]
    assert found[3] is found[0]


NEW = {
    "integers": ("g", [5, 54, 61], [1, -1, 2]),
    "floats that are whole": ("g", [5.0, 54.0, 61.0], [1, -1, 2]),
    "categories": ("g", pd.Categorical([5, 54, 61]), [1, -1, 2]),
    "text": ("h", ["q", "new", "p"], [1, -1, 0]),
    "dates": ("day", pd.to_datetime(["2021-01-01", "2022-01-01", "2020-01-01"]), [1, -1, 0]),
}


@pytest.mark.parametrize("case", NEW)
def test_a_group_never_seen_is_minus_one(case):
    column, values, index = NEW[case]
    _, recipe = groupings(f"y ~ (1 | {column})")
    (term,) = recipe.evaluate(pd.DataFrame({column: values})).predictors["mu"].groups
    assert term.grouping.index.tolist() == index


def test_a_combination_never_seen_is_minus_one():
    table = pd.DataFrame({"y": [0, 1, 1], "a": [1, 1, 2], "b": ["u", "v", "u"]})
    _, recipe = groupings("y ~ (1 | a:b)", table)
    new = pd.DataFrame({"a": [2, 2, 3, 1], "b": ["u", "v", "u", "w"]})
    grouping = recipe.evaluate(new).predictors["mu"].groups[0].grouping
    assert grouping.labels.tolist() == ["1:u", "1:v", "2:u"]
    assert grouping.index.tolist() == [2, -1, -1, -1]


BAD = {
    "(1 | fraction)": (
        DataError,
        r"'fraction' has fractions in 1 row \(row 0, counted from 0\), such as 0\.5",
    ),
    "(1 | same)": (DataError, "'same' has one group only, a, in all 6 rows"),
    "(1 | same:constant)": (DataError, "'same:constant' has one group only, a:1, in all 6 rows"),
    "(1 | gaps)": (DataError, "'gaps': 2"),
    "(1 | mixed)": (DataError, "Column 'mixed' mixes types"),
    "(1 | nope)": (DataError, "There is no column 'nope'"),
    "(0 | g)": (FormulaError, r"The term has no coefficient[\s\S]*Try: \(1 \| g\)"),
    "(1 | g) + (x | g)": (FormulaError, r"'1' varies by 'g' in two terms[\s\S]*Try: \(0 \+ x \| g\)"),
    "(x | g) + (0 + x | g)": (FormulaError, "'x' varies by 'g' in two terms"),
    "(1 | g) + (1 | g/h)": (FormulaError, "'1' varies by 'g' in two terms"),
    "(1 | g:h) + (1 | h:g)": (FormulaError, "'1' varies by 'h:g' in two terms"),
}


@pytest.mark.parametrize("text", BAD)
def test_what_cannot_be_a_grouping_factor_is_refused(text):
    kind, message = BAD[text]
    with pytest.raises(kind, match=message):
        build_design(f"y ~ {text}", TABLE)


def test_new_labels_of_another_type_are_refused():
    _, recipe = groupings("y ~ (1 | g)")
    with pytest.raises(
        DataError, match=r"'g' was numbers .*, and now holds '6l' in 1 row \(row 1, counted from 0\)"
    ):
        recipe.evaluate(pd.DataFrame({"g": ["61", "6l"]}))


def test_dates_with_and_without_a_time_zone_are_told_apart():
    days = pd.to_datetime(["2020-01-05", "2020-01-06"])
    _, recipe = build_design("y ~ (1 | day)", pd.DataFrame({"y": [0, 1], "day": days}))
    message = "had dates .*such as 2020-01-05 00:00:00, and now has dates with a time zone"
    with pytest.raises(DataError, match=message):
        recipe.evaluate(pd.DataFrame({"day": days.tz_localize("UTC")}))


def test_labels_that_would_run_together_are_refused():
    table = pd.DataFrame({"y": [0, 1], "a": ["p:q", "p"], "b": ["r", "q:r"]})
    with pytest.raises(DataError, match="Different groups of 'a:b' would have the same label"):
        build_design("y ~ (1 | a:b)", table)


def test_more_combinations_than_can_be_numbered_are_refused():
    many = np.arange(10_000)
    table = pd.DataFrame(dict.fromkeys("yabcde", many))
    with pytest.raises(DataError, match="'a:b:c:d:e' has too many possible combinations"):
        build_design("y ~ (1 | a:b:c:d:e)", table)


def test_unused_categories_are_no_groups():
    table = pd.DataFrame(
        {"y": [0, 1, 1], "g": pd.Categorical(["b", "a", "b"], categories=["a", "b", "never"])}
    )
    (grouping,), _ = groupings("y ~ (1 | g)", table)
    assert grouping.labels.tolist() == ["a", "b"]
    assert len(grouping.index) < N


# ---- groups that the first table did not have ------------------------------------------------------------


def new_groups(text, new):
    _, recipe = groupings(text)
    found = recipe.evaluate(pd.DataFrame(new)).predictors["mu"].groups
    return {term.grouping.name: term.grouping.unseen for term in found}


def test_unseen_groups_are_told_apart():
    unseen = new_groups("y ~ (1 | g)", {"g": [99, 3, 7, 99]})["g"]
    assert unseen.labels.tolist() == [7, 99]
    assert unseen.index.tolist() == [1, -1, 0, 1]
    assert unseen.hashes.dtype == np.uint64
    assert new_groups("y ~ (1 | g)", {"g": [3, 5]})["g"] is None


def test_unseen_combinations_are_told_apart_whichever_part_is_new():
    new = {"g": [3, 3, 99, 3, 99], "h": ["p", "new", "p", "other", "new"]}
    found = new_groups("y ~ (1 | g/h)", new)
    assert found["g"].labels.tolist() == [99]
    assert found["g:h"].labels.tolist() == ["3:new", "3:other", "99:new", "99:p"]
    assert found["g:h"].index.tolist() == [-1, 0, 3, 1, 2]


def test_a_known_pair_of_labels_that_never_met_is_unseen():
    table = pd.DataFrame({"y": [0, 1, 0], "a": [1, 1, 2], "b": ["u", "v", "u"]})
    _, recipe = groupings("y ~ (1 | a:b)", table)
    (term,) = recipe.evaluate(pd.DataFrame({"a": [2, 2], "b": ["u", "v"]})).predictors["mu"].groups
    assert term.grouping.unseen.labels.tolist() == ["2:v"]
    assert term.grouping.unseen.index.tolist() == [-1, 0]


@pytest.mark.parametrize(
    ("factor", "first", "second"),
    [
        ("g", {"g": [99, 98]}, {"g": pd.array([97, 96, 99.0], dtype="float64")}),
        ("h", {"h": ["b", "a"]}, {"h": pd.Categorical(["z", "c", "b"])}),
        ("g:h", {"g": [99, 98], "h": ["a", "a"]}, {"g": [98, 99, 99], "h": ["b", "b", "a"]}),
    ],
)
def test_a_hash_hangs_on_the_label_alone(factor, first, second):
    before = new_groups(f"y ~ (1 | {factor})", first)[factor]
    after = new_groups(f"y ~ (1 | {factor})", second)[factor]
    assert before.hashes[before.index[0]] == after.hashes[after.index[2]]
    assert len({*before.hashes.tolist(), *after.hashes.tolist()}) == 4


def test_the_parts_of_a_combination_are_hashed_in_their_places():
    _, recipe = groupings("y ~ (1 | h:two)")
    new = pd.DataFrame({"h": ["s", "t", "s"], "two": ["t", "s", "s"]})
    (term,) = recipe.evaluate(new).predictors["mu"].groups
    assert len(set(term.grouping.unseen.hashes.tolist())) == 3


def test_groups_know_the_outer_group_that_they_are_in():
    _, recipe = groupings("y ~ (1 | g/h)")
    outer, inner = recipe.factors[("g",)], recipe.factors[("g", "h")]
    owners = outer.labels[inner.outer_groups(outer)].tolist()
    assert [f"{g}:{label.split(':')[1]}" for g, label in zip(owners, inner.labels, strict=True)] == list(
        inner.labels
    )
