"""K-fold cross-validation against closed forms, by rows and by groups."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from tests.scoring.models import fit_groups, fit_line, groups, line

import partialpool as pp
from partialpool.errors import DataError, OptionError
from partialpool.inference.refitting import Refits
from partialpool.predict.log_likelihood import log_likelihood
from partialpool.scoring.elpd import Elpd
from partialpool.scoring.folds import group_folds, row_folds
from partialpool.scoring.kfold import kfold


@pytest.fixture(scope="module")
def fit() -> pp.Fit:
    return fit_groups(groups().table)


@pytest.fixture(scope="module")
def by_group(fit: pp.Fit) -> Elpd:
    return fit.kfold(k=4, group="g", seed=2, progress=False)


def expected(fold: pd.Series) -> np.ndarray:
    case, out = groups(), np.empty(len(fold))
    for k in fold.unique():
        held_out = (fold == k).to_numpy()
        out[held_out] = case.log_density(held_out)
    return out


# The Monte Carlo error of a mean of 4,000 likelihoods is below 2% for every row here, far from the tails:
# a bound of five times that, 0.1, has a false-alarm rate below 1e-5 for each of some 100 rows.
BOUND = 0.1


def test_whole_groups_are_predicted_from_the_population(by_group: Elpd) -> None:
    np.testing.assert_allclose(by_group.rows["elpd"], expected(by_group.rows["fold"]), atol=BOUND)


def test_rows_are_predicted_from_the_others(fit: pp.Fit) -> None:
    found = fit.kfold(k=5, seed=2, progress=False)
    np.testing.assert_allclose(found.rows["elpd"], expected(found.rows["fold"]), atol=BOUND)
    assert found.groups is None
    np.testing.assert_array_equal(np.bincount(found.rows["fold"])[1:], 5)


def test_more_folds_than_rows_leave_one_out() -> None:
    case = line()
    found = fit_line(case.table).kfold(k=100, progress=False)
    np.testing.assert_allclose(found.rows["elpd"], case.leave_one_out(), atol=BOUND)
    assert sorted(found.rows["fold"]) == list(range(1, 13))


def test_no_group_is_in_two_folds_and_sums_are_by_group(by_group: Elpd) -> None:
    table = groups().table
    assert (by_group.rows["fold"].groupby(table["g"]).nunique() == 1).all()
    assert by_group.groups is not None
    sums = by_group.rows["elpd"].groupby(table["g"]).sum()
    pd.testing.assert_series_equal(by_group.groups["elpd"], sums)
    assert by_group.groups["rows"].to_list() == table["g"].value_counts().sort_index().to_list()
    assert by_group.elpd == pytest.approx(sums.sum())


def test_labels_of_rows_do_what_a_factor_of_the_model_does(fit: pp.Fit, by_group: Elpd) -> None:
    labels = groups().table["g"]
    again = fit.kfold(k=4, group=labels, seed=2, progress=False)
    pd.testing.assert_frame_equal(again.rows, by_group.rows)
    assert again.groups is not None
    assert again.groups.index.name == "g"


def test_a_model_without_the_factor_gets_the_same_folds(by_group: Elpd) -> None:
    table = groups().table
    complete = pp.Model("y ~ 1", table).fit(50, 1, seed=1, progress=False)
    found = complete.kfold(k=4, group=table["g"], seed=2, progress=False)
    np.testing.assert_array_equal(found.rows["fold"], by_group.rows["fold"])


def test_more_folds_than_groups_leave_one_group_out(fit: pp.Fit) -> None:
    short = fit_groups(groups().table, draws=50)
    found = short.kfold(k=10, group="g", progress=False)
    assert found.rows["fold"].nunique() == 7
    assert "7-fold cross-validation, 7 groups of g held out whole: 25 observations" in str(found)


def test_p_is_the_density_of_seen_rows_less_that_of_unseen(fit: pp.Fit, by_group: Elpd) -> None:
    seen = np.log(np.exp(log_likelihood(fit.fitted)).mean(axis=(0, 1)))
    np.testing.assert_allclose(by_group.rows["p"], seen - by_group.rows["elpd"], rtol=1e-9)


def test_the_number_of_cores_makes_no_difference_and_progress_is_told() -> None:
    short, told = fit_groups(groups().table, draws=50), []
    again = Refits(short.model.spec, short.draws, 0, 1, lambda done, total: told.append((done, total)))
    one = kfold(short.fitted, again, k=3)
    two = short.kfold(k=3, cores=2, progress=False)
    pd.testing.assert_frame_equal(one.rows, two.rows)
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert one.refits is not None
    assert one.refits["left_out"].sum() == 25


def test_a_weighted_row_counts_as_often_as_it_is_there() -> None:
    table = groups().table.assign(w=np.tile([1, 2, 0, 3, 1], 5))
    priors = {"Intercept": pp.Normal(0, 2), "sigma": pp.Exponential(1)}
    fit = pp.Model("y | weights(w) ~ 1", table, priors=priors).fit(100, 2, seed=1, progress=False)
    found = fit.kfold(k=3, progress=False)
    assert found.n == table["w"].sum()
    assert found.elpd == pytest.approx((found.unit_elpd * table["w"]).sum())
    assert found.refits is not None
    assert found.refits["left_out"].sum() == table["w"].sum()


def test_folds_are_balanced() -> None:
    rng = np.random.default_rng(1)
    np.testing.assert_array_equal(np.sort(np.bincount(row_folds(23, 5, rng))), [4, 4, 5, 5, 5])
    sizes = rng.integers(2, 119, 60)
    folds = group_folds(sizes, 10, rng)
    rows = np.bincount(folds, sizes)
    assert rows.max() - rows.min() < 0.1 * rows.mean()
    assert sorted(group_folds(np.array([5, 1, 3]), 3, rng)) == [0, 1, 2]


def test_arviz_reads_it(by_group: Elpd) -> None:
    record = by_group.to_arviz()
    assert "Computed from 4-fold cross validation." in str(record)
    assert record.elpd_i.sum() == pytest.approx(by_group.elpd)


def test_what_cannot_be_used_is_refused(fit: pp.Fit) -> None:
    with pytest.raises(OptionError, match="no grouping factor 'gg'"):
        fit.kfold(group="gg", progress=False)
    with pytest.raises(OptionError, match="seed is 'a'"):
        fit.kfold(seed="a", progress=False)
    with pytest.raises(OptionError, match="cores is 0"):
        fit.kfold(cores=0, progress=False)
    with pytest.raises(OptionError, match="k is 1"):
        fit.kfold(k=1, progress=False)
    with pytest.raises(DataError, match="group has 3 labels, and the fit has 25 rows"):
        fit.kfold(group=["a", "b", "c"], progress=False)
    with pytest.raises(OptionError, match="All rows are in one group"):
        fit.kfold(group=["a"] * 25, progress=False)
    with pytest.raises(DataError, match="lacks a label in 1 row"):
        fit.kfold(group=[None, *"ab" * 12], progress=False)
