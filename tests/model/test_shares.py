"""Cells cut into shares: by the data alone, with sums in little memory; the likelihood stays what it was."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.inference.models import model

from partialpool.formula.formula import Formula
from partialpool.inference.nuts.helpers import team
from partialpool.kernels.density.likelihood import BLOCK
from partialpool.model import shares
from partialpool.model.density import Density
from partialpool.model.geometry import plain_geometry
from partialpool.model.shares import MOST, SMALLEST, cut, most_shares

RNG = np.random.default_rng(5)


def grouped(groups: np.ndarray, width: int = 1) -> tuple[Any, list[np.ndarray]]:
    """A block of effects, as far as shares look at it, and the groups of its cells."""
    return SimpleNamespace(size=int(groups.max()) + 1, width=width), [groups.astype(np.int32)]


@pytest.mark.parametrize(
    ("n", "expected"),
    [(0, 1), (1, 1), (60, 1), (2 * SMALLEST - 1, 1), (2 * SMALLEST, 2), (100_000, 12), (10**8, MOST)],
)
def test_shares_are_large_and_not_too_many(n: int, expected: int) -> None:
    assert most_shares(n) == expected
    found = cut(n, 3, [])
    assert len(found.start) == expected + 1
    assert (found.start[0], found.start[-1]) == (0, n)
    assert np.all(found.start[1:-1] % BLOCK == 0)
    if expected > 1:
        assert SMALLEST - BLOCK < np.min(np.diff(found.start)) <= np.max(np.diff(found.start)) < 2**21
    np.testing.assert_array_equal(found.place, 3 * np.arange(expected + 1))


def test_each_share_has_sums_for_the_groups_of_its_cells() -> None:
    n = 5 * SMALLEST
    terms = [grouped(np.sort(RNG.integers(0, 900, n)), 2), grouped(RNG.integers(0, 40, n))]
    found = cut(n, 3, terms)
    rows = found.term.reshape(5, 2, 3)
    for s, (first, stop) in enumerate(zip(found.start[:-1], found.start[1:], strict=True)):
        length = 0
        for t, (effects, (every,)) in enumerate(terms):
            low, high, zero = rows[s, t]
            groups = every[first:stop]
            np.testing.assert_array_equal(
                [low, high], effects.width * np.array([groups.min(), groups.max() + 1])
            )
            assert zero + low == length
            length += high - low
        assert found.place[s + 1] - found.place[s] == 3 + length
    # Of the factor that cells are sorted by, shares have hardly more sums than there are effects.
    assert np.sum(rows[:, 0, 1] - rows[:, 0, 0]) <= 2 * (900 + 4)


def test_sums_stay_small_against_the_cells() -> None:
    """A crossed factor of many groups has a whole copy of its effects in each share: then there are fewer."""
    n = 40 * SMALLEST
    largest = grouped(np.sort(RNG.integers(0, n // 5, n)))
    counts = []
    for n_groups in (100, 1000, 10_000, 100_000):
        found = cut(n, 3, [largest, grouped(RNG.integers(0, n_groups, n))])
        counts.append(len(found.start) - 1)
        if counts[-1] > 1:
            assert found.place[-1] <= 3 + n // 5 + n_groups + n // 16
    assert counts[0] == 40
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] == 1


# --- the likelihood ---------------------------------------------------------------------------------------


def rows(n: int = 6000) -> pd.DataFrame:
    return pd.DataFrame(
        {
            **{name: RNG.normal(size=n) for name in ("y", "x", "z", "a", "c", "d")},
            "b": RNG.integers(0, 2, n),
            "k": RNG.poisson(3, n),
            "g": RNG.integers(0, 150, n),
            "h": RNG.integers(0, 9, n),
        }
    )


MODELS = {
    "coefficients alone": ("b ~ x + z + a + c + d", "bernoulli"),
    "sorted groups": ("b ~ x + (x | g)", "bernoulli"),
    "nested": ("y ~ x + (1 | h/g)", "gaussian"),
    "crossed": ("k ~ x + (1 | g) + (0 + z | h)", "poisson"),
    "two predictors": (Formula("y ~ x + (1 | g)", sigma="~ z + (z | h)"), "gaussian"),
    "outcomes as keys": ("k ~ x + (1 | h)", "negative_binomial"),
}


@pytest.fixture
def small_shares(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shares, "SMALLEST", BLOCK)


@pytest.mark.parametrize(("formula", "family"), MODELS.values(), ids=MODELS)
def test_shares_add_up_to_the_whole(formula, family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = model(formula, rows(), family)
    whole = Density(spec, plain_geometry(spec))
    monkeypatch.setattr(shares, "SMALLEST", BLOCK)
    parts = Density(spec, plain_geometry(spec))
    assert len(whole.inputs.share_start) == 2
    assert len(parts.inputs.share_start) > 5
    for scale in (0.0, 0.3):
        x = scale * np.random.default_rng(1).normal(size=whole.n_dim)
        (one, gradient), (other, by_parts) = whole(x), parts(x)
        assert other == pytest.approx(one, rel=1e-12)
        np.testing.assert_allclose(by_parts, gradient, rtol=1e-9, atol=1e-9 * np.abs(gradient).max())


@pytest.mark.usefixtures("small_shares")
@pytest.mark.parametrize(("formula", "family"), MODELS.values(), ids=MODELS)
def test_threads_change_no_bit(formula, family: str) -> None:
    spec = model(formula, rows(), family)
    alone = Density(spec, plain_geometry(spec))
    x = 0.3 * np.random.default_rng(1).normal(size=alone.n_dim)
    value, gradient = alone(x)
    for n_helpers in (1, 3):
        with team(n_helpers, 1) as members:
            density = Density(spec, plain_geometry(spec), members)
            for _ in range(50):
                found, slope = density(x)
                assert found == value
                np.testing.assert_array_equal(slope, gradient)
