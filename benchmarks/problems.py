"""The problems that benchmarks solve: models in a neutral form that every peer's file can read.

A problem is a multilevel GLM with all priors given, so that every program has the same posterior: population
coefficients Normal(0, own sd), sds of group effects and residuals Exponential(1), correlations LKJ(2).
Nothing here imports partialpool: the peers' processes read this file too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LKJ_SHAPE = 2.0
SD_RATE = 1.0
MONITORED = 200


@dataclass(frozen=True)
class Factor:
    """A grouping factor: its column, what varies by it ("1" is the intercept), a fixed sd or None."""

    name: str
    columns: tuple[str, ...] = ("1",)
    fixed_sd: float | None = None


@dataclass(frozen=True)
class Problem:
    """One model of one table.

    Attributes
    ----------
    data
        The table of `datasets.py`; its outcome is the column ``y``, groups are numbered from 0.
    terms
        Population columns and the sd of each one's prior.
    """

    name: str
    title: str
    family: str
    data: str
    terms: tuple[tuple[str, float], ...]
    factors: tuple[Factor, ...]

    @property
    def formula(self) -> str:
        """lme4's formula, which partialpool, Bambi and the R packages share."""
        columns = [column for column, _ in self.terms]
        population = ["1" if "1" in columns else "0", *(c for c in columns if c != "1")]
        groups = [f"({' + '.join(f.columns)} | {f.name})" for f in self.factors]
        return "y ~ " + " + ".join(population + groups)

    def own(self, column: str) -> bool:
        """Whether a group's own coefficient (population plus effect) is monitored, not the effect alone."""
        return len(self.factors) == 1 and column in dict(self.terms)

    def monitored(self, n_groups: int) -> np.ndarray:
        """Groups of a factor whose effects are monitored: all, or some spread over the whole factor."""
        most = MONITORED // len(self.factors)
        return np.arange(n_groups) if n_groups <= most else np.arange(most) * (n_groups - 1) // (most - 1)

    def stack(
        self,
        beta: np.ndarray,
        sds: list[np.ndarray | None],
        correlations: list[np.ndarray | None],
        sigma: np.ndarray | None,
        effects: list[np.ndarray],
    ) -> np.ndarray:
        """Lay out what is monitored in one order: (chains, draws, values).

        Parameters
        ----------
        beta
            (C, D, p); p may be 0.
        sds, correlations, effects
            For each factor (C, D, q) or None where fixed, (C, D, q, q) or None, (C, D, J, q).
        """
        parts = [beta, *(sd for sd in sds if sd is not None)]
        for corr in correlations:
            if corr is not None:
                rows, columns = np.tril_indices(corr.shape[-1], -1)
                parts.append(corr[..., rows, columns])
        if sigma is not None:
            parts.append(sigma[..., np.newaxis])
        names = [column for column, _ in self.terms]
        for factor, b in zip(self.factors, effects, strict=True):
            groups = self.monitored(b.shape[2])
            for k, column in enumerate(factor.columns):
                shift = beta[..., [names.index(column)]] if self.own(column) else 0.0
                parts.append(b[:, :, groups, k] + shift)
        return np.concatenate(parts, axis=-1)


def _bernoulli(
    name: str, title: str, data: str, columns: tuple[str, ...], slopes: tuple[str, ...] = ()
) -> Problem:
    terms = (("1", 1.5), *((c, 1.0) for c in columns))
    return Problem(name, title, "bernoulli", data, terms, (Factor("g", ("1", *slopes)),))


def _poisson(n: int) -> Problem:
    title = f"Poisson, one effect an observation, {n:,}"
    terms = (("1", 1.5), ("x", 1.0))
    return Problem(f"poisson-{n}", title, "poisson", f"poisson-{n}", terms, (Factor("g"),))


def _ladder(n: int) -> Problem:
    return _bernoulli(f"ladder-{n}", f"Ladder: {n:,} Bernoulli rows, a group for 100", f"ladder-{n}", ("x",))


_ALL = (
    Problem(
        "no-pooling", "Bangladesh, no pooling", "bernoulli", "bangladesh", (), (Factor("g", ("1",), 1.5),)
    ),
    _bernoulli("partial-pooling", "Bangladesh, partial pooling", "bangladesh", ()),
    _bernoulli(
        "slopes",
        "Bangladesh, urban and age vary by district",
        "bangladesh",
        ("urban", "age"),
        ("urban", "age"),
    ),
    _bernoulli("million", "A million Bernoulli rows, 10,000 groups", "million", ("x1", "x2", "x3", "x4")),
    *(_poisson(n) for n in (1_000, 10_000, 100_000, 1_000_000)),
    Problem(
        "insteval",
        "InstEval: lecturer ratings, three crossed factors",
        "gaussian",
        "insteval",
        (("1", 5.0), ("service", 1.0)),
        (Factor("s"), Factor("d"), Factor("dept")),
    ),
    *(_ladder(10**k) for k in range(3, 8)),
)

PROBLEMS = {problem.name: problem for problem in _ALL}
