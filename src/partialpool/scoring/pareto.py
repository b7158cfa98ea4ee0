"""Pareto-smoothed importance sampling of leave-one-out log predictive densities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import FitError, build
from partialpool.inference.convergence import convergence
from partialpool.inference.draws import Draws
from partialpool.predict.log_likelihood import log_mean_likelihood

Floats = NDArray[np.float64]

MIN_DRAWS = 25  # fewer leave fewer than five draws in the tail that the Pareto distribution is fitted to


@dataclass(frozen=True)
class Smoothed:
    """Importance sampling estimates for n rows; each array is (n,).

    Attributes
    ----------
    elpd
        Log density of the row under the posterior of all other rows.
    seen
        Log density of the row under the posterior of all rows.
    pareto_k
        Shape of the tail of the importance ratios; infinite where the row is impossible under some draw, or
        the ratios are further apart than numbers reach.
    n_eff
        How many independent draws from the other rows' posterior the weighted draws are worth.
    """

    elpd: Floats
    seen: Floats
    pareto_k: Floats
    n_eff: Floats

    @property
    def p(self) -> Floats:
        """Effective number of parameters: how much the row's own outcome adds to its density."""
        return self.seen - self.elpd


def good_k(n_draws: int) -> float:
    """Return the largest Pareto k at which this number of draws gives a reliable estimate.

    min(1 - 1 / log10(S), 0.7), of Vehtari, Simpson, Gelman, Yao & Gabry (2024), "Pareto smoothed importance
    sampling", Journal of Machine Learning Research 25(72).

    Examples
    --------
    >>> good_k(4000), round(good_k(1000), 3)
    (0.7, 0.667)
    """
    return float(min(1.0 - 1.0 / np.log10(n_draws), 0.7))


def relative_efficiency(draws: Draws) -> float:
    """Return the mean over the model's values of effective sample size over number of draws.

    As ArviZ has it: the mean of the effective sample sizes for the means over S; 1 for a single chain, and
    for independent draws.
    """
    n_chains, n_draws, _ = draws.values.shape
    if n_chains == 1 or draws.independent:
        return 1.0
    found, size = convergence(draws.values), n_chains * n_draws
    with np.errstate(divide="ignore", invalid="ignore"):
        ess = size / (size - 1) * (found.sd / found.mcse_mean) ** 2
    return float(np.mean(np.where(found.mcse_mean == 0.0, size, ess)) / size)


def smooth(log_likelihood: Floats, efficiency: float) -> Smoothed:
    """Estimate leave-one-out log densities by Pareto-smoothed importance sampling.

    With weights w_s proportional to 1 / p(y_i | theta_s), the largest replaced by quantiles of a fitted
    generalised Pareto distribution, elpd_i = log sum_s w_s p(y_i | theta_s). Weights by ArviZ.

    Parameters
    ----------
    log_likelihood
        (S, n) of single rows under the draws of all rows.
    efficiency
        As `relative_efficiency`.

    Raises
    ------
    FitError
        When there are fewer than 25 draws, or they repeat each other so much that there is no tail.
    """
    n_draws, n = log_likelihood.shape
    if n_draws < MIN_DRAWS:
        raise build(
            FitError,
            f"The fit has {n_draws} draws: too few for the tail of the importance ratios.",
            allowed=f"{MIN_DRAWS} or more; 1,000 or more are of use",
            hint="model.fit(draws=1000), or fit.kfold()",
        )
    finite = np.all(np.isfinite(log_likelihood), axis=0)
    seen = log_mean_likelihood(log_likelihood)
    smoothed = Smoothed(np.full(n, -np.inf), seen, np.full(n, np.inf), np.zeros(n))
    # If a row's log likelihood is the same in all draws, leaving the row out does not change it.
    same = finite & np.all(log_likelihood == log_likelihood[:1], axis=0)
    _fill(smoothed, same, (log_likelihood[0, same], 0.0, n_draws * efficiency))
    others = finite & ~same
    if np.any(others):
        _fill(smoothed, others, _importance(log_likelihood[:, others], efficiency))
    return smoothed


def _fill(smoothed: Smoothed, where: NDArray[np.bool_], figures: tuple[Floats | float, ...]) -> None:
    columns = (smoothed.elpd, smoothed.pareto_k, smoothed.n_eff)
    for column, figure in zip(columns, figures, strict=True):
        column[where] = figure


def _importance(values: Floats, efficiency: float) -> tuple[Floats, ...]:
    """Give elpd, k and n_eff of (S, n) log likelihoods that are finite and not constant."""
    from arviz_stats.base.array import array_stats

    try:
        with np.errstate(all="ignore"):  # ratios further apart than numbers reach are marked below
            log_weights, k = cast("Any", array_stats).psislw(values, r_eff=efficiency, axis=0)
    except ValueError as error:  # a tail of one value
        raise build(
            FitError,
            f"Importance ratios cannot be smoothed ({error}): the chains repeat one draw again and again.",
            hint="print(fit.diagnose()), and fit again",
        ) from error
    log_weights, k = log_weights.T, np.array(k)  # (S, n), summing to one in each column
    failed = ~np.all(np.isfinite(log_weights), axis=0)
    plain = -values[:, failed]
    log_weights[:, failed] = plain - log_mean_likelihood(plain) - np.log(len(values))
    k[failed] = np.inf
    elpd = log_mean_likelihood(log_weights + values) + np.log(len(values))
    n_eff = efficiency / np.sum(np.exp(2.0 * log_weights), axis=0)
    return elpd, k, n_eff
