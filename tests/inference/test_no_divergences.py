"""No divergence at default settings on posteriors where samplers diverge, for every family."""

from __future__ import annotations

import numpy as np
import pytest
from tests.inference.hard_posteriors import CASES, LARGE

from partialpool.inference.convergence import convergence
from partialpool.inference.draws import Draws
from partialpool.inference.nuts.sample import sample
from partialpool.inference.options import NutsOptions

# Data and draws both change with the seed. Of seeds 0 to 19 the first run diverged once for binomial groups
# that differ wildly, once for separated counts, 8 times for Poisson slopes that follow intercepts, never for
# the other 29 cases.
SEED = 1
MAX_SECOND_RUNS = 2


@pytest.fixture(scope="module")
def runs() -> dict[str, Draws]:
    return {
        name: sample(case(np.random.default_rng(SEED)), NutsOptions(seed=SEED))
        for name, case in CASES.items()
    }


@pytest.mark.parametrize("name", CASES)
def test_what_is_kept_has_no_divergence_and_chains_that_agree(runs: dict[str, Draws], name: str) -> None:
    draws = runs[name]
    assert not np.any(draws.stats["diverging"]), draws.attempts
    assert not np.any(draws.stats["reached_max_treedepth"])
    figures = convergence(draws.values)
    assert np.nanmax(figures.r_hat) < 1.02
    assert np.nanmin(figures.ess_bulk) > 300


def test_a_second_run_with_smaller_steps_is_rarely_needed(runs: dict[str, Draws]) -> None:
    second = [name for name, draws in runs.items() if len(draws.attempts) > 1]
    assert len(second) <= MAX_SECOND_RUNS, second


@pytest.mark.parametrize("name", LARGE)
def test_ten_thousand_groups_of_five_hundred_rows(name: str) -> None:
    """Default settings but for fewer draws of one chain, which keeps the test short."""
    draws = sample(LARGE[name](np.random.default_rng(SEED)), NutsOptions(draws=50, chains=1, seed=SEED))
    assert not np.any(draws.stats["diverging"])
    assert len(draws.attempts) == 1
