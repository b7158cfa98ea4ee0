"""Whether two programs found the same posterior: the one function that is asked before any time is believed.

Also the one function for effective sample sizes, whichever program made the draws.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

STANDARD_ERRORS = 5.0
# Beside Monte Carlo errors, in posterior sds: what methods may differ by before it is another answer.
ALLOWANCE = {"posterior": (0.02, 0.03), "approximate": (0.08, 0.05)}


@dataclass(frozen=True)
class Moments:
    """Means, sds and effective sample sizes of what is monitored, (V,) each; no draws: infinite sizes."""

    mean: np.ndarray
    sd: np.ndarray
    ess: np.ndarray

    def record(self) -> dict[str, list[float | None]]:
        """Plain lists to keep, with null for what is not known."""
        arrays = {"mean": self.mean, "sd": self.sd, "ess": self.ess}
        return {name: [_plain(v) for v in values] for name, values in arrays.items()}


def moments(record: Mapping[str, list[float | None]]) -> Moments:
    """Read what `Moments.record` wrote, or a program's own means and sds."""
    mean = np.array(record["mean"], float)
    sd = np.array(record["sd"], float)
    return Moments(
        mean, sd, np.array(record["ess"], float) if "ess" in record else np.full(len(mean), np.inf)
    )


@dataclass(frozen=True)
class Agreement:
    """Largest differences of two posteriors, in posterior sds, and whether chance and method explain them."""

    mean_gap: float
    sd_gap: float
    agrees: bool


def agreement(one: Moments, other: Moments, kind: str = "posterior") -> Agreement:
    """Compare two posteriors parameter by parameter.

    A mean may differ by 5 Monte Carlo standard errors and an allowance; an sd, as a log ratio, likewise. Over
    250 parameters normal errors alone exceed that once in 7,000 comparisons.

    Parameters
    ----------
    kind
        ``"posterior"``, or ``"approximate"`` for methods that do not promise the exact one.
    """
    for_mean, for_sd = ALLOWANCE[kind]
    known = np.isfinite(one.sd) & np.isfinite(other.sd) & (one.sd > 0) & (other.sd > 0)
    error = np.sqrt(1 / one.ess[known] + 1 / other.ess[known])
    means = np.abs(one.mean - other.mean)[known] / np.sqrt((one.sd[known] ** 2 + other.sd[known] ** 2) / 2)
    sds = np.abs(np.log(one.sd[known] / other.sd[known]))
    tail = np.sqrt(2.0)  # sds of heavy-tailed parameters are known less well than a normal's
    fine = np.all(means <= for_mean + STANDARD_ERRORS * error)
    fine &= np.all(sds <= for_sd + STANDARD_ERRORS * tail * error)
    return Agreement(float(means.max()), float(sds.max()), bool(fine))


def effective(draws: np.ndarray) -> tuple[Moments, dict[str, float]]:
    """Moments of (chains, draws, values), and the smallest ESS and largest R-hat of them all."""
    from partialpool.inference.convergence import convergence

    found = convergence(draws)
    worst = {"ess_bulk": np.nanmin(found.ess_bulk), "ess_tail": np.nanmin(found.ess_tail)}
    r_hat = np.nanmax(found.r_hat) if draws.shape[0] > 1 else np.nan
    return Moments(found.mean, found.sd, found.ess_bulk), {k: float(v) for k, v in worst.items()} | {
        "r_hat": float(r_hat)
    }


def pooled(runs: list[Moments]) -> Moments:
    """One set of moments of several independent runs of a program."""
    mean = np.mean([run.mean for run in runs], axis=0)
    sd = np.sqrt(np.mean([run.sd**2 for run in runs], axis=0))
    return Moments(mean, sd, np.sum([run.ess for run in runs], axis=0))


def _plain(value: float) -> float | None:
    return float(f"{value:.6g}") if np.isfinite(value) else None
