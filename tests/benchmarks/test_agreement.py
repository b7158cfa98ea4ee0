"""The function that decides whether times may be read: it passes equals and catches what is shifted."""

from __future__ import annotations

import agreement
import figures_of
import numpy as np
import pytest
from agreement import Moments

VALUES = 250


def _draws(seed: int, shift: float = 0.0, spread: float = 1.0) -> Moments:
    """Draws of 250 parameters with different scales, one of them shifted or wider by the given sds."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(4, 1000, VALUES))
    values[..., 7] = shift + spread * values[..., 7]
    return agreement.effective(5.0 + np.geomspace(0.01, 100, VALUES) * values)[0]


@pytest.mark.parametrize("seed", range(5))
def test_two_runs_of_one_posterior_agree(seed: int) -> None:
    # False alarms: 250 means and sds at 5 standard errors and more, 3e-4 a pair of runs.
    assert agreement.agreement(_draws(2 * seed), _draws(2 * seed + 1)).agrees


@pytest.mark.parametrize(("shift", "spread"), [(0.2, 1.0), (-0.2, 1.0), (0.0, 1.25), (0.0, 0.8)])
def test_one_shifted_or_wider_parameter_of_many_is_found(shift: float, spread: float) -> None:
    found = agreement.agreement(_draws(1), _draws(2, shift, spread))
    assert not found.agrees
    assert max(found.mean_gap, found.sd_gap) > 0.15


def test_what_has_no_sd_is_not_compared() -> None:
    record = {"mean": [0.0, 1.0], "sd": [1.0, None]}
    found = agreement.agreement(agreement.moments(record), agreement.moments(record | {"mean": [0.0, 9.0]}))
    assert found.agrees


def test_records_survive_being_written() -> None:
    before = _draws(3)
    after = agreement.moments(before.record())
    assert np.allclose(before.mean, after.mean, rtol=1e-5)
    assert np.allclose(before.ess, after.ess, rtol=1e-5)


def test_a_time_beside_another_posterior_is_not_believed() -> None:
    def record(moments: Moments) -> dict[str, object]:
        sizes = [{"ess_bulk": 4000.0, "ess_tail": 4000.0}]
        return {"status": "measured", "sizes": sizes, "moments": moments.record()}

    records = {"partialpool": record(_draws(1)), "same": record(_draws(2)), "other": record(_draws(3, 0.5))}
    assert figures_of.believed(records, "same")
    assert not figures_of.believed(records, "other")
    assert not figures_of.believed(records, "absent")
