"""Predictors far from zero, and in units of any size, give the effects of centred ones."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import partialpool as pp
from partialpool.errors import DataError
from partialpool.inference.chosen_geometry import choose_geometry
from partialpool.model.density import Density

ORIGINS = (1e6, 1e9, -1e12)
UNITS = (1e-8, 1e-12, 1e-15, 1e-100)


def table(origin: float = 0.0, unit: float = 1.0) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    x, g = rng.normal(size=200), np.repeat(np.arange(20), 10)
    x = (x + abs(origin)) - abs(origin) if origin else x  # what double precision keeps of it
    eta = 1 + 0.5 * x + 0.5 * rng.normal(size=20)[g]
    y = eta + rng.normal(size=200)
    ranks = pd.cut(y, [-np.inf, 0.5, 1.5, np.inf], labels=["a", "b", "c"])
    return pd.DataFrame({"x": unit * x + origin, "g": g, "y": y, "b": (y > 1) * 1, "c": ranks})


MODELS = {
    "gaussian": ("y ~ x + (1 | g)", {}),
    "spread": (pp.Formula("y ~ x", sigma="x"), {}),
    "flat": ("y ~ x + (1 | g)", {"priors": {"Intercept": pp.Flat()}}),
    "bernoulli": ("b ~ x + (1 | g)", {"family": "bernoulli"}),
    "cumulative": ("c ~ x", {"family": "cumulative"}),
    "categorical": ("c ~ x", {"family": "categorical"}),
}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("origin", ORIGINS)
def test_the_density_is_that_of_a_column_near_zero_and_its_gradient_is_right(name, origin):
    formula, options = MODELS[name]
    far, near = (pp.Model(formula, table(o), **options).spec for o in (origin, 0.0))
    density = Density(far, choose_geometry(far))
    rng = np.random.default_rng(1)
    x, step = 0.3 * rng.normal(size=density.n_dim), 1e-5
    value, gradient = density(x)
    for i in range(min(density.n_dim, 8)):
        move = np.eye(density.n_dim)[i] * step
        slope = (density(x + move)[0] - density(x - move)[0]) / (2 * step)
        assert gradient[i] == pytest.approx(slope, rel=1e-5, abs=1e-4)
    moved = far.cells.origins
    assert np.count_nonzero(moved) == sum(p.predictor is not None for p in far.parameters.predictors)
    assert not np.any(near.cells.origins)
    assert np.isfinite(value)
    drawn = density.draw(x)
    written, kept = levels(far, far.as_written(drawn), 0 * moved), levels(far, drawn, moved)
    np.testing.assert_allclose(written, kept, atol=1e-15 * abs(origin) + 1e-9)


def levels(spec, draw, origins):
    """Predictors of every row by columns less origins; thresholds less them where there are any."""
    found, at, parts = [], 0, spec.parameters.predictors
    thresholds = [c.value for p in parts if "threshold" in p.parameter for c in p.coefficients]
    for part in parts:
        if part.predictor is None:
            continue
        own = origins[at : at + len(part.coefficients)]
        at += len(own)
        eta = (part.predictor.population.matrix - own) @ draw[[c.value for c in part.coefficients]]
        found += [draw[value] - eta for value in thresholds] or [eta]
    return np.array(found)


@pytest.fixture(scope="module")
def near():
    return {m: slope(table(), m) for m in ("nuts", "laplace")}


def slope(data, method, **options):
    fit = pp.Model("y ~ x + (1 | g)", data, **options).fit(method=method, seed=3, progress=False)
    return fit, fit.summary().loc["x", ["mean", "sd"]].to_numpy(float)


# With 1,600 effective draws means have a Monte Carlo error of sd / 40, sds of sd / 57. Differences may be
# 5.7 times as large as theirs: fewer than one comparison in 10 million would fail by chance.
@pytest.mark.parametrize("method", ["nuts", "laplace"])
@pytest.mark.parametrize("origin", ORIGINS)
def test_slopes_do_not_depend_on_the_origin(near, method, origin):
    fit, (mean, sd) = slope(table(origin), method)
    _, (right, right_sd) = near[method]
    assert abs(mean - right) < 0.2 * right_sd
    assert sd == pytest.approx(right_sd, rel=0.15)
    assert fit.diagnose().ok


@pytest.mark.parametrize("method", ["nuts", "laplace"])
@pytest.mark.parametrize("unit", UNITS)
def test_slopes_do_not_depend_on_the_unit(near, method, unit):
    _, (mean, sd) = slope(table(unit=unit), method)
    _, (right, right_sd) = near[method]
    assert abs(mean * unit - right) < 0.2 * right_sd
    assert sd * unit == pytest.approx(right_sd, rel=0.15)


@pytest.mark.parametrize("method", ["nuts", "laplace"])
def test_predictions_are_those_of_a_column_near_zero(near, method):
    far, _ = slope(table(1e9), method)
    got, right = (
        f.predict(t.head(5), summary=True)["mean"] for f, t in ((far, table(1e9)), (near[method][0], table()))
    )
    np.testing.assert_allclose(got, right, atol=0.06)


def test_a_prior_of_the_intercept_where_predictors_are_zero_stays_there():
    model = pp.Model("y ~ x + (1 | g)", table(1e5), priors={"Intercept": pp.Normal(0, 1e6)})
    assert not np.any(model.spec.cells.origins)
    with pytest.raises(DataError, match=r"'x'.*coefficients have priors where it is 0"):
        pp.Model("y ~ x + (1 | g)", table(1e9), priors={"Intercept": pp.Normal(0, 1.5)})


@pytest.mark.parametrize("formula", ["y ~ x + (1 + x | g)", "y ~ x * z", "y ~ 0 + c + x"])
def test_what_cannot_be_moved_is_refused(formula):
    data = table(1e9).assign(z=np.random.default_rng(5).normal(size=200))
    with pytest.raises(DataError, match=r"'x'.*times as far from 0(.|\n)*center\(x\)"):
        pp.Model(formula, data)


def test_digits_that_are_lost_are_an_error():
    with pytest.raises(DataError, match=r"All 200 values of 'x' lie between(.|\n)*are lost"):
        pp.Model("y ~ x", table(1e16))
    with pytest.raises(DataError, match=r"'x' are .* apart"):
        pp.Model("y ~ x", table(unit=1e-150))
