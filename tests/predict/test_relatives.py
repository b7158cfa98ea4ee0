"""New groups of a known covariance, given the fitted ones; new groups that several predictors share."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from tests.predict.made import Made, make_fit, make_table, values_of

from partialpool.errors import DataError
from partialpool.predict.predictions import predict

LABELS = [98, 61, 3, 7, 99]
AT = np.arange(len(LABELS))
MATRIX = np.exp(-np.abs(np.subtract.outer(AT, AT)) / 2) * np.outer(1 + AT / 5, 1 + AT / 5)
COVARIANCE = pd.DataFrame(MATRIX, LABELS, LABELS)
FITTED, NEW = [3, 7, 61], [98, 99]
DRAWS = 20_000


@pytest.fixture(scope="module")
def made() -> Made:
    fixed = {"1|g": [0.8, -0.5, 0.3], "1|g_sigma": 0.7, "Intercept": 0.0, "x": 0.0}
    right = "x + (1 | gr(g, cov=A))"
    return make_fit(right, table=make_table(), draws=DRAWS, fixed=fixed, covariances={"A": COVARIANCE})


def linear(made: Made, g: list[int], **options: object) -> np.ndarray:
    rows = pd.DataFrame({"x": 0.0, "g": g})
    return values_of(predict(made.fitted, made.recipe, rows, "linear", **options), "linear")


def test_new_groups_are_normal_given_those_of_the_fit(made: Made) -> None:
    """Mean A_rk inv(A_kk) b and covariance sd^2 (A_rr - A_rk inv(A_kk) A_kr), to five standard errors."""
    found = linear(made, NEW)
    kk, rk = COVARIANCE.loc[FITTED, FITTED].to_numpy(), COVARIANCE.loc[NEW, FITTED].to_numpy()
    weights = rk @ np.linalg.inv(kk)
    left = 0.49 * (COVARIANCE.loc[NEW, NEW].to_numpy() - weights @ rk.T)
    error = np.sqrt(np.diag(left) / len(found))
    assert np.all(np.abs(found.mean(axis=0) - weights @ [0.8, -0.5, 0.3]) < 5 * error)
    np.testing.assert_allclose(np.cov(found.T), left, atol=5 * left.max() * np.sqrt(2 / len(found)))


def test_a_group_is_the_same_whichever_others_are_asked_for(made: Made) -> None:
    both, one = linear(made, NEW, seed=4), linear(made, [99, 3, 99], seed=4)
    np.testing.assert_allclose(one[:, 0], both[:, 1], rtol=1e-12)
    np.testing.assert_array_equal(one[:, 0], one[:, 2])
    np.testing.assert_allclose(one[:, 1], 0.8, rtol=1e-12)


def test_a_group_that_the_covariance_lacks_is_refused_where_its_relations_count(made: Made) -> None:
    with pytest.raises(DataError, match="neither the fit nor the covariance 'A' has, in 2 rows: 100"):
        linear(made, [100, 3, 100])
    assert np.all(linear(made, [100], new_groups="zero") == 0.0)
    assert set(np.unique(linear(made, [100], new_groups="existing").round(9))) == {0.8, -0.5, 0.3}


def test_averages_are_over_a_group_of_mean_variance(made: Made) -> None:
    row = pd.DataFrame({"x": [0.0]})
    average = values_of(predict(made.fitted, made.recipe, row, groups="average"))[:, 0]
    sd = 0.7 * np.sqrt(np.mean(np.diag(COVARIANCE.loc[FITTED, FITTED])))
    drawn = 1 / (1 + np.exp(-np.random.default_rng(0).normal(0, sd, 200_000)))
    assert abs(average.mean() - drawn.mean()) < 5 * drawn.std() / np.sqrt(drawn.size)


def test_predictors_that_share_a_block_get_correlated_effects_of_a_new_group() -> None:
    corr = np.array([[1.0, 0.8], [0.8, 1.0]])
    fixed = {"1|g_sigma": 1.0, "sigma_1|g_sigma": 0.5, "p|g_corr": corr, "Intercept": 0.0}
    fixed |= {"sigma_Intercept": 0.0}
    made = make_fit("1 + (1 | p | g)", "gaussian", {"sigma": "~ (1 | p | g)"}, draws=DRAWS, fixed=fixed)
    rows = pd.DataFrame({"g": np.full(2000, 99)})
    outcomes = values_of(predict(made.fitted, made.recipe, rows, "outcome", seed=3), "y")[::20]
    centre, spread = outcomes.mean(axis=1), np.log(outcomes.std(axis=1))
    assert abs(np.corrcoef(centre, spread)[0, 1] - 0.8) < 0.05
    averaged = values_of(predict(made.fitted, made.recipe, rows[:1], "outcome", groups="average"), "y")
    # E(y e^..)= cov: the third moment of y is 3 E(u s^2), which is 0 where the two are independent.
    assert np.mean(averaged**3) > 1.0
