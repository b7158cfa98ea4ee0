"""Draws from the prior have the priors' distributions.

Kolmogorov-Smirnov tests of 4,000 draws fail below a p-value of 1e-5: with other seeds, one false alarm in
about 5,000 runs of this file. Seeds are fixed.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from tests.inference.models import model

from partialpool.errors import OptionError, PriorError
from partialpool.formula.formula import Formula
from partialpool.inference.prior import sample_prior
from partialpool.model.spec import ModelSpec
from partialpool.predict.linear import linear_predictors
from partialpool.priors.base import AtMeans
from partialpool.priors.gamma import Exponential, Gamma
from partialpool.priors.lkj import LKJ
from partialpool.priors.normal import HalfNormal, Normal
from partialpool.priors.student_t import StudentT
from partialpool.priors.uniform import Flat
from partialpool.results.tree import posterior_dataset, to_datatree

DRAWS, FALSE_ALARM = 4000, 1e-5

rng = np.random.default_rng(0)
TABLE = {
    "x": rng.normal(5.0, 2.0, 60),
    "c": np.tile(["a", "b", "c"], 20),
    "g": np.repeat(np.arange(6), 10),
    "h": np.tile(np.arange(4), 15),
    "y": rng.normal(size=60),
}
EVERYTHING = Formula("y ~ x + c + (x | g) + (1 | h) + (0 + c || g)", sigma="~ x + (1 | h)")


def draws(spec: ModelSpec, seed: int = 1) -> np.ndarray:
    return sample_prior(spec, DRAWS, seed).values[0]


def fits(values: np.ndarray, distribution: stats.rv_continuous) -> bool:
    return stats.kstest(values.ravel(), distribution.cdf).pvalue > FALSE_ALARM


def test_every_value_of_every_structure_is_drawn() -> None:
    spec = model(EVERYTHING, TABLE)
    found = sample_prior(spec, 50, 3)
    assert found.values.shape == (1, 50, spec.layout.n_values)
    assert np.all(np.isfinite(found.values))
    assert (found.method, found.seed, found.asked, dict(found.stats)) == ("prior", 3, 50, {})


def test_coefficients_and_positive_parameters_have_their_priors() -> None:
    priors = {"Intercept": Normal(3, 2), "x": StudentT(4, 1, 0.5), "sigma": Gamma(4, 2)}
    spec = model("y ~ x", TABLE, priors=priors)
    values, layout = draws(spec), spec.layout
    assert fits(layout["Intercept"].take(values), stats.norm(3, 2))
    assert fits(layout["x"].take(values), stats.t(4, 1, 0.5))
    assert fits(layout["sigma"].take(values), stats.gamma(4, scale=1 / 2))
    assert not fits(layout["sigma"].take(values), stats.gamma(4, scale=1 / 2.2))  # the test has power


@pytest.mark.parametrize("eta", [1.0, 3.0])
def test_correlations_have_lkjs_margin_and_effects_follow_them(eta: float) -> None:
    """A correlation of d coefficients is 2 Beta(a, a) - 1 with a = eta - 1 + d / 2."""
    priors = {"1|g": Normal(0, HalfNormal(2)), "x|g": Normal(0, Exponential(3)), "g_corr": LKJ(eta)}
    spec = model("y ~ x + (x | g)", TABLE, priors=priors)
    values, layout = draws(spec), spec.layout
    sds = np.stack([layout[f"{name}|g_sigma"].take(values) for name in ("1", "x")], axis=1)
    assert fits(sds[:, 0], stats.halfnorm(scale=2))
    assert fits(sds[:, 1], stats.expon(scale=1 / 3))
    corr = layout["g_corr"].take(values)
    assert fits((corr[:, 0, 1] + 1) / 2, stats.beta(eta, eta))
    effects = np.stack([layout[f"{name}|g"].take(values) for name in ("1", "x")], axis=1)
    white = np.linalg.solve(np.linalg.cholesky(corr), effects / sds[:, :, np.newaxis])
    assert fits(white, stats.norm())
    together = np.abs(np.corrcoef(white.transpose(1, 2, 0).reshape(-1, DRAWS)))
    assert np.sort(together.ravel())[-13] < 5 / np.sqrt(DRAWS)  # the diagonal's 12 ones left out


def test_given_sds_and_other_priors_of_effects() -> None:
    priors = {"1|g": Normal(0, 0.8), "x|g": StudentT(4, 0, 0.5)}
    spec = model("y ~ x + (x || g)", TABLE, priors=priors)
    values, layout = draws(spec), spec.layout
    assert fits(layout["1|g"].take(values), stats.norm(0, 0.8))
    assert fits(layout["x|g"].take(values), stats.t(4, 0, 0.5))


@pytest.mark.parametrize("prior", [Normal(0, 0.8), StudentT(4, 0, 0.8)])
def test_a_scale_that_is_given_beside_learnt_ones_of_one_term_is_written(prior: Normal | StudentT) -> None:
    """As draws from the posterior have it."""
    spec = model("y ~ x + (0 + c || g)", TABLE, priors={"c[b]|g": prior})
    values = draws(spec)
    assert np.all(np.isfinite(values))
    sds = spec.layout["c|g_sigma"].take(values)
    assert np.all(sds[:, 1] == 0.8)
    assert not np.any(sds[:, [0, 2]] == 0.8)


def test_a_prior_of_an_sd_that_reaches_below_zero_is_cut_there() -> None:
    spec = model("y ~ 1 + (1 | g)", TABLE, priors={"1|g": Normal(0, Normal(0.5, 1))})
    sd = spec.layout["1|g_sigma"].take(draws(spec))
    assert fits(sd, stats.truncnorm(-0.5, np.inf, 0.5, 1))


def test_an_intercepts_prior_at_the_means_holds_there() -> None:
    priors = {"Intercept": AtMeans(Normal(1, 0.5)), "x": Normal(0, 2)}
    spec = model("y ~ x + c", TABLE, priors=priors)
    values = draws(spec)
    linear = linear_predictors(spec, spec.design, values, slice(None))["mu"]
    assert fits(linear.mean(axis=1), stats.norm(1, 0.5))
    assert fits(spec.layout["x"].take(values), stats.norm(0, 2))
    shifted = model("y ~ x + c", TABLE | {"x": TABLE["x"] - 100}, priors=priors)
    other = linear_predictors(shifted, shifted.design, draws(shifted), slice(None))
    np.testing.assert_allclose(other["mu"], linear, rtol=1e-9, atol=1e-9)


def test_the_same_seed_gives_the_same_draws() -> None:
    spec = model(EVERYTHING, TABLE)
    first, again, other = (sample_prior(spec, 20, seed).values for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(
    ("formula", "priors", "text"),
    [
        ("y ~ x", {"x": Flat()}, r"prior of 'x' is Flat\(\): .*improper.*\n  Try: priors=\{'x': Normal\(0, "),
        ("y ~ x", {"Intercept": AtMeans(Flat())}, r"'Intercept' is AtMeans\(Flat\(\)\): .*improper"),
        ("y ~ x + (1 | g)", {"1|g": Normal(0, Flat())}, r"'1\|g' is Normal\(0, Flat\(\)\): .*improper"),
        ("y ~ x + (1 | g)", {"1|g": Normal(0, Normal(-99, 1))}, r"'1\|g' .* has next to nothing above zero"),
    ],
)
def test_priors_without_draws_are_named(formula: str, priors: dict, text: str) -> None:
    with pytest.raises(PriorError, match=text):
        sample_prior(model(formula, TABLE, priors=priors), 10, 1)


@pytest.mark.parametrize(("number", "seed", "text"), [(0, 1, "draws is 0"), (5, -1, "seed is -1")])
def test_impossible_numbers_are_refused(number: int, seed: int, text: str) -> None:
    with pytest.raises(OptionError, match=text):
        sample_prior(model("y ~ x", TABLE), number, seed)


def test_the_tree_calls_them_prior() -> None:
    spec = model("y ~ x + (1 | g)", TABLE)
    found = sample_prior(spec, 30, 1)
    tree = to_datatree(found, spec.layout, spec.design)
    assert list(tree.children) == ["prior", "observed_data", "constant_data"]
    assert tree["prior"].attrs["method"] == "prior"
    assert posterior_dataset(found, spec.layout).equals(tree["prior"].to_dataset())
