"""A recipe comes back from plain data and makes the same designs, to the last bit."""

from __future__ import annotations

import datetime as dt
import json
import re
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.formula.built import build_design
from tests.formula.same import assert_same

from partialpool.errors import FileError, FormulaError
from partialpool.formula import formulae_state as learnt
from partialpool.formula.design import build_design as design_of_combinations
from partialpool.formula.earlier_designs import require_same_columns
from partialpool.formula.formula import Formula
from partialpool.formula.json_values import decode, encode
from partialpool.formula.recipe import Recipe
from partialpool.formula.recipe_io import recall, remember

N = 60


def make_table(seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    days = pd.to_datetime(["2024-05-01", "2024-05-02", "2023-01-09"])
    return pd.DataFrame(
        {
            "y": rng.normal(size=N),
            "k": rng.integers(0, 4, N),
            "n": rng.integers(4, 9, N),
            "w": rng.integers(1, 3, N),
            "lab": rng.choice(["no", "yes"], N),
            "x": rng.uniform(0.1, 12, N),
            "z": rng.normal(3, 2, N),
            "big": rng.integers(2**40, 2**41, N),
            "cat": rng.choice(list("pqr"), N),
            "two": rng.choice(["u", "v"], N),
            "flag": rng.integers(0, 2, N).astype(bool),
            "year": rng.choice([2019, 2021, 2024], N),
            "cut": pd.cut(rng.uniform(0, 3, N), [0, 1, 2, 3]),
            "g": rng.choice([3, 7, 61], N),
            "whole": rng.choice([1.0, 4.0], N),
            "h": rng.choice(["Ährental", "b:1", "年齢"], N),
            "day": days[rng.integers(0, 3, N)],
            "zoned": days.tz_localize("Europe/Berlin")[rng.integers(0, 3, N)],
            "odd name/%": rng.normal(size=N),
        }
    )


FORMULAS = [
    "y ~ 1",
    "y ~ 0 + cat",
    "y ~ x + cat * two + (x | g)",
    "y ~ cat:x + (cat || g)",
    "y ~ cat / x + two:cat",
    "y ~ x + h:cat:x",
    "y ~ flag + C(year) + C(g, Sum) + T(cat, 'q') + S(two, 'u')",
    "y ~ cut + (1 | cut)",
    "y ~ scale(x) * center(z) + (scale(x) | g) + (1 | h)",
    "y ~ scale(log(x)) + log(scale(x) + 9) + standardize(z):center(x)",
    "y ~ bs(x, df=5) + cr(z, df=4) + (bs(x, df=3, degree=2, center=False) || g)",
    "y ~ cc(x, period=12, df=4) + tp(z, df=5) + poly(x, 3) + poly(z, 2, True)",
    "y ~ poly(x, 2):cat + {x**2} + I(x / z) + big + np.exp(z)",
    "y ~ x + offset(log(x)) + offset(center(z)) + (1 | g / h) + (0 + z | h)",
    "y ~ `odd name/%` + (`odd name/%` | flag) + (1 | day) + (1 | zoned) + (1 | whole)",
    "y ~ 1 + (1 | day:zoned:g)",
    "y ~ 1 + (1 | zoned) + (1 | g) + (1 | zoned:g:h)",
    "scale(y) | weights(w) ~ x",
    "k | trials(n) ~ x + (1 | g)",
    "p(k, n) ~ cat + weights(w)",
    "lab[no] ~ x + (1 | g)",
]


def again(formula: Formula, recipe: Recipe) -> Recipe:
    return recall(formula, json.loads(json.dumps(remember(recipe))))


@pytest.mark.parametrize("text", FORMULAS)
def test_new_rows_become_the_same_design(text: str) -> None:
    formula = Formula(text)
    table, new = make_table(1), make_table(2).iloc[:7]
    design, recipe = build_design(formula, table)
    found = again(formula, recipe)
    assert_same(found.evaluate(table, outcome=True), recipe.evaluate(table, outcome=True))
    assert_same(found.evaluate(table, outcome=True), design)
    assert_same(found.evaluate(new), recipe.evaluate(new))
    assert_same(found.factors, recipe.factors)
    assert_same(sorted(found.nested.items()), sorted(recipe.nested.items()))
    assert (found.columns, found.outcome.columns) == (recipe.columns, recipe.outcome.columns)


def test_what_the_rows_say_of_nesting_is_remembered() -> None:
    table = make_table(1).assign(c=np.arange(N) % 12, s=np.arange(N) % 4)
    formula = Formula("y ~ (1 | s) + (1 | c) + (1 | g/h)")
    _, recipe = build_design(formula, table)
    assert set(recipe.nested) == {(("c",), ("s",)), (("g", "h"), ("g",))}
    assert recipe.nested[("c",), ("s",)].tolist() == [0, 1, 2, 3] * 3
    kept = remember(recipe)
    earlier = recall(formula, {name: part for name, part in kept.items() if name != "nested"})
    assert set(earlier.nested) == {(("g", "h"), ("g",))}  # which columns say
    kept["nested"][0]["groups"] = encode(np.full(12, 4))
    with pytest.raises(ValueError, match="groups of 'c' do not lie in those of 's'"):
        recall(formula, kept)


EARLIER = {
    "I(x + 1 * 2 + x ** 2)": "I((x + 1) * 2 + x ** 2)",
    "I(-x ** 2)": "I(-(x ** 2))",
    "log(scale(x) + 9 * 2)": "log((scale(x) + 9) * 2)",
    "I(odd name/% + 1)": "I(`odd name/%` + 1)",
}


@pytest.mark.parametrize("name", EARLIER)
def test_names_of_earlier_files_had_no_brackets(name: str) -> None:
    formula = Formula(f"y ~ {EARLIER[name]} + (0 + {EARLIER[name]} | g) + offset({EARLIER[name]})")
    _, recipe = build_design(formula, make_table(1))
    memory = json.loads(json.dumps(remember(recipe)))
    assert memory.pop("arithmetic")
    terms = [part["learnt"] for part in (memory["predictors"]["mu"]["population"], *groups_of(memory))]
    for (component,) in (term for learnt_terms in terms for term in learnt_terms if term is not None):
        component["name"] = name
    new = make_table(2)
    assert_same(recall(formula, memory).evaluate(new), recipe.evaluate(new))


def groups_of(memory: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = memory["predictors"]["mu"]["groups"]
    return found


def test_two_expressions_of_one_name_in_an_earlier_file_are_refused() -> None:
    formula = Formula("y ~ {(x + 1) * 2}:z + {x + 1 * 2}")
    memory = remember(build_design(formula, make_table(1))[1])
    memory.pop("arithmetic")
    with pytest.raises(FileError, match=r"two expressions that were called 'I\(x \+ 1 \* 2\)'"):
        recall(formula, memory)


CHANGED = [
    "{-x**2}", "exp(-x**2/2)", "{2*-x**2}", "{x**2**0.5}", "{2**-x**2}", "{-(x + 1)**2}", "{z - -log(x)**2}",
]  # fmt: skip
SAME = ["{z - x**2}", "{2**-x}", "(x + z)**2", "z - (x + n)**2", "{x**2 - z**2}", "{1 - log(x)**2}"]


@pytest.mark.parametrize("text", [*CHANGED, *SAME])
def test_an_earlier_file_whose_formula_meant_something_else_is_refused(text: str) -> None:
    for formula in (Formula(f"y ~ {text}"), Formula("y ~ x", sigma=f"~ 1 + (0 + {text} | g)")):
        memory = remember(build_design(formula, make_table(1))[1])
        memory.pop("arithmetic")
        if text in SAME:
            assert recall(formula, memory).columns
            continue
        with pytest.raises(FileError, match=r"meant something else .*-x\*\*2 was \(-x\)\*\*2"):
            recall(formula, memory)


CHANGES = {
    "or, not plus": ("y ~ {p + q} + (1 | g)", lambda table: table["p"] | table["q"]),
    "half precision": ("y ~ exp(p) + (1 | g)", lambda table: np.exp(table["p"])),
    "overflow": ("y ~ I(k**3) + (1 | g)", lambda table: table["k"] ** 3),
}


@pytest.mark.parametrize("case", CHANGES)
@pytest.mark.parametrize("n", [40, 12_000])
def test_columns_that_were_computed_otherwise_are_found(case: str, n: int) -> None:
    formula, earlier = CHANGES[case]
    rows = np.arange(n)
    table = pd.DataFrame({"y": rows / 3, "p": rows % 2 == 0, "q": rows % 3 == 0, "g": rows % 4})
    table["k"] = 3_000_000 + rows % 5
    design, recipe = design_of_combinations(formula, table)
    assert design.frame is not None
    require_same_columns(recipe, design)
    main = design.main
    matrix = main.population.matrix.copy()
    matrix[:, 1] = earlier(design.frame.table)
    changed = replace(main, population=replace(main.population, matrix=matrix))
    name = re.escape(main.population.names[1])
    with pytest.raises(FileError, match=rf"Columns of this fit were computed otherwise .*: {name}\.\n"):
        require_same_columns(recipe, replace(design, predictors={"mu": changed}))


@pytest.mark.filterwarnings("ignore::partialpool.errors.ExtrapolationWarning")
def test_every_parameter_has_its_own_memory() -> None:
    formula = Formula("y ~ scale(x) + (1 | g)", sigma="~ bs(z, df=4) + cat + (cat | h)")
    table, new = make_table(1), make_table(2)
    _, recipe = build_design(formula, table)
    assert_same(again(formula, recipe).evaluate(new), recipe.evaluate(new))


def test_unknown_levels_and_groups_are_found_as_before() -> None:
    formula = Formula("y ~ cat + (1 | g)")
    found = again(formula, build_design(formula, make_table(1))[1])
    new = pd.DataFrame({"cat": ["p", "new"], "g": [3, 4]})
    with pytest.raises(ValueError, match="'cat' has levels that the model does not know: new"):
        found.evaluate(new)
    grouping = found.evaluate(new.assign(cat="p")).predictors["mu"].groups[0].grouping
    assert grouping.index.tolist() == [0, -1]


def test_no_row_is_remembered() -> None:
    formula = Formula("y ~ scale(x) + cr(z, df=4) + bs(x, df=4) + cc(z, period=40, df=3) + (1 | g)")
    memory = remember(build_design(formula, make_table(1))[1])
    text = json.dumps(memory)
    assert '"shape"' in text
    assert not re.search(rf'"shape": \[[^]]*\b{N}\b', text)


# ---- what cannot be ---------------------------------------------------------------------------------------


def test_a_state_of_an_unknown_kind_is_refused_when_it_is_kept() -> None:
    _, recipe = build_design("y ~ scale(x)", make_table(1))
    (scale,) = recipe.predictors[0].population.theirs[1].components[0].call.learnt.values()
    scale.mean = object()
    with pytest.raises(FileError, match=r"cannot be kept in a file: it holds <object object .*, a object"):
        remember(recipe)


def test_labels_of_an_unknown_kind_are_refused_when_they_are_kept() -> None:
    labels = pd.Categorical([Decimal(1), Decimal(2)] * 3, categories=[Decimal(1), Decimal(2)])
    _, recipe = build_design("y ~ (1 | g)", pd.DataFrame({"y": np.arange(6.0), "g": labels}))
    with pytest.raises(FileError, match=r"Decimal.*\n  Allowed: numbers, text, true/false, dates"):
        remember(recipe)


def test_a_component_of_an_unknown_kind_is_refused() -> None:
    _, recipe = build_design("y ~ x", make_table(1))
    recipe.predictors[0].population.theirs[1].components[0].kind = "proportion"
    with pytest.raises(FileError, match="'x' of its formula is a component that is proportion"):
        remember(recipe)


def test_memory_of_another_formula_is_refused() -> None:
    _, recipe = build_design("y ~ scale(x)", make_table(1))
    memory = remember(recipe)
    for other in ("y ~ center(x)", "y ~ scale(z)", "y ~ scale(x) + (1 | g)", "y ~ x"):
        with pytest.raises((KeyError, ValueError)):
            recall(Formula(other), memory)


def test_a_transform_that_remembers_other_things_is_refused() -> None:
    _, recipe = build_design("y ~ scale(x)", make_table(1))
    memory = json.loads(json.dumps(remember(recipe)).replace('"std"', '"sd"'))
    with pytest.raises(ValueError, match=r"scale\(\) of this version of formulae remembers other"):
        recall(Formula("y ~ scale(x)"), memory)


def test_a_function_outside_the_list_is_not_called() -> None:
    memory = remember(build_design("y ~ scale(x)", make_table(1))[1])
    with pytest.raises(FormulaError, match="cannot call '__import__'"):
        recall(Formula("y ~ __import__('os')"), memory)


# ---- plain data -------------------------------------------------------------------------------------------

VALUES = [
    None,
    True,
    0.1 + 0.2,
    -0.0,
    2**80,
    "ü\u2028\0",
    np.float64(1 / 3),
    np.float32(0.1),
    np.int8(-3),
    np.bool_(True),
    np.array([[0.1, np.inf], [-0.0, 5e-324]]),
    np.array([], dtype=np.int64),
    np.array([2**64 - 1], dtype=np.uint64),
    np.array(["a", "bcd"]),
    np.array(["2024-05-01", "NaT"], dtype="datetime64[us]"),
    np.array([1, 2], dtype="timedelta64[D]"),
    np.array(["a", 1, True, None, 0.5], dtype=object),
    [1, [2.5, "x"]],
    {0: 0.5, 1: [1]},
    pd.Timestamp("2024-05-01 12:30:00.123456789"),
    pd.Timestamp("2024-05-01", tz="Europe/Berlin"),
    pd.Timestamp("2024-05-01", tz=dt.timezone(dt.timedelta(hours=-3))),
    pd.Timedelta("1.5s"),
    pd.Interval(0.1, 2, closed="both"),
    pd.Interval(pd.Timestamp("2024-05-01"), pd.Timestamp("2024-05-02")),
    pd.Period("2024-05", "M"),
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_value_comes_back_as_it_was(value: Any) -> None:
    found = decode(json.loads(json.dumps(encode(value))))
    assert type(found) is type(value)
    assert_same(found, value)
    assert repr(found) == repr(value)


@pytest.mark.parametrize("value", [object(), {1, 2}, (1, 2), 1j, np.array([1j]), len, learnt], ids=repr)
def test_a_value_of_another_kind_is_refused(value: Any) -> None:
    with pytest.raises(FileError, match="cannot be kept in a file"):
        encode(value)


def test_nothing_else_is_decoded() -> None:
    for kept in ({"call": ["os.system", "ls"]}, {}, {"array": {}, "map": []}, {"array": {"dtype": "O"}}):
        with pytest.raises((KeyError, ValueError)):
            decode(kept)
