"""A model of combinations of raw columns is the model of their rows, in everything that is asked of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.formula.same import assert_same
from tests.model.cases import CASES, COVARIANCES, Case, with_outcome

import partialpool as pp
from partialpool.data import frame
from partialpool.families.registry import get_family
from partialpool.formula.formula import Formula
from partialpool.inference.prior import sample_prior
from partialpool.model.density import Density
from partialpool.model.geometry import plain_geometry
from partialpool.priors.normal import Normal
from partialpool.results.fitted import Fitted
from partialpool.storage.fit_file import load_fit, save_fit
from partialpool.storage.fit_records import KeptFit

NAMES = [n for n in CASES if " as " not in n]


def model(case: Case, few: int, monkeypatch: pytest.MonkeyPatch) -> pp.Model:
    """The model of a table in which every row is there three times."""
    monkeypatch.setattr(frame, "FEW", few)
    table = with_outcome(get_family(case.family))
    long = pd.concat([table.assign(row=0), table.assign(row=1), table.assign(row=2)], ignore_index=True)
    additions = ["trials(m)"] * get_family(case.family).needs_trials + ["weights(w)"] * case.weights
    left = "y | " + " + ".join(additions) if additions else "y"
    formula = Formula(f"{left} ~ {case.right}", **case.others)
    named = "cov=A" in " ".join([case.right, *case.others.values()])
    known = COVARIANCES if named else None
    return pp.Model(formula, long, case.family, case.priors, covariances=known)


@pytest.mark.parametrize("name", NAMES)
def test_cells_priors_and_density_are_the_same(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = (model(CASES[name], few, monkeypatch).spec for few in (0, 10**9))
    assert theirs.design.row is None
    assert ours.priors == theirs.priors
    assert ours.cells.index.n_cells == theirs.cells.index.n_cells
    if not ours.family.keeps_outcome:  # else cells of one group are in another order
        assert_same(ours.cells.index, theirs.cells.index)
        assert_same(ours.cells.group_index, theirs.cells.group_index)
    one, other = (Density(spec, plain_geometry(spec)) for spec in (ours, theirs))
    x = 0.3 * np.random.default_rng(1).normal(size=one.n_dim)
    (value, gradient), (expected, slope) = one(x), other(x)
    assert value == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(gradient, slope, rtol=1e-9, atol=1e-10 * np.max(np.abs(slope), initial=1.0))
    assert dict(ours.design.groupings) == {} or ours.design.row is not None


def fitted(name: str, few: int, monkeypatch: pytest.MonkeyPatch) -> tuple[pp.Model, pp.Fit]:
    case = CASES[name]
    found = model(case, few, monkeypatch)
    flat = {n: Normal(0, 0.5) for n, p in found.priors.items() if p.support == "real" and "|" not in n}
    found = model(
        Case(case.right, case.family, case.weights, case.others, {**flat, **case.priors}), few, monkeypatch
    )
    return found, pp.Fit(found, sample_prior(found.spec, 12, seed=3))


FITTED = [
    "varying intercepts",
    "several groups a row, weighted",
    "known covariance",
    "weighted binomial(logit)",
    "offsets of two predictors",
    "weighted cumulative(logit)",
    "a category with a formula of its own",
    "shared by two predictors",
    "interaction of factors",
]


@pytest.mark.parametrize("name", FITTED)
def test_what_is_asked_of_a_fit_is_the_same(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    (first, ours), (second, theirs) = (fitted(name, few, monkeypatch) for few in (0, 10**9))
    np.testing.assert_allclose(ours.draws.values, theirs.draws.values, rtol=1e-9, atol=1e-12)
    assert first.equations() == second.equations()
    for key, value in second.to_stan().data.items():
        np.testing.assert_allclose(np.asarray(first.to_stan().data[key]), np.asarray(value), rtol=1e-12)
    for kind in ("mean", "linear", "outcome"):
        for groups in ("all", "average", None):
            one, other = (
                fit.predict(kind=kind, groups=groups, seed=1, summary=True) for fit in (ours, theirs)
            )
            pd.testing.assert_frame_equal(one, other, rtol=1e-9, atol=1e-10)
    for one, other in (
        (ours.check(seed=2).statistics, theirs.check(seed=2).statistics),
        (ours.residuals(seed=2), theirs.residuals(seed=2)),
        (ours.data, theirs.data),
        (ours.group_effects(), theirs.group_effects()),
    ):
        pd.testing.assert_frame_equal(one, other, rtol=1e-8, atol=1e-9)
    likelihoods = [
        np.concatenate([b.to_numpy() for b in f.log_likelihood()], axis=-1) for f in (ours, theirs)
    ]
    np.testing.assert_allclose(*likelihoods, rtol=1e-8, atol=1e-9)
    path = save_fit(
        tmp_path / "fit.nc", KeptFit(Fitted(first.spec, ours.draws), "", first.formula, first.recipe)
    )
    assert_same(load_fit(path).fitted.model.design, first.design)


@pytest.mark.parametrize(
    "right", ["scale(x) + cat + (scale(x) | g)", "poly(x, 3) + (1 | g:h)", "bs(x, df=4) + cat", "center(x):z"]
)
def test_a_grouped_query_gives_the_model_of_its_rows(right: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By all columns that are used, the outcome among them, with counts as frequency weights."""
    monkeypatch.setattr(frame, "FEW", 0)
    rng, n = np.random.default_rng(8), 3000
    rows = pd.DataFrame(
        {
            "y": rng.integers(0, 2, n),
            "x": rng.integers(0, 6, n),
            "z": rng.integers(0, 3, n),
            "cat": rng.choice(list("abc"), n, p=[0.7, 0.2, 0.1]),
            "g": rng.choice(["u", "v", "w"], n),
            "h": rng.choice(["s", "t"], n),
        }
    )
    query = rows.groupby([*rows], as_index=False).size().sample(frac=1.0, random_state=1)
    ours = pp.Model(f"y ~ {right}", rows, family="bernoulli").spec
    theirs = pp.Model(f"y | weights(size) ~ {right}", query, family="bernoulli").spec
    assert ours.design.row is not None
    assert theirs.cells.index.n_cells == ours.cells.index.n_cells
    assert [*ours.priors] == [*theirs.priors]
    one, other = (Density(spec, plain_geometry(spec)) for spec in (ours, theirs))
    x = 0.3 * np.random.default_rng(1).normal(size=one.n_dim)
    assert one(x)[0] == pytest.approx(other(x)[0], rel=1e-9)
    np.testing.assert_allclose(one(x)[1], other(x)[1], rtol=1e-8, atol=1e-7)
