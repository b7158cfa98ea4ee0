"""Positive numbers, as exponentials."""

from __future__ import annotations

import math

import numpy as np

from partialpool.constraints.base import Constraint, Floats
from partialpool.kernels.native.compiling import inlined


@inlined
def _forward(free, values, constants):
    total = 0.0
    for i in range(values.shape[0]):
        values[i] = math.exp(free[i])
        total += free[i]
    return total


@inlined
def _backward(free, values, constants, values_bar, free_bar):
    for i in range(values.shape[0]):
        free_bar[i] += values_bar[i] * values[i] + 1.0


class Positive(Constraint):
    """Numbers above zero: value = exp(free number).

    Examples
    --------
    >>> Positive().free(np.array([1.0]))
    array([0.])
    """

    forward_kernel = _forward
    backward_kernel = _backward

    def values(self, free: Floats) -> Floats:
        """Exponentials."""
        return np.exp(free)

    def free(self, values: Floats) -> Floats:
        """Logarithms."""
        return np.log(values)

    def slope(self, values: Floats) -> Floats:
        """The values themselves."""
        return np.array(values, float)

    @property
    def bounds(self) -> tuple[float, float]:
        """Zero and infinity."""
        return 0.0, math.inf

    @property
    def stan(self) -> str:
        """``<lower=0>``."""
        return "<lower=0>"
