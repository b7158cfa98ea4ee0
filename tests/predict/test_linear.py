from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.model.cases import Case as ModelCase
from tests.results.fixtures import N_ROWS, Case, make_case

from partialpool.predict.linear import linear_predictor, linear_predictors, row_blocks

ALL = slice(0, N_ROWS)


@pytest.fixture(scope="module")
def case() -> Case:
    return make_case(n_chains=2, n_draws=6)


@pytest.fixture(scope="module")
def values(case: Case) -> np.ndarray:
    return case.draws.values.reshape(-1, case.layout.n_values)


def slow_predictor(case: Case, parameter: str, draw: np.ndarray, row: int) -> float:
    """Sum the formula's terms for one draw and one row, looking every coefficient up by its name."""
    predictor = case.design.predictors[parameter]
    prefix = "" if parameter == "mu" else f"{parameter}_"
    total = 0.0 if predictor.offset is None else predictor.offset[row]
    for term in predictor.population.terms:
        beta = np.atleast_1d(case.layout[prefix + term.name].take(draw))
        total += float(beta @ predictor.population.matrix[row, term.columns])
    for group in predictor.groups:
        j = group.grouping.index[row]
        for term in group.terms:
            effects = case.layout[f"{prefix}{term.name}|{group.grouping.name}"].take(draw)
            total += float(np.atleast_1d(effects[..., j]) @ group.matrix[row, term.columns])
    return total


@pytest.mark.parametrize("parameter", ["mu", "sigma"])
def test_linear_predictor_is_the_sum_of_the_terms(case: Case, values: np.ndarray, parameter: str) -> None:
    predictor = case.design.predictors[parameter]
    expected = [[slow_predictor(case, parameter, draw, row) for row in range(N_ROWS)] for draw in values]
    np.testing.assert_allclose(
        linear_predictor(case.parameters, predictor, values, ALL), expected, rtol=1e-12, atol=1e-12
    )


def test_some_rows_are_a_slice_of_all(case: Case, values: np.ndarray) -> None:
    predictor = case.design.predictors["mu"]
    some = linear_predictor(case.parameters, predictor, values, slice(5, 12))
    np.testing.assert_allclose(
        some, linear_predictor(case.parameters, predictor, values, ALL)[:, 5:12], rtol=1e-13
    )


@pytest.mark.parametrize("unknown", [[3, 8], range(N_ROWS)], ids=["some rows", "all rows"])
def test_unknown_groups_contribute_nothing(case: Case, values: np.ndarray, unknown: list[int]) -> None:
    predictor = case.design.predictors["sigma"]
    (group,) = predictor.groups
    index = group.grouping.index.copy()
    index[list(unknown)] = -1
    new = replace(predictor, groups=(replace(group, grouping=replace(group.grouping, index=index)),))
    expected = linear_predictor(case.parameters, predictor, values, ALL)
    expected[:, index < 0] = linear_predictor(case.parameters, replace(predictor, groups=()), values, ALL)[
        :, index < 0
    ]
    np.testing.assert_array_equal(linear_predictor(case.parameters, new, values, ALL), expected)


def test_a_predictor_without_population_coefficients_is_its_groups_and_offset(
    case: Case, values: np.ndarray
) -> None:
    whole = case.design.predictors["mu"]
    empty = replace(whole.population, matrix=np.zeros_like(whole.population.matrix))
    only_population = linear_predictor(case.parameters, replace(whole, groups=(), offset=None), values, ALL)
    rest = linear_predictor(case.parameters, replace(whole, population=empty), values, ALL)
    total = linear_predictor(case.parameters, whole, values, ALL)
    np.testing.assert_allclose(only_population + rest, total, atol=1e-12)


def test_a_parameter_without_a_formula_is_one_column_on_the_scale_of_its_predictor() -> None:
    for name, variable, scale in (("gaussian", "sigma", np.log), ("cumulative", "threshold", np.asarray)):
        spec = ModelCase("x + (1 | g)", name).spec()
        values = np.random.default_rng(1).random((5, spec.layout.n_values)) + 0.1
        linear = linear_predictors(spec, spec.design, values, slice(0, 7))
        parameters = [p for p in linear if p != "mu"]
        assert linear["mu"].shape == (5, 7)
        assert all(linear[p].shape == (5, 1) for p in parameters)
        expected = scale(spec.layout[variable].take(values).reshape(5, -1))
        np.testing.assert_array_equal(np.hstack([linear[p] for p in parameters]), expected)


@pytest.mark.parametrize("max_bytes", [1, 12 * 8 * 7, 2**26])
def test_blocks_cover_every_row_once_within_the_limit(case: Case, values: np.ndarray, max_bytes: int) -> None:
    predictor = case.design.predictors["mu"]
    blocks = [
        (rows, linear_predictor(case.parameters, predictor, values, rows))
        for rows in row_blocks(N_ROWS, len(values), max_bytes)
    ]
    assert all(eta.nbytes <= max(max_bytes, 8 * len(values)) for _, eta in blocks)
    assert [row for rows, _ in blocks for row in range(rows.start, rows.stop)] == list(range(N_ROWS))
    whole = linear_predictor(case.parameters, predictor, values, ALL)
    np.testing.assert_allclose(np.hstack([eta for _, eta in blocks]), whole, rtol=1e-12, atol=1e-12)


def test_default_blocks_hold_64_mib() -> None:
    first = next(row_blocks(10**6, n_draws=4000))
    assert first.stop * 4000 * 8 <= 64 * 2**20 < (first.stop + 1) * 4000 * 8


def test_no_rows_make_no_blocks() -> None:
    assert list(row_blocks(0, n_draws=4000)) == []
