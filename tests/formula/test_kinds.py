"""Columns are read as what they were when the model was made, and labels keep what they are."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from partialpool.data.tables import read_table
from partialpool.errors import DataError
from partialpool.formula.design import build_design
from partialpool.formula.formula import Formula
from partialpool.formula.recipe_io import recall, remember

N = 12


def table(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame({"y": np.arange(N) % 5.0} | columns)


def labels(found: pd.DataFrame, name: str = "g") -> list[Any]:
    design, _ = build_design(f"y ~ 1 + (1 | {name})", found)
    return design.predictors["mu"].groups[0].grouping.labels.tolist()


KEPT = {
    "64 bits": [2**63 - 1, 2**63 - 2, 2**53, 2**53 + 1],
    "64 bits without a sign": [2**63 + 1, 2**63 + 2, 1, 2],
    "more than 64 bits": [10**20, 10**20 + 1, 3, 10**20 + 2],
    "decimals": [Decimal(10**30), Decimal(10**30 + 1), Decimal(5), Decimal(6)],
    "text": ["1E2", "10E1", "100", "1e2"],
}


@pytest.mark.parametrize("kind", KEPT)
def test_no_two_labels_become_one(kind: str) -> None:
    found = labels(table(g=pd.Series(KEPT[kind] * 3)))
    assert sorted(map(str, found)) == sorted(str(label) for label in KEPT[kind])


@pytest.mark.parametrize("kind", ["float64", "float32", "Float64"])
def test_floating_point_labels_that_may_have_lost_digits_are_refused(kind: str) -> None:
    large = 2.0**24 if kind == "float32" else 2.0**53
    message = r"'g' has labels that are floating-point numbers .* in 3 rows \(rows 2, 6, 10, counted from 0\)"
    with pytest.raises(DataError, match=message):
        labels(table(g=pd.Series([1.0, 2.0, large, 3.0] * 3, dtype=kind)))
    assert labels(table(g=pd.Series([1.0, 2.0, large - 1, 3.0] * 3, dtype=kind))) == [1, 2, 3, large - 1]


def test_categories_of_such_numbers_are_refused() -> None:
    with pytest.raises(DataError, match=r"'g' has labels that are floating-point numbers .* in 8 rows"):
        labels(table(g=pd.Categorical([1e19, 2e19, 3.0] * 4)))


def test_columns_of_memberships_with_and_without_a_sign_are_not_rounded() -> None:
    found = table(
        g=np.array([2**63 + 5, 2**63 + 6, 3] * 4, dtype=np.uint64), h=np.array([2**60 + 1, 3, 7] * 4)
    )
    design, recipe = build_design("y ~ 1 + (1 | mm(g, h))", found)
    known = [3, 7, 2**60 + 1, 2**63 + 5, 2**63 + 6]
    assert design.groupings["mm(g, h)"].labels.tolist() == known
    again = recipe.evaluate(found).groupings["mm(g, h)"].memberships
    assert [known[i] for i in again[0].index] == found["g"].tolist()
    assert [known[i] for i in again[1].index] == found["h"].tolist()
    with pytest.raises(DataError, match=r"negative in one column, such as -1"):
        build_design("y ~ 1 + (1 | mm(g, h))", found.assign(h=[-1, 3, 7] * 4))


def test_numbers_of_a_file_that_were_merged_are_refused_as_labels(tmp_path: Path) -> None:
    path = tmp_path / "times.csv"
    table(sec=["1.1", "1.10", "2", "3"] * 3).to_csv(path, index=False)
    for formula in ("y ~ C(sec)", "y ~ 1 + (1 | sec)"):
        with pytest.raises(DataError, match=r"two of them, 1\.1 and 1\.10, were read as one number"):
            build_design(formula, read_table(path))
        design, _ = build_design(formula, read_table(path, labels=Formula(formula).labels))
        assert design.n_rows == N
    design, _ = build_design("y ~ C(sec)", read_table(path, labels=["sec"]))
    names = ("Intercept", "C(sec)[1.10]", "C(sec)[2]", "C(sec)[3]")
    assert design.predictors["mu"].population.names == names
    design, _ = build_design("y ~ sec", read_table(path))
    np.testing.assert_array_equal(design.predictors["mu"].population.matrix[:4, 1], [1.1, 1.1, 2, 3])


ROLES = {
    "y ~ x + C(k) + (1 | g)": {"k", "g"},
    "y ~ x + k + C(k) + (x | g/h)": {"g", "h"},
    "y ~ T(k, 'a'):log(x) + (0 + C(j) | g)": {"k", "j", "g"},
    "y ~ C(x > 1) + offset(log(g)) + (1 | g)": set(),
    "k ~ 1 + (1 | mm(a, b, weights=cbind(v, w))) + C(k)": {"a", "b"},
}


@pytest.mark.parametrize("formula", ROLES)
def test_labels_are_what_stands_nowhere_else(formula: str) -> None:
    assert Formula(formula).labels == ROLES[formula]


DAYS = pd.to_datetime(["2026-01-05", "2026-02-03", "2026-03-04"])
FITTED = {  # what was fitted; new values; what they are; what cannot be read
    "numbers": ([1, 2, 3], ["2", " 3", "1"], [2, 3, 1], ["2", "1,5", "1"]),
    "fractions": ([1.5, 2, 3], ["2", ".5", "1e1"], [2, 0.5, 10], ["2", "x", "1"]),
    "true and false": ([True, False, True], ["TRUE", "false", "True"], [1, 0, 1], ["TRUE", "yes", "False"]),
    "true, false as numbers": ([True, False, True], [1, 0, 1], [1, 0, 1], [1, 2, 0]),
    "numbers as true, false": ([1, 0, 3], [True, False, True], [1, 0, 1], ["1", "True", "0"]),
}


@pytest.mark.parametrize("kind", FITTED)
def test_numbers_are_read_as_what_they_were(kind: str) -> None:
    was, new, meant, bad = FITTED[kind]
    _, recipe = build_design("y ~ {x + 0}", table(x=was * (N // 3)))
    again = recall(Formula("y ~ {x + 0}"), json.loads(json.dumps(remember(recipe))))
    for own in (recipe, again):
        population = own.evaluate(pd.DataFrame({"x": new})).predictors["mu"].population
        np.testing.assert_array_equal(population.matrix[:, 1], meant)
        with pytest.raises(DataError, match=r"Column 'x' was .* in 1 row \(row 1, counted from 0\)"):
            own.evaluate(pd.DataFrame({"x": bad}))


GROUPS = {  # what was fitted; new values of the same groups
    "text, some of it numbers": (["1", "2", "x"], [2, 1, 2], [1, 0, 1]),
    "text, from floats": (["1", "2", "x"], [2.0, 1.0, 2.0], [1, 0, 1]),
    "20 digits": ([str(10**20), str(10**20 + 1), "5"], [10**20 + 1, 10**20, 5], [1, 0, 2]),
    "numbers": ([5, 6, 7], ["6", "5", "7"], [1, 0, 2]),
    "64 bits without a sign": ([2**63 + 1, 2**63 + 2, 4], [2**63 + 2, 4, 2**63 + 1], [2, 0, 1]),
    "of them small ones": ([2**63 + 1, 2**63 + 2, 4], [4, 4, 4], [0, 0, 0]),
    "the same, as text": ([2**63 + 1, 2**63 + 2, 4], [str(2**63 + 2), "4", "4"], [2, 0, 0]),
    "dates": (DAYS, ["2026-03-04", "2026-01-05", "2026-02-03 00:00"], [2, 0, 1]),
    "true and false": ([True, False, True], ["false", "true", "true"], [0, 1, 1]),
}


@pytest.mark.parametrize("kind", GROUPS)
def test_groups_are_read_as_what_they_were(kind: str) -> None:
    was, new, index = GROUPS[kind]
    fitted = table(g=list(was) * (N // 3))
    _, recipe = build_design("y ~ 1 + (1 | g)", fitted)
    again = recall(Formula("y ~ 1 + (1 | g)"), json.loads(json.dumps(remember(recipe))))
    for own in (recipe, again):
        found = own.evaluate(pd.DataFrame({"g": new})).predictors["mu"].groups[0].grouping
        assert found.index.tolist() == index


ALIKE = {  # labels of pandas that a file holds as text
    "intervals": pd.cut(np.arange(N) % 3, [-1, 0, 1, 2]),
    "months": pd.PeriodIndex(["2026-01", "2026-02", "2026-03"] * 4, freq="M"),
    "times of a zone": pd.DatetimeIndex(list(DAYS) * 4, tz="UTC"),
    "categories of numbers": pd.Categorical([3, 1, 2] * 4),
}


@pytest.mark.parametrize("kind", ALIKE)
@pytest.mark.parametrize("formula", ["y ~ 1 + (1 | k)", "y ~ C(k)"])
def test_a_model_of_a_file_takes_the_table_that_was_written(kind: str, formula: str, tmp_path: Path) -> None:
    mine = table(k=ALIKE[kind])
    mine.to_csv(tmp_path / "t.csv", index=False)
    design, recipe = build_design(formula, read_table(tmp_path / "t.csv", labels=["k"]))
    found, own = recipe.evaluate(mine).main, design.main
    np.testing.assert_array_equal(found.population.matrix, own.population.matrix)
    assert [t.grouping.index.tolist() for t in found.groups] == [
        t.grouping.index.tolist() for t in own.groups
    ]


REFUSED = {
    "a number for text that is none": (["a", "b", "c"], [1, 2, 3]),
    "a number for text with zeros in front": (["007", "8", "x"], [7, 8, 7]),
    "text for dates": (DAYS, ["2026-01-05", "05/01/2026", "2026-02-03"]),
    "numbers for dates": (DAYS, [1, 2, 3]),
    "a float for 64 bits": ([2**60, 2**60 + 1, 3], [2.0**60, 1, 3]),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_such_a_group_is_refused(kind: str) -> None:
    was, new = REFUSED[kind]
    _, recipe = build_design("y ~ 1 + (1 | g)", table(g=list(was) * (N // 3)))
    with pytest.raises(DataError, match="Column 'g'"):
        recipe.evaluate(pd.DataFrame({"g": new}))


def test_a_file_is_read_as_the_table_that_it_was_written_from(tmp_path: Path) -> None:
    """Whichever of the two the model is made of."""
    rng = np.random.default_rng(1)
    mine = table(
        answer=rng.choice(["yes", "no", "maybe"], N),
        flag=rng.random(N) < 0.5,
        ward=["1", "2", "x"] * 4,
        code=["1", "2", "3", "4"] * 3,
        day=list(DAYS) * 4,
        x=rng.normal(size=N),
    )
    formula = "y ~ answer + flag + C(ward) + x + (1 | code) + (1 | day)"
    mine.to_csv(tmp_path / "t.csv", index=False)
    file = read_table(tmp_path / "t.csv", labels=Formula(formula).labels)
    for fitted in (mine, file):
        design, recipe = build_design(formula, fitted)
        part = mine[mine["ward"] != "x"]
        part.to_csv(tmp_path / "part.csv", index=False)
        for new in (part, read_table(tmp_path / "part.csv", recipe.text_columns)):
            found = recipe.evaluate(new).predictors["mu"]
            expected = design.predictors["mu"]
            rows = np.flatnonzero(mine["ward"] != "x")
            np.testing.assert_array_equal(found.population.matrix, expected.population.matrix[rows])
            for own, theirs in zip(found.groups, expected.groups, strict=True):
                np.testing.assert_array_equal(own.grouping.index, theirs.grouping.index[rows])
