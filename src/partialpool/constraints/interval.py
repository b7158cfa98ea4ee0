"""Numbers between two ends, by the logistic function."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from partialpool.constraints.base import Constraint, Floats
from partialpool.kernels.math.special import expit, softplus
from partialpool.kernels.native.compiling import inlined


@inlined
def _forward(free, values, constants):
    lower, width, total = constants[0], constants[1] - constants[0], 0.0
    for i in range(values.shape[0]):
        values[i] = lower + width * expit(free[i])
        total += math.log(width) - softplus(free[i]) - softplus(-free[i])
    return total


@inlined
def _backward(free, values, constants, values_bar, free_bar):
    width = constants[1] - constants[0]
    for i in range(values.shape[0]):
        p = expit(free[i])
        free_bar[i] += values_bar[i] * width * p * (1.0 - p) + 1.0 - 2.0 * p


@dataclass(frozen=True)
class Interval(Constraint):
    """Numbers between two ends: value = lower + (upper - lower) / (1 + exp(-free number)).

    Parameters
    ----------
    lower, upper
        The ends, both finite.

    Examples
    --------
    >>> Interval(0.0, 4.0).values(np.array([0.0]))
    array([2.])
    """

    lower: float
    upper: float
    forward_kernel = _forward
    backward_kernel = _backward

    @property
    def bounds(self) -> tuple[float, float]:
        """The two ends."""
        return self.lower, self.upper

    @property
    def constants(self) -> tuple[float, ...]:
        """The two ends."""
        return self.lower, self.upper

    def values(self, free: Floats) -> Floats:
        """Between the ends."""
        return np.asarray(self.lower + (self.upper - self.lower) / (1.0 + np.exp(-np.asarray(free))))

    def free(self, values: Floats) -> Floats:
        """Log odds of the distances from the ends."""
        return np.asarray(np.log((values - self.lower) / (self.upper - values)))

    def slope(self, values: Floats) -> Floats:
        """(v - lower) (upper - v) / (upper - lower)."""
        return np.asarray((values - self.lower) * (self.upper - values) / (self.upper - self.lower))

    @property
    def stan(self) -> str:
        """``<lower=0, upper=4>``."""
        return f"<lower={_number(self.lower)}, upper={_number(self.upper)}>"


def _number(value: float) -> str:
    return repr(float(value)).removesuffix(".0")
