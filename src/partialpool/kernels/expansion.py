"""The log likelihood of all cells to second order about a point, summed by coefficient and by group.

One pass over blocks of cells, as the density makes it: no array has a number for each cell. Which sums are
made is a list that the caller gives. A weight is a cell's first derivative by a predictor, or its second one
by a pair of predictors, times a covariate; a sum is one of weight times covariate, over all cells or over
those of each group.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numba import carray, types
from numpy.typing import NDArray

from partialpool.kernels.column_blocks import column_at, sum_one
from partialpool.kernels.compiling import compile_native, kernel
from partialpool.kernels.group_blocks import add_column, first_run, sum_column
from partialpool.kernels.inputs import (
    EFFECT_COLUMN,
    N_SLOTS,
    PLACES,
    ROWS,
    SIZES,
    TERM_PLACE,
    TERM_PREDICTOR,
    TERM_START,
)
from partialpool.kernels.likelihood import BLOCK, predictor_block
from partialpool.kernels.pointers import call_family, floats_at, integers_at, integers_in, matrix_in
from partialpool.kernels.rows import read_row

SMALLEST_CURVATURE = 1e-8
LARGEST_CURVATURE = 1e200
LARGEST_SLOPE = 1e300
FIRST, SECOND = 1, 2  # derivatives

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class Expansion(NamedTuple):
    """A point, and the sums there; K coefficients, terms of J groups of d.

    Curvatures are minus second derivatives. Derivatives are by coefficients as predictors use them.
    """

    coef: Floats  # (K,)
    effects: Floats  # all terms' (J, d), flat
    coef_before: Floats  # (K,) where the point was before a step
    effects_before: Floats  # all terms' (J, d), flat
    spread: Floats  # all terms' (J, d, d), flat: covariances of the effects, over which is averaged
    reach: Floats  # (1,) how far the step moves the predictor of a cell at most
    sums: Floats  # all sums
    weights: Integers  # (4 M,) of each predictor or pair, derivative, covariate (-1: ones) and first sum
    sums_of: Integers  # (4 S,) of each sum its term (-1: none), covariate, place, and stride between groups


def packed(p: int, q: int) -> int:
    """Place of predictors p and q among the packed second derivatives: (0, 0), (1, 0), (1, 1), (2, 0), ..."""
    low, high = sorted((p, q))
    return high * (high + 1) // 2 + low


COEF, EFFECTS, COEF_BEFORE, EFFECTS_BEFORE, SPREAD, REACH, SUMS, WEIGHTS, SUMS_OF = range(9)
N_ARRAYS = len(Expansion._fields)


@kernel
def _clear(out, n):
    # A loop: assigning to a slice takes a second to compile.
    for i in range(n):
        out[i] = 0.0


@kernel
def _weighted(column, addresses, n, weights, out):
    """Write weights times a covariate."""
    if column < 0:
        for i in range(n):
            out[i] = weights[i]
    else:
        x = column_at(addresses, column, n)
        for i in range(n):
            out[i] = weights[i] * x[i]


@kernel
def _spread_block(data, point, first, n, addresses, runs, scratch, weighted, out):
    """Write the sd of the mean's predictor that the covariances of its terms' effects give to n cells."""
    term_start, place = integers_at(data, TERM_START), integers_at(data, TERM_PLACE)
    columns, predictor = integers_at(data, EFFECT_COLUMN), integers_at(data, TERM_PREDICTOR)
    covariances = floats_at(point, SPREAD)
    _clear(out, n)
    for t in range(predictor.shape[0]):
        start, d = term_start[t], term_start[t + 1] - term_start[t]
        if predictor[t] != 0:
            continue
        for a in range(d):
            _clear(scratch, n)
            for b in range(d):
                own, at = columns[start + b], place[PLACES * t + 1] + a * d + b
                add_column(data, t, at, d * d, own, first, n, runs[t], covariances, addresses, scratch)
            _weighted(columns[start + a], addresses, n, scratch, weighted)
            for i in range(n):
                out[i] += weighted[i]
    for i in range(n):
        out[i] = np.sqrt(max(out[i], 0.0))


@kernel
def _guard(n, first, largest):
    """Replace numbers that cannot be followed: they overflow where an outcome is out of reach."""
    for i in range(n):
        first[i] = first[i] if abs(first[i]) <= largest else 0.0


@kernel
def _guard_curvature(n, second):
    for i in range(n):
        second[i] = (
            min(second[i], LARGEST_CURVATURE) if second[i] >= SMALLEST_CURVATURE else SMALLEST_CURVATURE
        )


@kernel
def _derivatives(block, n, rows, width, eta, first, second):
    """Log likelihood of n cells; writes (P, n) first and packed (P (P + 1) / 2, n) second derivatives."""
    value = call_family(
        block,
        n,
        rows.ctypes.data,
        width,
        eta.ctypes.data,
        width,
        first.ctypes.data,
        second.ctypes.data,
        first.shape[0],
    )
    pair = 0
    for p in range(first.shape[0]):
        _guard(n, first[p], LARGEST_SLOPE)
        for _ in range(p):
            _guard(n, second[pair], LARGEST_CURVATURE)
            pair += 1
        _guard_curvature(n, second[pair])
        pair += 1
    return value


@kernel
def _shift(n, eta, spread, share):
    for i in range(n):
        eta[i] += share * spread[i]


@kernel
def _average(n, these, others):
    for i in range(n):
        these[i] = 0.5 * (these[i] + others[i])


@kernel
def _add_sums(data, point, at, n, first, second, addresses, runs, after, weighted):
    """Add the sums of n cells from `at` on; writes each term's run of the next block's first cell."""
    weights, sums_of = integers_at(point, WEIGHTS), integers_at(point, SUMS_OF)
    sums = floats_at(point, SUMS)
    n_weights, n_sums = weights.shape[0] // 4, sums_of.shape[0] // 4
    for w in range(n_weights):
        p, kind, own, start = weights[4 * w], weights[4 * w + 1], weights[4 * w + 2], weights[4 * w + 3]
        stop = weights[4 * w + 7] if w + 1 < n_weights else n_sums
        _weighted(own, addresses, n, first[p] if kind == FIRST else second[p], weighted)
        for s in range(start, stop):
            t, column, to, stride = sums_of[4 * s], sums_of[4 * s + 1], sums_of[4 * s + 2], sums_of[4 * s + 3]
            if t < 0:
                sums[to] += sum_one(addresses, column, n, weighted)
            else:
                after[t] = sum_column(data, t, to, stride, column, at, n, runs[t], weighted, addresses, sums)


@kernel
def _predictors(data, point, at, n, moved, addresses, runs, eta, before, reach):
    """Complete (P, n) linear predictors, which begin as their offsets.

    Returns the larger of reach and of how far the step has moved predictor `moved` of any cell.
    """
    n_predictors = eta.shape[0]
    for turn in range(n_predictors + (1 if moved >= 0 else 0)):
        p, now = turn, True
        if moved >= 0:  # the one before the step comes first, while eta still has the offsets
            p, now = (moved, False) if turn == 0 else (turn - 1, True)
        if not now:
            for i in range(n):
                before[i] = eta[p, i]
        coef, effects = COEF if now else COEF_BEFORE, EFFECTS if now else EFFECTS_BEFORE
        coef, effects = floats_at(point, coef), floats_at(point, effects)
        row, own = integers_at(data, SIZES)[4] + p, eta[p] if now else before
        predictor_block(data, p, 0, at, n, coef, effects, addresses, runs, row, own)
    if moved >= 0:
        for i in range(n):
            step = abs(eta[moved, i] - before[i])
            reach = reach if step <= reach else step  # NaN stays
    return reach


@kernel
def expand(data, point, block, moved, averaged):
    """Log likelihood at a point; writes the sums there and the reach of the step in predictor `moved`."""
    sizes = integers_at(data, SIZES)
    n_cells, n_predictors, n_terms, n_stats = sizes[0], sizes[1], sizes[2], sizes[4]
    n_rows, width, sides = integers_at(data, ROWS).shape[0] // 2, min(BLOCK, n_cells), 2 if averaged else 1
    n_pairs = n_predictors * (n_predictors + 1) // 2
    n_own = n_rows + 3 + 2 * (n_predictors + n_pairs)
    work = np.empty(n_own * width + n_rows + 2 * n_terms)
    rows = matrix_in(work, 0, n_rows, width)
    scratch = matrix_in(work, n_rows * width, 3, width)
    used, after_first = (n_rows + 3) * width, n_predictors * width
    first = matrix_in(work, used, n_predictors, width)
    other_first = matrix_in(work, used + after_first, n_predictors, width)
    used += 2 * after_first
    second = matrix_in(work, used, n_pairs, width)
    other_second = matrix_in(work, used + n_pairs * width, n_pairs, width)
    addresses = integers_in(work, n_own * width, n_rows)
    runs = integers_in(work, n_own * width + n_rows, n_terms)
    after = integers_in(work, n_own * width + n_rows + n_terms, n_terms)
    offsets = n_stats + n_predictors
    eta, covariates = rows[n_stats:offsets], addresses[offsets:]
    _clear(floats_at(point, SUMS), floats_at(point, SUMS).shape[0])
    for t in range(n_terms):
        runs[t] = after[t] = first_run(data, t)
    total, reach = 0.0, 0.0
    for at in range(0, n_cells, BLOCK):
        n = min(BLOCK, n_cells - at)
        for r in range(n_rows):
            addresses[r] = read_row(data, r, at, n, r >= offsets, rows[r])
        reach = _predictors(data, point, at, n, moved, covariates, runs, eta, scratch[0], reach)
        if averaged:
            _spread_block(data, point, at, n, covariates, runs, scratch[0], scratch[1], scratch[2])
        for side in range(sides):
            if averaged:  # over a normal of the mean's predictor, by a point one sd to each side
                _shift(n, eta[0], scratch[2], 1.0 if side == 0 else -2.0)
            to, and_to = (first, second) if side == 0 else (other_first, other_second)
            total += _derivatives(block, n, rows, width, eta, to, and_to) / sides
        for p in range(n_predictors if averaged else 0):
            _average(n, first[p], other_first[p])
        for pair in range(n_pairs if averaged else 0):
            _average(n, second[pair], other_second[pair])
        _add_sums(data, point, at, n, first, second, covariates, runs, after, scratch[0])
        for t in range(n_terms):
            runs[t] = after[t]
    floats_at(point, REACH)[0] = reach
    work[0] = 0.0  # its last use: it must outlive its views
    return total


def _expand_entry(data_table, point_table, block, moved, averaged):
    data = carray(data_table, (N_SLOTS, 3), np.int64)
    point = carray(point_table, (N_ARRAYS, 3), np.int64)
    return expand(data, point, block, moved, averaged)


@cache
def native_expand() -> Any:
    """C function (data's table, point's table, family's block, predictor that moved, whether averaged)."""
    signature = types.float64(types.voidptr, types.voidptr, types.int64, types.int64, types.int64)
    return compile_native(_expand_entry, signature)
