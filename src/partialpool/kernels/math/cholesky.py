"""Cholesky factors of dense matrices in loops, with their derivatives."""

from __future__ import annotations

import numpy as np

from partialpool.kernels.native.compiling import kernel


@kernel
def factorise(matrix):
    """Cholesky factor of a positive definite matrix, in its lower triangle."""
    for i in range(matrix.shape[0]):
        for k in range(i + 1):
            total = matrix[i, k]
            for m in range(k):
                total -= matrix[i, m] * matrix[k, m]
            matrix[i, k] = np.sqrt(total) if i == k else total / matrix[k, k]


@kernel
def factorise_backward(factor, bar):
    """From derivatives by a Cholesky factor's lower triangle those by its matrix's, in place."""
    for j in range(factor.shape[0] - 1, -1, -1):
        for i in range(j + 1, factor.shape[0]):
            bar[j, j] -= factor[i, j] * bar[i, j] / factor[j, j]
        for i in range(j, factor.shape[0]):
            bar[i, j] /= factor[j, j]
        for i in range(j, factor.shape[0]):
            own = bar[i, j]
            for k in range(j):
                bar[j, k] -= own * factor[i, k]
            if i > j:
                for k in range(j):
                    bar[i, k] -= own * factor[j, k]
        bar[j, j] *= 0.5


@kernel
def mirror(matrix):
    """Make a symmetric matrix of derivatives by its lower triangle: halves on both sides of the diagonal."""
    for i in range(matrix.shape[0]):
        for k in range(i):
            matrix[i, k] *= 0.5
            matrix[k, i] = matrix[i, k]


@kernel
def solve(factor, x):
    """R^-1 x, in place."""
    for i in range(factor.shape[0]):
        total = x[i]
        for k in range(i):
            total -= factor[i, k] * x[k]
        x[i] = total / factor[i, i]


@kernel
def solve_back(factor, x):
    """R'^-1 x, in place."""
    for i in range(factor.shape[0] - 1, -1, -1):
        x[i] /= factor[i, i]
        for k in range(i):
            x[k] -= factor[i, k] * x[i]


@kernel
def take_outer(bar, left, right):
    """Subtract the lower triangle of left right'."""
    for i in range(bar.shape[0]):
        for k in range(i + 1):
            bar[i, k] -= left[i] * right[k]
