"""Known distributions for the sampler, compiled as models' densities are: a normal and Neal's funnel."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numba import carray, types

DOUBLES = types.CPointer(types.double)
FUNNEL_SD = 3.0


@numba.cfunc(types.int64(types.uint64, DOUBLES, DOUBLES, DOUBLES, types.voidptr))
def _normal(n_dim, x, grad, value, user_data):
    n = np.int64(n_dim)
    precision, position, gradient = carray(user_data, (n, n), np.float64), carray(x, (n,)), carray(grad, (n,))
    total = 0.0
    for i in range(n):
        slope = 0.0
        for j in range(n):
            slope -= precision[i, j] * position[j]
        gradient[i] = slope
        total += 0.5 * slope * position[i]
    value[0] = total
    return 0


@numba.cfunc(types.int64(types.uint64, DOUBLES, DOUBLES, DOUBLES, types.voidptr))
def _funnel(n_dim, x, grad, value, user_data):
    n = np.int64(n_dim)
    position, gradient = carray(x, (n,)), carray(grad, (n,))
    v, square = position[0], 0.0
    for i in range(1, n):
        square += position[i] ** 2
        gradient[i] = -position[i] * np.exp(-v)
    value[0] = -0.5 * v * v / 9.0 - 0.5 * (n - 1) * v - 0.5 * square * np.exp(-v)
    gradient[0] = -v / 9.0 - 0.5 * (n - 1) + 0.5 * square * np.exp(-v)
    return 0 if np.isfinite(value[0]) else 1


@numba.cfunc(types.int64(types.uint64, types.uint64, DOUBLES, DOUBLES, types.voidptr))
def _draw(n_dim, n_values, x, values, user_data):
    for i in range(np.int64(n_values)):
        values[i] = x[i]
    return 0


class Known:
    """A distribution with a compiled density; a draw is the position."""

    def __init__(self, n: int, density: Any, table: np.ndarray) -> None:
        self.n_dim = self.n_values = n
        self.density, self.table = density, table
        self.addresses = density.address, _draw.address

    def __call__(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        x, gradient, value = np.array(x, float), np.empty(self.n_dim), np.empty(1)
        pointers = [a.ctypes.data_as(self.density.ctypes.argtypes[1]) for a in (x, gradient, value)]
        self.density.ctypes(self.n_dim, *pointers, self.table.ctypes.data)
        return float(value[0]), gradient


def normal(covariance: np.ndarray) -> Known:
    return Known(len(covariance), _normal, np.linalg.inv(covariance))


def funnel(n: int) -> Known:
    return Known(n, _funnel, np.zeros(1))
