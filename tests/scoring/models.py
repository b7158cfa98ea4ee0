"""Small models whose predictions of rows left out have a closed form: all is normal and every sd known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

import partialpool as pp
from partialpool.model.spec import ModelSpec
from partialpool.results.fitted import Fitted

SIGMA, TAU, PRIOR_SD = 1.0, 1.5, 2.0
KNOWN_SIGMA = pp.Uniform(SIGMA - 1e-6, SIGMA + 1e-6)


@dataclass(frozen=True)
class Normal:
    """Outcomes with a joint normal distribution: y ~ N(0, covariance)."""

    table: pd.DataFrame
    covariance: np.ndarray

    def log_density(self, held_out: np.ndarray) -> np.ndarray:
        """Log density of each held-out outcome, given all that are not."""
        y, seen = self.table["y"].to_numpy(), ~held_out
        weights = self.covariance[np.ix_(held_out, seen)] @ np.linalg.inv(self.covariance[np.ix_(seen, seen)])
        mean = weights @ y[seen]
        variance = np.diag(self.covariance)[held_out] - np.sum(
            weights * self.covariance[np.ix_(held_out, seen)], axis=1
        )
        return stats.norm.logpdf(y[held_out], mean, np.sqrt(variance))

    def leave_one_out(self) -> np.ndarray:
        rows = np.arange(len(self.table))
        return np.array([self.log_density(rows == i)[0] for i in rows])


def groups(seed: int = 9) -> Normal:
    """``y ~ 1 + (1 | g)``: 7 groups of 1 to 6 rows, the one of one row far from the others."""
    rng = np.random.default_rng(seed)
    index = np.repeat(np.arange(7), [1, 6, 2, 4, 3, 5, 4])
    y = 0.5 + rng.normal(0, TAU, 7)[index] + rng.normal(0, SIGMA, len(index))
    y[0] = 4.0
    table = pd.DataFrame({"y": y, "g": np.array(list("abcdefg"))[index]})
    covariance = PRIOR_SD**2 + TAU**2 * (index[:, np.newaxis] == index) + SIGMA**2 * np.eye(len(index))
    return Normal(table, covariance)


def fit_groups(table: pd.DataFrame, draws: int = 1000) -> pp.Fit:
    priors = {"Intercept": pp.Normal(0, PRIOR_SD), "1|g": pp.Normal(0, TAU), "sigma": KNOWN_SIGMA}
    return pp.Model("y ~ 1 + (1 | g)", table, priors=priors).fit(draws, 4, seed=8, progress=False)


def line(seed: int = 6) -> Normal:
    """``y ~ 0 + x``: 12 rows, of which one with a large x decides the slope nearly alone."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=12)
    x[3] = 12.0
    y = 0.7 * x + rng.normal(0, SIGMA, 12)
    covariance = PRIOR_SD**2 * np.outer(x, x) + SIGMA**2 * np.eye(12)
    return Normal(pd.DataFrame({"y": y, "x": x}), covariance)


def fit_line(table: pd.DataFrame, draws: int = 1000) -> pp.Fit:
    priors = {"x": pp.Normal(0, PRIOR_SD), "sigma": KNOWN_SIGMA}
    return pp.Model("y ~ 0 + x", table, priors=priors).fit(draws, 4, seed=8, progress=False)


def with_draws(spec: ModelSpec, fitted: Fitted) -> Fitted:
    """Another model of the same parameters with a fit's draws."""
    assert [v.name for v in spec.layout.variables] == [v.name for v in fitted.model.layout.variables]
    return Fitted(spec, fitted.draws)
