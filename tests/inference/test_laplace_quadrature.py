"""Group effects of one factor integrated out: against brute-force integration of the model's density."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.stats import binom, nbinom, norm, poisson

import partialpool as pp
from partialpool.errors import FitError
from partialpool.inference.laplace.effect_chains import stretched_normals, walks
from partialpool.inference.laplace.nodes import finer_nodes, grid, nodes
from partialpool.inference.laplace.quadrature import Quadrature
from partialpool.model.density import Density
from partialpool.model.geometry import coordinates

Floats = NDArray[np.float64]


def table(n_groups: int = 4, n: int = 30, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    g, x = rng.integers(0, n_groups, n), rng.normal(size=n)
    effect = rng.normal(size=n_groups)[g]
    return pd.DataFrame(
        {
            "g": np.array(["a", "b", "c", "d", "e", "f"])[g],
            "x": x,
            "b": (rng.random(n) < 1 / (1 + np.exp(-effect - x))).astype(int),
            "k": rng.poisson(np.exp(0.3 * effect + 0.2 * x)),
            "y": effect + x + rng.normal(size=n),
            "c": np.digitize(effect + x + rng.logistic(size=n), [-0.8, 0.9]),
        }
    )


MODELS = {
    "bernoulli": ("b ~ x + (1 | g)", "bernoulli", {}),
    "probit": ("b ~ x + (1 | g)", "bernoulli(probit)", {}),
    "poisson": ("k ~ x + (1 | g)", "poisson", {}),
    "negative binomial": ("k ~ x + (1 | g)", "negative_binomial", {}),
    "thresholds": ("c ~ x + (1 | g)", "cumulative", {}),
    "thresholds, probit": ("c ~ (1 | g)", "cumulative(probit)", {}),
    "categories": ("c ~ x + (1 | g)", "categorical", {}),
    "slopes": ("b ~ x + (1 + x | g)", "bernoulli", {}),
    "uncorrelated": ("k ~ x + (1 + x || g)", "poisson", {}),
    "two terms of a factor": ("b ~ x + (1 | g) + (0 + x | g)", "bernoulli", {}),
    "effects with a t prior": ("b ~ x + (1 | g)", "bernoulli", {"1|g": pp.StudentT(4, 0, 1)}),
    "no pooling": ("b ~ x + (1 | g)", "bernoulli", {"1|g": pp.Normal(0, 1.5)}),
}


def engine(name: str, data: pd.DataFrame | None = None) -> Quadrature:
    formula, family, priors = MODELS[name]
    return Quadrature(pp.Model(formula, table() if data is None else data, family=family, priors=priors).spec)


def brute_force(found: Quadrature, point: Floats, n: int = 61, width: float = 9.0) -> float:
    """Sum the whole density over a wide grid of each group's coordinates, one group at a time.

    Given the outer parameters the density is a product over groups, so the integral over all is the density
    at one point of all, times for each group the ratio of its integral to its value there.
    """
    density = Density(found.spec, found.geometry)
    position, n_groups = coordinates(found.spec), found.n_groups
    widths = [block.width for block in found.spec.parameters.effects]
    base = np.zeros(density.n_dim)
    base[: position.n_free] = point
    at_zero = density(base)[0]
    own = grid(sum(widths), step=2 * width / (n - 1), radius=width)
    total = at_zero + found.log_volume
    for j in range(n_groups):
        places = np.concatenate(
            [first + j * d + np.arange(d) for first, d in zip(position.effect, widths, strict=True)]
        )
        values = np.empty(len(own.points))
        for i, z in enumerate(own.points):
            x = base.copy()
            x[places] = z
            values[i] = density(x)[0] - at_zero
        total += np.logaddexp.reduce(values + own.log_weights)
    return float(total)


@pytest.mark.parametrize("name", MODELS)
def test_the_marginal_density_is_the_integral_of_the_density(name):
    found = engine(name)
    rng = np.random.default_rng(2)
    points = 1.2 * rng.normal(size=(4, found.outer.n_dim))
    wide = 41 if found.n_effects > 1 else 181
    expected = [brute_force(found, point, wide, 9.0 if found.n_effects > 1 else 14.0) for point in points]
    assert np.allclose(found.log_density(points), expected, atol=0.02 if found.n_effects == 1 else 0.04)


def test_groups_that_are_all_ones_are_integrated_at_small_and_large_sds():
    data = table()
    data.loc[data.g.isin(["a", "b"]), "b"] = 1
    found = engine("bernoulli", data)
    points = np.zeros((3, found.outer.n_dim))
    points[:, -1] = [-8.0, 0.0, 3.0]
    expected = [brute_force(found, point, 2401, 60.0) for point in points]
    assert np.allclose(found.log_density(points), expected, atol=[0.001, 0.002, 0.05])


def test_draws_of_effects_have_the_moments_of_their_conditionals():
    data = table()
    data.loc[data.g == "a", "b"] = 1
    found = engine("bernoulli", data)
    point, rule = np.zeros(found.outer.n_dim), grid(1, step=0.05, radius=25.0)
    point[-1] = 3.0
    draws = found.draw(point[None], np.array([4000]), np.random.default_rng(3))
    logs, effects = np.empty((1, 4, len(rule.points))), np.empty((1, 4, len(rule.points), 1))
    found._integrate(point[None], rule, (0, 4), logs, effects)
    weights = np.exp(logs[0] - np.max(logs[0], axis=1, keepdims=True))
    weights /= np.sum(weights, axis=1, keepdims=True)
    mean = np.sum(weights * effects[0, :, :, 0], axis=1)
    sd = np.sqrt(np.sum(weights * (effects[0, :, :, 0] - mean[:, None]) ** 2, axis=1))
    drawn = draws[:, -4:]
    # Latin hypercubes hold means far closer than independent draws' 1 / 63 sd.
    assert np.all(np.abs(np.mean(drawn, axis=0) - mean) < 0.05 * sd)
    assert np.all(np.abs(np.std(drawn, axis=0) / sd - 1) < 0.05)
    assert found.acceptance.min() > 0.8


@pytest.mark.parametrize("name", MODELS)
def test_a_density_does_not_depend_on_the_points_before_it(name):
    found, fresh = engine(name), engine(name)
    q = found.outer.n_dim
    points = np.random.default_rng(4).normal(size=(3, q))
    extreme = np.array([np.full(q, x) for x in (-700.0, -40.0, 12.0, 40.0, 700.0, np.nan)])
    assert not np.any(np.isnan(found.log_density(extreme)))
    after = [float(found.log_density(point[None])[0]) for point in points[::-1]]
    assert np.array_equal(after[::-1], fresh.log_density(points))


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("extreme", [-40.0, 12.0, 40.0, np.nan])
def test_nodes_that_stood_at_an_extreme_point_come_back(name, extreme):
    found, fresh = engine(name), engine(name)
    points = np.random.default_rng(4).normal(size=(3, found.outer.n_dim))
    found._settle(np.full(found.outer.n_dim, extreme))
    assert np.all(np.isfinite(found.centres))
    assert np.allclose(found.log_density(points), fresh.log_density(points), atol=0.01)


def test_draws_of_different_groups_are_independent_given_the_outer_parameters():
    found = engine("bernoulli", table(6, 60))
    draws = found.draw(np.zeros((1, found.outer.n_dim)), np.array([4000]), np.random.default_rng(5))
    correlations = np.corrcoef(draws[:, -6:].T) - np.eye(6)
    assert np.max(np.abs(correlations)) < 5 / np.sqrt(4000)  # by chance once in 10^5 times


@pytest.mark.parametrize("n", [1, 2, 6, 1000])
def test_every_effect_reads_every_proposal_once(n):
    starts, strides = walks(n, 2, 4, np.random.default_rng(6))
    places = (starts[..., None] + strides[..., None] * np.arange(n)) % n
    assert np.array_equal(np.sort(places, axis=-1), np.broadcast_to(np.arange(n), places.shape))


def test_proposals_have_the_density_that_they_claim():
    numbers, rarity, _ = stretched_normals(100_000, np.random.default_rng(7)).T
    order = np.argsort(numbers)
    density = np.exp(-rarity[order]) / np.sqrt(2 * np.pi)
    share = np.cumsum(density[1:] * np.diff(numbers[order]))
    assert np.allclose(share, np.arange(1, 100_000) / 100_000, atol=1e-3)


def test_draws_hold_the_outer_values_of_their_points_in_random_order():
    found = engine("bernoulli")
    points = np.random.default_rng(1).normal(size=(3, found.outer.n_dim))
    draws = found.draw(points, np.array([5, 0, 7]), np.random.default_rng(1))
    first, last = found.outer.draw(points[0])[:3], found.outer.draw(points[2])[:3]
    are_first = np.all(draws[:, :3] == first, axis=1)
    assert np.sum(are_first) == 5
    assert np.sum(np.all(draws[:, :3] == last, axis=1)) == 7
    assert not np.array_equal(np.flatnonzero(are_first), np.arange(5))


def test_the_number_of_cores_does_not_change_the_draws():
    model = pp.Model("k ~ x + (1 | g)", table(6, 200), family="poisson")
    one, two = (model.fit(method="laplace", seed=4, cores=c).draws.values for c in (1, 2))
    assert np.array_equal(one, two)
    assert not np.array_equal(one, model.fit(method="laplace", seed=5).draws.values)


def test_a_model_without_outer_parameters():
    model = pp.Model("b ~ 0 + (1 | g)", table(), family="bernoulli", priors={"1|g": pp.Normal(0, 1.5)})
    fit = model.fit(method="laplace", seed=1)
    assert fit.draws.approximation.outer == 0
    expected = 0.0
    for _, own in table().groupby("g"):
        n, s = len(own), int(own.b.sum())
        expected += np.log(_integral(lambda p, n=n, s=s: p**s * (1 - p) ** (n - s), 1.5))
    assert fit.log_marginal_likelihood == pytest.approx(expected, abs=1e-4)


def _integral(likelihood, sd: float) -> float:
    def integrand(eta: float) -> float:
        return float(likelihood(1 / (1 + np.exp(-eta))) * norm.pdf(eta, 0, sd))

    return quad(integrand, -20, 20, limit=200)[0]


PLAIN = {
    "bernoulli": ("b ~ 1", lambda y, eta: binom.logpmf(y, 1, 1 / (1 + np.exp(-eta)))),
    "poisson": ("k ~ 1", lambda y, eta: poisson.logpmf(y, np.exp(eta))),
}


@pytest.mark.parametrize("family", PLAIN)
def test_the_marginal_likelihood_has_all_its_constants(family):
    formula, log_pmf = PLAIN[family]
    data = table()
    fit = pp.Model(formula, data, family=family, priors={"Intercept": pp.Normal(0, 1)}).fit(
        method="laplace", seed=1
    )
    y = data[formula[0]].to_numpy()
    exact = np.log(quad(lambda eta: np.exp(np.sum(log_pmf(y, eta))) * norm.pdf(eta), -8, 8)[0])
    figures = fit.draws.approximation
    assert abs(fit.log_marginal_likelihood - exact) < 5 * figures.log_marginal_likelihood_se


@pytest.mark.parametrize("second", [pp.Normal(0, 1.5), pp.StudentT(5, 0.5, 1)], ids=["equal", "different"])
def test_the_marginal_likelihood_of_thresholds_has_their_order(second):
    """Priors of thresholds are those of ascending ones: of all pairs of draws, those in order."""
    data = table()
    priors = {"threshold[1]": pp.Normal(0, 1.5), "threshold[2]": second}
    fit = pp.Model("c ~ 1", data, family="cumulative", priors=priors).fit(method="laplace", seed=1)
    low, high = np.linspace(-8, 8, 801)[:, None], np.linspace(-8, 8, 801)[None]
    log_prior = priors["threshold[1]"].logpdf(low) + second.logpdf(high)
    log_prior = np.where(low < high, log_prior, np.where(low == high, log_prior - np.log(2), -np.inf))
    log_prior -= np.logaddexp.reduce(log_prior.ravel()) + 2 * np.log(16 / 800)
    first, last = 1 / (1 + np.exp(-low)), 1 / (1 + np.exp(high))
    p = np.stack(np.broadcast_arrays(first, np.maximum(1 - first - last, 1e-300), last))
    logs = np.einsum("k,kab->ab", np.bincount(data.c), np.log(p))
    exact = np.logaddexp.reduce((logs + log_prior).ravel()) + 2 * np.log(16 / 800)
    figures = fit.draws.approximation
    assert abs(fit.log_marginal_likelihood - exact) < 5 * figures.log_marginal_likelihood_se + 1e-3


def test_the_marginal_likelihood_of_a_model_with_a_positive_parameter():
    data = table()
    priors = {"Intercept": pp.Normal(0, 1), "shape": pp.Normal(0, 3)}  # of which the half above zero is left
    fit = pp.Model("k ~ 1", data, family="negative_binomial", priors=priors).fit(method="laplace", seed=1)
    y = data.k.to_numpy()
    mu = np.exp(np.linspace(-4, 4, 801))[:, None, None]
    phi = np.exp(np.linspace(-9, 3.5, 801))[None, :, None]
    logs = np.sum(nbinom.logpmf(y, phi, phi / (phi + mu)), axis=2)
    logs += norm.logpdf(np.log(mu[..., 0])) + np.log(2) + norm.logpdf(phi[..., 0], 0, 3) + np.log(phi[..., 0])
    exact = np.logaddexp.reduce(logs.ravel()) + np.log(8 / 800) + np.log(12.5 / 800)
    figures = fit.draws.approximation
    assert abs(fit.log_marginal_likelihood - exact) < 5 * figures.log_marginal_likelihood_se


@pytest.mark.parametrize("dimensions", [1, 2, 3, 4])
def test_nodes_integrate_a_normal_density_and_its_square(dimensions):
    rule = nodes(dimensions)
    density = np.exp(rule.log_weights + np.sum(norm.logpdf(rule.points), axis=1))
    tolerance = 1e-2 if dimensions > 2 else 2e-3
    assert np.sum(density) == pytest.approx(1, abs=tolerance)
    assert density @ rule.points[:, 0] ** 2 == pytest.approx(1, abs=3 * tolerance)


def test_nodes_in_three_dimensions_are_exact_up_to_degree_seven():
    rule = nodes(3)
    weights = np.exp(rule.log_weights + np.sum(norm.logpdf(rule.points), axis=1))
    one = {0: 1.0, 2: 1.0, 4: 3.0, 6: 15.0}  # moments of a standard normal number; odd ones are 0
    for powers in product(range(8), repeat=3):
        if sum(powers) <= 7:
            exact = np.prod([one.get(power, 0.0) for power in powers])
            assert weights @ np.prod(rule.points**powers, axis=1) == pytest.approx(exact, abs=1e-12)


def test_several_factors_with_effects_that_are_not_normal_are_refused():
    data = table()
    data["h"] = data.x > 0
    model = pp.Model("b ~ 1 + (1 | g) + (1 | h)", data, "bernoulli", {"1|g": pp.StudentT(4, 0, 1)})
    with pytest.raises(FitError, match="not normal"):
        model.fit(method="laplace")


@pytest.mark.parametrize(("rows", "is_finer"), [(3, True), (80, False)])
def test_nodes_become_finer_where_groups_are_small(rows, is_finer):
    """Three effects a group: what nodes err by hardly differs from point to point, however few rows."""
    rng = np.random.default_rng(11)
    g = np.repeat(np.arange(60), rows)
    x, effects = rng.normal(size=(2, len(g))), rng.normal(size=(3, 60))
    eta = effects[0, g] + effects[1, g] * x[0] + effects[2, g] * x[1]
    data = pd.DataFrame({"g": g, "a": x[0], "b": x[1], "y": rng.random(len(g)) < 1 / (1 + np.exp(-eta))})
    found = Quadrature(pp.Model("y ~ a + b + (a + b || g)", data, "bernoulli").spec)
    usual, proposal = found.rule, found.proposal()
    assert (found.rule is not usual) == is_finer
    assert found.rule is (finer_nodes(3) if is_finer else usual)
    points = proposal.centre + 0.7 * rng.standard_normal((30, len(proposal.centre))) @ proposal.scale.T
    fine = found._integrate(points, grid(3, 0.9, 6.0))
    error, usual_error = (np.std(found._integrate(points, rule) - fine) for rule in (found.rule, usual))
    assert error < (usual_error / 3 if is_finer else 0.05)


def test_effects_of_separated_groups_reach_their_tails():
    """Groups of ones or zeros alone: sds of effects against quadrature over all outer points."""
    data = pd.DataFrame({"g": np.repeat(np.arange(12), 10)}).assign(y=lambda d: d.g % 2)
    fit = pp.Model("y ~ 1 + (1 | g)", data, "bernoulli").fit(method="laplace", seed=2, progress=False)
    groups = fit.draws.approximation.groups
    assert max(abs(group.mean_shift) for group in groups) < 0.12
    assert max(abs(group.sd_ratio - 1) for group in groups) < 0.12


def test_effects_on_a_gaussian_s_sigma_are_integrated_by_quadrature():
    """Not exactly, then, but without Laplace's error: the posterior is that of NUTS."""
    rng = np.random.default_rng(1)
    g = np.repeat(np.arange(30), 6)
    data = pd.DataFrame({"g": g, "y": rng.normal(size=30)[g] + rng.normal(size=180)})
    model = pp.Model(pp.Formula("y ~ 1 + (1 | g)", sigma="~ 1 + (1 | g)"), data)
    fit = model.fit(method="laplace", seed=1, progress=False)
    sampled = model.fit(seed=2, progress=False, draws=4000).summary()
    assert not fit.draws.approximation.exact
    off = (fit.summary()["mean"] - sampled["mean"]) / sampled["sd"]
    assert off.abs().max() < 0.1


def test_effects_on_two_parameters_by_two_factors_are_not_trusted():
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"g": np.repeat(np.arange(10), 6), "h": np.tile(np.arange(6), 10)})
    data["y"] = rng.normal(size=10)[data.g] + rng.normal(size=60)
    model = pp.Model(pp.Formula("y ~ 1 + (1 | g)", sigma="~ 1 + (1 | h)"), data)
    diagnosis = model.fit(method="laplace", seed=1, progress=False).diagnose()
    assert [f.title for f in diagnosis.findings] == [
        "Group effects of several parameters are only roughly integrated out"
    ]


@pytest.mark.parametrize("seed", range(3))
def test_one_outer_parameter_is_integrated_well_enough(seed):
    fit = pp.Model("y ~ x", table()).fit(method="laplace", seed=seed, progress=False)
    assert fit.draws.approximation.outer == 1
    assert fit.diagnose().ok
