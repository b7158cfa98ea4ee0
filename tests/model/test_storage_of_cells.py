"""The density does not depend on how its cells are kept, nor on how their groups are read."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from tests.inference.models import model

from partialpool.formula.formula import Formula
from partialpool.kernels.density.packed_rows import widened
from partialpool.model import cells as cells_file
from partialpool.model.density import Density
from partialpool.model.geometry import plain_geometry
from partialpool.model.spec import ModelSpec


def make_rows(seed: int = 0) -> pd.DataFrame:
    """1,700 rows, more than three blocks; a large group ends where the first block does."""
    rng, n = np.random.default_rng(seed), 1700
    sizes = [512, 30, 300, 40, 9, 9, 700, 100]
    return pd.DataFrame(
        {
            "y": rng.normal(size=n),
            "k": rng.poisson(300, n),
            "b": rng.integers(0, 2, n),
            "x": rng.normal(size=n),  # double precision
            "q": rng.integers(-500, 500, n) / 8,  # single
            "f": rng.integers(0, 2, n),  # byte
            "w": rng.normal(size=n),
            "v": rng.integers(0, 5, n),
            "g": np.repeat(np.arange(8), sizes),
            "h": rng.integers(0, 5, n),
        }
    )


FORMULAS = {
    "gaussian": Formula("y ~ x + q + f + w + v + offset(q) + (x + f | g) + (q | h)", sigma="~ f + (1 | g)"),
    "poisson": Formula("k ~ x + q + f + (1 | g) + (0 + f | h)"),
    "bernoulli": Formula("b ~ x + q + f + w + (1 + q | g)"),
}


def evaluate(spec: ModelSpec, seed: int = 1) -> np.ndarray:
    density = Density(spec, plain_geometry(spec))
    value, gradient = density(0.1 * np.random.default_rng(seed).normal(size=density.n_dim))
    return np.append(gradient, value)


@pytest.mark.parametrize("family", FORMULAS)
def test_double_precision_gives_the_same_numbers_to_the_last_bit(family: str) -> None:
    spec = model(FORMULAS[family], make_rows(), family)
    cells, n = spec.cells, spec.cells.index.n_cells
    types = {row.dtype for row in cells.columns} | {row.dtype for row in cells.stats}
    assert {np.dtype(np.int8), np.dtype(np.float32), np.dtype(np.float64)} <= types
    wide = replace(cells, columns=tuple(widened(cells.columns, n)), offsets=tuple(widened(cells.offsets, n)))
    if family != "bernoulli":  # whose loop for single rows is chosen by its constant statistic
        wide = replace(wide, stats=tuple(widened(cells.stats, n)))
    np.testing.assert_array_equal(evaluate(spec), evaluate(replace(spec, cells=wide)))


@pytest.mark.parametrize("family", FORMULAS)
def test_runs_of_a_group_are_its_cells_one_by_one(family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = model(FORMULAS[family], make_rows(), family)
    runs = [len(cells_file.group_runs(index)[0]) for index in spec.cells.group_index]
    assert 8 in runs
    by_run = evaluate(spec)
    monkeypatch.setattr(cells_file, "SHORTEST_RUNS", 10_000)
    one_by_one = replace(spec, cells=replace(spec.cells))  # which has not looked for runs yet
    np.testing.assert_allclose(by_run, evaluate(one_by_one), rtol=1e-11, atol=1e-11)


def test_rows_of_one_trial_are_cells_of_one_trial() -> None:
    """The loop that takes one logarithm a block, against the one for any number of trials."""
    spec = model(FORMULAS["bernoulli"], make_rows(), "bernoulli")
    assert spec.cells.only_unit_cells
    general = tuple(widened(spec.cells.stats, spec.cells.index.n_cells))
    other = replace(spec, cells=replace(spec.cells, stats=general))
    assert not other.cells.only_unit_cells
    np.testing.assert_allclose(evaluate(spec), evaluate(other), rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("intercept", [0.0, -700.0, 700.0, 1e6])
def test_a_block_of_one_trial_each_has_its_logarithm_in_range(intercept: float) -> None:
    """At 0 the product of a full block of factors is 2^512; far out it is 1."""
    rows = make_rows()
    spec = model("b ~ x", rows, "bernoulli")
    density = Density(spec, plain_geometry(spec))
    at = [density(np.array([a, 0.0]))[0] for a in (intercept, 0.0)]
    prior = -0.5 * (intercept / 2.5) ** 2
    ones = rows["b"].to_numpy()
    expected = -np.logaddexp(0.0, np.where(ones == 1, -intercept, intercept)).sum() + prior
    assert at[0] - at[1] == pytest.approx(expected + len(rows) * np.log(2.0), rel=1e-12, abs=1e-9)
