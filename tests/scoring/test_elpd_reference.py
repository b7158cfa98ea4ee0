"""Against R's package loo: figures that tests/reference/elpd.R recorded, and the matrices that it made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from partialpool.formula.records import Outcome
from partialpool.scoring.comparison import compare
from partialpool.scoring.elpd import Elpd
from partialpool.scoring.elpd_sums import add_up
from partialpool.scoring.pareto import smooth
from partialpool.scoring.waic import penalised

REFERENCE = Path(__file__).parents[1] / "reference" / "elpd.json"
PRIMES = np.array([2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71])
SCALES = {"rising": np.linspace(0.1, 1.3, 20), "falling": np.linspace(1.1, 0.1, 20)}
N = len(PRIMES)


@pytest.fixture(scope="module")
def recorded() -> dict[str, Any]:
    return json.loads(REFERENCE.read_text())


def matrix(name: str) -> np.ndarray:
    z = stats.norm.ppf(np.arange(1, 401)[:, np.newaxis] * np.sqrt(PRIMES) % 1.0)
    y = (np.arange(1, 21) % 5 - 2) / 2
    return stats.norm.logpdf(y, SCALES[name] * z, 1.0)


@pytest.mark.parametrize("name", SCALES)
def test_smoothed_importance_sampling_agrees_with_r(recorded: dict[str, Any], name: str) -> None:
    found, expected = smooth(matrix(name), 1.0), recorded[name]["loo"]
    assert max(expected["pareto_k"]) > 0.7
    for figure in ("elpd", "p", "pareto_k"):
        np.testing.assert_allclose(getattr(found, figure), expected[figure], rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(found.n_eff, expected["n_eff"], rtol=1e-6)


@pytest.mark.parametrize("name", SCALES)
def test_waic_agrees_with_r(recorded: dict[str, Any], name: str) -> None:
    elpd, p = penalised(matrix(name))
    np.testing.assert_allclose(elpd, recorded[name]["waic"]["elpd"], rtol=1e-9)
    np.testing.assert_allclose(p, recorded[name]["waic"]["p"], rtol=1e-9)


def model(name: str) -> Elpd:
    found = smooth(matrix(name), 1.0)
    rows = pd.DataFrame({"elpd": found.elpd, "p": found.p, "pareto_k": found.pareto_k})
    total, se, n = add_up(found.elpd, np.ones(N))
    outcome = Outcome("y", np.zeros(N), {}, None)
    return Elpd("loo", name, total, se, float(found.p.sum()), n, 400, rows, outcome, good_k=0.6)


def test_comparison_and_stacking_agree_with_r(recorded: dict[str, Any]) -> None:
    expected = recorded["compare"]
    table = compare({name: model(name) for name in SCALES})
    assert table.index[0] == expected["best"]
    np.testing.assert_allclose(table["difference"].iloc[1], expected["difference"], rtol=1e-6)
    # R divides by n - 1, ArviZ by n.
    se = expected["se_difference"] * np.sqrt((N - 1) / N)
    np.testing.assert_allclose(table["se_difference"].iloc[1], se, rtol=1e-6)
    np.testing.assert_allclose(table["weight"].loc[list(SCALES)], expected["weights"], atol=1e-3)
