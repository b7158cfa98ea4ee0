"""The pooling table and the population's line against figures written out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from partialpool.errors import OptionError
from partialpool.families.binomial import Binomial
from partialpool.pooling.population import population_line
from partialpool.pooling.table import pooling_factors, pooling_table
from partialpool.priors.normal import Normal
from partialpool.results.fitted import Fitted
from partialpool.results.summaries import hdi


@pytest.fixture(scope="module")
def table(bangladesh) -> pd.DataFrame:
    return pooling_table(*bangladesh)


def expit(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def take(fitted: Fitted, name: str) -> np.ndarray:
    return fitted.model.layout[name].take(fitted.values)


def test_one_row_a_group_in_the_order_of_labels(table: pd.DataFrame) -> None:
    assert table["group"].tolist() == [j for j in range(1, 62) if j != 54]
    assert table["position"].tolist() == list(range(60))
    assert table["n"].sum() == 1934
    assert table["n"].dtype == np.int64
    assert "trials" not in table
    assert not table.isna().any().any()


def test_raw_is_the_groups_own_proportion(bangladesh, table: pd.DataFrame) -> None:
    design = bangladesh.partial.model.design
    index = design.predictors["mu"].groups[0].grouping.index
    raw = [design.outcome.values[index == j].mean() for j in range(60)]
    np.testing.assert_allclose(table["raw"], raw)
    assert table["raw"][10] == 0
    assert table["raw"][2] == 1


def test_figures_are_those_of_the_draws(bangladesh, table: pd.DataFrame) -> None:
    draws = {
        "no_pooling": take(bangladesh.no, "1|district"),
        "partial_pooling": take(bangladesh.partial, "Intercept")[:, None]
        + take(bangladesh.partial, "1|district"),
        "complete_pooling": np.repeat(take(bangladesh.complete, "Intercept")[:, None], 60, axis=1),
    }
    for pooling, alpha in draws.items():
        for suffix, values in (("", alpha), ("_outcome", expit(alpha))):
            np.testing.assert_allclose(table[f"{pooling}_mean{suffix}"], values.mean(axis=0), rtol=1e-9)
            np.testing.assert_allclose(table[f"{pooling}_sd{suffix}"], values.std(axis=0), rtol=1e-9)
            ends = table[[f"{pooling}_lower{suffix}", f"{pooling}_upper{suffix}"]]
            np.testing.assert_allclose(ends, hdi(values.T, 0.89), rtol=1e-9)


def test_outcomes_are_means_of_inverse_links_not_inverse_links_of_means(table: pd.DataFrame) -> None:
    small = table.loc[2]
    assert abs(small["no_pooling_mean_outcome"] - expit(small["no_pooling_mean"])) > 0.02


def test_the_interval_follows_prob(bangladesh, table: pd.DataFrame) -> None:
    narrow = pooling_table(*bangladesh, prob=0.5)
    assert (narrow["no_pooling_upper"] < table["no_pooling_upper"]).all()
    with pytest.raises(OptionError, match="prob=89"):
        pooling_table(*bangladesh, prob=89)


def with_known_population(fitted: Fitted, line: float, sigma: float) -> Fitted:
    values, layout = fitted.draws.values.copy(), fitted.model.layout
    values[..., layout["Intercept"].columns] = line
    values[..., layout["1|g_sigma"].columns] = sigma
    return replace(fitted, draws=replace(fitted.draws, values=values))


def test_the_pooling_factor_of_the_normal_model_is_the_weight_of_the_population(
    two_predictors: Fitted,
) -> None:
    """With known mu, sigma and residual sd s: (s^2/n) / (sigma^2 + s^2/n), whatever the group's mean."""
    sigma, s, n = 0.5, 2.0, np.array([1.0, 4.0, 100.0])
    sd = np.sqrt(1 / (1 / sigma**2 + n / s**2))
    found = pooling_factors(with_known_population(two_predictors, 1.0, sigma), sd, "g", "1")
    np.testing.assert_allclose(found, (s**2 / n) / (sigma**2 + s**2 / n), rtol=1e-12)


def test_the_pooling_factor_falls_with_size_for_equal_proportions(equal_proportions) -> None:
    table = pooling_table(*equal_proportions)
    factor = table["pooling_factor"].to_numpy()
    assert (np.diff(factor) < 0).all()
    assert factor[0] > 0.7
    assert factor[-1] < 0.1


def test_the_pooling_factor_stays_within_bounds(table: pd.DataFrame, two_predictors: Fitted) -> None:
    assert table["pooling_factor"].between(0, 1).all()
    assert table["pooling_factor"].idxmax() == 2
    sd = np.array([0.0, 0.5, 99.0])
    found = pooling_factors(with_known_population(two_predictors, 0.0, 1.0), sd, "g", "1")
    np.testing.assert_allclose(found, [0, 0.25, 1])


def test_a_fixed_sd_has_no_pooling_factor(two_predictors: Fitted) -> None:
    model = two_predictors.model
    of_mean, *others = model.parameters.effects
    intercept, slope = of_mean.coefficients
    given = replace(of_mean, coefficients=(replace(intercept, prior=Normal(0, 0.7), sd_value=-1), slope))
    parameters = replace(model.parameters, effects=(given, *others))
    fitted = replace(two_predictors, model=replace(model, parameters=parameters))
    assert np.isnan(pooling_factors(fitted, np.ones(3), "g", "1")).all()
    assert population_line(fitted).group_sd is None


def test_a_slope_of_a_distributional_model(two_predictors: Fitted) -> None:
    """The coefficient is the mean's, population plus deviation; the second predictor is not compared."""
    table = pooling_table(two_predictors, two_predictors, two_predictors, "g", "x")
    slopes = take(two_predictors, "x")[:, None] + take(two_predictors, "x|g")
    np.testing.assert_allclose(table["partial_pooling_mean"], slopes.mean(axis=0), rtol=1e-9)
    line = population_line(two_predictors, "g", "x")
    assert line.on_link.mean == pytest.approx(take(two_predictors, "x").mean())
    assert line.group_sd.mean == pytest.approx(take(two_predictors, "x|g_sigma").mean())
    with pytest.raises(OptionError, match=r"no group-level coefficient of 'g' called 'z'.*\n  Allowed: 1, x"):
        pooling_table(two_predictors, two_predictors, two_predictors, "g", "z")


def test_weights_and_trials_are_counted(two_predictors: Fitted) -> None:
    design = two_predictors.model.design
    index, outcome = design.predictors["mu"].groups[0].grouping.index, design.outcome
    table = pooling_table(two_predictors, two_predictors, two_predictors)
    np.testing.assert_array_equal(table["n"], np.bincount(index, outcome.weights))
    exposure = outcome.weights * np.exp(design.predictors["mu"].offset)
    successes = np.bincount(index, outcome.weights * outcome.values)
    np.testing.assert_allclose(table["raw"], successes / np.bincount(index, exposure))


def test_trials_have_their_own_column(bangladesh) -> None:
    """Each row as one of three trials: sums of successes over sums of trials."""
    fits = []
    for fitted in bangladesh:
        design = fitted.model.design
        trials = 1.0 + np.arange(design.n_rows) % 3
        outcome = replace(design.outcome, additions={"trials": trials})
        model = replace(fitted.model, family=Binomial(), design=replace(design, outcome=outcome))
        fits.append(replace(fitted, model=model))
    table = pooling_table(*fits)
    index = bangladesh.partial.model.design.predictors["mu"].groups[0].grouping.index
    values = bangladesh.partial.model.design.outcome.values
    np.testing.assert_array_equal(table["n"], np.bincount(index))
    np.testing.assert_array_equal(table["trials"], np.bincount(index, trials))
    np.testing.assert_allclose(table["raw"], np.bincount(index, values) / np.bincount(index, trials))


def test_the_population_line_is_a_group_without_deviation(bangladesh) -> None:
    line = population_line(bangladesh.partial)
    mu = take(bangladesh.partial, "Intercept")
    lower, upper = hdi(mu, 0.89)
    assert line.on_link == pytest.approx((mu.mean(), mu.std(), lower, upper))
    p = expit(mu)
    lower, upper = hdi(p, 0.89)
    assert line.on_outcome == pytest.approx((p.mean(), p.std(), lower, upper))
    assert line.raw == pytest.approx(bangladesh.partial.model.design.outcome.values.mean())
    assert (line.group, line.coefficient, line.link, line.mean_word) == (
        "district",
        "1",
        "logit",
        "probability",
    )


def test_fits_of_different_rows_are_refused(bangladesh, equal_proportions) -> None:
    with pytest.raises(OptionError, match="1934, 638, 1934 rows"):
        pooling_table(bangladesh.no, equal_proportions.partial, bangladesh.complete)
