"""Refits of a model without some of its observations: what they predict, and whether to trust them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from partialpool.inference.convergence import convergence
from partialpool.inference.draws import Draws
from partialpool.inference.refitting import Refits
from partialpool.model.spec import ModelSpec
from partialpool.predict.log_likelihood import log_mean_likelihood, unit_blocks
from partialpool.results.fitted import Fitted

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Job:
    """One refit.

    Attributes
    ----------
    weights
        (n,) how many observations of each row the refit sees.
    rows
        Rows to predict.
    """

    weights: Floats
    rows: Rows


@dataclass(frozen=True)
class Refit:
    """Results of a refit; its draws are not stored.

    Attributes
    ----------
    elpd
        Log density of one observation of each of the job's rows.
    trust
        By name, what says whether its draws can be trusted: of NUTS the number of ``divergences``, and the
        largest ``r_hat`` of coefficients, standard deviations and correlations; of nested Laplace
        ``pareto_k`` and ``ess`` of its points, and its ``acceptance``.
    """

    elpd: Floats
    draws: int
    trust: Mapping[str, float]
    seconds: float


def score_refits(refits: Refits, jobs: Sequence[Job]) -> list[Refit]:
    """Fit every job's model, and score its predictions of the job's rows; one a job, in their order.

    Raises
    ------
    FitError
        When a refit fails, or the user interrupts.
    """

    def score(number: int, model: ModelSpec, draws: Draws) -> Refit:
        elpd = predictive_density(Fitted(model, draws), jobs[number].rows)
        n_chains, n_draws, _ = draws.values.shape
        return Refit(elpd, n_chains * n_draws, _trust(model, draws), draws.seconds)

    return refits.each([job.weights for job in jobs], score)


def predictive_density(fitted: Fitted, rows: Rows) -> Floats:
    """Log of the mean over draws of the likelihood of one observation of each of some rows: (n_rows,)."""
    out = np.empty(len(rows))
    for block, values in unit_blocks(fitted, rows):
        out[block] = log_mean_likelihood(values)
    return out


def _trust(model: ModelSpec, draws: Draws) -> dict[str, float]:
    """Collect the diagnostics of the refit's draws."""
    found = draws.approximation
    if found is not None:
        return {"pareto_k": found.pareto_k, "ess": found.ess, "acceptance": found.acceptance}
    return {"divergences": int(np.sum(draws.stats["diverging"])), "r_hat": _largest_r_hat(model, draws)}


def _largest_r_hat(model: ModelSpec, draws: Draws) -> float:
    """Largest R-hat of shared parameters, or of group effects if there are no shared parameters."""
    shared = model.layout.roles("population", "auxiliary", "group_sd", "group_corr") or model.layout.variables
    columns = np.concatenate([np.arange(v.columns.start, v.columns.stop) for v in shared])
    found = convergence(draws.values[..., columns]).r_hat
    return float(np.max(found, initial=1.0, where=np.isfinite(found)))


def refit_table(refits: Sequence[Refit], **columns: object) -> pd.DataFrame:
    """Table the refits, numbered from 1; further columns come first."""
    figures = {
        "draws": [r.draws for r in refits],
        **{name: [r.trust[name] for r in refits] for name in refits[0].trust},
        "seconds": [r.seconds for r in refits],
    }
    return pd.DataFrame(columns | figures, index=pd.RangeIndex(1, len(refits) + 1, name="refit"))
