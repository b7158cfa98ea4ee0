"""The interface between the integration over outer parameters and the integrals over a model's effects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from partialpool.inference.draws import GroupCheck

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Proposal:
    """Where the outer parameters are, roughly: (Q,) centre and (Q, Q) lower-triangular scale."""

    centre: Floats
    scale: Floats


class Marginal(Protocol):
    """A model's density with its inner parameters integrated out, as a function of the outer ones.

    Outer parameters are a vector of Q unconstrained numbers; Q may be zero.
    """

    @property
    def exact(self) -> bool:
        """Whether the inner parameters are integrated out without an approximation."""

    def proposal(self) -> Proposal:
        """Where the mass of the marginal density is, as far as known before it is explored."""

    def log_density(self, points: Floats) -> Floats:
        """Log of p(data, outer parameters), Jacobian included, at (N, Q) points; -inf where it is not finite.

        Constants are those of the model's density.
        """

    def draw(self, points: Floats, counts: NDArray[np.int64], rng: np.random.Generator) -> Floats:
        """(sum of counts, n_values) draws of everything in random order, counts[i] of them given point i."""

    def affordable(self) -> int:
        """How many outer points are worth their time: a power of two."""

    def check(self, points: Floats, weights: Floats, draws: Floats) -> tuple[float, tuple[GroupCheck, ...]]:
        """Compare draws of everything with exact conditionals, for a handful of groups.

        Returns
        -------
        The smallest acceptance of `Approximation`, and the groups.
        """
