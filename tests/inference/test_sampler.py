"""The sampler by itself, on distributions that are known: moments, energies, steps, warm-up, interruption.

A moment may be 4.5 Monte Carlo standard errors off. A correct sampler exceeds that once in 150,000
comparisons; with some 300 here, another seed raises a false alarm in about 1 of 500 runs.
"""

from __future__ import annotations

import numba
import numpy as np
import pytest
from tests.inference.targets import Known, funnel, normal

from partialpool.inference.convergence import convergence
from partialpool.inference.nuts.chain import Chain, start_chain
from partialpool.inference.nuts.engine import run
from partialpool.inference.nuts.metric import (
    Metric,
    _mean_covariance,
    learn_metric,
    principal_directions,
    unit_metric,
    variances_between,
)
from partialpool.inference.nuts.warmup import FIRST_ROUNDS
from partialpool.inference.options import NutsOptions
from partialpool.kernels.density.inputs import address_table
from partialpool.kernels.sampler.leapfrog import LEVEL_ROWS, LEVELS, ChainArrays, G, P, X, leapfrog, pull
from partialpool.kernels.sampler.transitions import MAX_DEPTH

OPTIONS = NutsOptions(draws=1000, chains=4, seed=3, cores=2, target_accept=0.8)
ERRORS = 4.5


def correlated(n: int, rho: float) -> np.ndarray:
    """Covariance with sds from 0.01 to 100 and one common correlation."""
    sd = np.geomspace(0.01, 100, n)
    return np.outer(sd, sd) * (np.full((n, n), rho) + (1 - rho) * np.eye(n))


def assert_moments(values: np.ndarray, covariance: np.ndarray) -> None:
    sd = np.sqrt(np.diag(covariance))
    z = values / sd
    for power, expected in ((1, 0.0), (2, 1.0)):
        figures = convergence(z**power)
        assert np.all(np.abs(figures.mean - expected) < ERRORS * figures.mcse_mean)
    if len(sd) == 1:
        return
    # A product of neighbours has the correlation as its mean.
    figures = convergence(z[..., 1:] * z[..., :-1])
    correlation = np.diag(covariance / np.outer(sd, sd), 1)
    assert np.all(np.abs(figures.mean - correlation) < ERRORS * figures.mcse_mean)


@pytest.mark.parametrize("low_rank", [False, True])
@pytest.mark.parametrize(("n", "rho"), [(1, 0.0), (2, 0.0), (20, 0.0), (20, 0.9)])
def test_a_normal_of_any_scales_has_its_moments(n: int, rho: float, low_rank: bool) -> None:
    covariance = correlated(n, rho)
    made = run(normal(covariance), OPTIONS, None, low_rank=low_rank)
    assert_moments(made.values, covariance)
    assert not made.stats["diverging"].any()
    assert not made.interrupted
    figures = convergence(made.values)
    assert np.max(figures.r_hat) < 1.02
    assert np.min(figures.ess_bulk) > (150 if rho and not low_rank else 1500)


def test_directions_of_the_metric_undo_correlations() -> None:
    """A common correlation is one direction, which no scales can undo."""
    target = normal(correlated(30, 0.98))
    plain, low_rank = (run(target, OPTIONS, None, low_rank=kind).values for kind in (False, True))
    assert np.min(convergence(low_rank).ess_bulk) > 10 * np.min(convergence(plain).ess_bulk)


def test_a_normal_needs_the_shortest_warm_up_that_there_is() -> None:
    for n in (1, 10, 200):
        assert run(normal(np.eye(n)), OPTIONS, None, low_rank=False).warmup == sum(FIRST_ROUNDS)


def test_warm_up_goes_on_until_the_scales_are_known_but_never_beyond_its_limit() -> None:
    hard = funnel(10)
    long = run(hard, NutsOptions(100, 4, 1000, 3, 2, 0.8), None, low_rank=False)
    short = run(hard, NutsOptions(100, 4, 130, 3, 2, 0.8), None, low_rank=False)
    assert sum(FIRST_ROUNDS) < long.warmup <= 1000
    assert short.warmup <= 130


@pytest.mark.parametrize("target_accept", [0.6, 0.8, 0.95])
def test_the_acceptance_rate_asked_for_is_reached(target_accept: float) -> None:
    options = NutsOptions(1000, 4, 1000, 7, 2, target_accept)
    made = run(normal(np.eye(50)), options, None, low_rank=False)
    assert abs(made.stats["acceptance_rate"].mean() - target_accept) < 0.05
    assert len(np.unique(made.stats["step_size"])) == 1


def test_a_funnel_is_reported() -> None:
    """Its neck is narrower than any one step size suits: divergences, and none of them hidden."""
    made = run(funnel(30), OPTIONS, None, low_rank=False)
    assert made.stats["diverging"].any()


def test_statistics_are_of_the_draws() -> None:
    target = normal(correlated(5, 0.5))
    made = run(target, OPTIONS, None, low_rank=False)
    stats = made.stats
    densities = np.array([[target(x)[0] for x in chain[:50]] for chain in made.values])
    np.testing.assert_allclose(stats["lp"][:, :50], densities, rtol=1e-9)
    kinetic = stats["energy"] + stats["lp"]
    assert np.all(kinetic >= 0)
    # Half a chi-square of five degrees of freedom, a little changed by the choice within trajectories.
    assert abs(np.mean(kinetic) - 2.5) < 0.25
    assert np.all(stats["n_steps"] >= 2 ** stats["tree_depth"] - 1)
    assert np.all(stats["n_steps"] < 2 ** (stats["tree_depth"] + 1))
    assert np.all((stats["acceptance_rate"] > 0) & (stats["acceptance_rate"] <= 1))


def test_the_greatest_depth_is_flagged() -> None:
    """Steps so small that the longest trajectory is a thirtieth of a half period."""
    chain = start_chain(normal(np.eye(1)), 1, 0)
    chain.set_step(1e-4)
    stats, nothing = np.empty((3, 8)), np.zeros((0, 0))
    assert chain.advance(unit_metric(1), np.zeros(1, np.int64), stats, nothing, nothing) == 3
    assert np.all(stats[:, 1] == MAX_DEPTH)
    assert np.all(stats[:, 2] == 2**MAX_DEPTH - 1)
    assert np.all(stats[:, 7] == 1)


# --- one leapfrog step ----------------------------------------------------------------------------------


@numba.njit
def steps(chain, work, size, n, value):
    energy = 0.0
    for _ in range(n):
        energy = leapfrog(chain, work, 0, size, value)
    return energy


@numba.njit
def force(chain, gradient, out):
    pull(chain, gradient, out)


def bench(target: Known, metric: Metric) -> tuple[np.ndarray, np.ndarray, ChainArrays]:
    """Table and working matrix of a chain at a random point with a random momentum."""
    rng = np.random.default_rng(2)
    chain = Chain(target, rng.normal(size=target.n_dim), np.ones(4, np.uint64))
    nothing, number = np.zeros((0, 0)), np.zeros(2, np.int64)
    model = np.array([target.n_dim, target.n_values, *target.addresses, target.table.ctypes.data])
    arrays = ChainArrays(
        model, chain.position, chain.gradient, chain.log_density, chain.rng, metric.scale, metric.directions,
        metric.stretch, chain.step, nothing, nothing, np.zeros((1, 8)), number, number,
    )  # fmt: skip
    work = np.zeros((LEVELS + LEVEL_ROWS * MAX_DEPTH, target.n_dim))
    work[X], work[P] = chain.position, rng.normal(size=target.n_dim)
    table = address_table(arrays)
    force(table, chain.gradient, work[G])
    return table, work, arrays


@pytest.fixture(scope="module")
def metric() -> Metric:
    directions = np.linalg.qr(np.random.default_rng(1).normal(size=(4, 2)))[0].T.copy()
    return Metric(np.array([0.5, 2.0, 1.0, 0.1]), directions, np.array([1.5, -0.4]))


def test_steps_are_reversed_by_steps_back(metric: Metric) -> None:
    target = normal(correlated(4, 0.3))
    table, work, _arrays = bench(target, metric)
    before, value = work[: G + 1].copy(), np.zeros(1)
    steps(table, work, 0.003, 20, value)
    assert not np.allclose(work[X], before[X])
    steps(table, work, -0.003, 20, value)
    np.testing.assert_allclose(work[: G + 1], before, rtol=1e-7, atol=1e-9)


def test_the_energy_error_falls_with_the_square_of_the_step(metric: Metric) -> None:
    errors = []
    for size, n in ((0.002, 40), (0.001, 80)):
        target = normal(correlated(4, 0.3))
        table, work, _arrays = bench(target, metric)
        value = np.zeros(1)
        start = 0.5 * work[P] @ work[P] - target(work[X])[0]
        errors.append(abs(steps(table, work, size, n, value) - start))
    assert errors[0] / errors[1] == pytest.approx(4.0, rel=0.2)


def test_the_metric_is_the_matrix_that_it_says(metric: Metric) -> None:
    """Forces are T' g; whitening divides positions by T and multiplies gradients by T'."""
    stretched = np.eye(4) + metric.directions.T @ np.diag(metric.stretch) @ metric.directions
    matrix = np.diag(metric.scale) @ stretched
    target = normal(np.eye(4))
    table, work, arrays = bench(target, metric)
    np.testing.assert_allclose(work[G], matrix.T @ arrays.gradient, rtol=1e-12)
    rng = np.random.default_rng(4)
    x, g = rng.normal(size=(2, 7, 4))
    z, whitened = metric.whiten(x, g)
    np.testing.assert_allclose(z @ matrix.T, x, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(whitened, g @ matrix, rtol=1e-9, atol=1e-12)
    assert table.shape == (len(arrays), 3)


@pytest.mark.parametrize("low_rank", [False, True])
def test_the_metric_of_a_normal_is_learnt_from_few_draws(low_rank: bool) -> None:
    covariance = np.diag([1e-4, 1.0, 1e4]) if not low_rank else correlated(6, 0.95)
    rng = np.random.default_rng(1)
    x = rng.multivariate_normal(np.zeros(len(covariance)), covariance, 40)
    learnt = learn_metric(x, -x @ np.linalg.inv(covariance), low_rank)
    matrix = np.diag(learnt.scale) @ (
        np.eye(len(x[0])) + learnt.directions.T @ np.diag(learnt.stretch) @ learnt.directions
    )
    whitened = np.linalg.solve(matrix, np.linalg.solve(matrix, covariance).T)
    values = np.linalg.eigvalsh(whitened)
    assert values.max() / values.min() < (5.0 if low_rank else 1.0 + 1e-6)


def test_a_direction_among_many_coordinates_takes_shape_from_round_to_round() -> None:
    """A variance of 100 along one direction of 1,000 coordinates, and 50 draws a round to find it in."""
    rng = np.random.default_rng(5)
    u = np.full(1000, 1000**-0.5)
    learnt = None
    for _ in range(3):
        x = rng.normal(size=(50, 1000))
        g = -x - np.outer(x @ u, u) * (0.1 - 1.0)
        x += np.outer(x @ u, u) * 9.0
        learnt = learn_metric(x, g, True, learnt)
    assert learnt is not None
    scaled = u / learnt.scale / np.linalg.norm(u / learnt.scale)
    assert np.max(np.abs(learnt.directions @ scaled)) > 0.95
    assert 50 < np.max(1 + learnt.stretch) ** 2 < 200


def test_chance_among_many_coordinates_is_no_direction() -> None:
    """Gradients that are not quite those of a normal: in the draws themselves some direction stands out."""
    rng = np.random.default_rng(6)
    x = rng.normal(size=(200, 2000))
    g = -x * np.exp(0.4 * rng.normal(size=x.shape))
    seen = _mean_covariance(*(a[::2] @ principal_directions(x[::2], g[::2]).T for a in (x, g)))
    assert np.ptp(np.log(np.linalg.eigvalsh(seen))) > np.log(2.0)
    assert len(learn_metric(x, g, True).stretch) == 0


def test_how_far_a_metric_is_from_another(metric: Metric) -> None:
    np.testing.assert_allclose(variances_between(metric, metric), 1.0)
    np.testing.assert_allclose(variances_between(unit_metric(4), metric), [6.25, 0.36])
    np.testing.assert_allclose(variances_between(metric, unit_metric(4)), [1 / 0.36, 0.16])
    assert len(variances_between(unit_metric(4), unit_metric(4))) == 0


def test_a_coordinate_that_does_not_move_keeps_a_scale_of_one() -> None:
    learnt = learn_metric(np.zeros((10, 2)), np.zeros((10, 2)), low_rank=False)
    np.testing.assert_array_equal(learnt.scale, [1.0, 1.0])
