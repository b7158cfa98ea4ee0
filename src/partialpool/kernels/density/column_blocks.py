"""Covariates' part of the linear predictor of a block of cells, and the derivatives by their coefficients.

Four covariates are read side by side where there are four: a processor waits for memory less when it reads
several columns at once than when it reads one after the other.
"""

from __future__ import annotations

import numpy as np
from numba import carray

from partialpool.kernels.native.compiling import kernel
from partialpool.kernels.native.pointers import as_pointer


@kernel
def column_at(addresses, number, n):
    """(n,) a covariate's numbers in the current block."""
    return carray(as_pointer(addresses[number]), (n,), np.float64)


@kernel
def fill(row, value, n):
    """Write a number to the first n of a row."""
    for i in range(n):
        row[i] = value


@kernel
def add_one(value, addresses, column, n, eta):
    """Add a coefficient's part to (n,) eta; column -1 stands for ones."""
    if column < 0:
        for i in range(n):
            eta[i] += value
    else:
        x = column_at(addresses, column, n)
        for i in range(n):
            eta[i] += value * x[i]


@kernel
def sum_one(addresses, column, n, eta_bar):
    """Derivative by a coefficient, from (n,) derivatives by eta."""
    total = 0.0
    if column < 0:
        for i in range(n):
            total += eta_bar[i]
    else:
        x = column_at(addresses, column, n)
        for i in range(n):
            total += eta_bar[i] * x[i]
    return total


@kernel
def add_four(values, addresses, columns, n, eta):
    """Add the parts of (4,) coefficients with (4,) columns to (n,) eta."""
    a, b = column_at(addresses, columns[0], n), column_at(addresses, columns[1], n)
    c, d = column_at(addresses, columns[2], n), column_at(addresses, columns[3], n)
    by_a, by_b, by_c, by_d = values[0], values[1], values[2], values[3]
    for i in range(n):
        eta[i] += (by_a * a[i] + by_b * b[i]) + (by_c * c[i] + by_d * d[i])


@kernel
def sum_four(coef_bar, addresses, columns, n, eta_bar):
    """Add the derivatives by four coefficients to (4,) coef_bar; return the sum of (n,) those by eta."""
    a, b = column_at(addresses, columns[0], n), column_at(addresses, columns[1], n)
    c, d = column_at(addresses, columns[2], n), column_at(addresses, columns[3], n)
    total = by_a = by_b = by_c = by_d = 0.0
    for i in range(n):
        bar = eta_bar[i]
        total += bar
        by_a += bar * a[i]
        by_b += bar * b[i]
        by_c += bar * c[i]
        by_d += bar * d[i]
    coef_bar[0] += by_a
    coef_bar[1] += by_b
    coef_bar[2] += by_c
    coef_bar[3] += by_d
    return total
