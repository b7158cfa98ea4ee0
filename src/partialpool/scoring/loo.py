"""Leave-one-out cross-validation from one fit, for distinct rows; refits where Pareto k is too large."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.data.collapse import CellIndex
from partialpool.inference.refitting import Refits
from partialpool.predict.log_likelihood import distinct_rows, unit_blocks
from partialpool.results.fitted import Fitted
from partialpool.scoring.elpd import EXACT, PARETO_K, Elpd
from partialpool.scoring.elpd_findings import pareto_finding, refit_findings
from partialpool.scoring.elpd_sums import build_elpd, check_scored, observation_weights
from partialpool.scoring.pareto import Smoothed, good_k, relative_efficiency, smooth
from partialpool.scoring.refits import Job, refit_table, score_refits

Floats = NDArray[np.float64]

WHAT = "Leave-one-out cross-validation"
HOW = "Leave-one-out cross-validation by Pareto-smoothed importance sampling"


def loo(fitted: Fitted, again: Refits | None = None) -> Elpd:
    """Estimate the elpd by leave-one-out cross-validation.

    Pareto-smoothed importance sampling (Vehtari, Gelman & Gabry 2017, "Practical Bayesian model evaluation
    using leave-one-out cross-validation and WAIC", Statistics and Computing 27(5)). Rows that share cell,
    outcome and trials have the same log likelihood: it is computed and smoothed once for all of them.

    Parameters
    ----------
    fitted
        A fit with its rows.
    again
        Fits again without each row whose Pareto k is too large: the elpd of these rows is taken from there.
        Rows that are the same need one refit. None leaves the estimates as they are.

    Returns
    -------
    An `Elpd` with ``pareto_k`` and ``n_eff`` of every row. Only the refits are random.

    Raises
    ------
    DataError
        When the fit was saved without its rows.
    FitError
        When the fit has fewer than 25 draws or draws from the prior, or a refit fails or is interrupted.
    """
    check_scored(fitted, WHAT)
    weights, distinct = observation_weights(fitted.model), distinct_rows(fitted.model)
    counted = np.bincount(distinct.cell, weights, distinct.n_cells) > 0
    smoothed, good = _smooth_distinct(fitted, distinct, counted), good_k(len(fitted.values))
    exact = counted & (smoothed.pareto_k > good) & (again is not None)
    refits = None
    if again is not None and np.any(exact):
        jobs = _jobs(weights, distinct, exact)
        found = score_refits(again, jobs)
        smoothed = _replaced(smoothed, exact, np.array([refit.elpd[0] for refit in found]))
        refits = refit_table(found, row=[int(job.rows[0]) for job in jobs])
    kind = distinct.cell
    columns: dict[str, NDArray[Any]] = {PARETO_K: smoothed.pareto_k[kind], "n_eff": smoothed.n_eff[kind]}
    columns |= {} if again is None else {EXACT: exact[kind]}
    remaining = np.where(exact, 0.0, smoothed.pareto_k)[kind]
    return build_elpd(
        fitted,
        "loo",
        HOW,
        smoothed.elpd[kind],
        smoothed.p[kind],
        columns=columns,
        refits=refits,
        good_k=good,
        findings=pareto_finding(fitted.model, remaining, good)
        + (() if refits is None else refit_findings(refits)),
    )


def _smooth_distinct(fitted: Fitted, distinct: CellIndex, counted: NDArray[np.bool_]) -> Smoothed:
    """Smooth one row of each kind; a kind without observations gets zeros."""
    efficiency = relative_efficiency(fitted.draws)
    kinds, zeros = np.flatnonzero(counted), np.zeros(distinct.n_cells)
    out = Smoothed(zeros, zeros.copy(), zeros.copy(), zeros.copy())
    for block, values in unit_blocks(fitted, distinct.first_row[kinds]):
        found = smooth(values, efficiency)
        for name in ("elpd", "seen", "pareto_k", "n_eff"):
            getattr(out, name)[kinds[block]] = getattr(found, name)
    return out


def _jobs(weights: Floats, distinct: CellIndex, wanted: NDArray[np.bool_]) -> list[Job]:
    """Leave out one observation of each kind of row that is wanted."""
    jobs = []
    for kind in np.flatnonzero(wanted):
        row = np.flatnonzero((distinct.cell == kind) & (weights > 0))[0]
        left = weights.copy()
        left[row] = max(left[row] - 1.0, 0.0)
        jobs.append(Job(left, np.array([row])))
    return jobs


def _replaced(smoothed: Smoothed, where: NDArray[np.bool_], elpd: Floats) -> Smoothed:
    """Put exact figures in place of estimates."""
    new = smoothed.elpd.copy()
    new[where] = elpd
    return replace(smoothed, elpd=new)
