"""Randomised quantile residuals, which are standard normal for every family if the model is right."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from partialpool.checking.replicated import DRAWS, thinned
from partialpool.errors import OptionError, unknown_name
from partialpool.formula.design_rows import take_rows
from partialpool.formula.group_records import Grouping
from partialpool.formula.records import Design
from partialpool.predict.linear import linear_predictors, row_blocks
from partialpool.predict.log_likelihood import distinct_rows, outcome_of
from partialpool.predict.replicates import CACHE_BYTES
from partialpool.results.fitted import Fitted

Floats = NDArray[np.float64]

FIGURES = ("observed", "expected", "pit", "residual")
_ROWS_A_PART, _MOST_PARTS = 10, 20
_SMALLEST = 2.0**-53  # keeps residuals finite: they end at -8.2 and 8.1


def quantile_residuals(
    fitted: Fitted, seed: int, draws: int = DRAWS, max_bytes: int = CACHE_BYTES
) -> pd.DataFrame:
    """Compute a randomised quantile residual for each row (Dunn & Smyth 1996).

    Where the outcome y has the distribution function F, u = F(y-) + v P(y), with v uniform and P(y) = 0 for
    a continuous outcome, is uniform, and its normal quantile is standard normal. F and P are averaged over
    the draws. The same rows made the draws, so residuals are a little too small, most where a row has much
    to say about its own group; leave-one-out versions (ArviZ's ``loo_pit``) are not.

    Parameters
    ----------
    fitted
        A fit with its rows.
    seed
        Of v: the same seed gives the same residuals.
    draws
        Number of draws at most to average over, an even choice.
    max_bytes
        Size of the largest draws-by-rows matrix that is held.

    Returns
    -------
    A row a row, in the table's order: the group's label under each grouping factor's name (of several
    groups their labels under the names of their columns), and ``observed`` (a proportion where there are
    trials), ``expected`` (its mean over draws), ``pit`` (u) and ``residual``.
    A row without trials has no ``pit`` and no ``residual`` (NaN).

    Raises
    ------
    DataError
        When the fit was saved without its rows.
    OptionError
        When `draws` is not a whole number from 1 on.
    """
    fitted.require_rows("A check of residuals")
    model = fitted.model
    outcome, distinct = outcome_of(model), distinct_rows(model)
    figures = _means_over_draws(
        thinned(fitted, draws), take_rows(model.design, distinct.first_row), max_bytes
    )
    below, at, expected = figures[:, distinct.cell]
    pit = below + np.random.default_rng(seed).random(len(below)) * at
    pit[model.family.unit_weights(replace(outcome, weights=None)) == 0] = np.nan
    columns = {n: c for grouping in model.design.groupings.values() for n, c in _label_columns(grouping)}
    return pd.DataFrame(
        columns
        | {
            "observed": model.family.unit_outcome(outcome),
            "expected": expected,
            "pit": pit,
            "residual": _normal_quantile(pit),
        }
    )


def _label_columns(grouping: Grouping) -> Iterator[tuple[str, NDArray[Any]]]:
    """Yield the labels of rows' groups under the factor's name; of several under their columns' names."""
    if not grouping.members:
        yield grouping.name, grouping.labels[grouping.index]
    for name, member in zip(grouping.columns, grouping.members, strict=False):
        yield name, grouping.labels[member.index]


def _means_over_draws(fitted: Fitted, design: Design, max_bytes: int) -> Floats:
    """Average F(y-), P(y) and the expected unit outcome over draws: (3, n) for n distinct rows."""
    model, values = fitted.model, fitted.values
    family, means = model.family, np.zeros((3, design.n_rows))
    for rows in row_blocks(design.n_rows, len(values), max_bytes):
        own = take_rows(design, np.arange(rows.start, rows.stop))
        assert own.outcome is not None, "models are built from rows with an outcome"
        y = own.outcome.values
        with np.errstate(over="ignore"):  # draws from wide priors
            linear = linear_predictors(model, own, values, slice(None))
            below = family.cdf(y - 1 if family.discrete else y, linear, own.outcome.additions)
            means[0, rows], means[2, rows] = below.mean(axis=0), family.expected(linear).mean(axis=0)
            if family.discrete:
                means[1, rows] = np.exp(family.log_likelihood(own.outcome, linear)).mean(axis=0)
    return means


def _normal_quantile(pit: Floats) -> Floats:
    from scipy.special import ndtri

    return np.asarray(ndtri(np.clip(pit, _SMALLEST, 1.0 - _SMALLEST)))


def against_normal(residuals: pd.DataFrame, prob: float, most: int) -> pd.DataFrame:
    """Compare sorted residuals with order statistics of standard normal numbers.

    Parameters
    ----------
    residuals
        From `quantile_residuals`.
    prob
        Of the interval for each order statistic by itself: the k-th of n uniforms is Beta(k, n + 1 - k).
    most
        Number of order statistics to keep, spread evenly over normal quantiles so that tails stay whole.

    Returns
    -------
    A row an order statistic: ``normal`` (the quantile of its median), ``residual``, ``lower``, ``upper``.
    """
    from scipy.special import betaincinv, ndtr

    ordered = np.sort(residuals["residual"].dropna().to_numpy())
    n = len(ordered)
    ranks = np.arange(1, n + 1)
    if n > most:
        low, high = _normal_quantile(np.array([0.5, n - 0.5]) / n)
        ranks = np.unique(np.clip(np.ceil(n * ndtr(np.linspace(low, high, most))), 1, n)).astype(np.int64)
    below = np.array([0.5, (1 - prob) / 2, (1 + prob) / 2])[:, np.newaxis]
    normal, lower, upper = _normal_quantile(betaincinv(ranks, n + 1 - ranks, below))
    return pd.DataFrame({"normal": normal, "residual": ordered[ranks - 1], "lower": lower, "upper": upper})


def along_expected(residuals: pd.DataFrame, prob: float) -> pd.DataFrame:
    """Average the residuals of rows with similar expected outcomes, in up to 20 parts of equal size.

    Parameters
    ----------
    residuals
        From `quantile_residuals`.
    prob
        Of the interval in which the mean of as many standard normal numbers lies.

    Returns
    -------
    A row a part, from the lowest: ``expected`` (its mean), ``n``, ``mean``, ``lower``, ``upper``.
    """
    known = residuals.dropna(subset="residual").sort_values("expected", kind="stable")
    n_parts = int(np.clip(len(known) // _ROWS_A_PART, 1, _MOST_PARTS))
    parts = known.groupby(np.arange(len(known)) * n_parts // max(1, len(known)))
    table = parts.agg(expected=("expected", "mean"), n=("residual", "size"), mean=("residual", "mean"))
    return _with_interval(table.reset_index(drop=True), prob)


def by_group(residuals: pd.DataFrame, factor: str, prob: float) -> pd.DataFrame:
    """Average the residuals of each group.

    Parameters
    ----------
    residuals
        From `quantile_residuals`.
    factor
        One of its grouping factors.
    prob
        Of the interval in which the mean of as many standard normal numbers lies.

    Returns
    -------
    A row a group, in the order of labels: ``group``, ``n``, ``mean``, ``lower``, ``upper``.

    Raises
    ------
    OptionError
        When there is no such factor.
    """
    factors = [str(name) for name in residuals if name not in FIGURES]
    if factor not in factors:
        raise unknown_name(OptionError, "grouping factor of the residuals called", factor, factors)
    known = residuals.dropna(subset="residual")
    table = known.groupby(factor, sort=True)["residual"].agg(["size", "mean"]).reset_index()
    table.columns = pd.Index(["group", "n", "mean"])
    return _with_interval(table, prob)


def _with_interval(table: pd.DataFrame, prob: float) -> pd.DataFrame:
    """Add the interval of the mean of n standard normal numbers."""
    from scipy.special import ndtri

    reach = ndtri((1 + prob) / 2) / np.sqrt(table["n"])
    return table.assign(lower=-reach, upper=reach)
