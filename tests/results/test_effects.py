from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.results.fixtures import Case, make_case

from partialpool.errors import OptionError
from partialpool.results import group_effects as room
from partialpool.results.group_effects import group_coefficients, group_effects, group_table
from partialpool.results.summaries import hdi


@pytest.fixture(scope="module")
def case() -> Case:
    return make_case(n_chains=2, n_draws=50)


def draws_of(case: Case, name: str) -> np.ndarray:
    return case.layout[name].take(case.draws.values)


def test_effects_are_the_deviations_with_their_labels(case: Case) -> None:
    effects = group_effects(case.draws, case.layout, case.design)
    assert set(effects) == {"1|district", "cat|district", "1|school", "x|school", "w|school:room"}
    for name, variable in effects.items():
        np.testing.assert_array_equal(variable, draws_of(case, str(name)))
    assert effects["w|school:room"].get_index("school:room__factor_dim").tolist() == [
        "a:1",
        "a:2",
        "b:1",
        "b:2",
    ]


@pytest.mark.parametrize(
    ("name", "population"),
    [("1|district", "Intercept"), ("1|school", "Intercept"), ("x|school", "x")],
)
def test_totals_add_the_coefficient_of_the_same_name(case: Case, name: str, population: str) -> None:
    totals = group_coefficients(case.draws, case.layout, case.design)
    expected = draws_of(case, name) + draws_of(case, population)[..., np.newaxis]
    np.testing.assert_allclose(totals[name], expected, rtol=1e-14)


def test_totals_of_a_categorical_term_match_level_by_level(case: Case) -> None:
    totals = group_coefficients(case.draws, case.layout, case.design)["cat|district"]
    assert totals.dims == ("chain", "draw", "cat__expr_dim", "district__factor_dim")
    expected = draws_of(case, "cat|district") + draws_of(case, "cat")[..., np.newaxis]
    np.testing.assert_allclose(totals, expected, rtol=1e-14)


def test_a_coefficient_that_the_population_lacks_is_the_deviation_alone(case: Case) -> None:
    totals = group_coefficients(case.draws, case.layout, case.design)
    np.testing.assert_array_equal(totals["w|school:room"], draws_of(case, "w|school:room"))


@pytest.mark.parametrize("times", [1.0, 0.5])
def test_rows_are_counted_by_their_weights(case: Case, times: float) -> None:
    outcome = case.design.outcome
    weights = times * (1.0 + np.arange(len(outcome.values)) % 3)
    design = replace(case.design, outcome=replace(outcome, weights=weights))
    table = group_table(case.draws, case.layout, design)
    for name, grouping in design.groupings.items():
        expected = np.bincount(grouping.index, weights, len(grouping.labels))
        own = table[table["factor"] == name]
        np.testing.assert_array_equal(own["n"], np.tile(expected, len(own) // len(expected)))
    assert (table["n"].dtype.kind == "i") == (times == 1.0)


def test_another_parameter_has_its_own_coefficients(case: Case) -> None:
    totals = group_coefficients(case.draws, case.layout, case.design, "sigma")
    assert list(totals) == ["sigma_1|district"]
    expected = draws_of(case, "sigma_1|district") + draws_of(case, "sigma_Intercept")[..., np.newaxis]
    np.testing.assert_allclose(totals["sigma_1|district"], expected, rtol=1e-14)


def test_a_parameter_without_formula_is_an_error(case: Case) -> None:
    with pytest.raises(OptionError, match=r"no parameter with a formula called 'sgma'(.|\n)*Try: 'sigma'"):
        group_effects(case.draws, case.layout, case.design, "sgma")


@pytest.mark.parametrize("block", [1, 2**20])
@pytest.mark.parametrize("totals", [False, True])
def test_table_tells_the_same_as_the_arrays(
    case: Case, monkeypatch: pytest.MonkeyPatch, totals: bool, block: int
) -> None:
    monkeypatch.setattr(room, "_BLOCK_VALUES", block)
    table = group_table(case.draws, case.layout, case.design, totals=totals, prob=0.5)
    assert list(table.columns) == ["factor", "group", "coefficient", "n", "mean", "sd", "hdi_25%", "hdi_75%"]
    assert len(table) == 3 * 3 + 2 * 2 + 4
    labelled = (group_coefficients if totals else group_effects)(case.draws, case.layout, case.design)
    one = table.query("factor == 'district' and group == 61 and coefficient == 'cat[c]'").iloc[0]
    draws = labelled["cat|district"].sel(cat__expr_dim="c", district__factor_dim=61).to_numpy().ravel()
    figures = [draws.mean(), draws.std(), *hdi(draws, 0.5)]
    np.testing.assert_allclose(one[["mean", "sd", "hdi_25%", "hdi_75%"]].astype(float), figures, rtol=1e-12)


def test_table_counts_the_rows_of_each_group(case: Case) -> None:
    table = group_table(case.draws, case.layout, case.design, "sigma")
    index = case.design.predictors["sigma"].groups[0].grouping.index
    assert table["group"].tolist() == [3, 7, 61]
    assert table["n"].tolist() == [int((index == j).sum()) for j in range(3)]


def test_a_model_without_groups_has_an_empty_table(case: Case) -> None:
    alone = replace(case.design, predictors={"mu": replace(case.design.predictors["mu"], groups=())})
    table = group_table(case.draws, case.layout, alone)
    assert table.empty
    assert "hdi_5.5%" in table
    assert not group_effects(case.draws, case.layout, alone).data_vars
