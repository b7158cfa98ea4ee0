"""The front door's methods, on small models."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import polars as pl
import pytest

import partialpool as pp
from partialpool.api import fit_view
from partialpool.kernels.native.compiling import cache_folder
from partialpool.results.diagnostics import diagnose
from partialpool.results.summaries import measured, summary


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    rng = np.random.default_rng(8)
    group = rng.integers(0, 12, 300)
    x = rng.normal(size=300)
    y = 1 + 0.5 * x + rng.normal(size=12)[group] + rng.normal(size=300)
    return pd.DataFrame({"y": y, "x": x, "g": np.array(list("abcdefghijkl"))[group]})


@pytest.fixture(scope="module")
def fit(table: pd.DataFrame) -> pp.Fit:
    return pp.Model("y ~ x + (x | g)", table).fit(draws=300, chains=2, seed=3, progress=False)


def test_the_same_seed_gives_the_same_draws(table: pd.DataFrame, fit: pp.Fit) -> None:
    again = pp.Model("y ~ x + (x | g)", table).fit(draws=300, chains=2, seed=3, cores=1, progress=False)
    np.testing.assert_array_equal(again.draws.values, fit.draws.values)


def test_draws_are_measured_once(monkeypatch, fit: pp.Fit) -> None:
    calls = []
    monkeypatch.setattr(fit_view, "measured", lambda posterior: calls.append(1) or measured(posterior))
    fresh = pp.Fit(fit.model, fit.draws)
    assert fresh.summary().equals(summary(fit.posterior))
    assert fresh.diagnose() == diagnose(fit.fitted, fit.posterior)
    assert fresh.summary(0.5, ["x"]).equals(summary(fit.posterior, 0.5).loc[["x"]])
    assert len(calls) == 1


def test_no_draws_have_no_summary(fit: pp.Fit) -> None:
    nothing = replace(fit.draws, values=fit.draws.values[:, :0])
    with pytest.raises(pp.errors.FitError, match="no draws"):
        pp.Fit(fit.model, nothing).summary()


def test_without_a_seed_the_fit_remembers_the_one_it_took(table: pd.DataFrame) -> None:
    model = pp.Model("y ~ 1", table)
    first = model.fit(draws=50, chains=1, progress=False)
    again = model.fit(draws=50, chains=1, seed=first.draws.seed, progress=False)
    np.testing.assert_array_equal(first.draws.values, again.draws.values)


def test_other_tables_and_orders_of_columns_give_the_same_fit(table: pd.DataFrame, fit: pp.Fit) -> None:
    for same in (pl.from_pandas(table), pl.from_pandas(table).to_arrow(), table.to_dict("list")):
        again = pp.Model("y ~ x + (x | g)", same).fit(draws=300, chains=2, seed=3, progress=False)
        np.testing.assert_array_equal(again.draws.values, fit.draws.values)


def test_group_coefficients_are_population_plus_deviation(fit: pp.Fit) -> None:
    effects, totals = fit.group_effects(), fit.group_coefficients()
    slope = float(fit.posterior["x"].mean())
    own = effects["coefficient"] == "x"
    np.testing.assert_allclose(totals[own]["mean"] - effects[own]["mean"], slope, rtol=1e-10)


def test_the_log_likelihood_is_added_on_request(fit: pp.Fit) -> None:
    assert "log_likelihood" not in fit.to_datatree().children
    found = fit.to_datatree(log_likelihood=True)["log_likelihood"]["y"]
    assert found.shape == (2, 300, 300)
    assert np.isfinite(found).all()


def test_a_shifted_predictor_changes_neither_slopes_nor_the_mean(table: pd.DataFrame) -> None:
    """Default priors say the same wherever a predictor has its zero: to Monte Carlo error, not more."""
    one = pp.Model("y ~ x + (1 | g)", table).fit(seed=1, progress=False).posterior
    moved = table.assign(x=table["x"] + 1000)
    two = pp.Model("y ~ x + (1 | g)", moved).fit(seed=1, progress=False).posterior
    for name in ("x", "sigma", "1|g_sigma"):
        assert float(one[name].mean()) == pytest.approx(
            float(two[name].mean()), abs=0.1 * float(one[name].std())
        )
    intercept = two["Intercept"] + 1000 * two["x"]
    assert float(one["Intercept"].mean()) == pytest.approx(
        float(intercept.mean()), abs=0.1 * float(one["Intercept"].std())
    )


def test_perfectly_separating_predictors_are_noted(table: pd.DataFrame) -> None:
    clear = table.assign(b=(table["x"] > 0).astype(int))
    diagnosis = pp.Model("b ~ x + (1 | g)", clear, family="bernoulli").fit(seed=2, progress=False).diagnose()
    assert any("separate" in finding.title for finding in diagnosis.findings)
    mixed = clear.assign(b=1 - clear["b"].where(clear.index % 7 > 0, 1))
    diagnosis = pp.Model("b ~ x + (1 | g)", mixed, family="bernoulli").fit(seed=2, progress=False).diagnose()
    assert not any("separate" in finding.title for finding in diagnosis.findings)


def test_kernels_compile_once_a_machine(tmp_path) -> None:
    """A method's first process says that it compiles; another, with another model, has nothing left to do."""
    code = (
        "import partialpool as pp\n"
        "pp.Model({formula!r}, dict(y=[0, 1, 1, 0, 1, 0], x=[1., 2., 3., 4., 6., 5.], g=[1, 1, 2, 2, 3, 3]), "
        "family={family!r}).fit(method={method!r}, draws=50, chains=1, seed=1, progress=False)\n"
    )

    def run(method: str, formula: str, family: str) -> str:
        environment = os.environ | {"PARTIALPOOL_CACHE_DIR": str(tmp_path)}
        command = [sys.executable, "-c", code.format(method=method, formula=formula, family=family)]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stderr

    for method, what in (("nuts", "its kernels"), ("laplace", "nested Laplace")):
        assert f"compiling {what}" in run(method, "y ~ 1 + (1 | g)", "bernoulli")
        files = sorted(tmp_path.rglob("*.nbc"))
        assert "once per machine" not in run(method, "y ~ x + (x | g)", "negative_binomial")
        assert sorted(tmp_path.rglob("*.nbc")) == files


def test_labels_are_not_fitted_as_numbers(table: pd.DataFrame) -> None:
    labelled = table.assign(y=np.where(table["y"] > 1, "yes", "no"))
    with pytest.raises(pp.errors.FamilyError) as caught:
        pp.Model("y ~ x + (1 | g)", labelled)
    assert str(caught.value) == (
        "Outcome 'y' has 2 labels: no, yes; the family 'gaussian' is for numbers.\n  Try: family='bernoulli'"
    )


@pytest.mark.parametrize("family", ["bernoulli", "gaussian"])
@pytest.mark.parametrize("labels", ["a", "abc"])
def test_a_family_has_as_many_labels_as_it_knows(table: pd.DataFrame, family: str, labels: str) -> None:
    labelled = table.assign(y=[labels[i % len(labels)] for i in range(len(table))])
    kind = pp.errors.FamilyError if family == "gaussian" else pp.errors.DataError
    shown = "1 label: a" if labels == "a" else "3 labels: a, b, c"
    with pytest.raises(kind, match=f"Outcome 'y' has {shown}"):
        pp.Model("y ~ x + (1 | g)", labelled, family=family)


def test_a_stan_program_s_data_are_json(table: pd.DataFrame) -> None:
    program = pp.Model("y ~ x + (x | g)", table).to_stan()
    assert json.loads(json.dumps(program.data))["N"] == 300


@pytest.mark.parametrize("prior", [pp.Normal(100, 100), pp.Normal(-300, 300)])
def test_a_prior_far_from_the_data_does_not_keep_the_start_there(prior: pp.Prior) -> None:
    counts = {"k": np.random.default_rng(0).poisson(3, 200), "g": np.arange(200) % 20}
    fit = pp.Model("k ~ 1 + (1 | g)", counts, family="poisson", priors={"Intercept": prior}).fit(
        seed=1, progress=False
    )
    assert fit.diagnose().ok, str(fit.diagnose())
    assert float(fit.posterior["Intercept"].mean()) == pytest.approx(np.log(np.mean(counts["k"])), abs=0.1)


def test_an_offset_on_the_wrong_scale_is_named() -> None:
    rows = {"k": [1, 2, 3], "days": [10.0, 900.0, 30.0]}
    with pytest.raises(pp.errors.DataError) as caught:
        pp.Model("k ~ 1 + offset(days)", rows, family="poisson")
    assert str(caught.value) == (
        "The offset of 'k' is 900 in row 1 (counted from 0): on the log scale that stands for exp(900).\n"
        "  Try: offset(log(exposure)) in place of offset(exposure)"
    )


def test_rows_of_no_weight_are_refused() -> None:
    rows = {"y": [1.0, 2.0, 3.0], "w": [0, 0, 0]}
    with pytest.raises(pp.errors.DataError, match=r"weight 0 or no trials: nothing to fit"):
        pp.Model("y | weights(w) ~ 1", rows)


def test_a_cache_that_cannot_be_written_gives_way(tmp_path, monkeypatch) -> None:
    occupied = tmp_path / "a file, not a folder"
    occupied.touch()
    monkeypatch.setenv("PARTIALPOOL_CACHE_DIR", str(occupied))
    folder = cache_folder.__wrapped__()
    assert folder.is_dir()
    assert occupied not in folder.parents


def test_a_raw_value_is_compared_with_what_its_rows_predict() -> None:
    """A group of short exposure has few counts: its raw mean is low, its rate is not."""
    rng = np.random.default_rng(5)
    group = np.arange(400) % 20
    exposure = np.where(group == 0, 2.0, 100.0)
    counts = rng.poisson(0.05 * exposure * np.exp(0.2 * rng.normal(size=20)[group]))
    rows = {"k": counts, "e": exposure, "g": group}
    formula = "k ~ 1 + offset(log(e)) + (1 | g)"
    pools = pp.compare_pooling(formula, rows, family="poisson", seed=1, progress=False)
    told = next(d for d in pools.explain(20).disagreements if d.group == 0)
    assert "extreme raw value" not in told.reasons
    assert "far from the population's" not in told.text
