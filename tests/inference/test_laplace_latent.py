"""Latent gaussian models: marginal densities against dense closed forms and brute force, draws, gradients."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import logsumexp
from tests.inference.models import model

from partialpool.errors import FitError
from partialpool.families.gaussian import Gaussian
from partialpool.formula.formula import Formula
from partialpool.inference.laplace import inner
from partialpool.inference.laplace.latent import LatentGaussian, is_latent_gaussian
from partialpool.model.spec import ModelSpec
from partialpool.priors.base import AtMeans, Prior
from partialpool.priors.normal import HalfNormal, Normal
from partialpool.priors.student_t import StudentT
from partialpool.priors.uniform import Flat

rng = np.random.default_rng(8)
N = 90
G, H = rng.integers(0, 12, N), rng.integers(0, 5, N)
X = rng.normal(size=N) + 1.5
TABLE = pd.DataFrame(
    {"x": X, "g": G, "h": H, "s": G // 4, "o": rng.normal(size=N), "w": rng.integers(1, 4, N)}
)
TABLE["y"] = 20 + 0.5 * X + rng.normal(size=12)[G] + 0.6 * rng.normal(size=5)[H] + rng.normal(size=N)

# Groups on a line, with variances of their own, and one that no row has.
LINE = np.exp(-np.abs(np.subtract.outer(range(16), range(16))) / 3) * np.outer(*[1 + np.arange(16) / 20] * 2)
COVARIANCES = {"A": pd.DataFrame(LINE, range(16), range(16))}

GAUSSIAN = {
    "one": ("y ~ x + (1 | g)", {}),
    "plain prior": ("y ~ x + (1 | g)", {"Intercept": Normal(15, 3), "x": Normal(1, 0.3)}),
    "no coefficient": ("y ~ 0 + (1 | g)", {}),
    "nested": ("y ~ x + (1 | s/g)", {}),
    "crossed": ("y ~ x + (1 | g) + (1 | h)", {}),
    "nested and crossed": ("y ~ x + (1 | s/g) + (x || h)", {}),
    "slopes": ("y ~ x + (x | g) + (1 | h)", {}),
    "several groups a row": ("y ~ x + (x || mm(g, h)) + (1 | g)", {}),
    "weighted groups of a row": ("y ~ x + (x | mm(h, g, weights=cbind(w, s)))", {}),
    "known covariance": ("y ~ x + (1 | gr(g, cov=A)) + (1 | h)", {}),
    "known covariance, slopes": ("y ~ x + (x | gr(g, cov=A))", {}),
    "shared by two terms": ("y ~ x + (1 | p | g) + (0 + x | p | g) + (1 | h)", {}),
    "weights and offset": ("y | weights(w) ~ x + offset(o) + (1 | g) + (1 | h)", {}),
    "fixed sd": ("y ~ x + (1 | g) + (1 | h)", {"1|g": Normal(0, 2)}),
    "fixed mean": ("y ~ x + (1 | g)", {"1|g": Normal(0.5, 2)}),
    "outer coefficient": ("y ~ x + (1 | g) + (1 | h)", {"x": StudentT(3, 0, 1)}),
    "all outer": ("y ~ x + (1 | g)", {"Intercept": AtMeans(StudentT(3, 20, 5))}),
    "sigma by x": (Formula("y ~ x + (1 | g) + (1 | h)", sigma="~ x"), {}),
}


def gaussian(name: str) -> ModelSpec:
    formula, priors = GAUSSIAN[name]
    return model(formula, TABLE, priors=priors, covariances=COVARIANCES if "cov=A" in str(formula) else {})


def single_draw(latent: LatentGaussian, x: np.ndarray) -> dict[str, np.ndarray]:
    values = latent.draw(x[None], np.array([1]), np.random.default_rng(0))[0]
    return {v.name: v.take(values) for v in latent.spec.layout.variables}


def coefficient_normal(spec: ModelSpec, values: dict[str, np.ndarray], latent: LatentGaussian):
    """Rows, means and sds of the normal priors of coefficients; log density of those that are not normal."""
    part, means, sds, rows, log = spec.parameters.predictors[0], [], [], [], 0.0
    matrix = spec.design.predictors["mu"].population.matrix
    weights = spec.design.outcome.weights
    names = [c.name for c in part.coefficients]
    outer = dict.fromkeys(names, False) | {
        c.name: not chosen for c, chosen in zip(part.coefficients, latent.problem.inner, strict=False)
    }
    fixed = np.array([float(values[n]) if outer[n] else 0.0 for n in names])
    for i, coefficient in enumerate(part.coefficients):
        prior, row = coefficient.prior, np.eye(len(names))[i]
        if isinstance(prior, AtMeans):
            prior, row = (
                prior.prior,
                row + np.average(matrix, axis=0, weights=weights) * (np.arange(len(names)) != i),
            )
        if outer[coefficient.name]:
            log += float(prior.logpdf(row @ fixed))
        else:
            rows.append(row), means.append(prior.mean - row @ fixed), sds.append(prior.sd)
    keep = np.array([not outer[n] for n in names], bool)
    rows = np.array(rows).reshape(len(rows), len(names))[:, keep]
    inverse = np.linalg.inv(rows)
    return keep, fixed, inverse @ np.array(means), inverse @ np.diag(np.array(sds) ** 2) @ inverse.T, log


def dense_posterior(latent: LatentGaussian, x: np.ndarray):
    """Log p(y, outer) in full, and the posterior mean and covariance of effects and coefficients, densely."""
    spec, values = latent.spec, single_draw(latent, x)
    design, outcome = spec.design.predictors["mu"], spec.design.outcome
    keep, fixed, mean, covariance, log = coefficient_normal(spec, values, latent)
    columns, prior_mean, blocks, names = [], [], [], []
    for block in spec.parameters.effects:
        sds = [
            values[f"{c.name}_sigma"] if isinstance(c.sd, Prior) else c.prior.scale
            for c in block.coefficients
        ]
        sigma = np.diag(np.array(sds, float) ** 2)
        for c, sd in zip(block.coefficients, sds, strict=True):
            if isinstance(c.sd, Prior):
                log += float(c.sd.logpdf(sd) + np.log(sd))
        if block.corr is not None:
            r = values[block.corr_name][0, 1]
            sigma[0, 1] = sigma[1, 0] = r * sds[0] * sds[1]
            # LKJ(2) of two is a scaled Beta(2, 2); r is the tanh of the outer parameter.
            log += stats.beta(2, 2, -1, 2).logpdf(r) + np.log1p(-(r**2))
        size = block.size
        for own in block.terms:
            shares = [
                ((member.index[:, None] == np.arange(size)), matrix) for member, matrix in own.term.shares()
            ]
            columns += [
                sum(onehot * matrix[:, [a]] for onehot, matrix in shares) for a in range(len(own.term.names))
            ]
        names += [c.name for c in block.coefficients]
        prior_mean += [np.full(size, c.prior.mean if c.sd is None else 0.0) for c in block.coefficients]
        blocks.append(np.kron(sigma, np.eye(size) if block.between is None else block.between))
    matrix = design.population.matrix
    z = np.hstack([*columns, matrix[:, keep]])
    m = np.concatenate([*prior_mean, mean])
    s = np.zeros((len(m), len(m)))
    start = 0
    for b in [*blocks, covariance]:
        s[start : start + len(b), start : start + len(b)] = b
        start += len(b)
    log_sigma, log_noise = noise(spec, values)
    offset = 0.0 if design.offset is None else design.offset
    y = outcome.values - offset - matrix @ fixed
    repeats = np.ones(len(y), int) if outcome.weights is None else outcome.weights.astype(int)
    y, z, variance = (
        np.repeat(y, repeats),
        np.repeat(z, repeats, axis=0),
        np.repeat(np.exp(2 * log_sigma), repeats),
    )
    log += log_noise + stats.multivariate_normal(z @ m, z @ s @ z.T + np.diag(variance)).logpdf(y)
    posterior = np.linalg.inv(z.T @ (z / variance[:, None]) + np.linalg.inv(s))
    centre = posterior @ (z.T @ (y / variance) + np.linalg.solve(s, m))
    chosen = [c.name for c, k in zip(spec.parameters.predictors[0].coefficients, keep, strict=True) if k]
    return log, names + chosen, centre, posterior


def noise(spec: ModelSpec, values: dict[str, np.ndarray]) -> tuple[np.ndarray, float]:
    """(n,) log sigma, and its parameters' log prior with Jacobian."""
    if "sigma" in values:
        sigma, prior = float(values["sigma"]), spec.priors["sigma"]
        return np.full(spec.design.n_rows, np.log(sigma)), float(prior.logpdf(sigma) + np.log(sigma))
    b = np.array([values["sigma_Intercept"], values["sigma_x"]], float)
    matrix = spec.design.predictors["sigma"].population.matrix
    prior = spec.priors["sigma_Intercept"]
    log = float(prior.prior.logpdf(b[0] + b[1] * matrix[:, 1].mean()) + spec.priors["sigma_x"].logpdf(b[1]))
    return matrix @ b, log


def kernel_constant(spec: ModelSpec) -> float:
    """What the model's density leaves out: of normal effects, of a fixed prior's coordinates, of LKJ(2)."""
    total = 0.0
    for block in spec.parameters.effects:
        size = block.size
        for c in block.coefficients:
            total += -size * np.log(c.prior.scale) if c.sd is None else 0.5 * size * np.log(2 * np.pi)
        if block.corr is not None:
            # It has (1 - r^2)^2 in r's free number where the density has 3/4 (1 - r^2)^2.
            total -= np.log(0.75)
    return total


def outer_points(latent: LatentGaussian) -> np.ndarray:
    """A few points, with sds of a thousandth and of a thousand times the outcome's among them."""
    x = np.tile(latent.centre, (5, 1))
    x[:3] += np.random.default_rng(1).normal(size=(3, x.shape[1])) * latent.scale
    sds = slice(int(np.sum(~latent.problem.inner)), None)
    x[3, sds], x[4, sds] = np.minimum(x[3, sds], -7.0), np.maximum(x[4, sds], 5.0)
    for block in latent.spec.parameters.effects:
        if block.corr is not None:
            x[3:, sds.start + 2] = 0.3, -0.8  # a correlation's number, not an sd's log
    return x


@pytest.mark.parametrize("name", GAUSSIAN)
def test_gaussian_models_have_their_exact_marginal_density(name: str) -> None:
    latent = LatentGaussian(gaussian(name))
    points = outer_points(latent)
    expected = [dense_posterior(latent, x)[0] + kernel_constant(latent.spec) for x in points]
    assert latent.exact
    np.testing.assert_allclose(latent.log_density(points), expected, rtol=1e-8, atol=1e-6)


@pytest.mark.parametrize("name", GAUSSIAN)
def test_gaussian_draws_have_their_exact_mean_and_covariance(name: str) -> None:
    """4,000 draws: means within 5 standard errors, variances within 5 of theirs (one in 10^4 runs fails)."""
    latent = LatentGaussian(gaussian(name))
    x = latent.centre + 0.3 * latent.scale
    _, names, mean, covariance = dense_posterior(latent, x)
    draws = latent.draw(x[None], np.array([4000]), np.random.default_rng(3))
    found = np.hstack([named(latent.spec, draws, n) for n in names])
    sd = np.sqrt(np.diag(covariance))
    assert np.all(np.abs(found.mean(axis=0) - mean) < 5 * sd / np.sqrt(4000))
    z = (found - mean) @ np.linalg.inv(np.linalg.cholesky(covariance)).T
    assert np.all(np.abs(z.var(axis=0) - 1) < 5 * np.sqrt(2 / 4000))
    cross = z.T @ z / 4000 - np.diag(np.mean(z**2, axis=0))
    assert np.max(np.abs(cross)) < 6 / np.sqrt(4000)


def named(spec: ModelSpec, draws: np.ndarray, name: str) -> np.ndarray:
    return spec.layout[name].take(draws).reshape(len(draws), -1)


def counts_table() -> pd.DataFrame:
    r = np.random.default_rng(4)
    g, h = r.integers(0, 15, 200), r.integers(0, 6, 200)
    eta = 0.3 + 0.8 * r.normal(size=15)[g] + 0.5 * r.normal(size=6)[h]
    x = r.normal(size=200)
    return pd.DataFrame(
        {
            "g": g,
            "h": h,
            "s": g // 3,
            "x": x,
            "c": r.poisson(np.exp(eta)),
            "b": r.binomial(1, 1 / (1 + np.exp(-eta))),
            "k": np.digitize(eta + 0.5 * x + r.logistic(size=200), [-1.0, 0.2, 1.4]),
        }
    )


GRADIENTS = {
    "crossed": ("y ~ x + (1 | g) + (1 | h)", "gaussian", {}),
    "nested slopes": ("y ~ x + (x | s/g)", "gaussian", {}),
    "outer coefficient": ("y ~ x + (1 | g) + (1 | h)", "gaussian", {"x": StudentT(3, 0, 1)}),
    "sigma by x": (Formula("y ~ x + (1 | g) + (1 | h)", sigma="~ x"), "gaussian", {}),
    "bernoulli": ("b ~ x + (x | g) + (1 | h)", "bernoulli", {"x": StudentT(3, 0, 1)}),
    "several groups a row": ("b ~ x + (x | mm(g, h)) + (1 | s)", "bernoulli", {}),
    "probit": ("b ~ x + (1 | g) + (1 | h)", "bernoulli(probit)", {}),
    "no coefficients": ("b ~ 0 + (1 | g) + (1 | h)", "bernoulli", {}),
    "poisson": ("c ~ x + (1 | s/g)", "poisson", {}),
    "negative binomial": ("c ~ x + (1 | s/g) + (1 | h)", "negative_binomial", {}),
    "thresholds": ("k ~ x + (1 | s/g) + (1 | h)", "cumulative", {}),
    "thresholds of given priors": (
        "k ~ x + (x | g) + (1 | h)",
        "cumulative(probit)",
        {"threshold": Normal(0, 3)},
    ),
    "categories": ("k ~ x + (1 | g) + (1 | h)", "categorical", {}),
    "log link": ("y ~ x + (1 | g) + (1 | h)", "gaussian(log)", {}),
    "both predictors": (Formula("y ~ x + (1 | g)", sigma="~ (1 | h)"), "gaussian", {}),
    "shared by predictors": (Formula("y ~ x + (x | p | g)", sigma="~ (1 | p | g)"), "gaussian", {}),
    "known covariance": ("b ~ x + (x | gr(g, cov=A)) + (1 | h)", "bernoulli", {}),
}


@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients_agree_with_differences(name: str) -> None:
    formula, family, priors = GRADIENTS[name]
    table, known = TABLE if "y" in str(formula) else counts_table(), "cov=A" in str(formula)
    latent = LatentGaussian(model(formula, table, family, priors, COVARIANCES if known else {}))
    x = latent.centre + 0.2 * latent.scale
    value, slope = latent._density_and_gradient(x)
    step = 1e-3 * latent.scale
    expected = [(latent._log_density(x + e) - latent._log_density(x - e)) / 2 for e in np.diag(step)]
    assert np.isfinite(value)
    np.testing.assert_allclose(slope * step, expected, rtol=1e-4, atol=1e-7)


class Precise(Gaussian):
    """A gaussian whose second predictor is the log of the precision, 1 / sigma^2."""

    information_powers = {"sigma": 1.0}  # noqa: RUF012

    def derivatives(self, stats, eta):
        value, first, second = super().derivatives(stats, eta * [[1.0], [-0.5]])
        return value, first * [[1.0], [-0.5]], second * [[1.0], [-0.5], [0.25]]


class Unscaled(Precise):
    """The same, which does not say how its curvature scales."""

    information_powers = {}  # noqa: RUF012


@pytest.mark.parametrize("formula", ["y ~ x + (1 | g) + (1 | h)", "y ~ x + (x | s/g)"])
def test_the_family_says_how_its_curvature_scales(formula: str) -> None:
    """Sums taken once and scaled give what sums at each point do."""
    ours, plain = (
        LatentGaussian(replace(model(formula, TABLE), family=family)) for family in (Precise(), Unscaled())
    )
    assert (ours.problem.scaled, plain.problem.scaled) == (True, False)
    x = ours.centre + 0.3 * ours.scale
    (value, slope), (expected, other) = (latent._density_and_gradient(x) for latent in (ours, plain))
    assert value == pytest.approx(expected, rel=1e-9)
    np.testing.assert_allclose(slope, other, rtol=1e-6)


def test_crossed_binomials_against_brute_force() -> None:
    """2 x 2 groups and an intercept, integrated on a grid of five dimensions."""
    k, trials = np.array([7, 3, 9, 6]), np.full(4, 12)
    table = {"k": k, "n": trials, "g": [0, 0, 1, 1], "h": [0, 1, 0, 1]}
    priors = {"Intercept": Normal(0.2, 1.0), "1|g": Normal(0, HalfNormal(1)), "1|h": Normal(0, HalfNormal(1))}
    spec = model("k | trials(n) ~ 1 + (1 | g) + (1 | h)", table, "binomial", priors)
    latent = LatentGaussian(spec)
    latent.proposal()
    nodes, weights = np.polynomial.hermite_e.hermegauss(16)
    grid = np.array(list(product(nodes, repeat=5)))
    log_weights = np.log(np.array(list(product(weights / weights.sum(), repeat=5)))).sum(axis=1)
    misses = []
    for sds in ([0.6, 0.9], [0.2, 1.3], [1.5, 1.5]):
        b, u, v = 0.2 + grid[:, 0], sds[0] * grid[:, 1:3], sds[1] * grid[:, 3:]
        eta = b[:, None] + u[:, [0, 0, 1, 1]] + v[:, [0, 1, 0, 1]]
        each = log_weights + (k * eta - trials * np.logaddexp(0, eta)).sum(axis=1)
        x = np.log(sds)
        log_prior = stats.halfnorm.logpdf(sds).sum() + x.sum()
        expected = logsumexp(each) + log_prior + 2 * np.log(2 * np.pi)
        at = latent._condition(x)
        uncorrected, corrected = at.log_density, latent.log_density(x[None])[0]
        misses.append([abs(uncorrected - expected), abs(corrected - expected)])
        share = np.exp(each - logsumexp(each))
        exact = np.concatenate([share @ u, share @ v, [share @ b]])
        shifted = at.mode - latent._shift(at).psi
        assert np.linalg.norm(shifted - exact) < 0.75 * np.linalg.norm(at.mode - exact)
    # With two groups of an sd of 1.3 the next order is not all there is; over the three it is much closer.
    before, after = np.array(misses).T
    assert np.max(after) < 0.02
    assert after.sum() < 0.3 * before.sum()


def test_effects_are_checked_against_their_exact_conditionals() -> None:
    """Many trials a group make effects normal; single ones do not, and the check says so."""
    table = counts_table()
    rough = LatentGaussian(model("b ~ 1 + (1 | g) + (1 | h)", table.iloc[:40], "bernoulli"))
    smooth = LatentGaussian(
        model("k | trials(n) ~ 1 + (1 | g) + (1 | h)", table.assign(k=40, n=100), "binomial")
    )
    for latent, least, most in ((rough, 0.8, 0.99), (smooth, 0.99, 1.0)):
        acceptance, groups = latent.check(latent.centre[None], np.ones(1), np.zeros((0, 0)))
        assert least < acceptance <= most
        assert 3 <= len(groups) <= 5
        assert {g.coefficient for g in groups} == {"1|g"}
        assert all(abs(g.mean_shift) < 0.1 and 0.9 < g.sd_ratio < 1.1 for g in groups)
    assert LatentGaussian(gaussian("one")).check(np.zeros((1, 2)), np.ones(1), np.zeros((0, 0))) == (1.0, ())


def test_factors_that_are_too_large_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inner, "MAX_REST", 5)
    with pytest.raises(
        FitError, match=r"g \(12 groups of 1\), h \(5 groups of 1\) are crossed: .*7 rows"
    ) as raised:
        LatentGaussian(gaussian("crossed"))
    assert "method='nuts'" in str(raised.value)
    LatentGaussian(gaussian("nested"))


def test_effects_that_are_not_normal_are_not_latent_gaussian() -> None:
    assert is_latent_gaussian(gaussian("fixed mean"))
    assert not is_latent_gaussian(model("y ~ x + (1 | g)", TABLE, priors={"1|g": StudentT(3, 0, 1)}))


def test_draws_do_not_depend_on_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    points, counts = np.zeros((3, 3)), np.array([2, 0, 3])
    draws = LatentGaussian(gaussian("crossed")).draw(points, counts, np.random.default_rng(1))
    monkeypatch.setattr("partialpool.inference.laplace.latent.SIDE_BY_SIDE", 0)
    again = LatentGaussian(gaussian("crossed"), cores=2).draw(points, counts, np.random.default_rng(1))
    np.testing.assert_array_equal(draws, again)
    assert draws.shape == (5, gaussian("crossed").layout.n_values)


def test_a_flat_prior_is_the_limit_of_a_wide_one() -> None:
    wide = LatentGaussian(
        model("y ~ x + (1 | g)", TABLE, priors={"Intercept": Normal(0, 1e5), "x": Normal(0, 1e5)})
    )
    flat = LatentGaussian(model("y ~ x + (1 | g)", TABLE, priors={"Intercept": Flat(), "x": Flat()}))
    constant = 2 * stats.norm(0, 1e5).logpdf(0.0)
    points = np.array([[0.0, 0.0], [0.3, -1.0]])
    np.testing.assert_allclose(wide.log_density(points), flat.log_density(points) + constant, atol=1e-6)


def test_the_proposal_is_at_the_mode() -> None:
    latent = LatentGaussian(gaussian("crossed"))
    found = latent.proposal()
    _, slope = latent._density_and_gradient(found.centre)
    assert np.linalg.norm(found.scale.T @ slope) < 0.1


def test_an_sd_near_zero_has_the_density_of_zero_but_for_its_prior():
    latent = LatentGaussian(gaussian("one"))
    centre = latent.proposal().centre
    assert len(centre) == 2  # log sigma, log sd; of an sd near zero the prior and the Jacobian are left
    which = int(np.argmin(latent.log_density(np.stack([centre - [30.0, 0.0], centre - [0.0, 30.0]])) < -1e4))
    points = np.repeat(centre[None], 3, axis=0)
    points[:, which] = [-15.0, -25.0, -40.0]
    assert np.diff(latent.log_density(points)) == pytest.approx([-10.0, -15.0], abs=0.01)


def test_far_from_the_mode_no_point_has_more_density_than_there() -> None:
    """Correlations near 1 with large and tiny sds: almost singular covariances of effects."""
    latent = LatentGaussian(model("y ~ x + o + (x + o | g)", TABLE))
    proposal = latent.proposal()
    steps = np.random.default_rng(3).standard_t(5, (400, len(proposal.centre)))
    at_mode = latent.log_density(proposal.centre[None])[0]
    for scale in (1.0, 4.0, 8.0, 16.0):
        found = latent.log_density(proposal.centre + scale * steps @ proposal.scale.T)
        assert np.all(found < at_mode + 3.0)
        assert np.all(np.isfinite(found)) or scale > 8.0
