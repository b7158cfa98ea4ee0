"""Correlation matrices from free numbers: canonical partial correlations and the LKJ prior.

y -> tanh(y) -> Cholesky factor of a correlation matrix, row by row (Lewandowski, Kurowicka & Joe 2009,
section 2; Stan Reference Manual, "Cholesky factors of correlation matrices"). Stan uses the same
order and the same Jacobian, so log densities agree to a constant.
"""

from __future__ import annotations

import math

from partialpool.kernels.native.compiling import kernel


@kernel
def correlation_forward(y, eta, factor):
    """Write the Cholesky factor of the correlation matrix; return log Jacobian + LKJ log density.

    y is (d (d - 1) / 2,), factor (d, d). LKJ(eta) up to its constant:
    sum over rows i >= 1 of (d - i - 3 + 2 eta) log L_ii, rows from 0.
    """
    d = factor.shape[0]
    total = 0.0
    k = 0
    factor[0, 0] = 1.0
    for i in range(1, d):
        left = 1.0
        for j in range(i):
            z = math.tanh(y[k])
            # log(1 - tanh(y)^2), without cancellation for large y
            a = abs(y[k])
            total += 2.0 * (math.log(2.0) - a - math.log1p(math.exp(-2.0 * a)))
            if j > 0:
                total += 0.5 * math.log(left)
            factor[i, j] = z * math.sqrt(left)
            # left * (1 - z^2), where 1 - z^2 = 1 / cosh(y)^2 keeps its digits near |z| = 1
            cosh = math.cosh(min(a, 300.0))
            left = left / (cosh * cosh)
            factor[j, i] = 0.0
            k += 1
        factor[i, i] = math.sqrt(left)
        total += (d - i - 3.0 + 2.0 * eta) * 0.5 * math.log(left)
    return total


@kernel
def correlation_backward(y, eta, factor, factor_bar, y_bar):
    """Add to y_bar the derivative by y of the forward value and of what depends on the factor.

    factor_bar (d, d) is the derivative by the factor's lower triangle. With c_j = 1 / cosh(y_j)^2 and
    left_j the product of c before j in a row: L_ij = tanh(y_j) sqrt(left_j), L_ii = sqrt(left_i), so every
    later entry of the row scales with -2 tanh(y_j) / 2 of its own value.
    """
    d = factor.shape[0]
    k = d * (d - 1) // 2
    for i in range(d - 1, 0, -1):
        # Derivative by log left, gathered from the right: entries scale with its square root.
        later = 0.5 * factor_bar[i, i] * factor[i, i] + 0.5 * (d - i - 3.0 + 2.0 * eta)
        for j in range(i - 1, -1, -1):
            k -= 1
            z = math.tanh(y[k])
            root = factor[i, j] / z if z != 0.0 else _root_left(y, k, j)
            cosh = math.cosh(min(abs(y[k]), 300.0))
            y_bar[k] += factor_bar[i, j] * root / (cosh * cosh) - 2.0 * z - 2.0 * z * later
            later += 0.5 * factor_bar[i, j] * factor[i, j]
            if j > 0:
                later += 0.5


@kernel
def _root_left(y, k, j):
    """Square root of what earlier entries of the row left, by their free numbers."""
    root = 1.0
    for m in range(k - j, k):
        root /= math.cosh(min(abs(y[m]), 300.0))
    return root
