"""The quick fit's compiled sums against plain ones over all cells at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from tests.inference.models import model

from partialpool.formula.formula import Formula
from partialpool.inference.quickfit.approximations import predictor_scales
from partialpool.inference.quickfit.point import SMALLEST_CURVATURE, FittedEffects, Point
from partialpool.kernels.density.packed_rows import widened
from partialpool.kernels.quickfit.expansion import LARGEST_CURVATURE, packed
from partialpool.model.spec import ModelSpec
from partialpool.priors.base import Prior
from partialpool.priors.normal import Normal

N = 1500  # cells: more than two blocks, the last one in part


def rows() -> pd.DataFrame:
    rng = np.random.default_rng(8)
    g = np.sort(rng.integers(0, 40, N))
    x, z = rng.normal(size=(2, N))
    eta = 0.3 * x + rng.normal(0, 0.5, 40)[g]
    y = {
        "y": eta + rng.normal(size=N),
        "k": rng.poisson(np.exp(eta)),
        "b": rng.random(N) < 1 / (1 + np.exp(-eta)),
    }
    return pd.DataFrame(
        y | {"x": x, "z": z, "few": np.round(z), "g": g, "h": g // 8, "c": rng.integers(0, 9, N)}
    )


CASES = {
    "slopes by group": ("b ~ x + (x + few | g)", "bernoulli"),
    "no terms": ("k ~ x + z", "poisson"),
    "nested and crossed": ("k ~ x + (1 + x | h/g) + (0 + z | c)", "poisson"),
    "two predictors": ("y ~ x + (x | g) + (1 | c)", "gaussian"),
    "terms of both predictors": (
        Formula("k ~ x + (1 | g)", shape="z + (few | h) + (1 | g)"),
        "negative_binomial",
    ),
}


@dataclass
class Plain:
    """All of a model's numbers for each cell."""

    spec: ModelSpec
    point: Point

    def __post_init__(self) -> None:
        cells, self.n = self.spec.cells, self.spec.cells.index.n_cells
        table = np.vstack([widened(cells.columns, self.n), np.ones(self.n)])  # the last row is number -1
        coef, slots = iter(cells.coef_column), sorted(cells.slots, key=lambda s: (s.effects, s.coordinate))
        self.columns = [table[[next(coef) for _ in part.coefficients]] for part in self.point.parts]
        self.terms = [(p, term) for p, part in enumerate(self.point.parts) for term in part.effects]
        self.of_terms = [table[[s.column for s in slots if s.effects == t]] for t in range(len(self.terms))]
        rows = {s.effects: s.row for s in slots}
        self.groups = [cells.group_index[rows[t]] for t in range(len(self.terms))]

    def eta(self, before: bool = False) -> np.ndarray:
        out = widened(self.spec.cells.offsets, self.n)
        for p, part in enumerate(self.point.parts):
            out[p] += (part.before if before else part.coefficients) @ self.columns[p]
        for (p, term), x, g in zip(self.terms, self.of_terms, self.groups, strict=True):
            out[p] += np.sum((term.before if before else term.effects)[g].T * x, axis=0)
        return out

    def derivatives(self, eta: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        value, first, second = self.spec.family.derivatives(widened(self.spec.cells.stats, self.n), eta)
        own = second[[packed(p, p) for p in range(len(eta))]]
        least = SMALLEST_CURVATURE / np.array(predictor_scales(self.spec))[:, None] ** 2
        return value, first, np.clip(own, least, LARGEST_CURVATURE)

    def by_group(self, t: int, values: np.ndarray) -> np.ndarray:
        out = np.zeros((len(self.terms[t][1].effects), *values.shape[1:]))
        np.add.at(out, self.groups[t], values)
        return out


def at_a_random_point(kind: str) -> tuple[Plain, np.random.Generator]:
    spec, rng = model(CASES[kind][0], rows(), CASES[kind][1]), np.random.default_rng(3)
    plain = Plain(spec, Point(spec))
    for part in plain.point.parts:
        part.coefficients[:] += rng.normal(0, 0.2, len(part.coefficients))
    for _, term in plain.terms:
        term.effects[:] = rng.normal(0, 0.3, term.effects.shape)
    return plain, rng


def compare(plain: Plain, first: np.ndarray, second: np.ndarray) -> None:
    for p, part in enumerate(plain.point.parts):
        x = plain.columns[p]
        np.testing.assert_allclose(part.gradient, x @ first[p], rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(part.information, (x * second[p]) @ x.T, rtol=1e-9, atol=1e-9)
    for t, (p, term) in enumerate(plain.terms):
        x = plain.of_terms[t]
        products = np.einsum("an,bn,n->nab", x, x, second[p])
        cross = np.einsum("an,kn,n->nak", x, plain.columns[p], second[p])
        np.testing.assert_allclose(term.gradient, plain.by_group(t, (x * first[p]).T), rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(term.information, plain.by_group(t, products), rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(term.cross, plain.by_group(t, cross), rtol=1e-9, atol=1e-9)
    for link in plain.point.links:
        p, inner, outer = plain.terms[link.inner][0], plain.of_terms[link.inner], plain.of_terms[link.outer]
        cross = np.einsum("an,cn,n->nac", inner, outer, second[p])
        np.testing.assert_allclose(link.cross, plain.by_group(link.inner, cross), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("kind", CASES)
def test_sums_over_blocks_are_those_over_all_cells(kind: str) -> None:
    plain, _ = at_a_random_point(kind)
    value, first, second = plain.derivatives(plain.eta())
    assert plain.point.expand() == pytest.approx(value, rel=1e-10)
    plain.point.finish()
    compare(plain, first, second)


@pytest.mark.parametrize("kind", CASES)
def test_the_expected_likelihood_is_half_of_each_side(kind: str) -> None:
    plain, rng = at_a_random_point(kind)
    variance = np.zeros(plain.n)
    for t, (p, term) in enumerate(plain.terms):
        root = rng.normal(0, 0.3, term.spread.shape)
        term.spread[:] = root @ np.swapaxes(root, 1, 2)
        if p == 0:
            x, own = plain.of_terms[t], term.spread[plain.groups[t]]
            variance += np.einsum("an,nab,bn->n", x, own, x)
    step = np.zeros_like(plain.eta())
    step[0] = np.sqrt(variance)
    up, down = (plain.derivatives(plain.eta() + side * step) for side in (1.0, -1.0))
    plain.point.averaged = True
    assert plain.point.expand() == pytest.approx(0.5 * (up[0] + down[0]), rel=1e-10)
    plain.point.finish()
    compare(plain, 0.5 * (up[1] + down[1]), 0.5 * (up[2] + down[2]))


@pytest.mark.parametrize("kind", CASES)
def test_the_reach_of_a_step_is_the_furthest_that_a_cell_moves(kind: str) -> None:
    plain, rng = at_a_random_point(kind)
    plain.point.remember()
    value = plain.point.expand()
    for p, part in enumerate(plain.point.parts):
        part.coefficients[:] += rng.normal(0, 0.1, len(part.coefficients))
        for term in part.effects:
            term.effects[:] += rng.normal(0, 0.1, term.effects.shape)
        plain.point.expand(part.predictors)
        furthest = np.max(np.abs(plain.eta() - plain.eta(before=True))[p])
        assert plain.point.reach[p] == pytest.approx(furthest, rel=1e-10)
    assert plain.point.go_back() == pytest.approx(value, rel=1e-12)
    np.testing.assert_array_equal(plain.eta(), plain.eta(before=True))


def test_outcomes_out_of_reach_have_derivatives_that_can_be_followed() -> None:
    table = rows().assign(k=10**9)
    plain = Plain(spec := model("k ~ x + (1 | g)", table, "poisson"), Point(spec))
    plain.point.parts[0].coefficients[0] = 1e4
    plain.point.expand()
    plain.point.finish()
    (part,) = plain.point.parts
    for array in (part.gradient, part.information, part.effects[0].gradient, part.effects[0].information):
        assert np.all(np.isfinite(array))


def a_term(
    d: int, priors: dict[str, Prior] | None = None, bars: str = "|"
) -> tuple[FittedEffects, np.random.Generator]:
    formula = f"k ~ x + ({' + '.join(['1', 'x', 'z'][:d])} {bars} g)"
    spec, rng = model(formula, rows(), "poisson", priors), np.random.default_rng(d)
    point = Point(spec)
    (term,) = point.parts[0].effects
    term.effects[:] = rng.normal(0, 0.3, term.effects.shape)
    point.expand()
    point.finish()
    return term, rng


@pytest.mark.parametrize("d", [1, 2, 3])
def test_elimination_is_that_of_a_dense_matrix(d: int) -> None:
    term, rng = a_term(d)
    root = rng.normal(size=(d, d))
    term.covariance[:] = root @ root.T + np.eye(d)
    precision, off = np.linalg.inv(term.covariance), term.effects - term.prior_mean
    posterior = np.linalg.inv(term.information + precision)
    gradient = term.gradient - off @ precision
    log_prior, curvature, slope = term.eliminate()
    assert log_prior == pytest.approx(-0.5 * np.sum(off @ precision * off))
    assert term.log_prior == pytest.approx(log_prior)
    np.testing.assert_allclose(term.posterior, posterior, rtol=1e-8, atol=1e-12)
    solved = np.einsum("jab,jbk->jak", posterior, term.cross)
    np.testing.assert_allclose(curvature, np.einsum("jak,jal->kl", term.cross, solved), rtol=1e-8)
    np.testing.assert_allclose(slope, np.einsum("jak,ja->k", solved, gradient), rtol=1e-8, atol=1e-10)
    step = rng.normal(size=2)
    np.testing.assert_allclose(
        term.step(step),
        np.einsum("jab,jb->ja", posterior, gradient - term.cross @ step),
        rtol=1e-8,
        atol=1e-10,
    )


def test_elimination_survives_a_group_that_says_far_more_of_one_direction() -> None:
    term, _ = a_term(2)
    term.information[:] = 1e30 * np.ones((2, 2))
    term.eliminate()
    assert np.all(np.isfinite(term.posterior))
    assert np.all(np.einsum("jaa->ja", term.posterior) > 0)


def em(term: FittedEffects, covariance: np.ndarray, correlated: bool, turns: int) -> np.ndarray:
    """EM for a covariance, plainly, with every sd learnt."""
    pull = term.gradient + np.einsum("jab,jb->ja", term.information, term.effects)
    scales = np.diag(np.diag(covariance))
    for _ in range(turns):
        posterior = np.linalg.inv(term.information + np.linalg.inv(covariance))
        effects = np.einsum("jab,jb->ja", posterior, pull)
        second = (effects.T @ effects + posterior.sum(axis=0) + scales) / (len(effects) + 1)
        covariance = np.where(np.eye(len(second)), second, 0.98 * second if correlated else 0.0)
    return covariance


@pytest.mark.parametrize(("d", "bars"), [(1, "|"), (2, "|"), (3, "|"), (3, "||")])
def test_the_covariance_is_learnt_by_em(d: int, bars: str) -> None:
    term, _ = a_term(d, bars=bars)
    start = term.covariance.copy()
    term.learn()
    candidates = [em(term, start, bars == "|", turns) for turns in range(1, 7)]
    assert any(np.allclose(term.covariance, one, rtol=1e-8) for one in candidates)


def test_a_fixed_sd_is_not_learnt_and_a_learnt_one_keeps_its_bounds() -> None:
    term, _ = a_term(1, {"1|g": Normal(0, 0.7)})
    assert term.learn() == 0.0
    np.testing.assert_allclose(term.covariance, [[0.49]])
