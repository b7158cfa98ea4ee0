"""An outcome that never varies is refused where its residual sd has no proper posterior, and only there."""

from __future__ import annotations

import numpy as np
import pytest

import partialpool as pp
from partialpool.errors import FamilyError
from partialpool.model.variation import require_variation

N = 20
TABLE = {
    "y": np.full(N, 3.0),
    "z": np.r_[np.full(N - 1, 3.0), 4.0],
    "x": np.arange(N) / N,
    "g": np.arange(N) % 4,
    "row": np.arange(N),
    "w": np.r_[np.ones(N - 1), 0.0],
}
MESSAGE = (
    "Outcome 'y' is 3 in all 20 rows: a gaussian model cannot learn sigma, the residual sd, from an outcome "
    "that never varies.\n"
    "  Try: check the column; to fit it all the same, a prior that keeps sigma from 0: Uniform(0.1, 10)"
)


@pytest.mark.parametrize("method", ["nuts", "laplace"])
def test_a_fit_is_refused_before_it_leaves_a_file(tmp_path, method):
    model = pp.Model("y ~ 1 + (1 | g)", TABLE)
    store = tmp_path / "fit.nc" if method == "nuts" else None
    with pytest.raises(FamilyError) as error:
        model.fit(method=method, store=store, progress=False)
    assert str(error.value) == MESSAGE
    assert not list(tmp_path.iterdir())
    with pytest.raises(FamilyError) as error:
        pp.compare_pooling("y ~ 1 + (1 | g)", TABLE, method=method, progress=False)
    assert str(error.value) == MESSAGE


@pytest.mark.parametrize(
    ("formula", "family", "priors"),
    [
        ("y ~ 1", "gaussian", {}),
        ("y ~ x + (x | g)", "gaussian", {}),
        ("y ~ 0 + x + (1 | g)", "gaussian", {}),
        ("y ~ 1 + (1 | row)", "gaussian", {}),
        ("y ~ 1 + (1 | g)", "gaussian(log)", {}),
        ("y ~ 1 + (1 | g)", "gaussian", {"sigma": pp.HalfNormal(1)}),
        ("y ~ 1 + (1 | g)", "gaussian", {"sigma": pp.Gamma(2, 1)}),
        ("y ~ 1 + (1 | g)", "gaussian", {"1|g": pp.Normal(0, 1)}),
        ("z | weights(w) ~ 1 + (1 | g)", "gaussian", {}),
    ],
)
def test_what_cannot_be_learnt_is_refused(formula, family, priors):
    model = pp.Model(formula, TABLE, family=family, priors=priors)
    with pytest.raises(FamilyError, match=r"is 3 in all (19|20) rows: a gaussian model cannot learn sigma"):
        require_variation(model.spec)


@pytest.mark.parametrize(
    ("formula", "family", "priors"),
    [
        ("z ~ 1 + (1 | g)", "gaussian", {}),
        ("y ~ 0 + x", "gaussian", {}),
        ("y ~ 0 + (0 + x | g)", "gaussian", {}),
        ("y ~ 1 + offset(x)", "gaussian", {}),
        ("y ~ 1 + (1 | g)", "gaussian", {"sigma": pp.Uniform(0.1, 10)}),
        ("y ~ 1 + (1 | g)", "gaussian", {"sigma": pp.Gamma(30, 10)}),
        ("y ~ 1 + (1 | row)", "gaussian", {"1|row": pp.Normal(0, 1)}),
        ("y ~ 0 + (1 | row)", "gaussian", {}),
        ("y ~ 1 + (1 | g)", "poisson", {}),
    ],
)
def test_what_can_be_learnt_is_not_refused(formula, family, priors):
    require_variation(pp.Model(formula, TABLE, family=family, priors=priors).spec)


def test_a_formula_of_sigma_has_a_proper_posterior():
    require_variation(pp.Model(pp.Formula("y ~ 1", sigma="~ x"), TABLE).spec)


def test_the_prior_is_drawn_from_whatever_the_outcome():
    fit = pp.Model("y ~ 1 + (1 | g)", TABLE).sample_prior(50, seed=1)
    assert fit.draws.method == "prior"


def test_a_prior_away_from_zero_makes_a_fit():
    model = pp.Model("y ~ 1 + (1 | g)", TABLE, priors={"sigma": pp.Uniform(0.1, 10)})
    fit = model.fit(method="laplace", seed=1, progress=False)
    assert 0.1 < fit.summary().loc["sigma", "mean"] < 0.2
