"""In the coordinates that elimination chooses, gaussian posteriors with known sds are standard normal."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from partialpool.families.gaussian import Gaussian
from partialpool.formula.design import build_design
from partialpool.inference.chosen_geometry import choose_geometry
from partialpool.model.density import Density
from partialpool.model.spec import build_spec
from partialpool.priors.base import Prior
from partialpool.priors.normal import Normal

N = 240


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    group = np.repeat(np.arange(24), 10)
    x = rng.normal(size=N) + 2
    y = rng.normal(size=N) + rng.normal(size=24)[group] + rng.normal(size=6)[group // 4] * x
    return pd.DataFrame({"y": y, "x": x, "a": group // 12, "b": group // 4, "c": group})


KNOWN: dict[str, Prior] = {"Intercept": Normal(0, 3), "x": Normal(0, 2)}
CASES = {
    "y ~ x + (1 | c)": {"1|c": 1.3},
    "y ~ x + (x || c)": {"1|c": 1.3, "x|c": 0.6},
    "y ~ x + (1 | b/c)": {"1|b": 0.8, "1|b:c": 1.3},
    "y ~ x + (1 | c) + (1 | b)": {"1|b": 0.8, "1|c": 1.3},
    "y ~ x + (1 | a/b/c)": {"1|a": 2.0, "1|a:b": 0.8, "1|a:b:c": 1.3},
    "y ~ x + (x || b) + (1 | c)": {"1|b": 0.8, "x|b": 0.5, "1|c": 1.3},
    "y ~ x + (1 | c) + (0 + x | c)": {"1|c": 1.3, "x|c": 0.6},
}


def minus_hessian(density: Density) -> np.ndarray:
    h, at = 1e-4, np.zeros(density.n_dim)
    steps = h * np.eye(density.n_dim)
    return -np.array([(density(at + s)[1] - density(at - s)[1]) / (2 * h) for s in steps])


@pytest.mark.parametrize("formula", CASES)
def test_nested_gaussian_effects_are_standard_normal(table: pd.DataFrame, formula: str) -> None:
    design, _ = build_design(formula, table)
    priors = KNOWN | {name: Normal(0, sd) for name, sd in CASES[formula].items()}
    density = Density(spec := build_spec(design, Gaussian(), priors), choose_geometry(spec))
    keep = np.arange(density.n_dim) != 2  # all but sigma, whose posterior is not normal
    found = minus_hessian(density)[np.ix_(keep, keep)]
    np.testing.assert_allclose(found, np.eye(len(found)), atol=1e-4)
    # The start is the mode: what Gauss-Newton steps left over is small against the posterior's sd of 1.
    assert np.max(np.abs(density(np.zeros(density.n_dim))[1][keep])) < 0.1


def test_crossed_effects_stay_well_conditioned(table: pd.DataFrame) -> None:
    table = table.assign(d=np.arange(N) % 15)
    design, _ = build_design("y ~ x + (1 | c) + (1 | d)", table)
    priors = KNOWN | {"1|c": Normal(0, 1.3), "1|d": Normal(0, 0.7)}
    density = Density(spec := build_spec(design, Gaussian(), priors), choose_geometry(spec))
    keep = np.arange(density.n_dim) != 2
    values = np.linalg.eigvalsh(minus_hessian(density)[np.ix_(keep, keep)])
    assert values[0] > 0.05
    assert values[-1] < 4.0
