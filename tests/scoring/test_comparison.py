"""Comparison of models against ArviZ's, and what it refuses."""

from __future__ import annotations

import warnings
from dataclasses import replace

import arviz_stats
import numpy as np
import pandas as pd
import pytest

import partialpool as pp
from partialpool.errors import DataError, OptionError
from partialpool.results.findings import Finding
from partialpool.scoring.comparison import compare
from partialpool.scoring.elpd import Elpd
from partialpool.scoring.loo import loo
from partialpool.scoring.waic import waic

FORMULAS = {"none": "y ~ 1", "slope": "y ~ x", "groups": "y ~ x + (1 | g)"}


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    g, x = rng.integers(0, 5, 60), rng.normal(size=60)
    y = 0.4 * x + rng.normal(0, 0.5, 5)[g] + rng.normal(size=60)
    return pd.DataFrame({"g": g, "x": x, "y": y, "w": rng.integers(1, 4, 60)})


@pytest.fixture(scope="module")
def fits(table: pd.DataFrame) -> dict[str, pp.Fit]:
    return {n: pp.Model(f, table).fit(200, 2, seed=3, progress=False) for n, f in FORMULAS.items()}


@pytest.fixture(scope="module")
def models(fits: dict[str, pp.Fit]) -> dict[str, Elpd]:
    return {name: loo(fit.fitted) for name, fit in fits.items()}


def arviz(models: dict) -> pd.DataFrame:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of pandas, about ArviZ's code; of ArviZ, about large Pareto k
        return arviz_stats.compare(models)


def test_it_agrees_with_arviz_on_rows(fits: dict[str, pp.Fit], models: dict[str, Elpd]) -> None:
    ours = compare(models)
    theirs = arviz({name: fit.to_datatree(log_likelihood=True) for name, fit in fits.items()})
    assert list(ours.index) == list(theirs.index)
    for one, other in (("elpd", "elpd"), ("se", "se"), ("p", "p"), ("se_difference", "dse")):
        np.testing.assert_allclose(ours[one], theirs[other], rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(ours["difference"], -theirs["elpd_diff"], rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(ours["weight"], theirs["weight"], atol=2e-3)  # where two optimisers stop
    assert ours["warning"].to_list() == theirs["warning"].to_list()


def test_stacking_weights_cannot_be_bettered(models: dict[str, Elpd]) -> None:
    weights = compare(models)["weight"]
    density = np.exp(np.column_stack([models[name].unit_elpd for name in weights.index]))
    gain = (density / (density @ weights.to_numpy())[:, np.newaxis]).mean(axis=0)
    # At the optimum no model's share could grow to advantage: Kuhn and Tucker's condition.
    assert gain.max() < 1.001
    assert weights.sum() == pytest.approx(1.0)


def test_densities_that_are_zero_to_rounding_have_weights_all_the_same(models: dict[str, Elpd]) -> None:
    far = {name: _shifted(elpd, -2000.0) for name, elpd in models.items()}
    np.testing.assert_allclose(compare(far)["weight"], compare(models)["weight"], atol=1e-9)


def _shifted(elpd: Elpd, by: float) -> Elpd:
    return replace(elpd, rows=elpd.rows.assign(elpd=elpd.rows["elpd"] + by), elpd=elpd.elpd + by * elpd.n)


def test_weights_of_rows_count_as_rows(table: pd.DataFrame) -> None:
    repeated = table.loc[table.index.repeat(table["w"])].reset_index(drop=True)
    weighted, rows = {}, {}
    for name in ("none", "slope"):
        formula = FORMULAS[name]
        fit = pp.Model(formula.replace("y ~", "y | weights(w) ~"), table).fit(200, 2, seed=3, progress=False)
        spec = pp.Model(formula, repeated, priors=dict(fit.model.priors)).spec
        weighted[name] = loo(fit.fitted)
        rows[name] = loo(replace(fit.fitted, model=spec))
    pd.testing.assert_frame_equal(compare(weighted), compare(rows), rtol=1e-8)


def test_weights_that_are_not_whole_leave_stacking_out(table: pd.DataFrame) -> None:
    some = {
        name: loo(
            pp.Model(f"y | weights(w) ~ {right}", table.assign(w=0.5)).fit(50, 1, 3, progress=False).fitted
        )
        for name, right in (("none", "1"), ("slope", "x"))
    }
    found = compare(some)
    assert found["weight"].isna().all()
    assert found["difference"].iloc[1] < 0


def test_other_methods_are_compared_too(fits: dict[str, pp.Fit]) -> None:
    by_waic = compare({name: waic(fit.fitted) for name, fit in fits.items()})
    assert by_waic["weight"].sum() == pytest.approx(1.0)
    two = {name: fits[name].kfold(3, progress=False) for name in ("none", "slope")}
    assert compare(two)["difference"].iloc[1] < 0


def test_a_problem_is_flagged(models: dict[str, Elpd]) -> None:
    poor = replace(models["slope"], findings=(Finding("problem", "a", "b", "c"),))
    found = compare({"none": models["none"], "slope": poor})
    assert found["warning"].to_dict() == {"none": False, "slope": True}


def test_different_data_are_refused(table: pd.DataFrame, models: dict[str, Elpd]) -> None:
    def other(formula: str, data: pd.DataFrame) -> dict[str, Elpd]:
        fit = pp.Model(formula, data).fit(50, 1, seed=3, progress=False)
        return {"none": models["none"], "other": loo(fit.fitted)}

    with pytest.raises(
        DataError, match="'none' and 'other' are models of different data: of 60 and of 50 rows"
    ):
        compare(other("y ~ 1", table[:50]))
    changed = table.assign(y=np.where(table.index == 7, 5.0, table["y"]))
    with pytest.raises(DataError, match=r"the outcomes of 1 of 60 rows differ \(row 7: .* and 5; rows count"):
        compare(other("y ~ 1", changed))
    with pytest.raises(DataError, match="the weights of 60 of 60 rows differ"):
        compare(other("y | weights(w) ~ 1", table.assign(w=2)))


def test_different_trials_are_refused() -> None:
    table = pd.DataFrame({"k": [0, 1, 2, 1], "n": 4, "m": 5})
    models = {
        n: loo(pp.Model(f"k | trials({n}) ~ 1", table, "binomial").fit(50, 1, 3, progress=False).fitted)
        for n in ("n", "m")
    }
    with pytest.raises(DataError, match=r"the trials of 4 of 4 rows differ \(row 0: 4 and 5"):
        compare(models)


def test_a_model_that_rules_out_what_happened_comes_last(models: dict[str, Elpd]) -> None:
    elpd = models["slope"].rows["elpd"].where(models["slope"].rows.index != 4, -np.inf)
    ruled_out = replace(models["slope"], rows=models["slope"].rows.assign(elpd=elpd), elpd=-np.inf)
    found = compare({"slope": ruled_out, "none": models["none"], "again": ruled_out})
    assert found.index[0] == "none"
    assert (found["difference"].iloc[1:] == -np.inf).all()
    assert found["weight"].isna().all()


def test_methods_go_by_their_names(fits: dict[str, pp.Fit]) -> None:
    two = {name: fits[name] for name in ("none", "slope")}
    for method in ("loo", "waic"):
        found = pp.compare_models(two, method)
        pd.testing.assert_frame_equal(found, compare({n: getattr(f, method)() for n, f in two.items()}))
    with pytest.raises(OptionError, match="no method 'wiac'"):
        pp.compare_models(two, "wiac")


def test_mixed_methods_folds_and_single_models_are_refused(
    fits: dict[str, pp.Fit], models: dict[str, Elpd]
) -> None:
    with pytest.raises(OptionError, match="by loo and by waic"):
        compare({"a": models["none"], "b": waic(fits["none"].fitted)})
    with pytest.raises(OptionError, match="1 model to compare"):
        compare({"a": models["none"]})
    folds = {seed: fits["none"].kfold(2, seed=int(seed), progress=False) for seed in ("1", "2")}
    with pytest.raises(OptionError, match="'1' and '2' have different folds"):
        compare(folds)


def test_the_same_rows_in_another_order_are_named_as_such(
    table: pd.DataFrame, models: dict[str, Elpd]
) -> None:
    fit = pp.Model("y ~ 1", table[::-1]).fit(50, 1, seed=3, progress=False)
    with pytest.raises(DataError, match="the same rows in the same order"):
        compare({"none": models["none"], "turned": loo(fit.fitted)})


def test_densities_and_probabilities_are_not_compared() -> None:
    table = pd.DataFrame({"y": [0, 1, 2, 4, 1, 0]})
    models = {
        family: loo(pp.Model("y ~ 1", table, family).fit(50, 1, 3, progress=False).fitted)
        for family in ("gaussian", "poisson", "negative_binomial")
    }
    with pytest.raises(OptionError, match="'gaussian' and 'poisson' cannot be compared: one gives outcomes"):
        compare(models)
    assert len(compare({name: models[name] for name in ("poisson", "negative_binomial")})) == 2


@pytest.mark.parametrize(
    ("models", "text"),
    [([1, 2], "models is of type list"), ({"a": 3, "b": 4}, "'a' is of type int: it cannot be compared")],
)
def test_what_is_no_model_is_refused(models, text: str) -> None:
    with pytest.raises(OptionError, match=text):
        pp.compare_models(models)
