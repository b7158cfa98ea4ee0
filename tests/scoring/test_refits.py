"""Refits by weights: the density is that of the smaller table, whatever the family."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from tests.families.cases import CASES, family_of
from tests.results.approximations import GOOD, approximated

import partialpool as pp
from partialpool.errors import FitError
from partialpool.families.registry import FAMILIES
from partialpool.formula.design import build_design
from partialpool.inference import refitting as module
from partialpool.inference.laplace.constants import log_constant
from partialpool.inference.options import WARMUP, LaplaceOptions, NutsOptions
from partialpool.inference.quickfit.approximations import predictor_scales, starting_coefficients
from partialpool.inference.refitting import Refits
from partialpool.model.density import Density
from partialpool.model.geometry import plain_geometry
from partialpool.model.spec import ModelSpec, build_spec, with_weights
from partialpool.scoring.elpd_findings import refit_findings
from partialpool.scoring.refits import Job, refit_table, score_refits

N = 30


def spec_of(family: str, link: str, rows: np.ndarray, priors: dict | None = None) -> ModelSpec:
    case, rng = CASES[family], np.random.default_rng(1)
    pick = rng.integers(0, len(case.values), N)
    table = pd.DataFrame({"y": case.values[pick], "x": rng.integers(0, 3, N), "g": np.arange(N) % 5})
    left = "y"
    if case.trials is not None:
        table["n"], left = case.trials[pick], "y | trials(n)"
    design, _ = build_design(f"{left} ~ x + (1 + x | g)", table[rows])
    return build_spec(design, family_of(family, link), priors)


@pytest.mark.parametrize(("family", "link"), [(f, link) for f in FAMILIES for link in FAMILIES[f].cells])
def test_weight_zero_is_the_smaller_table(family: str, link: str) -> None:
    kept = np.arange(N) % 7 != 3
    # Default ones hold at the means of all rows.
    anchored = {"cumulative": ["threshold"], "categorical": [f"mu_{k}_Intercept" for k in (1, 2, 3)]}
    priors = dict.fromkeys(anchored.get(family, ["Intercept"]), pp.Normal(0, 1))
    full = spec_of(family, link, np.ones(N, dtype=bool), priors)
    smaller = spec_of(family, link, kept, dict(full.priors))
    ours, theirs = (Density(s, plain_geometry(s)) for s in (with_weights(full, kept.astype(float)), smaller))
    rng = np.random.default_rng(2)
    for _ in range(5):
        x = rng.normal(0, 0.5, ours.n_dim)
        (value, gradient), (expected, slope) = ours(x), theirs(x)
        assert value == pytest.approx(expected, rel=1e-11)
        np.testing.assert_allclose(gradient, slope, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize(("family", "link"), [(f, link) for f in FAMILIES for link in FAMILIES[f].cells])
def test_the_outcome_and_its_constants_are_those_of_the_rows_that_are_left(family: str, link: str) -> None:
    """The marginal likelihood is that of the smaller table."""
    kept = np.arange(N) % 7 != 3
    full = spec_of(family, link, np.ones(N, dtype=bool))
    left, smaller = with_weights(full, kept.astype(float)), spec_of(family, link, kept, dict(full.priors))
    np.testing.assert_array_equal(left.design.outcome.weights, kept)
    assert log_constant(left) == pytest.approx(log_constant(smaller), rel=1e-10)


@pytest.mark.parametrize(("family", "link"), [("poisson", "log"), ("gaussian", "log")])
@pytest.mark.parametrize("kept", [[0, 0, 0, 0], [1, 1, 0, 0]])
def test_rows_from_which_no_model_could_be_made_can_be_left(family: str, link: str, kept: list[int]) -> None:
    """No row at all, or none whose mean has a log: where to start is known from all rows."""
    y = [0.0, 0.0, 3.0, 4.0] if family == "poisson" else [-1.0, 0.5, 3.0, 4.0]
    design, _ = build_design("y ~ 1", pd.DataFrame({"y": y}))
    left = with_weights(build_spec(design, FAMILIES[family](link)), np.array(kept, dtype=float))
    assert np.all(np.isfinite(predictor_scales(left)))
    assert np.all(np.isfinite(starting_coefficients(left, range(1), np.zeros(1))))
    assert np.isfinite(log_constant(left))


def test_the_effects_of_a_group_without_rows_have_their_prior_alone() -> None:
    full = spec_of("gaussian", "identity", np.ones(N, dtype=bool))
    left = with_weights(full, (np.arange(N) % 5 != 2).astype(float))
    density = Density(left, plain_geometry(left))
    x = np.random.default_rng(3).normal(size=density.n_dim)
    own = np.arange(density.n_dim - 10, density.n_dim).reshape(5, 2)[2]  # standard normal coordinates
    np.testing.assert_allclose(density(x)[1][own], -x[own], rtol=1e-12)


def test_the_means_that_a_default_prior_holds_at_stay_those_of_all_rows() -> None:
    full = spec_of("gaussian", "identity", np.ones(N, dtype=bool))
    left = with_weights(full, np.where(np.arange(N) < 20, 1.0, 0.0))
    weights = [Density(s, plain_geometry(s)).inputs.anchor_weights for s in (full, left)]
    np.testing.assert_array_equal(*weights)
    assert np.any(weights[0] != 0)


@pytest.fixture(scope="module")
def fit() -> pp.Fit:
    table = pd.DataFrame({"y": np.random.default_rng(1).normal(size=12)})
    return pp.Model("y ~ 1", table).fit(50, 2, seed=3, progress=False)


def jobs() -> list[Job]:
    return [Job(np.where(np.arange(12) == i, 0.0, 1.0), np.array([i])) for i in range(4)]


def test_ctrl_c_says_how_far_it_came(fit: pp.Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    done = []

    def sample(spec, options):
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(1)
        return fit.draws

    monkeypatch.setattr(module, "draw_posterior", sample)
    with pytest.raises(FitError, match="Stopped after 2 of 4 refits"):
        score_refits(Refits(fit.model.spec, fit.draws, 0, 1), jobs())


def test_a_refit_that_fails_is_said(fit: pp.Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    def sample(spec, options):
        raise FitError("no chain can start")

    monkeypatch.setattr(module, "draw_posterior", sample)
    with pytest.raises(FitError, match="no chain can start"):
        score_refits(Refits(fit.model.spec, fit.draws, 0, 2), jobs())


def test_a_model_of_group_effects_alone_is_refitted_too() -> None:
    table = pd.DataFrame({"y": [0, 1, 0, 1, 1, 0], "g": [1, 1, 2, 2, 3, 3]})
    fit = pp.Model("y ~ 0 + (1 | g)", table, "bernoulli", {"1|g": pp.Normal(0, 1)}).fit(
        50, 2, 3, progress=False
    )
    without_first = Job(np.array([0.0, 1, 1, 1, 1, 1]), np.array([0]))
    (found,) = score_refits(Refits(fit.model.spec, fit.draws, 0, 1), [without_first])
    assert 1.0 <= found.trust["r_hat"] < 1.2


def test_divergences_and_chains_apart_are_problems(fit: pp.Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    values = fit.draws.values.copy()
    values[0] += 10.0
    diverging = np.zeros(values.shape[:2], dtype=bool)
    diverging[0, :3] = True
    poor = replace(fit.draws, values=values, stats={"diverging": diverging})
    monkeypatch.setattr(module, "draw_posterior", lambda *_: poor)
    table = refit_table(score_refits(Refits(fit.model.spec, fit.draws, 0, 2), jobs()))
    assert table["divergences"].to_list() == [3] * 4
    diverged, apart = refit_findings(table)
    assert diverged.title == "4 of 4 refits had divergent transitions"
    assert "refit 1: 3, refit 2: 3" in diverged.what
    assert apart.title == "4 of 4 refits did not converge"


def test_refits_that_are_not_approximated_well_are_problems(
    fit: pp.Fit, monkeypatch: pytest.MonkeyPatch
) -> None:
    figures = iter(
        [GOOD, replace(GOOD, pareto_k=0.9), replace(GOOD, ess=20.0), replace(GOOD, acceptance=0.2)]
    )
    monkeypatch.setattr(module, "draw_posterior", lambda *_: approximated(fit.draws, next(figures)))
    table = refit_table(score_refits(Refits(fit.model.spec, fit.draws, 0, 1), jobs()))
    assert list(table) == ["draws", "pareto_k", "ess", "acceptance", "seconds"]
    (finding,) = refit_findings(table)
    assert finding.title == "3 of 4 refits are not approximated well"
    assert "(refit 2, refit 3, refit 4)" in finding.what
    assert 'method="nuts"' in finding.advice
    assert refit_findings(table.head(1)) == ()


def test_refits_are_asked_for_by_the_method_of_the_fit(fit: pp.Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def draw(spec, options):
        asked.append(options)
        return approximated(fit.draws)

    monkeypatch.setattr(module, "draw_posterior", draw)
    for draws in (fit.draws, approximated(fit.draws)):
        score_refits(Refits(fit.model.spec, draws, 5, 1), jobs()[:1])
    seed = int(np.random.SeedSequence(5).generate_state(1)[0])
    assert asked == [NutsOptions(50, 2, WARMUP, seed, 1), LaplaceOptions(50, 2, seed, 1)]
