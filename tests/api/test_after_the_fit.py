"""The front door to what comes after the fit: each method reaches its room, on one small model."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import partialpool as pp
from partialpool.errors import DataError, OptionError

RNG = np.random.default_rng(11)
TABLE = pd.DataFrame({"g": np.repeat([f"g{i}" for i in range(8)], 12), "x": RNG.normal(size=96)})
TABLE["y"] = RNG.poisson(np.exp(0.5 + 0.4 * TABLE["x"] + RNG.normal(0, 0.5, 8).repeat(12)))
FEW = {"draws": 200, "chains": 2, "seed": 3, "progress": False}


@pytest.fixture(scope="module")
def fit() -> pp.Fit:
    return pp.Model("y ~ x + (1 | g)", TABLE, family="poisson").fit(**FEW)


def test_a_kept_fit_says_and_does_the_same(fit: pp.Fit, tmp_path) -> None:
    again = pp.load_fit(fit.save(tmp_path / "fit.nc"))
    new = {"x": [0.0, 1.0], "g": ["g3", "elsewhere"]}
    pd.testing.assert_frame_equal(again.summary(), fit.summary())
    pd.testing.assert_frame_equal(
        again.predict(new, summary=True, seed=1), fit.predict(new, summary=True, seed=1)
    )
    assert again.loo().elpd == fit.loo().elpd
    assert str(again.check(seed=1)) == str(fit.check(seed=1))
    assert again.model.equations() == fit.model.equations()
    np.testing.assert_array_equal(again.model.fit(**FEW).draws.values, fit.draws.values)


def test_a_fit_kept_without_rows_does_what_needs_none(fit: pp.Fit, tmp_path) -> None:
    bare = pp.load_fit(fit.save(tmp_path / "bare.nc", rows=False))
    new = {"x": [0.0], "g": ["g3"]}
    pd.testing.assert_frame_equal(bare.predict(new, summary=True), fit.predict(new, summary=True))
    assert bare.diagnose().ok == fit.diagnose().ok
    assert bare.group_effects()["n"].isna().all()
    assert "kept without its rows" in repr(bare)
    assert bare.report(tmp_path / "page.html").stat().st_size > 1e4
    assert set(bare.to_datatree().children) == {"posterior", "sample_stats"}
    assert len(bare.plot_effects().data) == 8
    needing = (bare.loo, bare.waic, bare.kfold, bare.check, bare.residuals, bare.predict)
    for method in (*needing, bare.model.fit, bare.model.sample_prior, bare.model.to_stan):
        with pytest.raises(DataError, match="needs the rows of the table, and this fit was saved without"):
            method()


def test_poolings_predict_with_their_own_terms() -> None:
    pools = pp.compare_pooling("y ~ x + (1 | g)", TABLE, family="poisson", **FEW)
    new = {"x": [0.3, 0.3], "g": ["g0", "g7"]}
    each = {name: getattr(pools, name).predict(new, summary=True, seed=1)["mean"] for name in
            ("no_pooling", "partial_pooling", "complete_pooling")}  # fmt: skip
    assert each["complete_pooling"][0] == each["complete_pooling"][1]
    spread = {name: abs(float(mean[0] - mean[1])) for name, mean in each.items()}
    assert spread["no_pooling"] > spread["partial_pooling"] > 0


def test_a_prior_fit_is_told_apart(fit: pp.Fit) -> None:
    prior = pp.Model("y ~ x + (1 | g)", TABLE, family="poisson").sample_prior(300, seed=1)
    assert set(prior.to_datatree().children) >= {"prior", "observed_data"}
    assert prior.diagnose().ok
    assert "have not seen the outcome" in str(prior.diagnose())
    assert prior.check(seed=1).kind == "prior"
    assert fit.check(seed=1).kind == "posterior"


def test_log_likelihood_comes_in_blocks_of_rows(fit: pp.Fit) -> None:
    whole = fit.to_datatree(log_likelihood=True)["log_likelihood"]["y"]
    blocks = list(fit.log_likelihood(max_bytes=8 * 400 * 20))
    assert [block.sizes["__obs__"] for block in blocks] == [20, 20, 20, 20, 16]
    np.testing.assert_allclose(np.concatenate([b.to_numpy() for b in blocks], axis=-1), whole.to_numpy())


def test_models_are_ranked(fit: pp.Fit) -> None:
    other = pp.Model("y ~ (1 | g)", TABLE, family="poisson").fit(**FEW)
    table = pp.compare_models({"without x": other, "with x": fit})
    assert table.index.tolist() == ["with x", "without x"]
    assert table["difference"].tolist() == [0.0, pytest.approx(other.loo().elpd - fit.loo().elpd)]


def test_figures_come_with_their_data(fit: pp.Fit) -> None:
    found = fit.check(seed=1)
    for show in ("statistics", "groups", "distribution"):
        plot = fit.plot_check(show, found)
        assert len(plot.data)
        assert plot._repr_png_().startswith(b"\x89PNG")
    assert len(fit.plot_residuals("g", seed=1).data) == 8
    with pytest.raises(OptionError, match="'statistic'"):
        fit.plot_check("statistic", found)  # type: ignore[arg-type]


def test_draws_are_tidy_in_three_libraries(fit: pp.Fit) -> None:
    wide = fit.to_pandas()
    assert wide.shape == (400, 2 + fit.draws.values.shape[-1])
    assert fit.to_polars().columns == wide.columns.tolist() == fit.to_arrow().column_names
    long = fit.to_pandas(["1|g"], shape="long")
    assert long.groupby("g__factor_dim", observed=True)["value"].mean()["g3"] == pytest.approx(
        wide["1|g[g3]"].mean()
    )


def test_poolings_of_counts_with_an_exposure_compare_rates() -> None:
    """Groups with the same counts a row and other exposures have other rates."""
    days = np.repeat([1.0, 10.0, 100.0], 20)
    table = pd.DataFrame({"g": np.repeat(["a", "b", "c"], 20), "days": days, "y": RNG.poisson(5.0, 60)})
    pools = pp.compare_pooling("y ~ 1 + offset(log(days)) + (1 | g)", table, family="poisson", **FEW)
    found, counts = pools.table().set_index("group"), table.groupby("g")["y"].sum()
    np.testing.assert_allclose(found["raw"], counts / np.array([20, 200, 2000]))
    np.testing.assert_allclose(found["partial_pooling_mean_outcome"], found["raw"], rtol=0.05)
    assert pools.population().raw == pytest.approx(counts.sum() / 2220)
    np.testing.assert_allclose(
        found["no_pooling_mean_outcome"],
        np.exp(pools.no_pooling.posterior["1|g"]).mean(("chain", "draw")),
        rtol=1e-12,
    )


@pytest.mark.parametrize("seed", [-1, 1.5, "a", True])
def test_a_seed_that_is_none_is_refused_everywhere(fit: pp.Fit, seed) -> None:
    for method in (
        fit.predict,
        fit.check,
        fit.residuals,
        fit.plot_check,
        fit.model.fit,
        fit.model.sample_prior,
    ):
        with pytest.raises(OptionError, match="is not a seed"):
            method(seed=seed)
