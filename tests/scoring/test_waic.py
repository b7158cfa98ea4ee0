"""WAIC by hand; `test_elpd_reference` compares it with R."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import partialpool as pp
from partialpool.predict.log_likelihood import log_likelihood
from partialpool.scoring.elpd_findings import waic_finding
from partialpool.scoring.waic import waic

N = 20


@pytest.fixture(scope="module")
def fit() -> pp.Fit:
    rng = np.random.default_rng(2)
    table = pd.DataFrame({"g": rng.integers(0, 4, N), "y": rng.normal(size=N)})
    return pp.Model("y ~ 1 + (1 | g)", table).fit(100, 2, seed=3, progress=False)


def test_it_is_density_less_variance(fit: pp.Fit) -> None:
    values = log_likelihood(fit.fitted).reshape(200, -1)
    p = values.var(axis=0, ddof=1)
    elpd = np.log(np.exp(values).mean(axis=0)) - p
    found = waic(fit.fitted)
    np.testing.assert_allclose(found.rows["elpd"], elpd, rtol=1e-10)
    np.testing.assert_allclose(found.rows["p"], p, rtol=1e-10)
    assert found.elpd == pytest.approx(elpd.sum())
    assert found.se == pytest.approx(np.sqrt(N * elpd.var()))


def test_a_large_variance_is_a_problem(fit: pp.Fit) -> None:
    (finding,) = waic_finding(fit.model.spec, np.array([0.1, 0.5, 0.2, 0.7]))
    assert finding.severity == "problem"
    assert "above 0.4 in 2 of 4 rows (row 3: 0.70, row 1: 0.50; rows count from 0)" in finding.what
    assert "fit.loo()" in finding.advice
    assert waic_finding(fit.model.spec, np.array([0.1, 0.4])) == ()


def test_the_page_says_what_it_is(fit: pp.Fit) -> None:
    assert f"Widely applicable information criterion: {N} observations, 200 draws." in str(waic(fit.fitted))
