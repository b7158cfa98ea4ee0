"""Quantile residuals: uniform under the truth, not under a wrong model, and equal to brute force.

Kolmogorov-Smirnov tests fail below a p-value of 1e-5; seeds are fixed.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from tests.checking.made import (
    PRIORS,
    drawn_from,
    formula,
    made_table,
    one_draw,
    posterior_fit,
    prior_fit,
)
from tests.inference.models import model

from partialpool.checking.residuals import against_normal, along_expected, by_group, quantile_residuals
from partialpool.errors import OptionError
from partialpool.predict.linear import linear_predictors
from partialpool.results.fitted import Fitted

FALSE_ALARM = 1e-5


def given(family: str, table: pd.DataFrame, source: Fitted, seed: int) -> Fitted:
    """The source's first draw as the fit of outcomes drawn from it."""
    spec = model(formula(family), table.assign(y=drawn_from(source, seed)), family, PRIORS[family])
    return Fitted(spec, one_draw(source).draws)


@pytest.mark.parametrize("family", PRIORS)
def test_they_are_uniform_under_the_truth(family: str) -> None:
    table = made_table(800)
    fitted = given(family, table, prior_fit(family, table), 3)
    found = quantile_residuals(fitted, 7)
    assert stats.kstest(found["pit"], "uniform").pvalue > FALSE_ALARM
    np.testing.assert_allclose(found["residual"], stats.norm.ppf(found["pit"]), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("wrong", ["Intercept", "shape"])
def test_they_are_not_uniform_under_another_parameter(wrong: str) -> None:
    table = made_table(2400)
    fitted = given("negative_binomial", table, prior_fit("negative_binomial", table), 3)
    values = fitted.draws.values.copy()
    fitted.model.layout[wrong].take(values)[:] += {"Intercept": 0.4, "shape": 20}[wrong]
    off = replace(fitted, draws=replace(fitted.draws, values=values))
    assert stats.kstest(quantile_residuals(off, 7)["pit"], "uniform").pvalue < FALSE_ALARM


def test_a_poisson_of_overdispersed_counts_is_seen() -> None:
    table = made_table(2400, 20, seed=3)
    table = table.assign(y=drawn_from(prior_fit("negative_binomial", table), 9))
    pits = {
        family: quantile_residuals(posterior_fit(model(formula(family), table, family)), 1)["pit"]
        for family in ("poisson", "negative_binomial")
    }
    assert stats.kstest(pits["poisson"], "uniform").pvalue < FALSE_ALARM
    assert stats.kstest(pits["negative_binomial"], "uniform").pvalue > FALSE_ALARM


@pytest.mark.parametrize("max_bytes", [1, 2**26])
@pytest.mark.parametrize("family", PRIORS)
def test_they_are_means_over_draws_of_each_row(family: str, max_bytes: int) -> None:
    fitted = prior_fit(family, made_table())
    found = quantile_residuals(fitted, 7, max_bytes=max_bytes)
    spec = fitted.model
    linear = linear_predictors(spec, spec.design, fitted.values, slice(None))
    y, trials = spec.design.outcome.values, spec.design.outcome.trials
    v, additions = np.random.default_rng(7).random(len(y)), spec.design.outcome.additions
    if spec.family.discrete:
        low, high = (spec.family.cdf(values, linear, additions).mean(axis=0) for values in (y - 1, y))
    else:
        low = high = spec.family.cdf(y, linear, additions).mean(axis=0)
    np.testing.assert_allclose(found["pit"], low + v * (high - low), rtol=1e-9)
    np.testing.assert_allclose(found["expected"], spec.family.mean(linear).mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(found["observed"], y / (1 if trials is None else trials))
    np.testing.assert_array_equal(found["g"], made_table()["g"])


def test_fewer_draws_and_other_seeds() -> None:
    fitted = prior_fit("poisson", made_table())
    first, again, other = (quantile_residuals(fitted, seed) for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(first, again)
    assert not first["pit"].equals(other["pit"])
    few = quantile_residuals(fitted, 1, draws=1)
    one = quantile_residuals(one_draw(fitted), 1)
    pd.testing.assert_frame_equal(few, one)


def test_rows_without_trials_have_none() -> None:
    table = made_table()
    table.loc[[4, 9], ["n", "y"]] = 0
    found = quantile_residuals(prior_fit("binomial", table), 1)
    assert found.index[found["residual"].isna()].tolist() == [4, 9]
    assert found["expected"].notna().all()


def test_impossible_outcomes_have_finite_residuals() -> None:
    table = made_table().assign(y=10_000)
    found = quantile_residuals(prior_fit("poisson", table), 1)
    assert found["residual"].between(8, 8.3).all()


def test_intervals_of_order_statistics_are_scipys() -> None:
    residuals = pd.DataFrame({"residual": np.random.default_rng(0).normal(size=50)})
    found = against_normal(residuals, 0.9, 100)
    rank = np.arange(1, 51)
    uniforms = stats.beta(rank, 51 - rank)
    np.testing.assert_allclose(found["normal"], stats.norm.ppf(uniforms.median()), rtol=1e-8)
    np.testing.assert_allclose(found["lower"], stats.norm.ppf(uniforms.ppf(0.05)), rtol=1e-8)
    np.testing.assert_allclose(found["upper"], stats.norm.ppf(uniforms.ppf(0.95)), rtol=1e-8)
    assert found["residual"].is_monotonic_increasing


def test_of_many_residuals_the_tails_are_kept() -> None:
    residuals = pd.DataFrame({"residual": np.random.default_rng(0).normal(size=100_000)})
    found = against_normal(residuals, 0.9, 500)
    assert len(found) <= 500
    assert found["residual"].iloc[0] == residuals["residual"].min()
    assert found["residual"].iloc[-1] == residuals["residual"].max()
    assert found["normal"].diff().max() < 0.3


def test_groups_have_means_and_the_interval_of_as_many_normals() -> None:
    found = quantile_residuals(prior_fit("poisson", made_table()), 1)
    groups = by_group(found, "g", 0.9)
    for row in groups.itertuples():
        own = found.loc[found["g"] == row.group, "residual"]
        assert (row.n, row.mean) == (len(own), pytest.approx(own.mean()))
        assert (row.lower, row.upper) == pytest.approx(stats.norm(0, len(own) ** -0.5).interval(0.9))
    with pytest.raises(OptionError, match=r"no grouping factor of the residuals called 'h'.*\n  Allowed: g"):
        by_group(found, "h", 0.9)


def test_neighbours_have_means_and_the_interval_of_as_many_normals() -> None:
    rng = np.random.default_rng(3)
    residuals = pd.DataFrame({"expected": rng.random(97), "residual": rng.normal(size=97)})
    found = along_expected(residuals, 0.9)
    ordered = residuals.sort_values("expected").to_numpy()
    parts = np.array_split(ordered, np.cumsum(found["n"])[:-1])
    assert len(found) == 9
    assert found["n"].sum() == 97
    assert found["n"].max() - found["n"].min() <= 1
    np.testing.assert_allclose(found[["expected", "mean"]], [part.mean(axis=0) for part in parts])
    np.testing.assert_allclose(found["upper"], stats.norm.ppf(0.95) / np.sqrt(found["n"]))
    assert len(along_expected(residuals[:3], 0.9)) == 1
