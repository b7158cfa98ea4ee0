"""The log likelihood of rows: whole, in blocks, of distinct rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import stats

import partialpool as pp
from partialpool.errors import DataError
from partialpool.formula.design_rows import take_rows
from partialpool.predict.log_likelihood import (
    distinct_rows,
    log_likelihood,
    log_likelihood_blocks,
    unit_blocks,
    unit_log_likelihood,
)


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    return pd.DataFrame(
        {
            "y": rng.integers(0, 4, 50) / 2,
            "x": rng.integers(0, 3, 50),
            "g": rng.integers(0, 5, 50),
            "e": rng.integers(0, 2, 50) / 4,
            "w": rng.integers(0, 4, 50),
        }
    )


@pytest.fixture(scope="module")
def fit(table: pd.DataFrame) -> pp.Fit:
    formula = pp.Formula("y | weights(w) ~ x + offset(e) + (x | g)", sigma="1 + x")
    return pp.Model(formula, table).fit(30, 2, seed=1, progress=False)


def slow(fit: pp.Fit, table: pd.DataFrame) -> np.ndarray:
    """Log densities by names and labels, a row at a time: (chain, draw, row)."""
    post, rows = fit.posterior, []
    for row in table.itertuples():
        at = {"g__factor_dim": row.g}
        mean = (
            post["Intercept"] + row.x * post["x"] + row.e + post["1|g"].sel(at) + row.x * post["x|g"].sel(at)
        )
        sigma = np.exp(post["sigma_Intercept"] + row.x * post["sigma_x"])
        rows.append(row.w * stats.norm.logpdf(row.y, mean, sigma))
    return np.stack(rows, axis=-1)


def test_it_is_the_density_of_each_row_times_its_weight(fit: pp.Fit, table: pd.DataFrame) -> None:
    np.testing.assert_allclose(log_likelihood(fit.fitted), slow(fit, table), rtol=1e-11, atol=1e-12)


def test_blocks_joined_are_the_whole(fit: pp.Fit) -> None:
    blocks = list(log_likelihood_blocks(fit.fitted, max_bytes=8 * 60 * 7))
    assert [block.sizes["__obs__"] for block in blocks] == [7] * 7 + [1]
    joined = xr.concat(blocks, "__obs__")
    whole = fit.to_datatree(log_likelihood=True)["log_likelihood"]["y"]
    xr.testing.assert_allclose(joined, whole, rtol=1e-13)
    assert joined.dims == ("chain", "draw", "__obs__")


def test_distinct_rows_share_cell_and_outcome(fit: pp.Fit, table: pd.DataFrame) -> None:
    kinds = distinct_rows(fit.fitted.model)
    expected = table.groupby(["y", "x", "g", "e"]).ngroup()
    assert kinds.n_cells == expected.nunique()
    assert len(set(zip(kinds.cell, expected, strict=True))) == kinds.n_cells
    np.testing.assert_array_equal(kinds.cell[kinds.first_row], np.arange(kinds.n_cells))


def test_rows_with_other_trials_are_not_the_same() -> None:
    table = pd.DataFrame({"k": [1, 1, 1, 2], "n": [2, 3, 2, 3]})
    assert distinct_rows(pp.Model("k | trials(n) ~ 1", table, "binomial").spec).cell.tolist() == [0, 1, 0, 2]


def test_single_rows_count_once_in_any_order(fit: pp.Fit, table: pd.DataFrame) -> None:
    rows = np.array([9, 3, 3, 40])
    found = unit_log_likelihood(fit.fitted, rows)
    expected = slow(fit, table.assign(w=1)).reshape(60, -1)[:, rows]
    np.testing.assert_allclose(found, expected, rtol=1e-11)
    ((block, values),) = unit_blocks(fit.fitted, rows)
    np.testing.assert_array_equal(values, found[:, block])


def test_rows_taken_are_the_design_of_those_rows(fit: pp.Fit, table: pd.DataFrame) -> None:
    rows = np.array([5, 2, 2])
    taken = take_rows(fit.model.design, rows)
    again = fit.model.recipe.evaluate(table.iloc[rows], outcome=True)
    assert taken.n_rows == again.n_rows == 3
    assert taken.outcome is not None
    assert again.outcome is not None
    np.testing.assert_array_equal(taken.outcome.values, again.outcome.values)
    np.testing.assert_array_equal(taken.outcome.weights, again.outcome.weights)
    for name, predictor in taken.predictors.items():
        other = again.predictors[name]
        np.testing.assert_array_equal(predictor.population.matrix, other.population.matrix)
        np.testing.assert_array_equal(predictor.offset, other.offset)
        for term, same in zip(predictor.groups, other.groups, strict=True):
            np.testing.assert_array_equal(term.matrix, same.matrix)
            np.testing.assert_array_equal(term.grouping.index, same.grouping.index)


def test_a_fit_kept_without_rows_says_so(fit: pp.Fit) -> None:
    model = fit.fitted.model
    empty = replace(fit.fitted, model=replace(model, design=replace(model.design, n_rows=0)))
    for wanted in (log_likelihood, log_likelihood_blocks):
        with pytest.raises(DataError, match="The log likelihood of the rows needs the rows"):
            wanted(empty)
