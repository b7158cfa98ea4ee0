"""K-fold cross-validation by rows or by whole groups, from refits of the same cells."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from partialpool.data.collapse import CellIndex
from partialpool.inference.refitting import Refits
from partialpool.predict.log_likelihood import distinct_rows
from partialpool.results.fitted import Fitted
from partialpool.scoring.elpd import FOLD, Elpd
from partialpool.scoring.elpd_findings import refit_findings
from partialpool.scoring.elpd_sums import build_elpd, check_scored, observation_weights
from partialpool.scoring.folds import Groups, check_k, group_folds, groups_of, row_folds
from partialpool.scoring.refits import Job, Refit, predictive_density, refit_table, score_refits

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

WHAT = "Cross-validation"


def kfold(
    fitted: Fitted, again: Refits, k: int = 10, group: str | Iterable[Any] | None = None, seed: int = 0
) -> Elpd:
    """Hold out parts of the rows in turn, fit the rest, and score the predictions of the held-out rows.

    Every refit has the priors of the full model: defaults stay those that all rows gave, and a prior that
    holds at the predictors' means holds at the means of all rows.

    Parameters
    ----------
    fitted
        A fit with its rows.
    again
        Fits again without the rows of a fold.
    k
        Folds. More folds than rows or groups leave out one at a time.
    group
        Hold out whole groups: a grouping factor of the model, or the label of each row. The effects of a
        held-out group then come from the fitted population of groups, as for a group never seen. None deals
        single rows at random, whatever their groups.
    seed
        Of the folds, which depend on nothing else but the rows, so that models of the same rows have the same
        folds.

    Returns
    -------
    An `Elpd` with the ``fold`` of every row and, for groups, the sum of each group.

    Raises
    ------
    OptionError, DataError
        When k or group cannot be used, or the fit was saved without its rows.
    FitError
        When the draws are from the prior, or a refit fails or is interrupted.
    """
    check_scored(fitted, WHAT)
    model = fitted.model
    check_k(k, model.design.n_rows)
    held_out = None if group is None else groups_of(model.design, group)
    folds = _folds(model.design.n_rows, k, held_out, np.random.default_rng(seed))
    weights, distinct = observation_weights(model), distinct_rows(model)
    jobs = [_job(weights, distinct, folds == fold) for fold in range(folds.max() + 1)]
    refits = score_refits(again, jobs)
    elpd = _collect(refits, distinct, folds)
    p = predictive_density(fitted, distinct.first_row)[distinct.cell] - elpd
    table = refit_table(refits, left_out=np.bincount(folds, weights))
    return build_elpd(
        fitted,
        "kfold",
        _how(len(jobs), held_out),
        elpd,
        p,
        columns={FOLD: folds + 1},
        groups=None
        if held_out is None
        else _group_table(held_out, folds, weights * np.where(weights > 0, elpd, 0.0)),
        refits=table,
        findings=refit_findings(table),
    )


def _folds(n_rows: int, k: int, groups: Groups | None, rng: np.random.Generator) -> Integers:
    """(n,) fold of each row, from 0."""
    if groups is None:
        return row_folds(n_rows, min(k, n_rows), rng)
    sizes = np.bincount(groups.index, minlength=len(groups.labels))
    return group_folds(sizes, min(k, len(sizes)), rng)[groups.index]


def _job(weights: Floats, distinct: CellIndex, held_out: NDArray[np.bool_]) -> Job:
    """Leave rows out, and predict one row of each distinct kind among them."""
    kinds = np.unique(distinct.cell[held_out])
    return Job(np.where(held_out, 0.0, weights), distinct.first_row[kinds])


def _collect(refits: list[Refit], distinct: CellIndex, folds: Integers) -> Floats:
    """(n,) elpd of one observation of each row, from the refit without it."""
    elpd = np.empty(len(folds))
    for fold, refit in enumerate(refits):
        rows = np.flatnonzero(folds == fold)
        _, position = np.unique(distinct.cell[rows], return_inverse=True)
        elpd[rows] = refit.elpd[position]
    return elpd


def _group_table(groups: Groups, folds: Integers, elpd: Floats) -> pd.DataFrame:
    """Sum (n,) elpd of rows by group."""
    n_groups = len(groups.labels)
    fold = np.zeros(n_groups, np.int64)
    fold[groups.index] = folds + 1
    return pd.DataFrame(
        {
            "rows": np.bincount(groups.index, minlength=n_groups),
            FOLD: fold,
            "elpd": np.bincount(groups.index, elpd, n_groups),
        },
        index=pd.Index(groups.labels, name=groups.name),
    )


def _how(k: int, groups: Groups | None) -> str:
    held_out = "" if groups is None else f", {len(groups.labels):,} groups of {groups.name} held out whole"
    return f"{k:,}-fold cross-validation{held_out}"
