"""Numbers without a constraint."""

from __future__ import annotations

import numpy as np

from partialpool.constraints.base import Constraint, Floats
from partialpool.kernels.native.compiling import inlined


@inlined
def _forward(free, values, constants):
    for i in range(values.shape[0]):
        values[i] = free[i]
    return 0.0


@inlined
def _backward(free, values, constants, values_bar, free_bar):
    for i in range(values.shape[0]):
        free_bar[i] += values_bar[i]


class Real(Constraint):
    """Any number: value = free number.

    Examples
    --------
    >>> Real().values(np.array([-1.5]))
    array([-1.5])
    """

    forward_kernel = _forward
    backward_kernel = _backward

    def values(self, free: Floats) -> Floats:
        """The same."""
        return np.array(free, float)

    def free(self, values: Floats) -> Floats:
        """The same."""
        return np.array(values, float)

    def slope(self, values: Floats) -> Floats:
        """One."""
        return np.ones_like(values)
