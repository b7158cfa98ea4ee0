"""Posterior means and sds against numerical integration, for models small enough to integrate.

A mean may be 4 of its Monte Carlo standard errors away. A correct sampler exceeds that once in 16,000
comparisons; with 53 here, another choice of seeds raises a false alarm in about 1 of 300 runs.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit
from tests.inference.models import model

from partialpool.inference.convergence import convergence
from partialpool.inference.nuts.sample import sample
from partialpool.inference.options import NutsOptions
from partialpool.priors.gamma import Exponential
from partialpool.priors.normal import HalfNormal, Normal
from partialpool.priors.student_t import Cauchy, HalfCauchy, StudentT
from partialpool.priors.uniform import Uniform

OPTIONS = NutsOptions(draws=2000, chains=4, cores=2, seed=11)


def assert_mean(draws: np.ndarray, expected: float) -> None:
    """(chains, draws) of one quantity have a mean."""
    error = float(convergence(draws[..., None]).mcse_mean[0])
    assert abs(draws.mean() - expected) < 4 * error, (draws.mean(), expected, error)


def moments(
    log_density: Callable[[np.ndarray], np.ndarray], lower: float, upper: float
) -> tuple[float, float]:
    """Mean and mean square by the trapezoid rule, which is exact to rounding for smooth densities."""
    x = np.linspace(lower, upper, 40_001)
    log = log_density(x)
    weight = np.exp(log - log.max())
    weight /= weight.sum()
    return float(weight @ x), float(weight @ x**2)


def draws_of(spec, name: str) -> np.ndarray:
    return spec.layout[name].take(sample(spec, OPTIONS).values)


@pytest.mark.parametrize(
    "prior",
    [Normal(1, 0.5), StudentT(3, -1, 1), Cauchy(0, 0.3), Uniform(-0.4, 0.9), Exponential(2)],
    ids=str,
)
@pytest.mark.parametrize("family", ["bernoulli", "bernoulli(probit)", "bernoulli(cloglog)"])
def test_a_proportion_with_every_kind_of_prior(prior, family: str) -> None:
    """3 of 10: one parameter, so a grid is the posterior."""
    inverse = {
        "bernoulli": expit,
        "bernoulli(probit)": stats.norm.cdf,
        "bernoulli(cloglog)": lambda e: -np.expm1(-np.exp(e)),
    }
    spec = model("y ~ 1", {"y": [1] * 3 + [0] * 7}, family, {"Intercept": prior})
    lower, upper = max(prior.bounds[0], -12.0), min(prior.bounds[1], 5.0)

    def log_density(x: np.ndarray) -> np.ndarray:
        return stats.binom.logpmf(3, 10, inverse[family](x)) + prior.logpdf(x)

    inset = 1e-9 * (upper - lower)
    mean, square = moments(log_density, lower + inset, upper - inset)
    draws = draws_of(spec, "Intercept")
    assert_mean(draws, mean)
    assert_mean(draws**2, square)


def test_a_poisson_rate_has_its_gamma_posterior() -> None:
    """exp(Intercept) with a flat prior on its log: Gamma(sum, n)."""
    spec = model("y ~ 1", {"y": [2, 0, 3, 1, 4]}, "poisson", {"Intercept": Uniform(-30, 30)})
    rate = np.exp(draws_of(spec, "Intercept"))
    assert_mean(rate, 10 / 5)
    assert_mean(rate**2, 10 / 25 + 4)


@pytest.mark.parametrize("prior", [HalfNormal(1), HalfCauchy(1), Exponential(1), Uniform(0.2, 4)], ids=str)
def test_a_gaussian_mean_and_sigma(prior) -> None:
    y = np.array([0.3, -1.2, 2.2, 0.9])
    spec = model("y ~ 1", {"y": y}, priors={"Intercept": Normal(0, 1), "sigma": prior})
    low, high = (0.2, 4) if isinstance(prior, Uniform) else (1e-3, 60)
    mu, sigma = np.linspace(-6, 6, 801)[:, None], np.geomspace(low, high, 4001)[None]
    log = stats.norm.logpdf(mu) + prior.logpdf(sigma) + np.log(sigma)  # the grid is even in log sigma
    for value in y:
        log = log + stats.norm.logpdf(value, mu, sigma)
    weight = np.exp(log - log.max())
    weight[:, [0, -1]] *= 0.5
    weight /= weight.sum()
    draws = sample(spec, OPTIONS).values
    centre, noise = (spec.layout[n].take(draws) for n in ("Intercept", "sigma"))
    assert_mean(centre, float(np.sum(weight * mu)))
    assert_mean(centre**2, float(np.sum(weight * mu**2)))
    assert_mean(noise, float(np.sum(weight * sigma)))
    assert_mean(np.log(noise), float(np.sum(weight * np.log(sigma))))


def test_group_effects_and_their_sd() -> None:
    """Three groups of known noise: given sd and mean the effects are normal, so two dimensions are left."""
    y, groups = np.array([1.2, 0.8, -0.7, -1.1, 0.1, 0.4]), np.repeat([0, 1, 2], 2)
    noise = 0.5
    priors = {"Intercept": Normal(0, 1), "1|g": Normal(0, HalfNormal(1)), "sigma": Uniform(0.4999, 0.5001)}
    spec = model("y ~ 1 + (1 | g)", {"y": y, "g": groups}, priors=priors)
    means = y.reshape(3, 2).mean(1)
    alpha, tau = np.linspace(-6, 6, 1201)[:, None], np.linspace(1e-6, 6, 3001)[None]
    spread = np.sqrt(tau**2 + noise**2 / 2)
    log = stats.norm.logpdf(alpha) + stats.halfnorm.logpdf(tau)
    for mean in means:
        log = log + stats.norm.logpdf(mean, alpha, spread)
    weight = np.exp(log - log.max())
    weight /= weight.sum()
    draws = sample(spec, OPTIONS).values
    assert_mean(spec.layout["Intercept"].take(draws), float(np.sum(weight * alpha)))
    assert_mean(spec.layout["1|g_sigma"].take(draws), float(np.sum(weight * tau)))
    shrunk = tau**2 / (tau**2 + noise**2 / 2)
    for j in range(3):
        assert_mean(
            spec.layout["1|g"].take(draws)[..., j], float(np.sum(weight * shrunk * (means[j] - alpha)))
        )


def test_a_prior_without_data_is_returned() -> None:
    """Effects too small for the data to say anything about leave their correlation its prior, LKJ(2)."""
    y, g = np.array([0.0, 1.0] * 3), np.arange(6)
    priors = {"1|g": Normal(0, 1e-6), "x|g": Normal(0, 1e-6), "Intercept": Normal(0, 1)}
    spec = model("y ~ 1 + (x | g)", {"y": y, "x": y - g, "g": g}, "bernoulli", priors)
    correlation = spec.layout["g_corr"].take(sample(spec, OPTIONS).values)[..., 0, 1]
    assert_mean(correlation, 0.0)
    assert_mean(correlation**2, 1 / 5)  # LKJ(2) of two: 2 Beta(2, 2) - 1
