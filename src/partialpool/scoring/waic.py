"""The widely applicable information criterion, each distinct row once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from partialpool.predict.log_likelihood import distinct_rows, log_mean_likelihood, unit_blocks
from partialpool.results.fitted import Fitted
from partialpool.scoring.elpd import Elpd
from partialpool.scoring.elpd_findings import waic_finding
from partialpool.scoring.elpd_sums import build_elpd, check_scored, observation_weights

Floats = NDArray[np.float64]

WHAT = "WAIC"
HOW = "Widely applicable information criterion"


def waic(fitted: Fitted) -> Elpd:
    """Estimate how well the model predicts new rows, by WAIC.

    elpd_i = log mean_s p(y_i | theta_s) - var_s log p(y_i | theta_s) (Watanabe 2010; Vehtari, Gelman & Gabry
    2017). `loo` estimates the same with a diagnostic for each row: prefer it.

    Parameters
    ----------
    fitted
        A fit with its rows.

    Returns
    -------
    An `Elpd` whose ``p`` is the variance, row by row.

    Raises
    ------
    DataError
        When the fit was saved without its rows.
    FitError
        When the draws are from the prior.
    """
    check_scored(fitted, WHAT)
    distinct = distinct_rows(fitted.model)
    of_kind = np.empty((2, distinct.n_cells))
    for block, values in unit_blocks(fitted, distinct.first_row):
        of_kind[:, block] = penalised(values)
    used = observation_weights(fitted.model) > 0
    elpd, p = np.where(used, of_kind[:, distinct.cell], 0.0)
    return build_elpd(fitted, "waic", HOW, elpd, p, findings=waic_finding(fitted.model, p))


def penalised(log_likelihood: Floats) -> tuple[Floats, Floats]:
    """Estimate elpd and p of each row from (S, n) log likelihoods of single rows."""
    p = np.var(log_likelihood, axis=0, ddof=1)
    return log_mean_likelihood(log_likelihood) - p, p
