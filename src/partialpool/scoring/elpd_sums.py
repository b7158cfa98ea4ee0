"""Sums of pointwise figures as an `Elpd`: each row is counted with its frequency weight."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from partialpool.errors import FitError, build
from partialpool.families.support import row_weights
from partialpool.inference.prior import METHOD as PRIOR
from partialpool.model.names import ROWS
from partialpool.model.spec import ModelSpec
from partialpool.predict.log_likelihood import outcome_of
from partialpool.results.findings import Finding
from partialpool.results.fitted import Fitted
from partialpool.scoring.elpd import Elpd, Method

Floats = NDArray[np.float64]


def check_scored(fitted: Fitted, what: str) -> None:
    """Raise unless the fit has its rows and its draws are from the posterior.

    Parameters
    ----------
    what
        What needs them, as the subject of a sentence.

    Raises
    ------
    DataError
        When the fit was saved without its rows.
    FitError
        When the draws are from the prior.
    """
    fitted.require_rows(what)
    if fitted.draws.method == PRIOR:
        raise build(
            FitError,
            f"{what} needs draws from the posterior, and these are from the prior.",
            hint="model.fit(); of draws from the prior, fit.check() is a prior predictive check",
        )


def build_elpd(
    fitted: Fitted,
    method: Method,
    how: str,
    elpd: Floats,
    p: Floats,
    *,
    columns: Mapping[str, NDArray[Any]] | None = None,
    groups: pd.DataFrame | None = None,
    refits: pd.DataFrame | None = None,
    good_k: float | None = None,
    findings: tuple[Finding, ...] = (),
) -> Elpd:
    """Sum pointwise figures to an `Elpd`.

    Parameters
    ----------
    how
        What was done, without the numbers of observations, draws and refits.
    elpd, p
        (n_rows,) of one observation of each row.
    columns
        Further columns of the rows' table.
    """
    weights, n_draws = observation_weights(fitted.model), len(fitted.values)
    total, se, n = add_up(elpd, weights)
    sizes = f"{n:,.10g} observations, {n_draws:,} draws"
    if refits is not None:
        sizes += f", {len(refits):,} refit{'s' * (len(refits) != 1)}"
    rows = _row_table(elpd, p, weights, columns or {})
    return Elpd(
        method,
        f"{how}: {sizes}.",
        total,
        se,
        float(rows["p"].sum()),
        n,
        n_draws,
        rows,
        outcome_of(fitted.model),
        groups,
        refits,
        good_k,
        findings,
        fitted.model.family.discrete,
    )


def add_up(elpd: Floats, weights: Floats) -> tuple[float, float, float]:
    """Sum (n,) figures of single observations, each multiplied by its frequency weight.

    Returns
    -------
    The sum, its standard error sqrt(n var(elpd_i)), and n.
    """
    n, used = float(np.sum(weights)), weights > 0
    total = float(weights[used] @ elpd[used])
    if not np.isfinite(total):
        return total, np.inf, n
    return total, float(np.sqrt(weights[used] @ (elpd[used] - total / n) ** 2)), n


def observation_weights(model: ModelSpec) -> Floats:
    """(n,) how many observations each row stands for: its weight, but none where it has no trials."""
    outcome = outcome_of(model)
    return np.where(model.family.unit_weights(outcome) > 0, row_weights(outcome), 0.0)


def _row_table(elpd: Floats, p: Floats, weights: Floats, columns: Mapping[str, NDArray[Any]]) -> pd.DataFrame:
    used = weights > 0
    table = {"elpd": elpd, "p": p}
    table = {name: weights * np.where(used, values, 0.0) for name, values in table.items()}
    if not np.all(weights == 1.0):
        table["weight"] = weights
    return pd.DataFrame(table | dict(columns), index=pd.RangeIndex(len(weights), name=ROWS))
