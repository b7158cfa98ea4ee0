"""What each method of fitting returns: draws of the flat vector, and how they were made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class GroupCheck:
    """One group's effect by the approximation and by an exact computation, at one point of the rest.

    Attributes
    ----------
    coefficient, group
        ``"1|district"``, and the group's label.
    mean_shift
        Approximate less exact mean, in exact sds.
    sd_ratio
        Approximate by exact sd.
    """

    coefficient: str
    group: str
    mean_shift: float
    sd_ratio: float


@dataclass(frozen=True)
class Approximation:
    """How nested Laplace made its draws, how good they are, and the marginal likelihood.

    The outer parameters are those that are integrated over by importance sampling: sds, correlations,
    dispersion, and for some models the coefficients; the rest is integrated out given them.

    Attributes
    ----------
    exact
        True when what is integrated out given the outer parameters is so without an approximation.
    outer
        How many outer parameters there are.
    points
        Points of the outer parameters at which the marginal density was evaluated.
    ess
        Effective number of these points.
    pareto_k
        Shape of the tail of their importance ratios: the points stand for the posterior below 0.7. Minus
        infinity when there are no outer parameters.
    log_marginal_likelihood, log_marginal_likelihood_se
        Natural logarithm, all constants included, and its Monte Carlo standard error.
    acceptance
        Smallest share, over groups, of draws of a group's effects that their exact conditional density
        accepts; 1 where the draws are exact, NaN where it would not tell.
    groups
        A handful of groups, the least certain among them.
    """

    exact: bool
    outer: int
    points: int
    ess: float
    pareto_k: float
    log_marginal_likelihood: float
    log_marginal_likelihood_se: float
    acceptance: float
    groups: tuple[GroupCheck, ...] = ()


@dataclass(frozen=True)
class Draws:
    """Draws from a posterior.

    Attributes
    ----------
    values
        (chains, draws, n_values), flat vectors in the order of the model's layout.
    stats
        By ArviZ's names, each (chains, draws): ``diverging`` (bool), ``tree_depth``, ``n_steps``,
        ``energy``, ``lp``, ``step_size``, ``acceptance_rate``, ``reached_max_treedepth`` (bool).
    method
        ``"nuts"``, ``"laplace"``, or ``"prior"`` for draws from the prior.
    seed
        The seed that reproduces them.
    warmup
        Warm-up draws that each chain made, not kept.
    seconds
        Wall time of the sampling, all runs together.
    attempts
        One sentence for each run that was needed, the last one the run kept.
    interrupted
        True when the user stopped the run; then there are fewer draws than were asked for.
    asked
        Draws of each chain that were asked for.
    target_accept
        The acceptance rate that was asked for; None when it was left to the program.
    approximation
        How nested Laplace came by the draws; None for every other method.
    store
        The file from which an interrupted run goes on, where there is one; a saved fit does not remember it.
    """

    values: NDArray[np.float64]
    stats: Mapping[str, NDArray[np.generic]]
    method: str
    seed: int
    warmup: int
    seconds: float
    attempts: tuple[str, ...]
    interrupted: bool
    asked: int
    target_accept: float | None = None
    approximation: Approximation | None = None
    store: str | None = None

    @property
    def independent(self) -> bool:
        """Whether draws are independent, so that there are no chains that have to converge."""
        return self.method != "nuts"
