"""Population-level and varying matrices, against matrices made by hand."""

import pickle

import numpy as np
import pandas as pd
import pytest
from tests.formula.built import build_design

from partialpool.errors import DataError, FormulaError

from .table import TABLE, N

ONE = np.ones(N)
X, Z = TABLE["x"].to_numpy(), TABLE["z"].to_numpy(float)
A, B, C = (TABLE["cat"].eq(level).to_numpy(float) for level in "abc")
U, V = (TABLE["two"].eq(level).to_numpy(float) for level in "uv")
FLAG = TABLE["flag"].to_numpy(float)
SCALED = (X - X.mean()) / X.std()
ODD = TABLE["odd name"].to_numpy()
SMALL = TABLE["small"].to_numpy(float)
LARGE = TABLE["large"].to_numpy(float)

CASES = {
    "1": {"Intercept": ONE},
    "0": {},
    "x": {"Intercept": ONE, "x": X},
    "0 + x": {"x": X},
    "x - 1": {"x": X},
    "x + -1": {"x": X},
    "-1 + x": {"x": X},
    "x + 0 + 1": {"Intercept": ONE, "x": X},
    "x + x + z": {"Intercept": ONE, "x": X, "z": Z},
    "x * z": {"Intercept": ONE, "x": X, "z": Z, "x:z": X * Z},
    "x * z - x": {"Intercept": ONE, "z": Z, "x:z": X * Z},
    "(x + z + `odd name`)**2 - x:z": {
        "Intercept": ONE, "x": X, "z": Z, "odd name": ODD, "x:odd name": X * ODD, "z:odd name": Z * ODD,
    },
    "cat": {"Intercept": ONE, "cat[b]": B, "cat[c]": C},
    "0 + cat": {"cat[a]": A, "cat[b]": B, "cat[c]": C},
    "0 + cat + two": {"cat[a]": A, "cat[b]": B, "cat[c]": C, "two[v]": V},
    "cat * x": {"Intercept": ONE, "cat[b]": B, "cat[c]": C, "x": X, "cat[b]:x": B * X, "cat[c]:x": C * X},
    "x / cat": {"Intercept": ONE, "x": X, "x:cat[b]": X * B, "x:cat[c]": X * C},
    "cat / x": {
        "Intercept": ONE, "cat[b]": B, "cat[c]": C, "cat[a]:x": A * X, "cat[b]:x": B * X, "cat[c]:x": C * X,
    },
    "C(two) / x": {
        "Intercept": ONE, "C(two)[v]": V, "C(two)[u]:x": U * X, "C(two)[v]:x": V * X,
    },
    "(scale(x) + z) / two": {
        "Intercept": ONE, "scale(x)": SCALED, "z": Z, "scale(x):z:two[u]": SCALED * Z * U,
        "scale(x):z:two[v]": SCALED * Z * V,
    },
    "x:two": {"Intercept": ONE, "x:two[u]": X * U, "x:two[v]": X * V},
    "two * cat": {
        "Intercept": ONE, "two[v]": V, "cat[b]": B, "cat[c]": C,
        "two[v]:cat[b]": V * B, "two[v]:cat[c]": V * C,
    },
    "flag": {"Intercept": ONE, "flag[True]": FLAG},
    "0 + flag": {"flag[False]": 1 - FLAG, "flag[True]": FLAG},
    "{flag * x} + x": {"Intercept": ONE, "I(flag * x)": FLAG * X, "x": X},
    "order": {
        "Intercept": ONE, "order[o]": [0, 1, 0, 0, 0, 1], "order[i]": [0, 0, 0, 1, 0, 0],
        "order[h]": [0, 0, 1, 0, 0, 0],
    },
    "C(whole > 3)": {"Intercept": ONE, "C(whole > 3)[True]": X > 3},
    "C(two, Treatment('v'))": {"Intercept": ONE, "C(two, Treatment('v'))[u]": U},
    "C(cat, Sum)": {"Intercept": ONE, "C(cat, Sum)[a]": A - C, "C(cat, Sum)[b]": B - C},
    "C(年齢)": {"Intercept": ONE, "C(年齢)[2]": [0, 0, 1, 1, 0, 0], "C(年齢)[5]": [0, 1, 0, 0, 1, 0]},
    "log(x) + np.log(x)": {"Intercept": ONE, "log(x)": np.log(X), "np.log(x)": np.log(X)},
    "scale(x) + center(z)": {"Intercept": ONE, "scale(x)": SCALED, "center(z)": Z - 2.5},
    "scale(log(x)):cat - 1": {
        f"scale(log(x)):cat[{level}]": (np.log(X) - np.log(X).mean()) / np.log(X).std() * column
        for level, column in zip("abc", (A, B, C), strict=True)
    },
    "{x**2} + I((x + z) / 2)": {"Intercept": ONE, "I(x ** 2)": X**2, "I((x + z) / 2)": (X + Z) / 2},
    "{cat == 'b'}": {"Intercept": ONE, "I(cat == 'b')": B},
    "poly(x, 2, raw=True)": {
        "Intercept": ONE, "poly(x, 2, raw=True)[0]": X, "poly(x, 2, raw=True)[1]": X**2,
    },
    "`odd name` + `class` + 年齢": {
        "Intercept": ONE, "odd name": ODD, "class": TABLE["class"], "年齢": TABLE["年齢"],
    },
    "use.contraception": {"Intercept": ONE, "use.contraception": TABLE["use.contraception"]},
    "money": {"Intercept": ONE, "money": [1.5] * 3 + [2.0] * 3},
    "large:x + {large**2}": {"Intercept": ONE, "large:x": LARGE * X, "I(large ** 2)": LARGE**2},
    "small:small:z + {small * small}": {
        "Intercept": ONE, "small:z": SMALL * Z, "I(small * small)": SMALL**2,
    },
}  # fmt: skip


def stacked(expected):
    return np.column_stack(list(expected.values())) if expected else np.empty((N, 0))


@pytest.mark.parametrize("text", CASES)
def test_the_population_matrix_is_the_one_made_by_hand(text):
    design, recipe = build_design(f"y ~ {text}", TABLE)
    population = design.predictors["mu"].population
    assert population.names == tuple(CASES[text])
    assert population.matrix.dtype == np.float64
    np.testing.assert_allclose(population.matrix, stacked(CASES[text]), rtol=1e-12)
    again = recipe.evaluate(TABLE).predictors["mu"].population
    np.testing.assert_array_equal(again.matrix, population.matrix)
    assert (again.names, again.terms) == (population.names, population.terms)


@pytest.mark.parametrize("text", [*CASES, "bs(x, df=4)", "cr(z, df=3)", "poly(x, 3)", "standardize(x) * z"])
def test_some_of_the_rows_give_some_of_the_matrix_also_after_pickling(text):
    design, recipe = build_design(f"y ~ {text} + (1 | g)", TABLE)
    rows = [4, 2]
    thawed = pickle.loads(pickle.dumps(recipe))
    part = thawed.evaluate(TABLE.drop(columns="y").iloc[rows]).predictors["mu"]
    np.testing.assert_allclose(
        part.population.matrix, design.predictors["mu"].population.matrix[rows], rtol=1e-12
    )
    assert part.groups[0].grouping.index.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        (
            "x * cat",
            [
                ("Intercept", 0, 1, None),
                ("x", 1, 2, None),
                ("cat", 2, 4, ("b", "c")),
                ("x:cat", 4, 6, ("b", "c")),
            ],
        ),
        ("0 + two:cat", [("two:cat", 0, 6, ("u, a", "u, b", "u, c", "v, a", "v, b", "v, c"))]),
        ("poly(x, 2)", [("Intercept", 0, 1, None), ("poly(x, 2)", 1, 3, ("0", "1"))]),
    ],
)
def test_terms_own_columns_and_levels(text, terms):
    design, _ = build_design(f"y ~ {text}", TABLE)
    found = design.predictors["mu"].population.terms
    assert [(t.name, t.columns.start, t.columns.stop, t.levels) for t in found] == terms


VARYING = {
    "(1 | g)": {"1": ONE},
    "(x | g)": {"1": ONE, "x": X},
    "(0 + x | g)": {"x": X},
    "(x || g)": {"1": ONE, "x": X},
    "(cat | g)": {"1": ONE, "cat[b]": B, "cat[c]": C},
    "(0 + cat | g)": {"cat[a]": A, "cat[b]": B, "cat[c]": C},
    "(x * z | g)": {"1": ONE, "x": X, "z": Z, "x:z": X * Z},
    "(scale(x) + flag | g)": {"1": ONE, "scale(x)": SCALED, "flag[True]": FLAG},
    "(`odd name` | g)": {"1": ONE, "odd name": ODD},
}


@pytest.mark.parametrize("text", VARYING)
def test_the_varying_matrix_is_the_one_made_by_hand(text):
    design, recipe = build_design(f"y ~ 0 + {text}", TABLE)
    predictor = design.predictors["mu"]
    assert predictor.population.matrix.shape == (N, 0)
    (term,) = predictor.groups
    assert term.names == tuple(VARYING[text])
    np.testing.assert_allclose(term.matrix, stacked(VARYING[text]), rtol=1e-12)
    assert term.correlated is (len(term.names) > 1 and "||" not in text)
    assert term.grouping.labels.tolist() == [3, 5, 61]
    assert term.grouping.index.tolist() == [2, 0, 0, 2, 1, 1]
    (again,) = recipe.evaluate(TABLE).predictors["mu"].groups
    np.testing.assert_array_equal(again.matrix, term.matrix)


BAD = {
    "nope": (DataError, "There is no column 'nope'"),
    "agee + urban": (DataError, "There is no column 'agee'"),
    "od name": (FormulaError, "'name' cannot stand here"),
    "`od name`": (DataError, "There is no column 'od name'[\\s\\S]*Try: 'odd name'"),
    "log(log)": (DataError, "There is no column 'log'"),
    "constant": (DataError, "Predictor 'constant' is constant: 1 in every row"),
    "same": (DataError, "Predictor 'same' is constant: a in every row"),
    "(constant | g)": (DataError, "Predictor 'constant' is constant"),
    "x + log(z)": (DataError, r"Term 'log\(z\)' is infinite .* in 1 row \(row 5, counted from 0\)"),
    "infinite": (DataError, r"Column 'infinite' is infinite .* in 1 row \(row 1, counted from 0\)"),
    "mixed": (DataError, "Column 'mixed' mixes types .*; it begins with 1, 'a', 2"),
    "complex": (DataError, "Column 'complex' holds complex numbers"),
    "day": (DataError, "Column 'day' holds datetime64.*, which cannot be a predictor"),
    "gaps": (DataError, r"'gaps': 2 \(rows 1, 4, counted from 0\)\n  Try: missing='drop'"),
    "x z": (FormulaError, r"'z' cannot stand here\.\n    y ~ x z\n          \^"),
    "x *": (FormulaError, r"The formula ends too early\.\n    y ~ x \*\n           \^"),
    "x:1": (FormulaError, r"On both sides of ':' stand terms, not 0 or 1\.\n    y ~ x:1\n         \^"),
    "{cat * 2}": (DataError, "Column 'cat' holds labels, such as 'a', which are no numbers"),
    "C(cat, Treatment('q'))": (FormulaError, "cannot be evaluated: reference not in levels"),
    "offset(cat)": (DataError, "Offset 'cat' is not a number in each row"),
    "offset(log(z))": (DataError, r"Offset 'log\(z\)' is infinite or not a number in 1 row \(row 5"),
}  # fmt: skip


@pytest.mark.parametrize("text", BAD)
def test_what_cannot_be_a_predictor_is_refused(text, capsys):
    kind, message = BAD[text]
    with pytest.raises(kind, match=message):
        build_design(f"y ~ {text}", TABLE)
    assert capsys.readouterr().out == ""


def test_a_column_that_is_called_as_a_term_is_called_is_refused() -> None:
    table = TABLE.assign(**{"I(x)": TABLE["z"]})
    with pytest.raises(FormulaError, match=r"Two different terms have the name 'I\(x\)'"):
        build_design("y ~ `I(x)` + {x}", table)


def test_a_constant_without_an_intercept_is_a_predictor():
    design, _ = build_design("y ~ 0 + constant", TABLE)
    assert design.predictors["mu"].population.matrix.tolist() == [[1.0]] * N


NEW = {
    "a level never seen": (
        {"cat": list("abzdca")},
        r"'cat' has levels .* know: z, d, in 2 rows \(rows 2, 3, ",
    ),
    "the same, inside C()": (
        {"two": list("uvuvut")},
        r"'C\(two\)' has levels .* know: t, in 1 row \(row 5, ",
    ),
    "the same, a flag": ({"flag": [2] * N}, "'flag' was true/false .* and now holds 2 in 6 rows"),
    "text for true/false": (
        {"flag": ["True", "yes"] * (N // 2)},
        "now holds 'yes' in 3 rows \\(rows 1, 3, 5",
    ),
    "text for numbers": (
        {"x": list("abcdef")},
        "Column 'x' was numbers when the model was made, and now holds 'a' in 6 rows",
    ),
    "a hole": ({"x": [1, None, 2, 3, 4, 5]}, "1 of 6 rows have missing values"),
    "beyond a logarithm": (
        {"z": [-1, 1, 2, 3, 4, 5]},
        r"Term 'log\(z \+ 1\)' is infinite or not a number in 1 row",
    ),
}


@pytest.mark.parametrize("case", NEW)
def test_new_rows_that_do_not_fit_are_refused(case):
    changed, message = NEW[case]
    _, recipe = build_design("y ~ cat + C(two) + flag + x + log(z + 1)", TABLE)
    with pytest.raises(DataError, match=message):
        recipe.evaluate(TABLE.assign(**changed))


def test_new_rows_may_lack_levels_and_columns_that_are_not_used():
    _, recipe = build_design("y ~ cat + flag + C(two)", TABLE)
    new = pd.DataFrame({"cat": pd.Categorical(["c", "a"]), "flag": [True, True], "two": ["v", "v"]})
    population = recipe.evaluate(new).predictors["mu"].population
    assert population.names == ("Intercept", "cat[b]", "cat[c]", "flag[True]", "C(two)[v]")
    assert population.matrix.tolist() == [[1, 0, 1, 1, 1], [1, 0, 0, 1, 1]]
    with pytest.raises(DataError, match="There is no column 'flag'"):
        recipe.evaluate(new.drop(columns="flag"))


def test_transforms_remember_the_rows_they_were_fitted_to():
    _, recipe = build_design("y ~ scale(x)", TABLE)
    new = recipe.evaluate(pd.DataFrame({"x": [100.0]})).predictors["mu"].population.matrix
    np.testing.assert_allclose(new, [[1, (100 - X.mean()) / X.std()]])


def test_nothing_of_the_caller_s_frame_is_seen():
    secret = np.arange(N)
    assert secret.any()
    with pytest.raises(DataError, match="There is no column 'secret'"):
        build_design("y ~ secret", TABLE)


def test_a_recipe_keeps_no_rows():
    many = pd.concat([TABLE] * 5_000, ignore_index=True)
    text = "y ~ x + cat + poly(z, 2) + C(two) + (x | g/h) + offset(log(n))"
    sizes = [len(pickle.dumps(build_design(text, table)[1])) for table in (TABLE, many)]
    assert sizes[1] < sizes[0] + 1_000


def test_numbers_spoilt_by_a_word_are_refused() -> None:
    ages = [str(age) for age in range(20, 50)]
    table = pd.DataFrame({"y": np.arange(31.0), "age": [*ages, "unknown"]})
    with pytest.raises(DataError) as raised:
        build_design("y ~ age", table)
    assert str(raised.value) == (
        "Column 'age' is text because of 1 row (row 30, counted from 0) such as 'unknown'; its other labels, "
        "30 of 31, are numbers.\n"
        "  Try: clean the column: pandas.to_numeric(table['age'], errors='coerce') makes missing values of "
        "words; or write C(age) if its labels are categories"
    )
    assert len(build_design("y ~ C(age)", table)[0].predictors["mu"].population.names) == 31


@pytest.mark.parametrize(
    "labels", [["1", "2", "3"], ["a", "b", "9"], ["7"] * 3 + [str(i) for i in range(9)] + ["x"]]
)
def test_labels_that_are_no_spoilt_numbers_are_categories(labels: list[str]) -> None:
    table = pd.DataFrame({"y": np.arange(float(len(labels))), "code": labels})
    assert len(build_design("y ~ code", table)[0].predictors["mu"].population.names) == len(set(labels))
