"""`method="laplace"` from the front door: what it takes, what it refuses, and all that a fit can do after it.

That its numbers are right is tested where they are made, in tests/inference.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import partialpool as pp
from partialpool.scoring.pareto import relative_efficiency

QUIET = {"seed": 3, "method": "laplace", "progress": False}
FORMULA = "use ~ x + (1 | g)"


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    rng = np.random.default_rng(8)
    group, x = rng.integers(0, 12, 300), rng.normal(size=300)
    eta = 0.5 * x + rng.normal(size=12)[group]
    use = rng.binomial(1, 1 / (1 + np.exp(-eta)))
    return pd.DataFrame({"use": use, "x": x, "g": np.array(list("abcdefghijkl"))[group]})


@pytest.fixture(scope="module")
def model(table: pd.DataFrame) -> pp.Model:
    return pp.Model(FORMULA, table, family="bernoulli")


@pytest.fixture(scope="module")
def fit(model: pp.Model) -> pp.Fit:
    return model.fit(draws=300, chains=2, **QUIET)


def test_it_returns_independent_draws_in_the_shape_that_was_asked(model: pp.Model, fit: pp.Fit) -> None:
    draws = fit.draws
    assert (draws.method, draws.warmup, draws.independent) == ("laplace", 0, True)
    assert draws.values.shape == (2, 300, model.layout.n_values)
    assert draws.approximation is not None
    assert ": 600 draws by nested Laplace in " in repr(fit)


def test_it_agrees_with_nuts(model: pp.Model, fit: pp.Fit) -> None:
    """Means of 600 and of 4,000 draws: a true difference of none exceeds 0.25 sd in 1 of 10^9 values."""
    sampled = model.fit(seed=1, progress=False).summary()
    np.testing.assert_array_less(abs(fit.summary()["mean"] - sampled["mean"]), 0.25 * sampled["sd"] + 1e-12)


def test_the_same_seed_gives_the_same_draws(model: pp.Model, fit: pp.Fit) -> None:
    again = model.fit(draws=300, chains=2, cores=1, **QUIET)
    np.testing.assert_array_equal(again.draws.values, fit.draws.values)
    other = model.fit(draws=300, chains=2, **QUIET | {"seed": 4})
    assert not np.array_equal(other.draws.values, fit.draws.values)


def test_an_unknown_method_names_both(model: pp.Model) -> None:
    with pytest.raises(pp.errors.OptionError) as raised:
        model.fit(method="laplaze")  # type: ignore[arg-type]
    assert str(raised.value) == ("There is no method 'laplaze'.\n  Allowed: nuts, laplace\n  Try: 'laplace'")
    with pytest.raises(pp.errors.OptionError, match=r"no method 'None'"):
        model.fit(method=None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"warmup": 400},
            'warmup=400: method="laplace" draws at once, with nothing to tune or to resume.\n'
            '  Try: leave it out, or method="nuts"',
        ),
        (
            {"warmup": 400, "target_accept": 0.9},
            'warmup=400 and target_accept=0.9: method="laplace" draws at once, with nothing to '
            'tune or to resume.\n  Try: leave them out, or method="nuts"',
        ),
        ({"draws": 0}, "draws is 0.\n  Allowed: a whole number from 1 on"),
        ({"chains": 1.5}, "chains is 1.5.\n  Allowed: a whole number from 1 on"),
        ({"cores": 0}, "cores is 0.\n  Allowed: a whole number from 1 on"),
        ({"seed": -1}, "seed=-1 is not a seed.\n  Allowed: a whole number from 0, or None"),
    ],
)
def test_options_that_do_not_fit_are_refused(model: pp.Model, options: dict, message: str) -> None:
    with pytest.raises(pp.errors.OptionError) as raised:
        model.fit(**QUIET | options)
    assert str(raised.value) == message


def test_three_poolings_are_fitted_by_one_method(table: pd.DataFrame) -> None:
    pools = pp.compare_pooling(FORMULA, table, family="bernoulli", draws=300, chains=2, **QUIET)
    fits = (pools.no_pooling, pools.partial_pooling, pools.complete_pooling)
    assert [fit.draws.method for fit in fits] == ["laplace"] * 3
    assert all(fit.diagnose().ok for fit in fits), [str(fit.diagnose()) for fit in fits]
    assert pools.table()["pooling_factor"].between(0, 1).all()
    with pytest.raises(pp.errors.OptionError, match="nothing to tune"):
        pp.compare_pooling(FORMULA, table, family="bernoulli", warmup=100, **QUIET)


def test_diagnosis_speaks_of_the_approximation_and_not_of_chains(fit: pp.Fit) -> None:
    diagnosis = fit.diagnose()
    assert diagnosis.ok, str(diagnosis)
    assert diagnosis.passed[0] == "600 independent draws: no chains that would have to converge."
    assert "R-hat" not in str(diagnosis)
    assert "divergen" not in str(diagnosis)


def test_the_marginal_likelihood_is_a_number_of_this_method_alone(model: pp.Model, fit: pp.Fit) -> None:
    assert fit.log_marginal_likelihood == fit.draws.approximation.log_marginal_likelihood
    assert np.isfinite(fit.log_marginal_likelihood)
    sampled = model.fit(draws=50, chains=1, seed=1, progress=False)
    with pytest.raises(pp.errors.FitError, match='method="laplace"'):
        _ = sampled.log_marginal_likelihood


def test_everything_after_the_fit_works(fit: pp.Fit, tmp_path: Path) -> None:
    assert len(fit.summary()) == fit.model.layout.n_values
    assert fit.check(seed=1).statistics is not None
    assert fit.predict({"x": [0.0], "g": ["new"]}, summary=True, seed=1)["mean"].between(0.1, 0.9).all()
    assert len(fit.to_pandas()) == 600
    assert relative_efficiency(fit.draws) == 1.0
    assert fit.loo().ok
    assert fit.report(tmp_path / "page.html").stat().st_size > 0
    again = pp.load_fit(fit.save(tmp_path / "fit.nc"))
    assert again.draws.approximation == fit.draws.approximation
    assert str(again.diagnose()) == str(fit.diagnose())


def test_refits_use_the_method_of_the_fit(fit: pp.Fit) -> None:
    found = fit.kfold(3, progress=False)
    assert list(found.refits) == ["left_out", "draws", "pareto_k", "ess", "acceptance", "seconds"]
    assert found.refits["draws"].to_list() == [600] * 3
    assert found.ok, str(found)
    again = fit.kfold(3, cores=1, progress=False)
    assert again.elpd == found.elpd
