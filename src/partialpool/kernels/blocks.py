"""Turn a family's or a prior's scalar function into a compiled loop with a fixed C signature.

The density calls these loops by address, a few hundred cells at a time. So it is compiled
once for all families, and a family is compiled once for all models.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

from numba import carray, types

from partialpool.kernels.compiling import compile_native

_DOUBLES = types.CPointer(types.float64)
FAMILY_SIGNATURE = types.float64(
    types.int64, _DOUBLES, types.int64, _DOUBLES, types.int64, _DOUBLES, _DOUBLES
)
PRIOR_SIGNATURE = types.float64(types.int64, _DOUBLES, _DOUBLES, _DOUBLES)


Loops = tuple[Callable[..., Any], Callable[..., Any], Callable[..., Any]]


def _one_predictor(cell: Callable[..., Any]) -> Loops:
    def gradient(n, stats, stride, eta, width, first, second):
        s = carray(stats, (8, stride))
        e = carray(eta, (n,))
        d = carray(first, (n,))
        total = 0.0
        for i in range(n):
            value, slope, _ = cell(s, i, e[i])
            total += value
            d[i] = slope
        return total

    def curvature(n, stats, stride, eta, width, first, second):
        s = carray(stats, (8, stride))
        e = carray(eta, (n,))
        d = carray(first, (n,))
        h = carray(second, (n,))
        total = 0.0
        for i in range(n):
            value, d[i], h[i] = cell(s, i, e[i])
            total += value
        return total

    def values(n, stats, stride, eta, width, out, unused):
        s = carray(stats, (8, stride))
        e = carray(eta, (n,))
        v = carray(out, (n,))
        for i in range(n):
            v[i] = cell(s, i, e[i])[0]
        return 0.0

    return gradient, curvature, values


def _two_predictors(cell: Callable[..., Any]) -> Loops:
    def gradient(n, stats, stride, eta, width, first, second):
        s = carray(stats, (8, stride))
        e = carray(eta, (2, width))
        d = carray(first, (2, width))
        total = 0.0
        for i in range(n):
            value, d0, d1, _, _ = cell(s, i, e[0, i], e[1, i])
            total += value
            d[0, i] = d0
            d[1, i] = d1
        return total

    def curvature(n, stats, stride, eta, width, first, second):
        s = carray(stats, (8, stride))
        e = carray(eta, (2, width))
        d = carray(first, (2, width))
        h = carray(second, (2, width))
        total = 0.0
        for i in range(n):
            value, d[0, i], d[1, i], h[0, i], h[1, i] = cell(s, i, e[0, i], e[1, i])
            total += value
        return total

    def values(n, stats, stride, eta, width, out, unused):
        s = carray(stats, (8, stride))
        e = carray(eta, (2, width))
        v = carray(out, (n,))
        for i in range(n):
            v[i] = cell(s, i, e[0, i], e[1, i])[0]
        return 0.0

    return gradient, curvature, values


_FACTORIES = {1: _one_predictor, 2: _two_predictors}


@cache
def family_blocks(cell: Callable[..., Any], n_predictors: int) -> tuple[Any, Any, Any]:
    """Compile a family's cell function into its three blocks.

    Parameters
    ----------
    cell
        ``cell(stats, i, *eta) -> (log likelihood, its derivative by each predictor, minus its second
        derivative by each predictor)``; ``stats[s, i]`` is statistic s of cell i.
    n_predictors
        How many predictors `cell` takes.

    Returns
    -------
    Three C functions of (n, statistics, their row length, predictors, their row length, first, second):
    the first writes the derivatives and returns the summed log likelihood, the second writes the
    curvatures as well, the third writes each cell's log likelihood in place of derivatives.
    """
    gradient, curvature, values = (
        compile_native(f, FAMILY_SIGNATURE) for f in _FACTORIES[n_predictors](cell)
    )
    return gradient, curvature, values


@cache
def unit_block(cell: Callable[..., Any]) -> Any:
    """Compile ``cell(stats, i, eta) -> (part, factor, derivative)`` into the density's block.

    The log likelihood of a cell is its part less the log of its factor. Factors lie between 1 and 2, so that
    the product of 512 of them is in range and one logarithm serves the block.
    """

    def gradient(n, stats, stride, eta, width, first, second):
        s = carray(stats, (8, stride))
        e = carray(eta, (n,))
        d = carray(first, (n,))
        total, product = 0.0, 1.0
        for i in range(n):
            part, factor, d[i] = cell(s, i, e[i])
            total += part
            product *= factor
        return total - math.log(product)

    return compile_native(gradient, FAMILY_SIGNATURE)


@cache
def prior_block(density: Callable[..., Any]) -> Any:
    """Compile a prior's scalar function ``(x, parameters) -> (log density, derivative)`` into a loop.

    The C function takes (n, values, parameters, gradient), adds the derivatives to the gradient and
    returns the summed log density.
    """

    def block(n, values, parameters, gradient):
        x = carray(values, (n,))
        p = carray(parameters, (4,))
        g = carray(gradient, (n,))
        total = 0.0
        for i in range(n):
            value, slope = density(x[i], p)
            total += value
            g[i] += slope
        return total

    return compile_native(block, PRIOR_SIGNATURE)
