"""Gamma and exponential priors."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partialpool.kernels.native.compiling import inlined
from partialpool.priors.base import Prior, number, require_positive


@inlined
def _exponential(x, p):
    return math.log(p[0]) - p[0] * x, -p[0]


@inlined
def _gamma(x, p):
    constant = p[0] * math.log(p[1]) - math.lgamma(p[0])
    return constant + (p[0] - 1.0) * math.log(x) - p[1] * x, (p[0] - 1.0) / x - p[1]


@dataclass(frozen=True)
class Exponential(Prior):
    """Exponential(rate), mean 1 / rate.

    Parameters
    ----------
    rate
        Positive.

    Examples
    --------
    >>> print(Exponential(1))
    Exponential(1)
    """

    rate: float
    support = "positive"
    kernel = _exponential

    def __post_init__(self) -> None:
        require_positive("Exponential", "rate", self.rate)

    @property
    def scale(self) -> float:
        """The mean."""
        return 1.0 / float(self.rate)

    def logpdf(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Log density, -inf below zero."""
        x = np.asarray(x, float)
        return np.where(x >= 0, math.log(self.rate) - self.rate * x, -np.inf)

    def sample(self, rng: np.random.Generator, size: int | tuple[int, ...] = ()) -> NDArray[np.float64]:
        """Draw."""
        return np.asarray(rng.exponential(1.0 / self.rate, size))

    @property
    def stan(self) -> str:
        """``exponential(rate)``."""
        return f"exponential({number(self.rate)})"


@dataclass(frozen=True)
class Gamma(Prior):
    """Gamma(shape, rate), mean shape / rate.

    Parameters
    ----------
    shape, rate
        Both positive.

    Examples
    --------
    >>> print(Gamma(2, 0.1))
    Gamma(2, 0.1)
    """

    shape: float
    rate: float
    support = "positive"
    kernel = _gamma

    def __post_init__(self) -> None:
        require_positive("Gamma", "shape", self.shape)
        require_positive("Gamma", "rate", self.rate)

    @property
    def scale(self) -> float:
        """The mean."""
        return float(self.shape) / float(self.rate)

    def logpdf(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Log density, -inf at and below zero."""
        x = np.asarray(x, float)
        constant = self.shape * math.log(self.rate) - math.lgamma(self.shape)
        safe = np.where(x > 0, x, 1.0)
        return np.where(x > 0, constant + (self.shape - 1) * np.log(safe) - self.rate * safe, -np.inf)

    def sample(self, rng: np.random.Generator, size: int | tuple[int, ...] = ()) -> NDArray[np.float64]:
        """Draw."""
        return np.asarray(rng.gamma(self.shape, 1.0 / self.rate, size))

    @property
    def stan(self) -> str:
        """``gamma(shape, rate)``."""
        return f"gamma({number(self.shape)}, {number(self.rate)})"
