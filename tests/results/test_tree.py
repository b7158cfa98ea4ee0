from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import arviz_stats
import numpy as np
import pytest
import xarray as xr
from tests.results.approximations import EXACT, GOOD, approximated
from tests.results.fixtures import N_ROWS, Case, make_case

from partialpool.results.tree import to_datatree


@pytest.fixture(scope="module")
def case() -> Case:
    return make_case()


@pytest.fixture(scope="module")
def tree(case: Case) -> xr.DataTree:
    log_likelihood = np.random.default_rng(2).normal(-1, 0.1, size=(4, 250, N_ROWS))
    return to_datatree(case.draws, case.layout, case.design, log_likelihood)


def test_groups_are_those_of_the_schema(case: Case, tree: xr.DataTree) -> None:
    always = ["posterior", "sample_stats", "observed_data", "constant_data"]
    assert list(tree.children) == [*always, "log_likelihood"]
    assert list(to_datatree(case.draws, case.layout, case.design).children) == always


def test_posterior_has_every_variable_with_its_labels(case: Case, tree: xr.DataTree) -> None:
    posterior = tree["posterior"].dataset
    assert sorted(posterior.data_vars) == sorted(v.name for v in case.layout.variables)
    assert list(posterior.data_vars)[-1] == "sigma_1|district"
    effects = posterior["cat|district"]
    assert effects.dims == ("chain", "draw", "cat__expr_dim", "district__factor_dim")
    variable = case.layout["cat|district"]
    second = case.draws.values[..., variable.start + 3 + 2]
    np.testing.assert_array_equal(effects.sel(cat__expr_dim="c", district__factor_dim=61), second)
    assert np.shares_memory(effects.to_numpy(), case.draws.values)


def test_rows_are_numbered_and_groups_located(case: Case, tree: xr.DataTree) -> None:
    constant = tree["constant_data"].dataset
    np.testing.assert_array_equal(constant["__obs__"], np.arange(N_ROWS))
    np.testing.assert_array_equal(constant["trials"], np.full(N_ROWS, 9.0))
    np.testing.assert_array_equal(constant["offset"], case.design.predictors["mu"].offset)
    assert "weights" not in constant
    assert "sigma_offset" not in constant
    grouping = case.design.predictors["mu"].groups[0].grouping
    of_rows = constant["district__factor_dim"].to_numpy()[constant["district__factor_index"]]
    np.testing.assert_array_equal(of_rows, grouping.labels[grouping.index])


def test_outcome_and_its_two_labels_are_kept(case: Case) -> None:
    outcome = replace(case.design.outcome, levels=("no", "yes"))
    observed = to_datatree(case.draws, case.layout, replace(case.design, outcome=outcome))["observed_data"]
    np.testing.assert_array_equal(observed["y"], case.design.outcome.values)
    assert observed["y"].attrs == {"levels": ["no", "yes"]}


def test_constant_data_is_left_out_when_there_is_none(case: Case) -> None:
    predictor = replace(case.design.predictors["mu"], groups=(), offset=None)
    plain = replace(
        case.design, predictors={"mu": predictor}, outcome=replace(case.design.outcome, additions={})
    )
    assert "constant_data" not in to_datatree(case.draws, case.layout, plain).children


def test_attributes_say_how_the_draws_came_about(tree: xr.DataTree) -> None:
    attrs = tree["posterior"].attrs
    assert attrs["inference_library"] == "partialpool"
    assert (attrs["method"], attrs["seed"], attrs["tuning_steps"], attrs["sampling_time"]) == (
        "nuts",
        19,
        400,
        0.1,
    )
    assert "created_at" not in attrs
    assert tree["observed_data"].attrs["inference_library_version"]


def test_equal_draws_give_equal_trees(case: Case, tree: xr.DataTree) -> None:
    again = to_datatree(case.draws, case.layout, case.design, tree["log_likelihood"]["y"].to_numpy())
    assert again.identical(tree)


def test_arviz_reads_the_tree(tree: xr.DataTree) -> None:
    table = arviz_stats.summary(tree, var_names=["1|district"], round_to="none")
    assert list(table.index) == ["1|district[3]", "1|district[7]", "1|district[61]"]
    loo = arviz_stats.loo(tree)
    assert loo.n_data_points == N_ROWS
    np.testing.assert_allclose(loo.elpd, N_ROWS * -1.005, rtol=0.01)
    assert arviz_stats.bfmi(tree)["energy"].shape == (4,)


def test_the_tree_survives_a_file(tree: xr.DataTree, tmp_path: Path) -> None:
    tree.to_netcdf(tmp_path / "fit.nc", engine="h5netcdf")
    with xr.open_datatree(tmp_path / "fit.nc", engine="h5netcdf") as read:
        xr.testing.assert_equal(read.load(), tree)
        assert read["posterior"].attrs["seed"] == 19


def test_a_nested_laplace_approximation_tells_of_itself_in_attributes(case: Case, tmp_path: Path) -> None:
    found = replace(GOOD, pareto_k=-np.inf, acceptance=np.nan)
    tree = to_datatree(approximated(case.draws, found), case.layout, case.design)
    assert "sample_stats" not in tree.children
    tree.to_netcdf(tmp_path / "fit.nc", engine="h5netcdf")
    with xr.open_datatree(tmp_path / "fit.nc", engine="h5netcdf") as read:
        attrs = read["posterior"].attrs
    assert (attrs["method"], attrs["laplace_exact"], attrs["laplace_points"]) == ("laplace", 0, 2000)
    assert (attrs["laplace_pareto_k"], attrs["log_marginal_likelihood"]) == (-np.inf, -1273.25)
    assert np.isnan(attrs["laplace_acceptance"])
    assert list(attrs["laplace_groups"]) == ["1|district[3]", "1|district[61]"]
    np.testing.assert_array_equal(attrs["laplace_sd_ratio"], [1.01, 0.98])
    without = to_datatree(approximated(case.draws, EXACT), case.layout, case.design)
    assert "laplace_groups" not in without["posterior"].attrs
    assert "laplace_exact" not in to_datatree(case.draws, case.layout, case.design)["posterior"].attrs


def test_arviz_reads_a_tree_without_statistics_of_a_sampler(case: Case) -> None:
    log_likelihood = np.random.default_rng(2).normal(-1, 0.1, size=(4, 250, N_ROWS))
    for stats in ({}, {"lp": np.zeros((4, 250))}):
        draws = approximated(case.draws, stats=stats)
        tree = to_datatree(draws, case.layout, case.design, log_likelihood)
        assert ("sample_stats" in tree.children) == bool(stats)
        assert len(arviz_stats.summary(tree, var_names=["1|district"])) == 3
        assert arviz_stats.loo(tree).n_data_points == N_ROWS
