"""The problems that benchmarks solve: the Bangladesh models, as rows and as hand-made cells."""

from __future__ import annotations

import numpy as np
import pandas as pd

import partialpool as pp

FORMULA = "`use.contraception` ~ 1 + (1 | district)"
PRIORS = {"Intercept": pp.Normal(0, 1.5), "1|district": pp.Normal(0, pp.Exponential(1))}
CHAINS, DRAWS = 4, 1000


def rows() -> pd.DataFrame:
    """1,934 women, one a row."""
    return pp.load_dataset("bangladesh")


def cells() -> dict[str, object]:
    """The same as trials and successes of 60 districts, the way a careful person aggregates by hand."""
    counts = rows().groupby("district")["use.contraception"].agg(["size", "sum"])
    return {"J": len(counts), "trials": counts["size"].tolist(), "successes": counts["sum"].tolist()}


def minimum_ess(draws: np.ndarray) -> dict[str, float]:
    """Smallest bulk and tail effective sample size and largest R-hat of (chains, draws, values)."""
    from partialpool.results.convergence import convergence

    found = convergence(draws)
    return {
        "ess_bulk": float(np.nanmin(found.ess_bulk)),
        "ess_tail": float(np.nanmin(found.ess_tail)),
        "r_hat": float(np.nanmax(found.r_hat)),
    }
