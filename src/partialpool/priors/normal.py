"""Normal and half-normal priors."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import PriorError, build
from partialpool.kernels.native.compiling import inlined
from partialpool.priors.base import AtMeans, Prior, number, require_finite, require_positive

LOG_SQRT_TWO_PI = 0.9189385332046727
LOG_TWO = 0.6931471805599453


@inlined
def _normal(x, p):
    z = (x - p[0]) / p[1]
    return -0.5 * z * z - math.log(p[1]) - LOG_SQRT_TWO_PI, -z / p[1]


@inlined
def _half_normal(x, p):
    z = x / p[0]
    return -0.5 * z * z - math.log(p[0]) - LOG_SQRT_TWO_PI + LOG_TWO, -z / p[0]


@dataclass(frozen=True)
class Normal(Prior):
    """Normal(mean, sd).

    Parameters
    ----------
    mean
        Its mean.
    sd
        Its standard deviation, a positive number. For a group-level coefficient (``"1|district"``) this
        may be a prior: the standard deviation is then learnt from all groups, which is partial pooling.

    Raises
    ------
    PriorError
        When the mean is not finite or the sd not positive.

    Examples
    --------
    >>> print(Normal(0, 1.5))
    Normal(0, 1.5)
    """

    mean: float
    sd: float | Prior
    kernel = _normal

    def __post_init__(self) -> None:
        require_finite("Normal", "mean", self.mean)
        if not isinstance(self.sd, Prior):
            require_positive("Normal", "sd", self.sd)
        elif self.sd.support == "correlation" or isinstance(self.sd, AtMeans) or self.hierarchical_too_deep:
            raise build(
                PriorError,
                f"Normal: sd is {self.sd}, which is no prior of a standard deviation.",
                allowed="a positive number, or a prior such as Exponential(1) or HalfNormal(1)",
            )

    @property
    def hierarchical(self) -> bool:
        """True when the sd has a prior of its own."""
        return isinstance(self.sd, Prior)

    @property
    def hierarchical_too_deep(self) -> bool:
        """True when the sd's prior has a prior inside."""
        return isinstance(self.sd, Normal) and self.sd.hierarchical

    @property
    def scale(self) -> float:
        """The sd, or the scale of its prior."""
        return self.sd.scale if isinstance(self.sd, Prior) else float(self.sd)

    def logpdf(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Log density (of a normal with a known sd)."""
        z = (np.asarray(x, float) - self.mean) / self.scale
        return -0.5 * z**2 - math.log(self.scale) - LOG_SQRT_TWO_PI

    def sample(self, rng: np.random.Generator, size: int | tuple[int, ...] = ()) -> NDArray[np.float64]:
        """Draw; a learnt sd is drawn once for the whole sample, from the positive part of its prior."""
        sd = self.sd
        while isinstance(sd, Prior) or sd <= 0:
            sd = float(self.sd.sample(rng)) if isinstance(self.sd, Prior) else float(self.sd)
        return np.asarray(rng.normal(self.mean, sd, size))

    @property
    def stan(self) -> str:
        """``normal(mean, sd)``."""
        return f"normal({number(self.mean)}, {number(self.scale)})"


@dataclass(frozen=True)
class HalfNormal(Prior):
    """The positive half of Normal(0, sd).

    Parameters
    ----------
    sd
        Standard deviation of the whole normal, a positive number.

    Examples
    --------
    >>> print(HalfNormal(2.5))
    HalfNormal(2.5)
    """

    sd: float
    support = "positive"
    kernel = _half_normal

    def __post_init__(self) -> None:
        require_positive("HalfNormal", "sd", self.sd)

    @property
    def scale(self) -> float:
        """The sd of the whole normal."""
        return float(self.sd)

    def logpdf(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Log density, -inf below zero."""
        x = np.asarray(x, float)
        inside = -0.5 * (x / self.sd) ** 2 - math.log(self.sd) - LOG_SQRT_TWO_PI + LOG_TWO
        return np.where(x >= 0, inside, -np.inf)

    def sample(self, rng: np.random.Generator, size: int | tuple[int, ...] = ()) -> NDArray[np.float64]:
        """Draw."""
        return np.abs(rng.normal(0.0, self.sd, size))

    @property
    def stan(self) -> str:
        """Stan's form for a parameter declared with lower=0."""
        return f"normal(0, {number(self.sd)})"
