"""The quick fit's coordinates: exact where the posterior is normal, finite however hard the data are."""

from __future__ import annotations

import numpy as np
import pytest
from tests.inference.models import model

from partialpool.inference.chosen_geometry import choose_geometry
from partialpool.inference.nuts.sample import sample
from partialpool.inference.options import NutsOptions
from partialpool.model.density import Density
from partialpool.model.geometry import Geometry
from partialpool.priors.normal import Normal
from partialpool.priors.uniform import Flat, Uniform

rng = np.random.default_rng(5)
N = 60
X = rng.normal(size=N)
GROUP = np.repeat(np.arange(10), 6)
NOISE = rng.normal(size=N)


def arrays(geometry: Geometry) -> list[np.ndarray]:
    plain = [geometry.coef_centre, geometry.coef_scale, geometry.coef_expansion]
    return [
        *plain,
        geometry.hyper_centre,
        geometry.hyper_scale,
        *geometry.information,
        *geometry.pull,
        *geometry.cross,
    ]


def normal_posterior(z: np.ndarray, y: np.ndarray, prior_sd: np.ndarray, sigma: float):
    """Mean and covariance of coefficients with normal priors around zero and known noise."""
    covariance = np.linalg.inv(z.T @ z / sigma**2 + np.diag(1 / prior_sd**2))
    return covariance @ z.T @ y / sigma**2, covariance


@pytest.mark.parametrize("shift", [0.0, 20.0])
def test_population_coefficients_have_their_exact_posterior(shift: float) -> None:
    x = X + shift
    y = 1.0 + 0.5 * X + NOISE
    spec = model("y ~ x", {"y": y, "x": x}, priors={"Intercept": Normal(0, 3), "x": Normal(0, 2)})
    geometry = choose_geometry(spec)
    sigma = float(np.exp(geometry.coef_expansion[2]))
    mean, covariance = normal_posterior(np.column_stack([np.ones(N), x]), y, np.array([3.0, 2.0]), sigma)
    # The fit stops when steps are short, a thousandth of the outcome's scale.
    np.testing.assert_allclose(geometry.coef_centre[:2], mean, atol=0.02 * np.sqrt(np.diag(covariance)).max())
    scale = geometry.coef_scale[:2, :2]
    np.testing.assert_allclose(scale @ scale.T, covariance, rtol=5e-3)


def test_coefficients_have_their_exact_posterior_with_group_effects_integrated_out() -> None:
    y = 1.0 + 0.5 * X + rng.normal(size=10)[GROUP] + NOISE
    priors = {"Intercept": Normal(0, 3), "x": Normal(0, 2), "1|g": Normal(0, 0.8)}
    geometry = choose_geometry(model("y ~ x + (1 | g)", {"y": y, "x": X, "g": GROUP}, priors=priors))
    sigma = float(np.exp(geometry.coef_expansion[2]))
    z = np.column_stack([np.ones(N), X, GROUP[:, None] == np.arange(10)])
    mean, covariance = normal_posterior(z, y, np.array([3.0, 2.0] + [0.8] * 10), sigma)
    np.testing.assert_allclose(geometry.coef_centre[:2], mean[:2], atol=0.02)
    scale = geometry.coef_scale[:2, :2]
    np.testing.assert_allclose(scale @ scale.T, covariance[:2, :2], rtol=5e-3, atol=1e-5)
    np.testing.assert_allclose(geometry.information[0][:, 0, 0], 6 / sigma**2, rtol=1e-10)


@pytest.mark.parametrize(
    "formula", ["y ~ x + (1 | mm(g, h))", "y ~ x + (x || mm(g, h, weights=cbind(w, v)))"]
)
def test_coefficients_keep_their_scale_where_rows_have_several_groups(formula: str) -> None:
    """Groups are taken one at a time, so scales are near the exact ones, within a factor of 2."""
    shuffled = np.random.default_rng(3)
    table = {"x": X, "g": GROUP, "h": shuffled.permutation(GROUP), "w": 1 + GROUP % 2, "v": 1 + X**2}
    table["y"] = 1.0 + 0.5 * X + rng.normal(size=10)[GROUP] + NOISE
    priors = {"Intercept": Normal(0, 30), "x": Normal(0, 20), "1|mm(g, h)": Normal(0, 0.8)}
    if "||" in formula:
        priors["x|mm(g, h)"] = Normal(0, 0.8)
    spec = model(formula, table, priors=priors)
    geometry = choose_geometry(spec)
    sigma = float(np.exp(geometry.coef_expansion[2]))
    (term,) = spec.design.predictors["mu"].groups
    shares = [(member.index[:, None] == np.arange(10), matrix) for member, matrix in term.shares()]
    effects = [sum(onehot * matrix[:, [a]] for onehot, matrix in shares) for a in range(len(term.names))]
    z = np.column_stack([np.ones(N), X, *effects])
    mean, covariance = normal_posterior(
        z, table["y"], np.array([30.0, 20.0] + [0.8] * (z.shape[1] - 2)), sigma
    )
    exact = np.sqrt(np.diag(covariance)[:2])
    found = np.sqrt(np.sum(geometry.coef_scale[:2, :2] ** 2, axis=1))
    assert np.all((found / exact > 0.5) & (found / exact < 2.0)), found / exact
    assert np.all(np.abs(geometry.coef_centre[:2] - mean[:2]) < 0.2 * exact)


def test_in_these_coordinates_a_normal_posterior_is_standard_normal() -> None:
    """With known sds minus the Hessian by coefficients and effects is close to the identity."""
    effects = rng.normal(size=(10, 2))
    y = (1.0 + effects[GROUP, 0]) + (0.5 + effects[GROUP, 1]) * X + NOISE
    priors = {"1|g": Normal(0, 1.0), "x|g": Normal(0, 0.7), "sigma": Uniform(0.9, 1.1)}
    spec = model("y ~ x + (x || g)", {"y": y, "x": X, "g": GROUP}, priors=priors)
    density = Density(spec, choose_geometry(spec))
    keep = np.array(
        [i for i in range(density.n_dim) if i != 2]
    )  # all but sigma, whose posterior is not normal
    at, h = np.zeros(density.n_dim), 1e-4
    columns = []
    for i in keep:
        step = np.zeros(density.n_dim)
        step[i] = h
        columns.append((density(at + step)[1] - density(at - step)[1])[keep] / (2 * h))
    np.testing.assert_allclose(-np.array(columns), np.eye(len(keep)), atol=0.02)


@pytest.mark.parametrize("factor", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("shift", [0.0, 1e2])
def test_the_units_of_predictor_and_outcome_change_nothing(factor: float, shift: float) -> None:
    """The whitened density at the centre has the same curvature in dollars and in millions of them."""
    table = {"y": 1 + X + NOISE, "x": factor * (X + shift), "g": GROUP}
    spec = model("y ~ x + (1 | g)", table)
    density = Density(spec, choose_geometry(spec))
    h, at = 1e-4, np.zeros(density.n_dim)
    for i in range(2):
        step = h * np.eye(density.n_dim)[i]
        curvature = -(density(at + step)[1] - density(at - step)[1])[i] / (2 * h)
        assert curvature == pytest.approx(1.0, abs=0.1)


ZERO = np.zeros(N)
HARD = {
    "perfect separation": ("y ~ x", {"y": (X > 0) * 1, "x": X}, "bernoulli", None),
    "separated, flat priors": (
        "y ~ x",
        {"y": (X > 0) * 1, "x": X},
        "bernoulli",
        {"Intercept": Flat(), "x": Flat()},
    ),
    "separated groups": ("y ~ 1 + (1 | g)", {"y": GROUP % 2, "g": GROUP}, "bernoulli", None),
    "all zero": ("y ~ x + (x | g)", {"y": ZERO, "x": X, "g": GROUP}, "bernoulli", None),
    "all one, cloglog": ("y ~ 1 + (1 | g)", {"y": ZERO + 1, "g": GROUP}, "bernoulli(cloglog)", None),
    "all zero, probit": ("y ~ 1 + (1 | g)", {"y": ZERO, "g": GROUP}, "bernoulli(probit)", None),
    "no counts": ("y ~ x + (1 | g)", {"y": ZERO, "x": X, "g": GROUP}, "poisson", None),
    "no counts, overdispersed": (
        "y ~ x + (1 | g)",
        {"y": ZERO, "x": X, "g": GROUP},
        "negative_binomial",
        None,
    ),
    "huge counts": ("y ~ x + (1 | g)", {"y": rng.poisson(1e9, N), "x": X, "g": GROUP}, "poisson", None),
    "huge counts, overdispersed": (
        "y ~ x + (1 | g)",
        {"y": rng.poisson(1e9, N), "x": X, "g": GROUP},
        "negative_binomial",
        None,
    ),
    "one-row groups": (
        "y ~ x + (x | g)",
        {"y": NOISE[:10], "x": X[:10], "g": np.arange(10)},
        "gaussian",
        None,
    ),
    "two groups": ("y ~ x + (x | g)", {"y": NOISE, "x": X, "g": GROUP % 2}, "gaussian", None),
    "no noise": ("y ~ x + (1 | g)", {"y": 1 + 2 * X, "x": X, "g": GROUP}, "gaussian", None),
    "constant outcome": ("y ~ x + (1 | g)", {"y": ZERO + 3.5, "x": X, "g": GROUP}, "gaussian", None),
    "large outcome": ("y ~ x + (1 | g)", {"y": 1e9 * (GROUP + NOISE), "x": X, "g": GROUP}, "gaussian", None),
    "flat priors": (
        "y ~ x + (1 | g)",
        {"y": NOISE, "x": X, "g": GROUP},
        "gaussian",
        {"Intercept": Flat(), "x": Flat(), "sigma": Flat(), "1|g": Normal(0, Flat())},
    ),
    "collinear": ("y ~ x + z", {"y": NOISE, "x": X, "z": 2 * X + 1}, "gaussian", None),
    "collinear, flat": (
        "y ~ x + z + (1 | g)",
        {"y": NOISE, "x": X, "z": 2 * X + 1, "g": GROUP},
        "gaussian",
        {"Intercept": Flat(), "x": Flat(), "z": Flat()},
    ),
    "one group dominating": (
        "y ~ 1 + (1 | g)",
        {"y": rng.integers(0, 2, 2005), "g": np.r_[np.zeros(2000, int), 1:6]},
        "bernoulli",
        None,
    ),
    "the same factor's slopes on a constant": (
        "y ~ 0 + (1 | g)",
        {"y": ZERO + 1, "g": GROUP},
        "gaussian",
        None,
    ),
}


@pytest.mark.parametrize("kind", HARD)
def test_hard_data_give_finite_coordinates_and_a_finite_start(kind: str) -> None:
    spec = model(*HARD[kind])
    geometry = choose_geometry(spec)
    assert all(np.all(np.isfinite(a)) for a in arrays(geometry))
    assert np.all(geometry.hyper_scale > 0)
    assert np.all(np.diag(geometry.coef_scale) > 0)
    density = Density(spec, geometry)
    for start in np.random.default_rng(0).normal(0, 0.5, (5, density.n_dim)):
        value, gradient = density(start)
        assert np.isfinite(value)
        assert np.all(np.isfinite(gradient))


@pytest.mark.parametrize("unit", [1e-8, 150.0, 1e11])
@pytest.mark.parametrize("of", ["y", "x"])
def test_units_change_nothing_but_numbers(of: str, unit: float) -> None:
    """Salaries in another currency: the fit stopped where it started, for it kept curvatures above 1e-8."""
    rng = np.random.default_rng(7)
    g, x = np.repeat(np.arange(40), 20), rng.normal(size=800)
    y = 6 + rng.normal(size=40)[g] + (0.5 + 0.3 * rng.normal(size=40)[g]) * x + 1.5 * rng.normal(size=800)
    table = {"y": y, "x": x, "g": g}
    one = model("y ~ x + (x | g)", table, "gaussian")
    other = model("y ~ x + (x | g)", table | {of: unit * table[of]}, "gaussian")
    draws, same = (sample(spec, NutsOptions(draws=100, chains=1, seed=1)).values[0] for spec in (one, other))
    slope = unit if of == "y" else 1 / unit
    level = unit if of == "y" else 1.0
    factors = {"x": slope, "x|g_sigma": slope, "x|g": slope, "g_corr": 1.0}
    for variable in one.layout.variables:
        factor = factors.get(variable.name, level)
        theirs = same[:, variable.columns] / factor
        # Default priors are rounded to four digits, so densities differ a little.
        np.testing.assert_allclose(np.mean(theirs), np.mean(draws[:, variable.columns]), rtol=0.02, atol=0.02)
