from __future__ import annotations

import arviz_stats
import numpy as np
import pytest
import xarray as xr
from arviz_stats.base import array_stats
from tests.results.fixtures import make_case

from partialpool.errors import FitError, OptionError
from partialpool.results.summaries import hdi, interval_names, summary, value_labels
from partialpool.results.tree import posterior_dataset

COLUMNS = ["mean", "sd", "hdi_5.5%", "hdi_94.5%", "mcse_mean", "mcse_sd", "ess_bulk", "ess_tail", "r_hat"]


@pytest.fixture(scope="module")
def posterior() -> xr.Dataset:
    case = make_case()
    return posterior_dataset(case.draws, case.layout)


@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")  # ArviZ's, from constants
def test_agrees_with_arviz(posterior: xr.Dataset) -> None:
    ours = summary(posterior)
    theirs = arviz_stats.summary(posterior, round_to="none", ci_prob=0.89)
    assert list(ours.columns) == COLUMNS
    assert list(ours.index) == list(theirs.index)
    for column in ["mean", "sd", "mcse_mean", "ess_bulk", "r_hat"]:
        np.testing.assert_allclose(ours[column], theirs[column], rtol=1e-9, atol=1e-12, err_msg=column)
    moving = ours["sd"] > 0
    np.testing.assert_allclose(ours["mcse_sd"][moving], theirs["mcse_sd"][moving], rtol=1e-9)
    tails = arviz_stats.ess(posterior["1|district"], method="tail", prob=(0.05, 0.95))
    np.testing.assert_allclose(ours.filter(regex=r"^1\|district\[", axis=0)["ess_tail"], tails, rtol=1e-9)
    bounds = arviz_stats.hdi(posterior["cat|district"], prob=0.89).to_numpy().reshape(-1, 2)
    found = ours.filter(like="cat|district[", axis=0)[["hdi_5.5%", "hdi_94.5%"]]
    np.testing.assert_array_equal(found, bounds)


def test_rows_carry_the_labels_of_the_user(posterior: xr.Dataset) -> None:
    labels = value_labels(posterior)
    assert {"Intercept", "cat[b]", "1|district[61]", "cat|district[c, 3]", "w|school:room[b:2]"} <= set(
        labels
    )
    assert "district_corr[cat[b], 1]" in labels
    assert "sigma_1|district_sigma" in labels


def test_a_value_that_never_changes_has_no_r_hat(posterior: xr.Dataset) -> None:
    diagonal = summary(posterior).loc["district_corr[1, 1]"]
    assert diagonal[["mean", "sd", "mcse_mean", "mcse_sd"]].tolist() == [1, 0, 0, 0]
    assert np.isnan(diagonal["r_hat"])


def test_names_choose_variables_in_their_order(posterior: xr.Dataset) -> None:
    chosen = summary(posterior, var_names=["x", "Intercept"])
    assert list(chosen.index) == ["x", "Intercept"]
    assert list(summary(posterior, var_names="x").index) == ["x"]


def test_an_unknown_name_is_answered_with_near_ones(posterior: xr.Dataset) -> None:
    with pytest.raises(OptionError, match=r"There is no variable '1\|distrct'\.(.|\n)*Try: '1\|district'"):
        summary(posterior, var_names=["1|distrct"])


@pytest.mark.parametrize("prob", [0, 1, -0.1, 1.5, float("nan")])
def test_probabilities_stay_between_zero_and_one(posterior: xr.Dataset, prob: float) -> None:
    with pytest.raises(OptionError, match="a number between 0 and 1"):
        summary(posterior, prob=prob)


def test_a_percentage_is_answered_with_the_probability() -> None:
    with pytest.raises(OptionError, match=r"prob=89\.\n.*\n  Try: prob=0\.89"):
        interval_names(89)


def test_no_draws_are_an_error(posterior: xr.Dataset) -> None:
    with pytest.raises(FitError, match="no draws to summarise"):
        summary(posterior.isel(draw=slice(0)))


@pytest.mark.parametrize(
    ("prob", "names"), [(0.5, ("hdi_25%", "hdi_75%")), (0.95, ("hdi_2.5%", "hdi_97.5%"))]
)
def test_interval_names_follow_the_probability(prob: float, names: tuple[str, str]) -> None:
    assert interval_names(prob) == names


@pytest.mark.parametrize("prob", [0.01, 0.5, 0.89, 0.999])
def test_hdi_agrees_with_arviz(prob: float) -> None:
    values = np.random.default_rng(5).gamma(2.0, size=(3, 5, 101))
    np.testing.assert_array_equal(hdi(values, prob), array_stats.hdi(values, prob))


def test_hdi_of_missing_values_is_missing() -> None:
    assert np.isnan(hdi(np.array([1.0, np.nan, 2.0, 3.0]))).all()


def test_many_values_are_summarised_in_blocks(monkeypatch: pytest.MonkeyPatch, posterior: xr.Dataset) -> None:
    whole = summary(posterior)
    monkeypatch.setattr("partialpool.results.summaries._BLOCK_VALUES", 1)
    assert summary(posterior).equals(whole)
