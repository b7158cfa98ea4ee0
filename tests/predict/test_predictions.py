"""Predictions against sums of terms written out row by row."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import special, stats
from tests.predict.made import Made, make_fit, make_table, slow_linear, values_of
from tests.results.fixtures import make_draws

from partialpool.data.tables import read_table
from partialpool.errors import DataError, OptionError
from partialpool.families.registry import FAMILIES, get_family
from partialpool.formula.design import build_design
from partialpool.formula.design_rows import take_rows
from partialpool.inference.prior import sample_prior
from partialpool.model.poolings import complete_pooling
from partialpool.model.spec import build_spec
from partialpool.predict import predictions, sources
from partialpool.predict.evaluate import Evaluator
from partialpool.predict.predictions import predict
from partialpool.predict.replicates import replicated_outcomes
from partialpool.results.fitted import Fitted
from partialpool.results.summaries import hdi

INVERSES = {
    "identity": lambda eta: eta,
    "log": np.exp,
    "logit": special.expit,
    "probit": stats.norm.cdf,
    "cloglog": lambda eta: 1 - np.exp(-np.exp(eta)),
}
FAMILY_LINKS = [(n, link) for n, kind in FAMILIES.items() if kind.labels != "any" for link in kind.cells]


@pytest.fixture(scope="module")
def made() -> Made:
    return make_fit()


def new_table(n: int = 9) -> pd.DataFrame:
    """Rows of known groups that are not the fitted rows, with labels of their own."""
    table = make_table(seed=11, n=n)
    return table.set_axis([f"row {i}" for i in range(n)])


@pytest.mark.parametrize(("family", "link"), FAMILY_LINKS)
def test_mean_and_linear_predictor_of_every_family_and_link(family: str, link: str) -> None:
    made, table = make_fit(family=f"{family}({link})"), new_table()
    eta = slow_linear(made, table)
    linear = values_of(predict(made.fitted, made.recipe, table, "linear"), "linear")
    np.testing.assert_allclose(linear, eta, rtol=1e-12, atol=1e-12)
    mean = values_of(predict(made.fitted, made.recipe, table))
    np.testing.assert_allclose(mean, INVERSES[link](eta), rtol=1e-11, atol=1e-13)


def test_the_fitted_rows_are_the_table_again(made: Made) -> None:
    own = predict(made.fitted, made.recipe)
    np.testing.assert_allclose(values_of(own), special.expit(slow_linear(made, made.table)), rtol=1e-11)
    again = predict(made.fitted, made.recipe, made.table)
    np.testing.assert_allclose(values_of(own), values_of(again), rtol=1e-12)


@pytest.mark.parametrize("factors", [(), ("g",), ("k", "school:room")])
def test_only_the_named_factors_count_and_only_their_columns_are_read(
    made: Made, factors: tuple[str, ...]
) -> None:
    table = new_table()
    read = {"x", "cat", "t", *(c for f in factors for c in f.split(":"))}
    tree = predict(made.fitted, made.recipe, table[sorted(read)], "linear", groups=factors or None)
    np.testing.assert_allclose(values_of(tree, "linear"), slow_linear(made, table, factors), atol=1e-12)
    assert set(tree.get("predictions_constant_data", {})) - {"__obs__"} == set(factors)


def test_a_second_predictor_has_its_own_formula_and_groups() -> None:
    """All draws are the same, so that outcomes are normal with the sd of each row's group."""
    others = {"sigma": "x + (1 | g)"}
    made = make_fit("x + (1 | g)", "gaussian", others, draws=4000, scale=0.0)
    layout, values = made.fitted.model.layout, made.fitted.values
    truth = np.random.default_rng(0).normal(size=layout.n_values) / 2
    values[:] = truth
    table = pd.DataFrame({"x": [0.5, -1.0], "g": [7, 61]})
    found = values_of(predict(made.fitted, made.recipe, table, "outcome", seed=1), "y")
    for i, (x, label) in enumerate(table.itertuples(index=False)):
        mu = made.take("Intercept")[0] + x * made.take("x")[0] + made.at("1|g", label)[0]
        log_sd = made.take("sigma_Intercept")[0] + x * made.take("sigma_x")[0]
        sd = np.exp(log_sd + made.at("sigma_1|g", label)[0])
        assert stats.kstest(found[:, i], stats.norm(mu, sd).cdf).pvalue > 1e-4  # false alarms: 1 in 10,000


@pytest.mark.parametrize("family", [n for n, family in FAMILIES.items() if family.labels != "any"])
def test_outcomes_have_the_mean_that_is_predicted(family: str) -> None:
    """z-tests at 4.9 standard errors, 10 of them: a false alarm once in 100,000."""
    made = make_fit(family=family, draws=3000)
    made.fitted.values[:] = made.fitted.values[0]
    table = new_table(2)
    drawn = values_of(predict(made.fitted, made.recipe, table, "outcome", seed=3), "y")
    mean = values_of(predict(made.fitted, made.recipe, table))[0]
    trials = table["m"].to_numpy() if FAMILIES[family].needs_trials else np.ones(2)
    error = drawn.std(axis=0) / np.sqrt(len(drawn))
    assert np.all(np.abs(drawn.mean(axis=0) - mean * trials) < 4.9 * error)


def test_outcomes_of_the_fitted_rows_are_the_replicated_ones(made: Made) -> None:
    tree = predict(made.fitted, made.recipe, kind="outcome", seed=8)
    blocks = list(replicated_outcomes(made.fitted, made.fitted.model.design, 8, max_bytes=1))
    assert [rows.stop - rows.start for rows, _ in blocks] == [32, 16]
    found = values_of(tree, "y", "posterior_predictive")
    np.testing.assert_array_equal(found, np.hstack([drawn for _, drawn in blocks]))
    whole = np.hstack([drawn for _, drawn in replicated_outcomes(made.fitted, made.fitted.model.design, 8)])
    np.testing.assert_array_equal(found, whole)
    other = np.hstack([drawn for _, drawn in replicated_outcomes(made.fitted, made.fitted.model.design, 9)])
    assert 0.2 < np.mean(found != other) < 0.8
    np.testing.assert_array_equal(tree["observed_data"]["y"], made.table["y"])
    np.testing.assert_array_equal(tree["constant_data"]["g"], made.table["g"])


def test_fitted_rows_keep_their_trials_in_every_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "PIECE", 32)
    made = make_fit(family="binomial")
    tree = predict(made.fitted, made.recipe, kind="outcome", seed=8)
    whole = np.hstack([drawn for _, drawn in replicated_outcomes(made.fitted, made.fitted.model.design, 8)])
    np.testing.assert_array_equal(values_of(tree, "y", "posterior_predictive"), whole)
    np.testing.assert_array_equal(tree["constant_data"]["trials"], made.table["m"])


def test_outcomes_of_the_prior_are_called_so(made: Made) -> None:
    prior = Fitted(made.fitted.model, sample_prior(made.fitted.model, 20, seed=1))
    tree = predict(prior, made.recipe, kind="outcome", seed=1)
    assert list(tree.children) == ["prior_predictive", "constant_data", "observed_data"]


def test_a_fit_without_its_rows_needs_new_ones(made: Made) -> None:
    model = made.fitted.model
    design = take_rows(model.design, slice(0, 0))
    bare = Fitted(replace(model, design=design), made.fitted.draws)
    with pytest.raises(DataError, match="prediction for the fitted rows needs the rows"):
        predict(bare, made.recipe)
    table = new_table()
    found, expected = (values_of(predict(f, made.recipe, table)) for f in (bare, made.fitted))
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("kind", ["mean", "linear", "outcome"])
def test_a_summary_is_that_of_the_draws(made: Made, kind: str) -> None:
    table, options = new_table(40), {"kind": kind, "seed": 2}
    tree = predict(made.fitted, made.recipe, table, **options)
    draws = values_of(tree, "y" if kind == "outcome" else kind)
    found = predict(made.fitted, made.recipe, table, **options, summary=True, prob=0.8)
    assert found.index.equals(table.index)
    assert list(found.columns) == ["mean", "sd", "hdi_10%", "hdi_90%"]
    expected = np.column_stack([draws.mean(0), draws.std(0), hdi(draws.T, 0.8)])
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("kind", ["mean", "outcome"])
def test_pieces_and_blocks_change_nothing(made: Made, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    table = new_table(100).assign(g=np.arange(100) // 2)
    options: dict[str, Any] = {"kind": kind, "seed": 4}
    name = "y" if kind == "outcome" else kind
    whole = values_of(predict(made.fitted, made.recipe, table, **options), name)
    summary = predict(made.fitted, made.recipe, table, **options, summary=True)
    monkeypatch.setattr(sources, "PIECE", 32)
    np.testing.assert_allclose(
        values_of(predict(made.fitted, made.recipe, table, **options), name), whole, rtol=1e-12
    )
    monkeypatch.setattr(predictions.summarise, "__defaults__", (1,))
    again = predict(made.fitted, made.recipe, table, **options, summary=True)
    np.testing.assert_allclose(again, summary, rtol=1e-10)


def test_rows_that_look_alike_are_computed_once(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    table, seen = pd.concat([new_table(5)] * 20), []
    whole = Evaluator.values
    monkeypatch.setattr(
        Evaluator, "values", lambda self, rows: (seen.append(rows.design.n_rows), whole(self, rows))[1]
    )
    found = predict(made.fitted, made.recipe, table, summary=True)
    assert sum(seen) == len(new_table(5).drop_duplicates(["x", "cat", "t", "g", "k", "school", "room"]))
    assert (found.to_numpy()[:5] == found.to_numpy()[-5:]).all()


def test_a_pooling_with_fewer_terms_predicts_and_needs_fewer_columns(made: Made) -> None:
    model = made.fitted.model
    small = complete_pooling(model, "g")
    keep = [v for v in model.layout.variables if v.name in small.layout]
    values = np.concatenate([v.take(made.fitted.values).reshape(40, -1) for v in keep], axis=1)
    draws = replace(made.fitted.draws, values=values.reshape(2, 20, -1))
    table = new_table()
    tree = predict(Fitted(small, draws), made.recipe, table.drop(columns="g"), "linear")
    expected = slow_linear(made, table, ("k", "school", "school:room"))
    np.testing.assert_allclose(values_of(tree, "linear"), expected, atol=1e-12)


# ---- rows ------------------------------------------------------------------------------------------------


def test_rows_without_a_value_are_named_or_left_out(made: Made) -> None:
    table = new_table()
    table.loc[["row 2", "row 7"], "x"] = np.nan
    with pytest.raises(DataError, match=r"2 of 9 rows have missing values:\n +'x': 2 \(rows 2, 7"):
        predict(made.fitted, made.recipe, table)
    found = predict(made.fitted, made.recipe, table, missing="drop", summary=True)
    assert list(found.index) == [f"row {i}" for i in (0, 1, 3, 4, 5, 6, 8)]
    complete = predict(made.fitted, made.recipe, table.loc[found.index], summary=True)
    np.testing.assert_allclose(found, complete, rtol=1e-12)


def test_a_wrong_row_is_named_by_its_place_in_the_table(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "PIECE", 4)
    table = new_table()
    table.loc["row 6", "cat"] = "new"
    with pytest.raises(DataError, match=r"levels that the model does not know: new, in 1 row \(row 6,"):
        predict(made.fitted, made.recipe, table)


def test_trials_are_read_for_outcomes_alone() -> None:
    made = make_fit(family="binomial")
    table = new_table()
    without = table.drop(columns="m")
    np.testing.assert_array_equal(
        values_of(predict(made.fitted, made.recipe, without)),
        values_of(predict(made.fitted, made.recipe, table)),
    )
    drawn = predict(made.fitted, made.recipe, table, "outcome", seed=1)
    assert (values_of(drawn, "y") <= table["m"].to_numpy()).all()
    np.testing.assert_array_equal(drawn["predictions_constant_data"]["trials"], table["m"])
    with pytest.raises(DataError, match="no column 'm'"):
        predict(made.fitted, made.recipe, without, "outcome")
    bad = table.astype({"m": float})
    bad.loc["row 3", "m"] = 1.5
    with pytest.raises(DataError, match=r"trials 'm' is no count in 1 row \(row 3"):
        predict(made.fitted, made.recipe, bad, "outcome")


def test_labels_of_rows_and_groups_are_the_tables_own(made: Made) -> None:
    table = new_table(3).assign(g=[7, 8, 3], school=[0, 0, 5], room=["r1", "new", "r1"])
    tree = predict(made.fitted, made.recipe, table)
    assert list(tree["predictions"].coords["__obs__"]) == ["row 0", "row 1", "row 2"]
    constant = tree["predictions_constant_data"]
    assert constant["g"].dtype == np.int64
    assert constant["g"].values.tolist() == [7, 8, 3]
    assert constant["school:room"].values.tolist() == ["0:r1", "0:new", "5:r1"]
    several = table.set_index(["k", "g"], drop=False)
    assert predict(made.fitted, made.recipe, several, summary=True).index.equals(several.index)
    assert predict(made.fitted, made.recipe, several)["predictions"].coords["__obs__"].values.tolist() == [
        0,
        1,
        2,
    ]


def test_a_slash_in_the_name_of_an_outcome_or_a_factor_is_no_path() -> None:
    table = pd.DataFrame({"kg/m2": [1.0, 2, 4, 5], "farm/field": ["a", "a", "b", "b"]})
    design, recipe = build_design("`kg/m2` ~ 1 + (1 | `farm/field`)", table)
    spec = build_spec(design, get_family("gaussian"))
    fitted = Fitted(spec, make_draws(np.ones((1, 5, spec.layout.n_values))))
    tree = predict(fitted, recipe, kind="outcome")
    assert list(tree["posterior_predictive"].data_vars) == list(tree["observed_data"].data_vars) == ["kg∕m2"]
    constant = predict(fitted, recipe, table)["predictions_constant_data"]
    assert constant["farm∕field"].values.tolist() == table["farm/field"].tolist()


def test_outcomes_of_two_labels_say_which_is_one() -> None:
    design, recipe = build_design(
        "answer ~ x", pd.DataFrame({"x": [0.0, 1, 2, 3], "answer": ["no", "yes", "no", "yes"]})
    )
    spec = build_spec(design, get_family("bernoulli"))
    fitted = Fitted(spec, make_draws(np.zeros((1, 5, 2))))
    found = predict(fitted, recipe, kind="outcome")["posterior_predictive"]["answer"]
    assert found.attrs["levels"] == ["no", "yes"]
    assert set(np.unique(found)) <= {0.0, 1.0}
    assert "levels" not in predict(fitted, recipe)["predictions"]["mean"].attrs


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"kind": "men"}, "kind='men' is not an option.*'mean', 'linear', 'outcome'"),
        ({"new_groups": "none"}, "new_groups='none'.*'population', 'existing', 'zero', 'error'"),
        ({"groups": "g"}, r"groups='g'.*Try: groups=\['g'\]"),
        ({"groups": True}, "groups=True is not an option.*a list of grouping factors"),
        ({"groups": ["scool"]}, "no grouping factor 'scool'.*Try: 'school'"),
        ({"seed": -1}, "seed=-1 is not a seed"),
        ({"seed": 1.5}, "seed=1.5 is not a seed"),
        ({"prob": 89}, "prob=89"),
    ],
)
def test_impossible_options(made: Made, options: dict[str, Any], text: str) -> None:
    with pytest.raises(OptionError, match="(?s)" + text):
        predict(made.fitted, made.recipe, new_table(), **options)


def test_labels_that_were_text_are_read_as_text_from_a_file(tmp_path) -> None:
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {"g": ["1", "2", "T", "a"] * 5, "kind": ["0", "1", "x", "1"] * 5, "y": rng.normal(size=20)}
    )
    _, recipe = build_design("y ~ kind + (1 | g)", table)
    assert recipe.text_columns == ("kind", "g")
    path = tmp_path / "new.csv"
    path.write_text("g,kind\n1,0\n2,1\n")
    assert read_table(path, recipe.text_columns)["g"].tolist() == ["1", "2"]
    new = recipe.evaluate(read_table(path, recipe.text_columns))
    np.testing.assert_array_equal(new.predictors["mu"].groups[0].grouping.index, [0, 1])
