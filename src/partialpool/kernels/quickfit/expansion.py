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

from partialpool.kernels.density.column_blocks import column_at, sum_one
from partialpool.kernels.density.inputs import (
    N_SLOTS,
    PLACES,
    ROWS,
    RUN_START,
    SIZES,
    SLOT_COLUMN,
    SLOT_COORDINATE,
    SLOT_INDEX,
    SLOT_START,
    SLOT_STRIDE,
    SLOT_TERM,
    SLOTS,
    TERM_PLACE,
)
from partialpool.kernels.density.likelihood import BLOCK, predictor_block
from partialpool.kernels.density.packed_rows import read_row
from partialpool.kernels.density.slots import add_column, find_runs, next_runs, sum_column
from partialpool.kernels.native.compiling import compile_native, kernel
from partialpool.kernels.native.pointers import (
    call_family,
    floats_at,
    integer_rows_at,
    integers_at,
    integers_in,
    matrix_in,
)

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
    reach: Floats  # (P,) how far the step moves each predictor of a cell at most
    least: Floats  # (P,) smallest curvature by a predictor, where the data have less or none
    sums: Floats  # all sums
    weights: Integers  # (4 M,) of each predictor or pair, derivative, covariate (-1: ones) and first sum
    sums_of: Integers  # (4 S,) of each sum its index (-1: all cells), covariate, place, stride between groups


def packed(p: int, q: int) -> int:
    """Place of predictors p and q among the packed second derivatives: (0, 0), (1, 0), (1, 1), (2, 0), ..."""
    low, high = sorted((p, q))
    return high * (high + 1) // 2 + low


COEF, EFFECTS, COEF_BEFORE, EFFECTS_BEFORE, SPREAD, REACH, LEAST, SUMS, WEIGHTS, SUMS_OF = range(10)
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
    place, slots = integers_at(data, TERM_PLACE), integer_rows_at(data, SLOTS)
    last, covariances = integers_at(data, SLOT_START)[1], floats_at(point, SPREAD)
    _clear(out, n)
    for s in range(last):
        t, d, index = slots[s, SLOT_TERM], slots[s, SLOT_STRIDE], slots[s, SLOT_INDEX]
        _clear(scratch, n)
        for r in range(last):
            # Effects of different groups count as independent.
            if slots[r, SLOT_TERM] != t or slots[r, SLOT_INDEX] != index:
                continue
            at = place[PLACES * t + 1] + slots[s, SLOT_COORDINATE] * d + slots[r, SLOT_COORDINATE]
            own, run = slots[r, SLOT_COLUMN], runs[index]
            add_column(data, index, at, d * d, own, first, n, run, covariances, addresses, scratch)
        _weighted(slots[s, SLOT_COLUMN], addresses, n, scratch, weighted)
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
def _guard_curvature(n, second, least):
    for i in range(n):
        second[i] = min(second[i], LARGEST_CURVATURE) if second[i] >= least else least


@kernel
def _derivatives(block, n, rows, width, eta, first, second, least):
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
        _guard_curvature(n, second[pair], least[p])
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
def _add_sums(data, point, at, n, first, second, addresses, runs, weighted):
    """Add the sums of n cells from `at` on."""
    weights, sums_of = integers_at(point, WEIGHTS), integers_at(point, SUMS_OF)
    sums = floats_at(point, SUMS)
    n_weights, n_sums = weights.shape[0] // 4, sums_of.shape[0] // 4
    for w in range(n_weights):
        p, kind, factor, start = weights[4 * w], weights[4 * w + 1], weights[4 * w + 2], weights[4 * w + 3]
        stop = weights[4 * w + 7] if w + 1 < n_weights else n_sums
        _weighted(factor, addresses, n, first[p] if kind == FIRST else second[p], weighted)
        for s in range(start, stop):
            own, column = sums_of[4 * s], sums_of[4 * s + 1]
            to, stride = sums_of[4 * s + 2], sums_of[4 * s + 3]
            if own < 0:
                sums[to] += sum_one(addresses, column, n, weighted)
            else:
                sum_column(data, own, to, stride, column, at, n, runs[own], weighted, addresses, sums)


@kernel
def _predictors(data, point, at, n, moved, addresses, runs, eta, before):
    """Complete (P, n) linear predictors, which begin as their offsets.

    Of predictors moved[0] up to moved[1] the reach becomes how far the step has moved them in any cell.
    """
    reach = floats_at(point, REACH)
    for p in range(eta.shape[0]):
        stepped = moved[0] <= p and p < moved[1]
        for i in range(n if stepped else 0):
            before[i] = eta[p, i]
        for side in range(0 if stepped else 1, 2):  # where the step began comes first
            coef, effects = COEF if side == 1 else COEF_BEFORE, EFFECTS if side == 1 else EFFECTS_BEFORE
            row, own = integers_at(data, SIZES)[4] + p, eta[p] if side == 1 else before
            predictor_block(
                data,
                p,
                0,
                at,
                n,
                floats_at(point, coef),
                floats_at(point, effects),
                addresses,
                runs,
                row,
                own,
            )
        for i in range(n if stepped else 0):
            step = abs(eta[p, i] - before[i])
            reach[p] = reach[p] if step <= reach[p] else step  # NaN stays


@kernel
def expand(data, point, block, moved, averaged):
    """Log likelihood at a point; writes the sums there and the reach of the step in the predictors moved."""
    sizes = integers_at(data, SIZES)
    n_cells, n_predictors, n_stats = sizes[0], sizes[1], sizes[4]
    n_indices = integers_at(data, RUN_START).shape[0] - 1
    n_rows, width, sides = integers_at(data, ROWS).shape[0] // 2, min(BLOCK, n_cells), 2 if averaged else 1
    n_pairs = n_predictors * (n_predictors + 1) // 2
    n_own = n_rows + 3 + 2 * (n_predictors + n_pairs)
    work = np.empty(n_own * width + n_rows + n_indices)
    rows = matrix_in(work, 0, n_rows, width)
    scratch = matrix_in(work, n_rows * width, 3, width)
    used, after_first = (n_rows + 3) * width, n_predictors * width
    first = matrix_in(work, used, n_predictors, width)
    other_first = matrix_in(work, used + after_first, n_predictors, width)
    used += 2 * after_first
    second = matrix_in(work, used, n_pairs, width)
    other_second = matrix_in(work, used + n_pairs * width, n_pairs, width)
    addresses = integers_in(work, n_own * width, n_rows)
    runs = integers_in(work, n_own * width + n_rows, n_indices)
    offsets = n_stats + n_predictors
    eta, covariates = rows[n_stats:offsets], addresses[offsets:]
    _clear(floats_at(point, SUMS), floats_at(point, SUMS).shape[0])
    find_runs(data, 0, runs)
    total = 0.0
    _clear(floats_at(point, REACH), n_predictors)
    for at in range(0, n_cells, BLOCK):
        n = min(BLOCK, n_cells - at)
        for r in range(n_rows):
            addresses[r] = read_row(data, r, at, n, r >= offsets, rows[r])
        _predictors(data, point, at, n, moved, covariates, runs, eta, scratch[0])
        if averaged:
            _spread_block(data, point, at, n, covariates, runs, scratch[0], scratch[1], scratch[2])
        for side in range(sides):
            if averaged:  # over a normal of the mean's predictor, by a point one sd to each side
                _shift(n, eta[0], scratch[2], 1.0 if side == 0 else -2.0)
            to, and_to = (first, second) if side == 0 else (other_first, other_second)
            total += _derivatives(block, n, rows, width, eta, to, and_to, floats_at(point, LEAST)) / sides
        for p in range(n_predictors if averaged else 0):
            _average(n, first[p], other_first[p])
        for pair in range(n_pairs if averaged else 0):
            _average(n, second[pair], other_second[pair])
        _add_sums(data, point, at, n, first, second, covariates, runs, scratch[0])
        next_runs(data, at + n, runs)
    work[0] = 0.0  # its last use: it must outlive its views
    return total


def _expand_entry(data_table, point_table, block, first_moved, last_moved, averaged):
    data = carray(data_table, (N_SLOTS, 3), np.int64)
    point = carray(point_table, (N_ARRAYS, 3), np.int64)
    return expand(data, point, block, (first_moved, last_moved), averaged)


@cache
def native_expand() -> Any:
    """C function (data's table, point's table, family's block, predictors that moved, whether averaged).

    Predictors have moved from the first number up to, not including, the second.
    """
    signature = types.float64(types.voidptr, types.voidptr, *[types.int64] * 4)
    return compile_native(_expand_entry, signature)
