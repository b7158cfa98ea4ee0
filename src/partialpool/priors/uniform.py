"""Uniform and flat priors."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import PriorError, build
from partialpool.kernels.native.compiling import inlined
from partialpool.priors.base import Prior, number, require_finite


@inlined
def _uniform(x, p):
    return -math.log(p[1] - p[0]), 0.0


@inlined
def _flat(x, p):
    return 0.0, 0.0


@dataclass(frozen=True)
class Uniform(Prior):
    """Uniform between two ends.

    Parameters
    ----------
    lower, upper
        The ends, lower < upper.

    Examples
    --------
    >>> print(Uniform(-1, 1))
    Uniform(-1, 1)
    """

    lower: float
    upper: float
    support = "interval"
    kernel = _uniform

    def __post_init__(self) -> None:
        require_finite("Uniform", "lower", self.lower)
        require_finite("Uniform", "upper", self.upper)
        if not self.lower < self.upper:
            raise build(
                PriorError, f"Uniform: lower is {self.lower}, upper is {self.upper}.", allowed="lower < upper"
            )

    @property
    def bounds(self) -> tuple[float, float]:
        """The two ends."""
        return float(self.lower), float(self.upper)

    @property
    def scale(self) -> float:
        """Half its width."""
        return 0.5 * (float(self.upper) - float(self.lower))

    def logpdf(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Log density, -inf outside the ends."""
        x = np.asarray(x, float)
        inside = (x >= self.lower) & (x <= self.upper)
        return np.where(inside, -math.log(self.upper - self.lower), -np.inf)

    def sample(self, rng: np.random.Generator, size: int | tuple[int, ...] = ()) -> NDArray[np.float64]:
        """Draw."""
        return np.asarray(rng.uniform(self.lower, self.upper, size))

    @property
    def stan(self) -> str:
        """``uniform(lower, upper)``."""
        return f"uniform({number(self.lower)}, {number(self.upper)})"


@dataclass(frozen=True)
class Flat(Prior):
    """The improper prior that is constant over its parameter's whole range.

    The posterior may be improper too: only the data can prevent it.

    Examples
    --------
    >>> print(Flat())
    Flat()
    """

    kernel = _flat

    @property
    def parameters(self) -> tuple[float, ...]:
        """None."""
        return ()

    @property
    def scale(self) -> float:
        """An arbitrary large distance."""
        return 10.0

    def logpdf(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Zero everywhere."""
        return np.zeros_like(np.asarray(x, float))

    def sample(self, rng: np.random.Generator, size: int | tuple[int, ...] = ()) -> NDArray[np.float64]:
        """Refuse: an improper prior cannot be drawn from."""
        raise build(PriorError, "Flat() is improper: it has no draws.", hint="Normal(0, 10)")

    @property
    def stan(self) -> str:
        """Empty: Stan's default is flat."""
        return ""
