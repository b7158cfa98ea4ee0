"""Cholesky factors of correlation matrices, with the LKJ prior of the matrix."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from partialpool.constraints.base import Constraint, Floats
from partialpool.kernels.math.correlations import correlation_backward, correlation_forward
from partialpool.kernels.native.compiling import inlined
from partialpool.kernels.native.pointers import matrix_in


@inlined
def _forward(free, values, constants):
    d = int(constants[1])
    factor = matrix_in(values, 0, d, d)
    return correlation_forward(free, constants[0], factor)


@inlined
def _backward(free, values, constants, values_bar, free_bar):
    d = int(constants[1])
    correlation_backward(
        free, constants[0], matrix_in(values, 0, d, d), matrix_in(values_bar, 0, d, d), free_bar
    )


@dataclass(frozen=True)
class Correlation(Constraint):
    """(d, d) Cholesky factors of correlation matrices with an LKJ(eta) prior (`kernels.math.correlations`).

    Parameters
    ----------
    eta
        Of the prior, whose log density, constants left out, belongs to the map.
    d
        Rows of the matrix.

    Examples
    --------
    >>> Correlation(1.0, 2).values(np.array([0.0])).reshape(2, 2)
    array([[1., 0.],
           [0., 1.]])
    """

    eta: float
    d: int
    elementwise = False
    forward_kernel = _forward
    backward_kernel = _backward

    @property
    def constants(self) -> tuple[float, ...]:
        """eta and d."""
        return float(self.eta), float(self.d)

    def n_free(self, n_values: int) -> int:
        """d (d - 1) / 2 canonical partial correlations."""
        return self.d * (self.d - 1) // 2

    def values(self, free: Floats) -> Floats:
        """(d d,) the factor, row by row."""
        factor, partial = np.eye(self.d), iter(np.tanh(free))
        for i in range(1, self.d):
            left = 1.0
            for j in range(i):
                z = next(partial)
                factor[i, j] = z * math.sqrt(left)
                left *= 1.0 - z**2
            factor[i, i] = math.sqrt(left)
        return factor.ravel()

    def free(self, values: Floats) -> Floats:
        """Atanh of the partial correlations of a (d d,) factor."""
        factor, found = np.reshape(values, (self.d, self.d)), []
        for i in range(1, self.d):
            left = 1.0
            for j in range(i):
                z = factor[i, j] / math.sqrt(left)
                found.append(math.atanh(z))
                left *= 1.0 - z**2
        return np.array(found)
