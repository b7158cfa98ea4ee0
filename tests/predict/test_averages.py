"""Averages over the population of groups against many new groups, and against adaptive quadrature."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from tests.predict.made import make_fit, make_table, slow_linear, values_of

from partialpool.errors import OptionError
from partialpool.families.registry import FAMILIES, get_family
from partialpool.predict.predictions import predict
from partialpool.priors.normal import Normal

N_GROUPS = 3000


@pytest.mark.parametrize("link", ["logit", "probit", "cloglog"])
def test_an_average_is_the_mean_of_many_new_groups(link: str) -> None:
    """Crossed, nested and correlated terms at once; z-tests of 40 draws: a false alarm once in 25,000."""
    made = make_fit(family=f"bernoulli({link})", scale=0.8)
    row = make_table(9, 1)
    many = row.loc[row.index.repeat(N_GROUPS)].assign(
        g=np.arange(N_GROUPS) + 100, k=[f"k{i}" for i in range(N_GROUPS)], school=np.arange(N_GROUPS) + 50
    )
    sampled = values_of(predict(made.fitted, made.recipe, many, seed=1))
    row = row.drop(columns=["g", "k", "school", "room"])
    found = values_of(predict(made.fitted, made.recipe, row, groups="average"))[:, 0]
    z = (sampled.mean(axis=1) - found) / (sampled.std(axis=1) / np.sqrt(N_GROUPS))
    assert np.abs(z).max() < 4.9
    at_zero = values_of(predict(made.fitted, made.recipe, row, groups=None))[:, 0]
    assert np.abs((at_zero - found) / found).max() > 0.02


@pytest.mark.parametrize("name", [n for n, family in FAMILIES.items() if family.labels != "any"])
def test_the_mean_hangs_on_its_own_predictor_alone(name: str) -> None:
    """An average need not look at the group-level terms of other parameters."""
    family, rng = get_family(name), np.random.default_rng(0)
    linear = {p: rng.normal(size=(3, 4)) for p in family.parameters}
    others = {p: eta + 1.0 for p, eta in linear.items() if p != "mu"}
    np.testing.assert_array_equal(family.mean(linear), family.mean({**linear, **others}))


def test_the_average_of_a_linear_predictor_is_the_populations() -> None:
    made, table = make_fit(), make_table(9, 6)
    found = values_of(predict(made.fitted, made.recipe, table, "linear", groups="average"), "linear")
    np.testing.assert_allclose(found, slow_linear(made, table, ()), atol=1e-12)


def test_the_average_of_the_fitted_rows_forgets_their_groups() -> None:
    made = make_fit()
    own = values_of(predict(made.fitted, made.recipe, groups="average"))
    again = values_of(predict(made.fitted, made.recipe, made.table, groups="average"))
    np.testing.assert_allclose(own, again, rtol=1e-12)


def test_an_average_reads_no_group_that_could_be_refused() -> None:
    made, table = make_fit(), make_table(9, 6).drop(columns=["g", "k", "school", "room"])
    found = predict(made.fitted, made.recipe, table, groups="average", new_groups="error", summary=True)
    pd.testing.assert_frame_equal(
        found, predict(made.fitted, made.recipe, table, groups="average", summary=True)
    )


def test_outcomes_of_the_average_have_a_fresh_group_each() -> None:
    """The variance between rows is that of the groups and of the outcome, in both predictors."""
    fixed = {"1|g_sigma": 0.7, "sigma_1|g_sigma": 0.5, "sigma_Intercept": 0.0, "Intercept": 2.0}
    made = make_fit("1 + (1 | g)", "gaussian", {"sigma": "1 + (1 | g)"}, draws=200, fixed=fixed)
    table = pd.DataFrame({"x": np.zeros(50)})
    drawn = values_of(predict(made.fitted, made.recipe, table, "outcome", groups="average", seed=1), "y")
    deviations = drawn.ravel() - 2.0
    # variance 0.49 + E exp(2 x 0.5 u); the sample has 20,000: bounds of 4.9 standard errors
    assert abs(deviations.mean()) < 4.9 * np.sqrt(0.49 + np.exp(0.5)) / np.sqrt(20_000)
    error = (deviations**2).std() / np.sqrt(20_000)
    assert abs(np.mean(deviations**2) - 0.49 - np.exp(0.5)) < 4.9 * error
    pairs = np.corrcoef(drawn.T)[np.triu_indices(50, 1)]
    assert abs(pairs.mean()) < 4.9 / np.sqrt(len(pairs) * 400)


def test_effects_without_a_population_have_no_average() -> None:
    made = make_fit("0 + x + (1 | g)", priors={"1|g": Normal(1.0, 2.0)})
    with pytest.raises(
        OptionError, match=r"'1\|g' have the fixed prior Normal\(1, 2\)(.|\n)*Try: groups=None"
    ):
        predict(made.fitted, made.recipe, groups="average")
