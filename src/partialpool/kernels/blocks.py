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

from partialpool.kernels.column_blocks import column_at
from partialpool.kernels.compiling import compile_native, inlined
from partialpool.kernels.vectorised import strict

_DOUBLES = types.CPointer(types.float64)
_INTEGERS = types.CPointer(types.int64)
GRADIENT_SIGNATURE = types.float64(
    types.int64, _DOUBLES, types.int64, _DOUBLES, types.int64, _DOUBLES, _INTEGERS, _INTEGERS, _DOUBLES
)
FAMILY_SIGNATURE = types.float64(
    types.int64, _DOUBLES, types.int64, _DOUBLES, types.int64, _DOUBLES, _DOUBLES
)
PRIOR_SIGNATURE = types.float64(types.int64, _DOUBLES, _DOUBLES, _DOUBLES)

Function = Callable[..., Any]


@inlined
def _one_predictor(cell, s, i, eta, e, d):
    """Write a cell's derivative; return its log likelihood and a ratio of 1."""
    value, d[0, i], _ = cell(s, i, eta)
    return value, 1.0, 1.0


@inlined
def _two_predictors(cell, s, i, eta, e, d):
    value, d[0, i], d[1, i], _, _ = cell(s, i, eta, e[1, i])
    return value, 1.0, 1.0


@inlined
def _unit(cell, s, i, eta, e, d):
    part, above, below, d[0, i] = cell(s, i, eta)
    return part, above, below


@strict
def _sum(a, b, c, d, e, f):
    """Two chains of additions, side by side; in free order they become one that takes twice as long."""
    return (a + b + c) + (d + e + f)


def _gradient(cell: Function, step: Function) -> Any:
    """Compile the density's loop: predictor of the mean, log likelihood and derivatives of n cells.

    Memory is read while the arithmetic of other cells goes on: that is why covariates are added here.
    """

    def gradient(n, stats, stride, eta, width, first, addresses, columns, slopes):
        s, e, d = carray(stats, (8, stride)), carray(eta, (2, width)), carray(first, (2, width))
        at, c, b = carray(addresses, (1,)), carray(columns, (4,)), carray(slopes, (5,))
        x0, x1 = column_at(at, c[0], n), column_at(at, c[1], n)
        x2, x3 = column_at(at, c[2], n), column_at(at, c[3], n)
        b0, b1, b2, b3, level = b[0], b[1], b[2], b[3], b[4]
        total, above, below = 0.0, 1.0, 1.0
        for i in range(n):
            mean = _sum(e[0, i], b0 * x0[i], b1 * x1[i], level, b2 * x2[i], b3 * x3[i])
            value, up, down = step(cell, s, i, mean, e, d)
            total += value
            above *= up
            below *= down
        return total - math.log(above / below)

    return compile_native(gradient, GRADIENT_SIGNATURE, side_by_side=True)


Loops = tuple[Function, Function]


def _loops_of_one(cell: Function) -> Loops:
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

    return curvature, values


def _loops_of_two(cell: Function) -> Loops:
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

    return curvature, values


_STEPS = {1: _one_predictor, 2: _two_predictors}
_FACTORIES = {1: _loops_of_one, 2: _loops_of_two}


@cache
def family_blocks(cell: Function, n_predictors: int) -> tuple[Any, Any, Any]:
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
    Three C functions of (n, statistics, their row length, predictors, their row length, first, ...). The
    first, of (..., addresses, columns, slopes), adds to the first predictor four of the columns that stand at
    the addresses, times their slopes, and the fifth slope, writes the derivatives and returns the summed log
    likelihood. The
    second, of (..., second), writes the curvatures as well; the third, of (..., unused), writes each cell's
    log likelihood in place of derivatives.
    """
    curvature, values = (
        compile_native(f, FAMILY_SIGNATURE, side_by_side=True) for f in _FACTORIES[n_predictors](cell)
    )
    return _gradient(cell, _STEPS[n_predictors]), curvature, values


@cache
def unit_block(cell: Function) -> Any:
    """Compile ``cell(stats, i, eta) -> (part, above, below, derivative)`` into the density's block.

    The log likelihood of a cell is its part less the log of above / below. Above lies between 0.8 and 2.4,
    below between 0.8 and 1.2, so that products of 512 are in range and one logarithm serves the block.
    """
    return _gradient(cell, _unit)


@cache
def prior_block(density: Function) -> Any:
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
