"""Chains go on where draws are not enough; R-hat above 1.01 by chance is told from chains that disagree."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.inference.targets import normal

from partialpool.inference.convergence import convergence, disagreeing
from partialpool.inference.nuts.engine import run
from partialpool.inference.nuts.longer import Wanted
from partialpool.inference.options import NutsOptions

OPTIONS = NutsOptions(draws=100, chains=2, warmup=100, seed=4, target_accept=0.8, cores=1)
TARGET = normal(np.array([[1.0, 0.5], [0.5, 2.0]]))


class Times(Wanted):
    """Wants more so many times."""

    def more(self, values: np.ndarray, n_steps: np.ndarray) -> bool:
        assert values.shape == (2, len(n_steps[0]), 2)
        asked.append(len(n_steps[0]))
        return len(asked) <= self.size


asked: list[int] = []


@pytest.mark.parametrize(("times", "spacing"), [(0, 1), (1, 2), (2, 4), (9, 4)])
@pytest.mark.parametrize("draws", [100, 101])
def test_draws_are_every_second_or_fourth_of_a_longer_run(times: int, spacing: int, draws: int) -> None:
    asked.clear()
    options = replace(OPTIONS, draws=draws)
    found = run(TARGET, options, None, low_rank=False, wanted=Times(np.arange(2), times))
    assert found.spacing == spacing
    assert found.values.shape == (2, draws, 2)
    assert not found.interrupted
    long = run(TARGET, replace(options, draws=4 * draws + 4), None, low_rank=False)
    if draws % 2 == 0:
        ends = slice(spacing - 1, spacing * draws, spacing)
        np.testing.assert_array_equal(found.values, long.values[:, ends])
        steps = long.stats["n_steps"][:, : spacing * draws].reshape(2, draws, spacing).sum(axis=2)
        np.testing.assert_array_equal(found.stats["n_steps"], steps)


def autoregressive(rho: float, n: int, v: int, seed: int) -> np.ndarray:
    """(4, n, v) stationary normals, each correlated with the one before."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(4, n, v))
    for i in range(1, n):
        x[:, i] = rho * x[:, i - 1] + np.sqrt(1 - rho**2) * x[:, i]
    return x


def test_more_is_wanted_of_slow_chains_and_not_of_quick_or_hopeless_ones() -> None:
    steps = np.full((4, 1000), 7.0)
    wanted = Wanted(np.arange(3), 100)
    assert not wanted.more(autoregressive(0.3, 1000, 3, 1), steps)
    slow = autoregressive(0.9, 1000, 3, 2)
    assert np.min(convergence(slow).ess_bulk) < 400
    assert wanted.more(slow, steps)
    assert not wanted.more(slow, 1e6 * steps)  # work enough
    assert not wanted.more(slow[:, :200], steps[:, :200])
    assert not wanted.more(slow + 5.0 * np.arange(4)[:, None, None], steps)  # elsewhere: hopeless
    assert not Wanted(np.arange(0), 100).more(slow, steps)


@pytest.mark.parametrize("rho", [0.0, 0.6])
def test_r_hat_by_chance_is_not_called_disagreement(rho: float) -> None:
    """Of 100 fits of 200 values each one would be a false alarm; more than six have a probability of 1e-4."""
    alarms = above = 0
    for seed in range(100):
        figures = convergence(autoregressive(rho, 1000, 200, seed))
        alarms += bool(np.any(disagreeing(figures, 4, 1000)))
        above += int(np.sum(figures.r_hat > 1.01))
    assert alarms <= 6
    if rho:
        assert above > 50  # an ESS of 1,000: each would have been reported


def test_a_chain_elsewhere_is_called_disagreement() -> None:
    x = autoregressive(0.6, 1000, 200, 3)
    x[0, :, 7] += 0.7
    found = disagreeing(convergence(x), 4, 1000)
    assert found[7]
    assert np.sum(found) == 1
