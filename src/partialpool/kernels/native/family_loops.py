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

from partialpool.kernels.density.column_blocks import column_at
from partialpool.kernels.math.vectorised import strict
from partialpool.kernels.native.compiling import compile_native, inlined

_DOUBLES = types.CPointer(types.float64)
_INTEGERS = types.CPointer(types.int64)
# Cells, statistics and their row length, predictors and their row length.
_CELLS = types.int64, _DOUBLES, types.int64, _DOUBLES, types.int64
GRADIENT_SIGNATURE = types.float64(*_CELLS, _DOUBLES, _INTEGERS, _INTEGERS, _DOUBLES, types.int64)
FAMILY_SIGNATURE = types.float64(*_CELLS, _DOUBLES, _DOUBLES, types.int64)
PRIOR_SIGNATURE = types.float64(types.int64, _DOUBLES, _DOUBLES, _DOUBLES)

Function = Callable[..., Any]


# A family's function in forms that loops can share, by the number of predictors: of cell i, whose first
# predictor is `mean` and whose others are in e, they return the log likelihood; those named after what they
# write, first derivatives into d and minus second ones into h, packed.


@inlined
def _gradient_of_one(cell, s, i, mean, e, d, h):
    value, d[0, i] = cell(s, i, mean)[:2]
    return value, 1.0, 1.0


@inlined
def _curvature_of_one(cell, s, i, mean, e, d, h):
    value, d[0, i], h[0, i] = cell(s, i, mean)
    return value


@inlined
def _value_of_one(cell, s, i, mean, e, d, h):
    return cell(s, i, mean)[0]


@inlined
def _gradient_of_two(cell, s, i, mean, e, d, h):
    value, d[0, i], d[1, i] = cell(s, i, mean, e[1, i])[:3]
    return value, 1.0, 1.0


@inlined
def _curvature_of_two(cell, s, i, mean, e, d, h):
    value, d[0, i], d[1, i], h[0, i], h[1, i], h[2, i] = cell(s, i, mean, e[1, i])
    return value


@inlined
def _value_of_two(cell, s, i, mean, e, d, h):
    return cell(s, i, mean, e[1, i])[0]


@inlined
def _gradient_of_three(cell, s, i, mean, e, d, h):
    value, d[0, i], d[1, i], d[2, i] = cell(s, i, mean, e[1, i], e[2, i])[:4]
    return value, 1.0, 1.0


@inlined
def _curvature_of_three(cell, s, i, mean, e, d, h):
    found = cell(s, i, mean, e[1, i], e[2, i])
    value, d[0, i], d[1, i], d[2, i] = found[:4]
    h[0, i], h[1, i], h[2, i], h[3, i], h[4, i], h[5, i] = found[4:]
    return value


@inlined
def _value_of_three(cell, s, i, mean, e, d, h):
    return cell(s, i, mean, e[1, i], e[2, i])[0]


@inlined
def _gradient_of_any(cell, s, i, mean, e, d, h):
    e[0, i] = mean
    return cell(s, i, e, d, h), 1.0, 1.0


@inlined
def _all_of_any(cell, s, i, mean, e, d, h):
    return cell(s, i, e, d, h)


_STEPS = {
    1: (_gradient_of_one, _curvature_of_one, _value_of_one),
    2: (_gradient_of_two, _curvature_of_two, _value_of_two),
    3: (_gradient_of_three, _curvature_of_three, _value_of_three),
    None: (_gradient_of_any, _all_of_any, _all_of_any),
}


@inlined
def _unit(cell, s, i, eta, e, d, h):
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

    def gradient(n, stats, stride, eta, width, first, addresses, columns, slopes, n_predictors):
        s, e = carray(stats, (n_predictors, stride)), carray(eta, (n_predictors, width))
        d, h = carray(first, (n_predictors, width)), carray(first, (0, width))
        at, c, b = carray(addresses, (1,)), carray(columns, (4,)), carray(slopes, (5,))
        x0, x1 = column_at(at, c[0], n), column_at(at, c[1], n)
        x2, x3 = column_at(at, c[2], n), column_at(at, c[3], n)
        b0, b1, b2, b3, level = b[0], b[1], b[2], b[3], b[4]
        total, above, below = 0.0, 1.0, 1.0
        for i in range(n):
            mean = _sum(e[0, i], b0 * x0[i], b1 * x1[i], level, b2 * x2[i], b3 * x3[i])
            value, up, down = step(cell, s, i, mean, e, d, h)
            total += value
            above *= up
            below *= down
        return total - math.log(above / below)

    return compile_native(gradient, GRADIENT_SIGNATURE, side_by_side=True)


def _curvature(cell: Function, step: Function) -> Any:
    """Compile the loop that writes first and second derivatives."""

    def curvature(n, stats, stride, eta, width, first, second, n_predictors):
        s, e = carray(stats, (n_predictors, stride)), carray(eta, (n_predictors, width))
        d = carray(first, (n_predictors, width))
        h = carray(second, (n_predictors * (n_predictors + 1) // 2, width))
        total = 0.0
        for i in range(n):
            total += step(cell, s, i, e[0, i], e, d, h)
        return total

    return compile_native(curvature, FAMILY_SIGNATURE, side_by_side=True)


def _values(cell: Function, step: Function) -> Any:
    """Compile the loop that writes each cell's log likelihood."""

    def values(n, stats, stride, eta, width, out, unused, n_predictors):
        s, e = carray(stats, (n_predictors, stride)), carray(eta, (n_predictors, width))
        v, nothing = carray(out, (n,)), carray(out, (0, width))
        for i in range(n):
            v[i] = step(cell, s, i, e[0, i], e, nothing, nothing)
        return 0.0

    return compile_native(values, FAMILY_SIGNATURE, side_by_side=True)


@cache
def family_blocks(cell: Function, n_predictors: int | None) -> tuple[Any, Any, Any]:
    """Compile a family's cell function into its three blocks.

    Parameters
    ----------
    cell
        Of a fixed number of predictors: ``cell(stats, i, *eta) -> (log likelihood, its derivative by each
        predictor, minus its second derivative by each pair of them)``; ``stats[s, i]`` is statistic s of cell
        i. Pairs are packed: (0, 0), (1, 0), (1, 1), (2, 0), ...
        Of any number P: ``cell(stats, i, eta, first, second) -> log likelihood``, where ``eta[p, i]`` is
        predictor p of cell i; it writes ``first[p, i]`` unless `first` has no rows, and ``second[k, i]``, k
        counting pairs, unless `second` has none.
    n_predictors
        How many predictors `cell` takes, at most 3; None for any number.

    Returns
    -------
    Three C functions of (n, statistics, their row length, predictors, their row length, first, ..., P). The
    first, of (..., addresses, columns, slopes, P), adds to the first predictor four of the columns that stand
    at the addresses, times their slopes, and the fifth slope, writes the derivatives and returns the summed
    log likelihood. The second, of (..., second, P), writes the packed second derivatives as well; the third,
    of (..., unused, P), writes each cell's log likelihood in place of derivatives.
    """
    gradient, curvature, value = _STEPS[n_predictors]
    return _gradient(cell, gradient), _curvature(cell, curvature), _values(cell, value)


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
