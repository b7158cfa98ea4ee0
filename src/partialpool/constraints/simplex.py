"""Positive numbers that sum to one, by breaking a stick."""

from __future__ import annotations

import math

import numpy as np

from partialpool.constraints.base import Constraint, Floats
from partialpool.kernels.math.special import expit, softplus
from partialpool.kernels.native.compiling import inlined


@inlined
def _forward(free, values, constants):
    last, left, total = values.shape[0] - 1, 1.0, 0.0
    for i in range(last):
        y = free[i] - math.log(last - i)
        total += math.log(left) - softplus(y) - softplus(-y)
        values[i] = left * expit(y)
        left *= expit(-y)
    values[last] = left
    return total


@inlined
def _backward(free, values, constants, values_bar, free_bar):
    # later: the sum of values_bar x value over what comes after, which scales with what is left of the stick.
    last = values.shape[0] - 1
    later = values_bar[last] * values[last]
    for i in range(last - 1, -1, -1):
        p = expit(free[i] - math.log(last - i))
        # log of the Jacobian: each later piece adds the log of what is left, last - 1 - i of them
        free_bar[i] += values_bar[i] * values[i] * (1.0 - p) - later * p
        free_bar[i] += 1.0 - 2.0 * p - (last - 1 - i) * p
        later += values_bar[i] * values[i]


class Simplex(Constraint):
    """Positive numbers that sum to one; free numbers of zero give equal shares.

    Stan Reference Manual, "Unit simplex": of what is left of a stick, value i takes the share
    1 / (1 + exp(-free number i + log(number of values after it))).

    Examples
    --------
    >>> Simplex().values(np.array([0.0, 0.0])).round(6)
    array([0.333333, 0.333333, 0.333333])
    """

    elementwise = False
    forward_kernel = _forward
    backward_kernel = _backward

    def n_free(self, n_values: int) -> int:
        """One less: the last value is what is left."""
        return n_values - 1

    def values(self, free: Floats) -> Floats:
        """Pieces of the stick."""
        after = np.arange(len(free), 0, -1)
        shares = 1.0 / (1.0 + after * np.exp(-np.asarray(free)))
        left = np.concatenate([[1.0], np.cumprod(1.0 - shares)])
        return np.concatenate([left[:-1] * shares, left[-1:]])

    def free(self, values: Floats) -> Floats:
        """Log odds of each piece against what is left, less those of equal shares."""
        left = np.cumsum(values[::-1])[::-1]
        return np.log(values[:-1] / left[1:]) + np.log(np.arange(len(values) - 1, 0, -1))
