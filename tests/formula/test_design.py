"""A whole design: missing values, offsets, other parameters, and a million rows."""

import time
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from tests.formula.built import build_design

from partialpool.data.datasets import load_dataset
from partialpool.errors import DataError, FormulaError
from partialpool.formula.formula import Formula

from .table import TABLE, N


def test_offsets_are_added_up():
    design, recipe = build_design("y ~ x + offset(log(n)) + offset(z) + offset(2)", TABLE)
    expected = np.log(TABLE["n"]) + TABLE["z"] + 2
    for found in (design, recipe.evaluate(TABLE)):
        np.testing.assert_allclose(found.predictors["mu"].offset, expected)
        assert found.predictors["mu"].population.names == ("Intercept", "x")
    assert build_design("y ~ x", TABLE)[0].predictors["mu"].offset is None


def test_only_the_columns_that_are_used_must_be_complete():
    assert build_design("y ~ x", TABLE)[0].n_rows == N


def test_rows_are_dropped_alike_everywhere():
    table = TABLE.assign(y=[0, 1, 1, None, 1, 0])
    design, recipe = build_design(Formula("y ~ x + (1 | g)", sigma="~ gaps"), table, missing="drop")
    kept = [0, 2, 5]
    assert (design.n_rows, design.n_dropped) == (3, 3)
    assert design.outcome.values.tolist() == [0, 1, 0]
    assert design.predictors["mu"].population.matrix[:, 1].tolist() == TABLE["x"].iloc[kept].tolist()
    assert design.predictors["sigma"].population.matrix[:, 1].tolist() == [1, 2, 4]
    assert design.predictors["mu"].groups[0].grouping.index.tolist() == [2, 0, 1]
    new = recipe.evaluate(table, missing="drop")
    assert (new.n_rows, new.n_dropped) == (4, 2)


def test_rows_are_named_by_their_position_in_the_user_s_table():
    table = TABLE.assign(x=[None, *TABLE["x"].iloc[1:]]).set_index(pd.Index(list("uvwxyz")))
    with pytest.raises(DataError, match=r"Term 'log\(z\)' .* in 1 row \(row 5, counted from 0\)"):
        build_design("y ~ x + log(z)", table, missing="drop")


def test_other_parameters_have_their_own_formulas():
    formula = Formula("y ~ x + (1 | g)", sigma="~ z + (x | g)", nu="1")
    design, recipe = build_design(formula, TABLE)
    for found in (design, recipe.evaluate(TABLE)):
        assert list(found.predictors) == ["mu", "sigma", "nu"]
        assert [p.parameter for p in found.predictors.values()] == ["mu", "sigma", "nu"]
        assert found.predictors["sigma"].population.names == ("Intercept", "z")
        assert found.predictors["sigma"].groups[0].names == ("1", "x")
        assert found.predictors["nu"].population.matrix.tolist() == [[1.0]] * N
        assert found.predictors["sigma"].groups[0].grouping is found.predictors["mu"].groups[0].grouping


def test_the_user_s_table_is_not_changed():
    before = TABLE.copy(deep=True)
    build_design("lab ~ flag + small + order + (1 | f)", TABLE)
    pd.testing.assert_frame_equal(TABLE, before)


def test_the_survey():
    design, _ = build_design("`use.contraception` ~ 1 + (1 | district)", load_dataset("bangladesh"))
    grouping = design.predictors["mu"].groups[0].grouping
    assert design.outcome.name == "use.contraception"
    assert grouping.labels.tolist() == [d for d in range(1, 62) if d != 54]
    assert np.bincount(grouping.index)[[2, 13]].tolist() == [2, 118]


def test_a_formula_is_a_record():
    formula = Formula("y ~ x", sigma="z")
    assert repr(formula) == "Formula('y ~ x', sigma='z')"
    assert formula == Formula("y ~ x", sigma="z")
    assert len({formula, Formula("y ~ x", sigma="z"), Formula("y ~ x")}) == 2


def test_what_is_not_the_text_of_a_formula_is_refused():
    with pytest.raises(FormulaError, match="formula=3 is not the text of a formula"):
        Formula(3)
    with pytest.raises(FormulaError, match="sigma=None is not the text of a formula"):
        Formula("y ~ x", sigma=None)
    with pytest.raises(FormulaError, match="The formula of the mean, 'mu', is the first argument"):
        Formula("y ~ x", mu="z")


def test_a_million_rows_in_200_000_groups_cost_what_their_columns_cost():
    n, n_groups = 1_000_000, 200_000
    rng = np.random.default_rng(8)
    group = rng.permutation(np.arange(n) % n_groups)
    table = pd.DataFrame({"y": rng.integers(0, 2, n), "x": rng.normal(size=n), "g": group})
    build_design("y ~ x + (x | g)", table.head(10))  # so that imports are not measured

    tracemalloc.start()
    start = time.perf_counter()
    design, recipe = build_design("y ~ x + (x | g)", table)
    seconds = time.perf_counter() - start
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    (term,) = design.predictors["mu"].groups
    assert term.matrix.shape == (n, 2)
    assert term.grouping.index.dtype == np.int64
    np.testing.assert_array_equal(term.grouping.labels[term.grouping.index], group)
    assert peak < 25 * 8 * n  # bytes: some columns of 8 bytes a row, and nothing of rows times groups
    assert seconds < 5

    new = pd.DataFrame({"x": [0.0, 1.0], "g": [n_groups - 1, n_groups]})
    assert recipe.evaluate(new).predictors["mu"].groups[0].grouping.index.tolist() == [n_groups - 1, -1]
