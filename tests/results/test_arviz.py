"""What ArviZ does with a DataTree it does with ours: fresh from a fit, and from a file opened again."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import arviz_plots
import arviz_stats
import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib import pyplot

import partialpool as pp
from partialpool.predict.linear import linear_predictors
from partialpool.predict.log_likelihood import log_likelihood
from partialpool.results.fitted import Fitted
from partialpool.results.summaries import summary
from partialpool.results.tree import to_datatree
from partialpool.storage.fit_file import save_fit
from partialpool.storage.fit_records import KeptFit

N = 80
NAMES = ["Intercept", "x", "1|school"]


def make_table() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    school, x = rng.integers(0, 6, N), rng.normal(size=N)
    y = 1 + 0.5 * x + rng.normal(0, 0.7, 6)[school] + rng.normal(0, 1, N)
    return pd.DataFrame({"y": y, "x": x, "school": np.array(list("ABCDEÄ"))[school]})


@pytest.fixture(scope="module")
def fits() -> dict[str, pp.Fit]:
    table = make_table()
    return {
        text: pp.Model(text, table).fit(150, 4, seed=1, progress=False)
        for text in ("y ~ x + (1 | school)", "y ~ 1")
    }


def with_rows(tree: xr.DataTree, fitted: Fitted) -> xr.DataTree:
    """Add the groups that have a number a draw and row: log likelihood and outcomes drawn again."""
    linear = linear_predictors(fitted.model, fitted.model.design, fitted.values, slice(None))
    drawn = fitted.model.family.draw(np.random.default_rng(8), linear, {}).reshape(4, -1, N)
    tree = tree.copy()
    for name, values in {"log_likelihood": log_likelihood(fitted), "posterior_predictive": drawn}.items():
        tree[name] = xr.DataTree(xr.Dataset({"y": (("chain", "draw", "__obs__"), values)}))
    return tree


@pytest.fixture(scope="module", params=["of the fit", "of the file"])
def tree(
    request: pytest.FixtureRequest, fits: dict[str, pp.Fit], tmp_path_factory: pytest.TempPathFactory
) -> xr.DataTree:
    fit = fits["y ~ x + (1 | school)"]
    found = fit.to_datatree()
    if request.param == "of the file":
        kept = KeptFit(fit.fitted, fit.model.name, fit.model.formula, fit.model.recipe)
        with xr.open_datatree(save_fit(tmp_path_factory.mktemp("kept") / "fit.nc", kept)) as opened:
            found = opened.load()
    return with_rows(found, fit.fitted)


@pytest.fixture(autouse=True)
def _closed_figures() -> Iterator[None]:
    with mpl.rc_context({"figure.dpi": 50}):
        yield
    pyplot.close("all")


# plot_trace_dist and plot_rank_dist of arviz-plots 0.8 fail on every tree with the xarray of today.
PLOTS: dict[str, Callable[[xr.DataTree], object]] = {
    "trace": lambda t: arviz_plots.plot_trace(t, var_names=NAMES),
    "rank": lambda t: arviz_plots.plot_rank(t, var_names=NAMES[:2]),
    "pair": lambda t: arviz_plots.plot_pair(t, var_names=NAMES[:2]),
    "energy": arviz_plots.plot_energy,
    "forest": lambda t: arviz_plots.plot_forest(t, var_names=NAMES),
    "ess": lambda t: arviz_plots.plot_ess(t, var_names=NAMES[:2]),
    "autocorr": lambda t: arviz_plots.plot_autocorr(t, var_names=NAMES[:1]),
    "dist": lambda t: arviz_plots.plot_dist(t, var_names=NAMES),
    "convergence": arviz_plots.plot_convergence_dist,
    "ppc": arviz_plots.plot_ppc_dist,
    "loo_pit": arviz_plots.plot_loo_pit,
    "khat": lambda t: arviz_plots.plot_khat(arviz_stats.loo(t, pointwise=True)),
}


@pytest.mark.parametrize("plot", PLOTS.values(), ids=PLOTS)
def test_a_plot_is_drawn(plot: Callable[[xr.DataTree], object], tree: xr.DataTree) -> None:
    plot(tree)
    drawn = [axes for number in pyplot.get_fignums() for axes in pyplot.figure(number).axes]
    assert any(axes.has_data() for axes in drawn)


def test_a_forest_has_the_labels_of_the_groups(tree: xr.DataTree) -> None:
    arviz_plots.plot_forest(tree, var_names=["1|school"])
    texts = {text.get_text() for axes in pyplot.gcf().axes for text in axes.texts}
    assert {"A", "Ä"} <= texts


def test_statistics_agree_with_ours(tree: xr.DataTree, fits: dict[str, pp.Fit]) -> None:
    ours = summary(fits["y ~ x + (1 | school)"].posterior)
    theirs = arviz_stats.summary(tree, round_to="none", kind="all", ci_kind="hdi", ci_prob=0.89)
    assert sorted(theirs.index) == sorted(ours.index)
    for column in ("mean", "sd", "ess_bulk", "r_hat"):
        np.testing.assert_allclose(theirs.loc[ours.index, column].astype(float), ours[column], rtol=1e-9)
    rhat, ess = arviz_stats.rhat(tree), arviz_stats.ess(tree)
    np.testing.assert_allclose(rhat["x"], ours.loc["x", "r_hat"], rtol=1e-9)
    np.testing.assert_allclose(
        ess["1|school"].sel(school__factor_dim="Ä"), ours.loc["1|school[Ä]", "ess_bulk"]
    )
    assert np.isfinite(arviz_stats.bfmi(tree)["energy"]).all()


# arviz-stats 0.8 sorts with a keyword that pandas 3.1 gives up.
@pytest.mark.filterwarnings("ignore:The inplace keyword:DeprecationWarning")
def test_models_are_compared(tree: xr.DataTree, fits: dict[str, pp.Fit]) -> None:
    empty = fits["y ~ 1"].fitted
    other = with_rows(to_datatree(empty.draws, empty.model.layout, empty.model.design), empty)
    table = arviz_stats.compare({"schools": tree, "empty": other})
    assert list(table.index) == ["schools", "empty"]
    assert arviz_stats.loo(tree).n_data_points == N


@pytest.mark.parametrize("name", ["trace", "rank", "forest", "dist", "ppc", "loo_pit", "khat"])
def test_plots_do_without_statistics_of_a_sampler(name: str, tree: xr.DataTree) -> None:
    """A tree of nested Laplace has no group `sample_stats`."""
    PLOTS[name](tree.filter(lambda node: node.name != "sample_stats"))
    assert pyplot.get_fignums()
