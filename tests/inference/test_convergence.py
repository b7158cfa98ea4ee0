from __future__ import annotations

import numpy as np
import pytest
from arviz_stats.base import array_stats

from partialpool.inference import convergence as room
from partialpool.inference.convergence import TAIL, convergence

SHAPES = [(4, 200), (4, 201), (3, 57), (2, 4), (2, 5), (4, 7), (1, 100)]


def chains(n_chains: int, n_draws: int, n_variables: int = 30, seed: int = 3) -> np.ndarray:
    """Draw autoregressive chains from antithetic to slow, every third variable rounded so that values tie."""
    noise = np.random.default_rng(seed).normal(size=(n_chains, n_draws, n_variables))
    coefficient = np.linspace(-0.6, 0.98, n_variables)
    x = noise.copy()
    for t in range(1, n_draws):
        x[:, t] = coefficient * x[:, t - 1] + noise[:, t]
    x[:, :, ::3] = np.round(x[:, :, ::3], 1)
    return x


@pytest.mark.parametrize(("n_chains", "n_draws"), SHAPES)
def test_agrees_with_arviz_for_every_variable(n_chains: int, n_draws: int) -> None:
    x = chains(n_chains, n_draws)
    found, one_by_one = convergence(x), np.moveaxis(x, -1, 0)
    expected = {
        "mean": one_by_one.mean(axis=(1, 2)),
        "sd": one_by_one.std(axis=(1, 2)),
        "mcse_mean": array_stats.mcse(one_by_one, method="mean"),
        "mcse_sd": array_stats.mcse(one_by_one, method="sd"),
        "ess_bulk": array_stats.ess(one_by_one, method="bulk"),
        "ess_tail": array_stats.ess(one_by_one, method="tail", prob=TAIL),
        "r_hat": array_stats.rhat(one_by_one),
    }
    for name, figures in expected.items():
        np.testing.assert_allclose(getattr(found, name), figures, rtol=1e-11, err_msg=name)


def test_blocks_and_threads_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    x = chains(4, 100)
    whole = convergence(x)
    monkeypatch.setattr(room, "_BLOCK_VALUES", 4 * 100 * 7)
    blocked = convergence(x)
    np.testing.assert_array_equal(blocked.ess_bulk, whole.ess_bulk)
    np.testing.assert_array_equal(blocked.r_hat, whole.r_hat)


@pytest.mark.parametrize("value", [0.0, 1.0, 0.1, -1e300])
def test_a_constant_is_known_exactly_and_has_no_r_hat(value: float) -> None:
    found = convergence(np.full((4, 100, 1), value))
    assert found.mean[0] == pytest.approx(value)
    assert (found.sd[0], found.mcse_mean[0], found.mcse_sd[0]) == (0, 0, 0)
    assert (found.ess_bulk[0], found.ess_tail[0]) == (400, 400)
    assert np.isnan(found.r_hat[0])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_one_value_that_is_not_finite_spoils_its_own_variable_only(bad: float) -> None:
    x = chains(2, 50)
    expected = convergence(x)
    x[1, 7, 4] = bad
    found = convergence(x)
    assert np.isnan([found.mean[4], found.sd[4], found.ess_bulk[4], found.ess_tail[4], found.r_hat[4]]).all()
    np.testing.assert_array_equal(np.delete(found.r_hat, 4), np.delete(expected.r_hat, 4))


def test_chains_stuck_at_different_values_disagree_without_limit() -> None:
    stuck = np.broadcast_to(np.arange(4.0)[:, np.newaxis, np.newaxis], (4, 100, 1))
    assert convergence(stuck).r_hat[0] > 1e6


def test_too_few_draws_give_mean_and_sd_only() -> None:
    found = convergence(chains(4, 3))
    assert np.isfinite(found.mean).all()
    assert np.isnan(np.stack([found.mcse_mean, found.ess_bulk, found.r_hat])).all()


def test_draws_are_left_as_they_are() -> None:
    x = chains(2, 50)
    x[0, 0, 0] = np.nan
    before = x.copy()
    convergence(x)
    np.testing.assert_array_equal(x, before)
