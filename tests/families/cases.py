"""One row a family: outcomes, predictors and scipy's distribution, for the laws that every family keeps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
from scipy import stats

from partialpool.families.registry import FAMILIES

Linear = Mapping[str, np.ndarray]


def added(trials: np.ndarray | None) -> dict[str, np.ndarray]:
    """What belongs to outcomes: trials, where there are any."""
    return {} if trials is None else {"trials": trials}


@dataclass(frozen=True)
class Rows:
    """An outcome, as families read it."""

    values: np.ndarray
    trials: np.ndarray | None = None
    weights: np.ndarray | None = None
    name: str = "y"
    sources: Mapping[str, str] = field(default_factory=dict)
    levels: tuple[str, ...] | None = None
    ordered: bool = False

    @property
    def additions(self) -> dict[str, np.ndarray]:
        return added(self.trials)

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
    codes
        Numbers of the categories, of families that have any; `frozen` then takes the linear predictors.
    """

    values: np.ndarray
    centre: Mapping[str, float]
    frozen: Callable[..., Any]
    trials: np.ndarray | None = None
    expected_curvature: tuple[str, ...] = ()
    codes: tuple[float, ...] = ()


class Table:
    """A distribution over a few numbers, with the methods of scipy's frozen ones that the laws call."""

    def __init__(self, codes: tuple[float, ...], p: np.ndarray) -> None:
        self.codes, self.p, self.dist = np.array(codes), p, SimpleNamespace()

    def logpmf(self, values: np.ndarray) -> np.ndarray:
        return np.log(np.sum(self.p * (values[..., None] == self.codes), axis=-1))

    def cdf(self, values: np.ndarray) -> np.ndarray:
        return np.sum(self.p * (self.codes <= values[..., None]), axis=-1)

    def mean(self) -> np.ndarray:
        return self.p @ self.codes

    def stats(self, _moments: str) -> tuple[np.ndarray, ...]:
        apart = self.codes - self.mean()[..., None]
        second, fourth = (np.sum(self.p * apart**k, axis=-1) for k in (2, 4))
        return self.mean(), second, fourth / second**2 - 3.0


def _differences(link: str, linear: Linear) -> np.ndarray:
    """Probabilities between thresholds, each in the tail where it has its digits."""
    frozen = stats.logistic if link == "logit" else stats.norm
    thresholds = [linear[p] for p in linear if p != "mu"]
    edges = np.stack([-np.inf * np.ones_like(linear["mu"]), *thresholds, np.inf * np.ones_like(linear["mu"])])
    edges = edges - linear["mu"]
    left, right = np.diff(frozen.cdf(edges), axis=0), -np.diff(frozen.sf(edges), axis=0)
    return np.moveaxis(np.where(edges[:-1] + edges[1:] > 0, right, left), 0, -1)


def _softmax(linear: Linear) -> np.ndarray:
    etas = np.stack([np.zeros_like(next(iter(linear.values()))), *linear.values()], axis=-1)
    return np.exp(etas) / np.sum(np.exp(etas), axis=-1, keepdims=True)


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
    "cumulative": Case(
        np.array([1.0, 3, 4, 2, 2, 7]),
        {"mu": 0.2, "threshold[1]": -1.5, "threshold[2]": -0.2, "threshold[3]": 0.4, "threshold[4]": 1.9},
        lambda link, linear: Table((1.0, 2.0, 3.0, 4.0, 7.0), _differences(link, linear)),
        codes=(1.0, 2.0, 3.0, 4.0, 7.0),
    ),
    "categorical": Case(
        np.array([0.0, 3, 1, 2, 2, 0]),
        {"mu_1": 0.2, "mu_2": -0.5, "mu_3": 0.9},
        lambda _, linear: Table((0.0, 1.0, 2.0, 3.0), _softmax(linear)),
        codes=(0.0, 1.0, 2.0, 3.0),
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
    linear = {p: centre + spread * rng.normal(size=n) for p, centre in case.centre.items()}
    ascending = [p for p in linear if p.startswith("threshold")]
    if ascending:
        values = np.sort([linear[p] for p in ascending], axis=0) + 0.1 * np.arange(len(ascending))[:, None]
        linear |= dict(zip(ascending, values, strict=True))
    return linear


def family_of(name: str, link: str) -> Any:
    """A family, bound to the categories of its case where it has any."""
    family, codes = FAMILIES[name](link=link), CASES[name].codes
    return replace(family, names=tuple(f"{c:g}" for c in codes), codes=codes) if codes else family


def distribution(family: Any, case: Case, linear: Linear, trials: np.ndarray | None = None) -> Any:
    """Scipy's distribution at linear predictors."""
    if case.codes:
        return case.frozen(family.link, {p: linear[p] for p in family.parameters})
    others = [np.exp(linear[p]) for p in family.parameters[1:]]
    mean = family.mean_link.inverse(linear["mu"])
    return case.frozen(mean, *others, *([] if trials is None else [trials]))


def log_density(frozen: Any, values: np.ndarray) -> np.ndarray:
    return frozen.logpdf(values) if hasattr(frozen.dist, "logpdf") else frozen.logpmf(values)
