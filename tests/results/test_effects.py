from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from tests.results.fixtures import Case, make_case

from partialpool.errors import OptionError
from partialpool.results import group_effects as room
from partialpool.results.group_effects import group_table
from partialpool.results.summaries import hdi


@pytest.fixture(scope="module")
def case() -> Case:
    return make_case(n_chains=2, n_draws=50)


def draws_of(case: Case, name: str) -> np.ndarray:
    return case.layout[name].take(case.draws.values)


def figures_of(case: Case, table: pd.DataFrame, factor: str, coefficient: str, draws: np.ndarray) -> None:
    """Assert that a table has the figures of (..., J) draws."""
    own = table[(table["factor"] == factor) & (table["coefficient"] == coefficient)]
    assert own["group"].tolist() == case.design.groupings[factor].labels.tolist()
    draws = draws.reshape(-1, draws.shape[-1])
    ends = hdi(draws.T, 0.5)
    expected = np.column_stack([draws.mean(axis=0), draws.std(axis=0), ends])
    np.testing.assert_allclose(own[["mean", "sd", "hdi_25%", "hdi_75%"]], expected, rtol=1e-12)


TERMS = {
    "1|district": ("district", "1", "Intercept"),
    "1|school": ("school", "1", "Intercept"),
    "x|school": ("school", "x", "x"),
    "w|school:room": ("school:room", "w", None),
}


@pytest.mark.parametrize("block", [1, 2**20])
@pytest.mark.parametrize("totals", [False, True])
def test_totals_add_the_coefficient_of_the_same_name_where_there_is_one(
    case: Case, monkeypatch: pytest.MonkeyPatch, totals: bool, block: int
) -> None:
    monkeypatch.setattr(room, "_BLOCK_VALUES", block)
    table = group_table(case.fitted, totals=totals, prob=0.5)
    assert list(table.columns) == ["factor", "group", "coefficient", "n", "mean", "sd", "hdi_25%", "hdi_75%"]
    assert len(table) == 3 * 3 + 2 * 2 + 4
    for name, (factor, coefficient, population) in TERMS.items():
        added = draws_of(case, population)[..., np.newaxis] if totals and population else 0.0
        figures_of(case, table, factor, coefficient, draws_of(case, name) + added)


@pytest.mark.parametrize("totals", [False, True])
def test_a_categorical_term_is_matched_level_by_level(case: Case, totals: bool) -> None:
    table = group_table(case.fitted, totals=totals, prob=0.5)
    for k, level in enumerate("bc"):
        added = draws_of(case, "cat")[..., k, np.newaxis] if totals else 0.0
        draws = draws_of(case, "cat|district")[..., k, :] + added
        figures_of(case, table, "district", f"cat[{level}]", draws)


@pytest.mark.parametrize("times", [1.0, 0.5])
def test_rows_are_counted_by_their_weights(case: Case, times: float) -> None:
    outcome = case.design.outcome
    weights = times * (1.0 + np.arange(len(outcome.values)) % 3)
    design = replace(case.design, outcome=replace(outcome, weights=weights))
    table = group_table(replace(case.fitted, model=replace(case.fitted.model, design=design)))
    for name, grouping in design.groupings.items():
        expected = np.bincount(grouping.index, weights, len(grouping.labels))
        own = table[table["factor"] == name]
        np.testing.assert_array_equal(own["n"], np.tile(expected, len(own) // len(expected)))
    assert (table["n"].dtype.kind == "i") == (times == 1.0)


def test_another_parameter_has_its_own_coefficients(case: Case) -> None:
    table = group_table(case.fitted, "sigma", totals=True, prob=0.5)
    assert len(table) == 3
    expected = draws_of(case, "sigma_1|district") + draws_of(case, "sigma_Intercept")[..., np.newaxis]
    figures_of(case, table, "district", "1", expected)


def test_a_parameter_without_formula_is_an_error(case: Case) -> None:
    with pytest.raises(OptionError, match=r"no parameter with a formula called 'sgma'(.|\n)*Try: 'sigma'"):
        group_table(case.fitted, "sgma")


def test_table_counts_the_rows_of_each_group(case: Case) -> None:
    table = group_table(case.fitted, "sigma")
    index = case.design.predictors["sigma"].groups[0].grouping.index
    assert table["group"].tolist() == [3, 7, 61]
    assert table["n"].tolist() == [int((index == j).sum()) for j in range(3)]


def test_a_model_without_groups_has_an_empty_table(case: Case) -> None:
    alone = replace(case.design, predictors={"mu": replace(case.design.predictors["mu"], groups=())})
    table = group_table(replace(case.fitted, model=replace(case.fitted.model, design=alone)))
    assert table.empty
    assert "hdi_5.5%" in table
