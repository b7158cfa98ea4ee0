"""Ascending numbers, such as the thresholds of an ordinal outcome."""

from __future__ import annotations

import math

import numpy as np

from partialpool.constraints.base import Constraint, Floats
from partialpool.kernels.native.compiling import inlined


@inlined
def _forward(free, values, constants):
    total = 0.0
    values[0] = free[0]
    for i in range(1, values.shape[0]):
        values[i] = values[i - 1] + math.exp(free[i])
        total += free[i]
    return total


@inlined
def _backward(free, values, constants, values_bar, free_bar):
    above = 0.0
    for i in range(values.shape[0] - 1, 0, -1):
        above += values_bar[i]
        free_bar[i] += above * math.exp(free[i]) + 1.0
    free_bar[0] += above + values_bar[0]


class Ordered(Constraint):
    """Ascending numbers: the first is free, the others are the one before plus exp(free number).

    Stan Reference Manual, "Ordered vector".

    Examples
    --------
    >>> Ordered().values(np.array([-1.0, 0.0, 0.0]))
    array([-1.,  0.,  1.])
    """

    elementwise = False
    forward_kernel = _forward
    backward_kernel = _backward

    def values(self, free: Floats) -> Floats:
        """Sums of what comes before."""
        return np.cumsum(np.concatenate([free[:1], np.exp(free[1:])]))

    def free(self, values: Floats) -> Floats:
        """The first, and logs of the distances."""
        return np.concatenate([values[:1], np.log(np.diff(values))])

    def jacobian(self, values: Floats) -> Floats:
        """Each free number moves its own value and all that are above."""
        return np.tril(np.concatenate([[1.0], np.diff(values)])[None] * np.ones((len(values), 1)))

    def inside(self, values: Floats, edge: float) -> Floats:
        """Each value is above the one before by `edge` at least."""
        steps = edge * np.arange(len(values))
        return np.maximum.accumulate(values - steps) + steps
