"""Leave-one-out cross-validation against ArviZ on rows, against closed forms, and with weights."""

from __future__ import annotations

import warnings
from dataclasses import replace

import arviz_stats
import numpy as np
import pandas as pd
import pytest
from tests.scoring.models import fit_groups, fit_line, groups, line, with_draws

import partialpool as pp
from partialpool.errors import DataError, FitError, OptionError
from partialpool.inference.refitting import Refits
from partialpool.predict.log_likelihood import distinct_rows
from partialpool.results.fitted import Fitted
from partialpool.scoring.elpd import Elpd
from partialpool.scoring.elpd_findings import pareto_finding
from partialpool.scoring.loo import loo
from partialpool.scoring.pareto import good_k, relative_efficiency, smooth
from partialpool.scoring.waic import waic


def fitted(formula: str, table: pd.DataFrame, family: str) -> pp.Fit:
    return pp.Model(formula, table, family=family).fit(200, 2, seed=3, progress=False)


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    rng = np.random.default_rng(2)
    g, x = rng.integers(0, 6, 150), rng.integers(0, 3, 150)
    count = rng.poisson(np.exp(0.3 * x + 0.2 * g))
    return pd.DataFrame(
        {
            "g": g,
            "x": x,
            "y": rng.normal(size=150) + 0.3 * g,
            "yes": (rng.random(150) < 0.2 + 0.1 * g).astype(int),
            "n": 8,
            "k": rng.binomial(8, 0.1 + 0.1 * g),
            "count": count,
            "w": rng.integers(0, 4, 150),
        }
    )


@pytest.mark.parametrize(
    ("formula", "family"),
    [
        ("y ~ x + (1 | g)", "gaussian"),
        ("yes ~ x + (1 | g)", "bernoulli"),
        ("k | trials(n) ~ x + (1 | g)", "binomial"),
        ("count ~ x + (1 | g)", "poisson"),
        ("count ~ x + (1 | g)", "negative_binomial"),
    ],
)
def test_cells_say_what_arviz_says_of_rows(table: pd.DataFrame, formula: str, family: str) -> None:
    fit = fitted(formula, table, family)
    found = loo(fit.fitted)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of ArviZ, about large Pareto k
        rows = arviz_stats.loo(fit.to_datatree(log_likelihood=True), pointwise=True)
    np.testing.assert_allclose(found.rows["elpd"], rows.elpd_i, rtol=1e-10)
    np.testing.assert_allclose(found.rows["pareto_k"], rows.pareto_k, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose([found.elpd, found.se, found.p], [rows.elpd, rows.se, rows.p], rtol=1e-9)
    assert (found.n, found.n_draws, found.good_k) == (150, 400, pytest.approx(rows.good_k))


def test_equal_rows_are_computed_once(table: pd.DataFrame) -> None:
    fit = fitted("yes ~ x + (1 | g)", table, "bernoulli")
    kinds = table.groupby(["x", "g", "yes"]).ngroups
    assert distinct_rows(fit.fitted.model).n_cells == kinds < len(table)


def test_relative_efficiency_is_that_of_arviz(table: pd.DataFrame) -> None:
    fit = fitted("y ~ x + (1 + x | g)", table, "gaussian")  # with a correlation matrix, whose diagonal is 1
    ess = arviz_stats.ess(fit.to_datatree(), method="mean").dataset
    expected = np.concatenate([ess[v].values.ravel() for v in ess.data_vars]).mean()
    assert relative_efficiency(fit.draws) == pytest.approx(expected / 400, rel=1e-9)


def test_it_comes_near_to_the_closed_form() -> None:
    case = groups()
    found = loo(fit_groups(case.table).fitted)
    # The first row is alone in its group and far out: importance sampling is least sure there.
    error = found.rows["elpd"].to_numpy() - case.leave_one_out()
    assert np.max(np.abs(error[1:])) < 0.1  # five times the Monte Carlo error of the worst of the others
    assert found.rows["pareto_k"].idxmax() == 0


def test_refits_are_exact_where_importance_sampling_is_not() -> None:
    case = line()
    fit = fit_line(case.table)
    plain, exact = loo(fit.fitted), fit.loo(reloo=True, seed=1, progress=False)
    expected = case.leave_one_out()
    assert plain.rows["pareto_k"][3] > plain.good_k
    assert not plain.ok
    assert exact.ok
    assert exact.rows["exact"].to_list() == [row == 3 for row in range(12)]
    # The Monte Carlo error of the mean of 4,000 likelihoods, here below 2%; five times that.
    assert abs(exact.rows["elpd"][3] - expected[3]) < 0.1
    assert exact.refits is not None
    assert exact.refits["row"].to_list() == [3]
    np.testing.assert_array_equal(exact.rows["elpd"].drop(3), plain.rows["elpd"].drop(3))
    assert exact.elpd + exact.p == pytest.approx(plain.elpd + plain.p)  # the full fit's own log density
    assert exact.to_arviz().pareto_k.values[3] == 0.0


def test_refits_do_not_depend_on_cores_and_are_announced() -> None:
    fit = fit_line(line().table, draws=100)
    told: list[tuple[int, int]] = []
    again = Refits(fit.model.spec, fit.draws, 0, 1, lambda done, total: told.append((done, total)))
    one = loo(fit.fitted, again)
    two = fit.loo(reloo=True, cores=2, progress=False)
    np.testing.assert_array_equal(one.rows["elpd"], two.rows["elpd"])
    assert told == [(i + 1, len(one.refits)) for i in range(len(one.refits))]


def test_a_weight_stands_for_identical_rows_each_left_out_alone(table: pd.DataFrame) -> None:
    fit = fitted("y | weights(w) ~ x + (1 | g)", table, "gaussian")
    repeated = table.loc[table.index.repeat(table["w"])].reset_index(drop=True)
    spec = pp.Model("y ~ x + (1 | g)", repeated, priors=dict(fit.model.priors)).spec
    weighted, rows = loo(fit.fitted), loo(with_draws(spec, fit.fitted))
    for figure in ("elpd", "se", "p", "n"):
        assert getattr(weighted, figure) == pytest.approx(getattr(rows, figure), rel=1e-10)
    ours, theirs = weighted.to_arviz(), rows.to_arviz()
    np.testing.assert_allclose(ours.elpd_i, theirs.elpd_i, rtol=1e-10)
    np.testing.assert_allclose(ours.pareto_k, theirs.pareto_k, rtol=1e-8, atol=1e-10)
    assert ours.n_data_points == table["w"].sum()
    assert (weighted.rows["elpd"][table["w"] == 0] == 0).all()


def test_a_row_without_trials_is_no_observation(table: pd.DataFrame) -> None:
    some = table.assign(n=np.where(table.index < 5, 0, 8), k=np.where(table.index < 5, 0, table["k"]))
    found = loo(fitted("k | trials(n) ~ x + (1 | g)", some, "binomial").fitted)
    assert found.n == 145
    assert (found.rows["elpd"][:5] == 0).all()
    assert found.ok


def test_a_row_that_all_draws_predict_alike_costs_nothing_to_leave_out() -> None:
    rng = np.random.default_rng(0)
    values = np.column_stack([np.full(100, -0.5), rng.normal(size=100)])
    found = smooth(values, 1.0)
    assert (found.elpd[0], found.p[0], found.pareto_k[0], found.n_eff[0]) == (-0.5, 0.0, 0.0, 100.0)


def test_a_row_that_a_draw_rules_out_is_marked() -> None:
    values = np.random.default_rng(0).normal(size=(100, 2))
    values[7, 1] = -np.inf
    found = smooth(values, 1.0)
    assert np.isinf(found.pareto_k[1])
    assert found.elpd[1] == -np.inf
    assert np.isfinite(found.elpd[0])
    assert np.isfinite(found.seen).all()


def test_it_reads_as_a_page() -> None:
    fit = fit_groups(groups().table, draws=500)
    found = loo(fit.fitted)
    text = str(found)
    assert "Leave-one-out cross-validation" in text
    assert "25 observations, 2,000 draws" in text
    assert f"good       k <= {good_k(2000):.2f}" in text
    bad = str(_with_k(found, fit.fitted))
    assert "PROBLEM: leaving out a row changes the posterior too much" in bad
    assert "1 of 25 rows (row 0: 0.90; rows count from 0)" in bad
    assert "the only row of a group" in bad
    assert "fit.loo(reloo=True)" in bad
    assert "fit.kfold()" in bad


def _with_k(found: Elpd, fit: Fitted) -> Elpd:
    k = np.where(found.rows.index == 0, 0.9, 0.1)
    return replace(found, rows=found.rows.assign(pareto_k=k), findings=pareto_finding(fit.model, k, 0.7))


def test_too_few_draws_and_no_rows_are_errors(table: pd.DataFrame) -> None:
    fit = fitted("y ~ x", table, "gaussian").fitted
    few = replace(fit, draws=replace(fit.draws, values=fit.draws.values[:, :10]))
    with pytest.raises(FitError, match="20 draws: too few"):
        loo(few)
    empty = replace(fit, model=replace(fit.model, design=replace(fit.model.design, n_rows=0)))
    with pytest.raises(DataError, match="Leave-one-out cross-validation needs the rows"):
        loo(empty)


def test_a_seed_is_checked(table: pd.DataFrame) -> None:
    with pytest.raises(OptionError, match="seed is -1"):
        fitted("y ~ x", table, "gaussian").loo(seed=-1)


def test_a_chain_that_stands_still_is_an_error() -> None:
    values = np.random.default_rng(0).normal(size=(400, 1))
    values[:100] = -9.0
    with pytest.raises(FitError, match="repeat one draw again and again"):
        smooth(values, 1.0)


def test_ratios_further_apart_than_numbers_reach_are_marked() -> None:
    values = np.full((1000, 2), -1.0)
    values[:3, 0] = -900.0
    values[:, 1] = np.random.default_rng(0).normal(-2.0, 0.1, 1000)
    found = smooth(values, 1.0)
    # What is left is importance sampling as it is: 1 / mean(1 / p).
    np.testing.assert_allclose(found.elpd[0], np.log(1000 / 3) - 900.0)
    assert found.pareto_k[0] == np.inf
    assert np.isfinite(found.pareto_k[1])
    assert found.pareto_k[1] < 0.7


@pytest.mark.parametrize("score", [pp.Fit.loo, pp.Fit.waic, pp.Fit.kfold])
def test_draws_from_the_prior_have_seen_no_row(table: pd.DataFrame, score) -> None:
    prior = pp.Model("y ~ x", table).sample_prior(draws=100, seed=1)
    with pytest.raises(FitError, match="needs draws from the posterior, and these are from the prior"):
        score(prior)


def test_rows_that_were_dropped_are_not_counted() -> None:
    table = pd.DataFrame({"y": [np.nan, 0.1, -0.1, 0.2, -0.2, 0.0, 0.1, -9.0], "x": 1.0})
    fit = pp.Model("y ~ 1", table, missing="drop").fit(200, 2, 3, progress=False).fitted
    for found in (loo(fit), waic(fit)):
        (finding,) = found.findings
        assert "row 6: " in finding.what
        assert "rows count from 0 among those used, without the 1 left out for missing" in finding.what
