"""One row a family: outcomes, predictors and scipy's distribution, for the laws that every family keeps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from partialpool.families.registry import FAMILIES

Linear = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Rows:
    """An outcome, as families read it."""

    values: np.ndarray
    trials: np.ndarray | None = None
    weights: np.ndarray | None = None
    name: str = "y"
    trials_name: str | None = None

    def repeated(self) -> Rows:
        """Each row as often as its weight says."""
        times = self.weights.astype(int)
        trials = None if self.trials is None else np.repeat(self.trials, times)
        return Rows(np.repeat(self.values, times), trials)


@dataclass(frozen=True)
class Case:
    """A family's test data.

    Attributes
    ----------
    values
        (n,) outcomes from all over the support.
    centre
        By parameter, where linear predictors are drawn around.
    frozen
        From (mean, natural values of the other parameters, trials) to scipy's distribution.
    trials
        (n,) or None.
    expected_curvature
        Links whose curvature is the expected one, not the observed.
    """

    values: np.ndarray
    centre: Mapping[str, float]
    frozen: Callable[..., Any]
    trials: np.ndarray | None = None
    expected_curvature: tuple[str, ...] = ()


def _negative_binomial(mean, shape):
    return stats.nbinom(shape, shape / (shape + mean))


CASES: dict[str, Case] = {
    "bernoulli": Case(np.array([0.0, 1, 1, 0, 1, 0]), {"mu": 0.2}, lambda p: stats.bernoulli(p)),
    "binomial": Case(
        np.array([0.0, 3, 2, 7, 1, 0]),
        {"mu": -0.3},
        lambda p, trials: stats.binom(trials, p),
        trials=np.array([4.0, 3, 5, 20, 1, 0]),
    ),
    "poisson": Case(np.array([0.0, 1, 4, 30, 2, 0]), {"mu": 1.0}, lambda mean: stats.poisson(mean)),
    "gaussian": Case(
        np.array([-1.5, 0.3, 2.2, 9.0, 0.3, 1.0]),
        {"mu": 0.5, "sigma": 0.4},
        lambda mean, sigma: stats.norm(mean, sigma),
        expected_curvature=("log",),
    ),
    "gamma": Case(
        np.array([0.02, 0.3, 2.2, 9.0, 0.3, 1.0]),
        {"mu": 0.5, "shape": 0.4},
        lambda mean, shape: stats.gamma(shape, scale=mean / shape),
    ),
    "negative_binomial": Case(np.array([0.0, 1, 4, 30, 2, 0]), {"mu": 1.0, "shape": 0.3}, _negative_binomial),
}

# Every family with each of its links: a family that is registered without a case fails here.
PAIRS = [(name, link) for name, family in FAMILIES.items() for link in family.cells]


def rows_of(case: Case, weights: np.ndarray | None = None) -> Rows:
    return Rows(case.values, case.trials, weights)


def linear_of(case: Case, n: int, seed: int = 0, spread: float = 0.7) -> dict[str, np.ndarray]:
    """(n,) linear predictors by parameter."""
    rng = np.random.default_rng(seed)
    return {p: centre + spread * rng.normal(size=n) for p, centre in case.centre.items()}


def distribution(family: Any, case: Case, linear: Linear, trials: np.ndarray | None = None) -> Any:
    """Scipy's distribution at linear predictors."""
    others = [np.exp(linear[p]) for p in family.parameters[1:]]
    mean = family.mean_link.inverse(linear["mu"])
    return case.frozen(mean, *others, *([] if trials is None else [trials]))


def log_density(frozen: Any, values: np.ndarray) -> np.ndarray:
    return frozen.logpdf(values) if hasattr(frozen.dist, "logpdf") else frozen.logpmf(values)
