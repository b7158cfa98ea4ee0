"""Chains with helpers: the same draws on any number of cores, and no thread outlives its fit."""

from __future__ import annotations

import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from tests.inference.models import model

from partialpool.inference.nuts import sample as nuts
from partialpool.inference.nuts.sample import sample
from partialpool.inference.options import NutsOptions
from partialpool.kernels.density.likelihood import BLOCK
from partialpool.model import shares
from partialpool.model.spec import ModelSpec

RNG = np.random.default_rng(11)
N = 5000


@pytest.fixture(autouse=True)
def small_shares(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make models of the tests' size be cut as large ones are."""
    monkeypatch.setattr(shares, "SMALLEST", BLOCK)


@pytest.fixture
def teams(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Write down the (helpers, callers) of every team."""
    made: list[tuple[int, int]] = []
    plain = nuts.team

    def noted(n_helpers: int, n_callers: int):
        made.append((n_helpers, n_callers))
        return plain(n_helpers, n_callers)

    monkeypatch.setattr(nuts, "team", noted)
    return made


@pytest.fixture(scope="module")
def spec() -> ModelSpec:
    x, g, h = RNG.normal(size=N), RNG.integers(0, 40, N), RNG.integers(0, 7, N)
    b = RNG.random(N) < 1 / (1 + np.exp(-0.5 * x - 0.3 * RNG.normal(size=40)[g]))
    return model("b ~ x + (1 | g) + (1 | h)", {"b": b * 1, "x": x, "g": g, "h": h}, "bernoulli")


def test_the_same_seed_gives_the_same_draws_on_any_number_of_cores(
    spec: ModelSpec, teams: list[tuple[int, int]]
) -> None:
    """One core to two chains, one each, and more than that."""
    asked = NutsOptions(draws=40, chains=2, warmup=50, seed=5)
    runs = [sample(spec, replace(asked, cores=cores)) for cores in (1, 2, 3, 7)]
    assert [max(helpers, 0) for helpers, _ in teams] == [0, 0, 1, 5]
    for run in runs[1:]:
        np.testing.assert_array_equal(run.values, runs[0].values)
        for name, values in run.stats.items():
            np.testing.assert_array_equal(values, runs[0].stats[name])


def test_small_models_have_no_helpers(teams: list[tuple[int, int]]) -> None:
    small = model("y ~ 1", {"y": RNG.normal(size=100)})
    sample(small, NutsOptions(draws=10, chains=2, warmup=50, cores=16))
    assert teams == [(0, 2)]


def test_there_are_no_more_helpers_than_shares_for_them(teams: list[tuple[int, int]]) -> None:
    x = RNG.normal(size=2 * BLOCK)
    few = model("y ~ x", {"y": x + RNG.normal(size=2 * BLOCK), "x": x})
    sample(few, NutsOptions(draws=10, chains=2, warmup=50, cores=16))
    assert teams == [(2, 2)]


def test_two_fits_at_once_give_what_each_gives_alone(spec: ModelSpec) -> None:
    options = [NutsOptions(draws=30, chains=1, warmup=50, cores=3, seed=seed) for seed in (1, 2)]
    alone = [sample(spec, asked).values for asked in options]
    with ThreadPoolExecutor(2) as both:
        together = list(both.map(lambda asked: sample(spec, asked).values, options))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one, other)


# --- threads end with their fit ----------------------------------------------------------------------------


def test_no_thread_is_left_by_two_hundred_fits() -> None:
    x = RNG.normal(size=2 * BLOCK)
    quick = model("y ~ x", {"y": x + RNG.normal(size=2 * BLOCK), "x": x})
    before = set(threading.enumerate())
    for seed in range(200):
        sample(quick, NutsOptions(draws=5, chains=1, warmup=50, cores=2, seed=seed))
        assert set(threading.enumerate()) == before


def test_an_interruption_ends_the_helpers(spec: ModelSpec) -> None:
    sample(spec, NutsOptions(draws=1, chains=1, warmup=50))  # compiled before the clock starts
    before = set(threading.enumerate())
    timer = threading.Timer(2.0, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    draws = sample(spec, NutsOptions(draws=10**6, chains=2, warmup=50, cores=4, seed=1))
    stopped = time.perf_counter()
    assert draws.interrupted
    timer.join()
    assert set(threading.enumerate()) == before
    assert time.perf_counter() - stopped < 1.0


def test_an_error_ends_the_helpers(spec: ModelSpec) -> None:
    before = set(threading.enumerate())

    def fail(done: int, total: int, divergences: int) -> None:
        raise ValueError("of the progress")

    with pytest.raises(ValueError, match="of the progress"):
        sample(spec, NutsOptions(draws=1000, chains=1, cores=3), fail)
    assert set(threading.enumerate()) == before
