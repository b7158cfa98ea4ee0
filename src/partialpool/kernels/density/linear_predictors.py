"""Linear predictors of all cells from coefficients and effects, and the adjoint: sums of derivatives by both.

They are made of what the density makes them of, block by block of cells.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numba import carray, types

from partialpool.kernels.density.inputs import (
    COEF_COLUMN,
    N_SLOTS,
    PLACES,
    ROWS,
    RUN_START,
    SIZES,
    SLOT_PLACE,
    SLOT_START,
    SLOTS,
    TERM_PLACE,
)
from partialpool.kernels.density.likelihood import BLOCK, predictor_block, sum_coefficients
from partialpool.kernels.density.packed_rows import is_constant, read_row
from partialpool.kernels.density.slots import find_runs, next_runs, scatter_slot
from partialpool.kernels.native.compiling import compile_native, kernel
from partialpool.kernels.native.pointers import (
    integer_rows_at,
    integers_at,
    integers_in,
    matrix_in,
    vector_in,
)


@kernel
def _work(data):
    """Working memory, which must outlive its views: converted covariates, their addresses, runs."""
    n_rows, n_indices = integers_at(data, ROWS).shape[0] // 2, integers_at(data, RUN_START).shape[0] - 1
    width = min(BLOCK, integers_at(data, SIZES)[0])
    work = np.empty(n_rows * (width + 1) + n_indices)
    addresses = integers_in(work, n_rows * width, n_rows)
    return (
        work,
        matrix_in(work, 0, n_rows, width),
        addresses,
        integers_in(work, n_rows * (width + 1), n_indices),
    )


@kernel
def _read_covariates(data, first, n, rows, addresses):
    """Read a block's covariates; return their addresses."""
    sizes = integers_at(data, SIZES)
    start = sizes[4] + sizes[1]  # after statistics and offsets
    for r in range(start, rows.shape[0]):
        addresses[r] = read_row(data, r, first, n, True, rows[r])
    return addresses[start:]


@kernel
def predict_cells(data, coef, effects, out):
    """Write (P, n) linear predictors, offsets included."""
    sizes = integers_at(data, SIZES)
    work, rows, addresses, runs = _work(data)
    find_runs(data, 0, runs)
    for first in range(0, sizes[0], BLOCK):
        n = min(BLOCK, sizes[0] - first)
        covariates = _read_covariates(data, first, n, rows, addresses)
        for p in range(sizes[1]):
            row, eta = sizes[4] + p, vector_in(out, p * sizes[0] + first, n)
            if not is_constant(data, row):
                read_row(data, row, first, n, False, eta)
            predictor_block(data, p, 0, first, n, coef, effects, covariates, runs, row, eta)
        next_runs(data, first + n, runs)
    work[0] = 0.0  # its last use: it must outlive its views


@kernel
def gather_cells(data, eta_bar, coef_bar, effects_bar):
    """Write the sums by coefficient and by effect of (P, n) derivatives by linear predictors."""
    sizes, slot_start = integers_at(data, SIZES), integers_at(data, SLOT_START)
    slots = integer_rows_at(data, SLOTS)
    work, rows, addresses, runs = _work(data)
    coef_bar[:] = 0.0
    effects_bar[:] = 0.0
    find_runs(data, 0, runs)
    for first in range(0, sizes[0], BLOCK):
        n = min(BLOCK, sizes[0] - first)
        covariates = _read_covariates(data, first, n, rows, addresses)
        for p in range(sizes[1]):
            own = vector_in(eta_bar, p * sizes[0] + first, n)
            sum_coefficients(data, p, 0, n, own, covariates, coef_bar)
            for s in range(slot_start[p], slot_start[p + 1]):
                scatter_slot(data, s, slots[s, SLOT_PLACE], first, n, runs, own, covariates, effects_bar)
        next_runs(data, first + n, runs)
    work[0] = 0.0  # its last use: it must outlive its views


@kernel
def _views(table, coef, effects, eta):
    """The table, (K,), all effects, (P, n)."""
    data = carray(table, (N_SLOTS, 3), np.int64)
    sizes, place = integers_at(data, SIZES), integers_at(data, TERM_PLACE)
    n_coefs, n_effects = integers_at(data, COEF_COLUMN).shape[0], place[PLACES * sizes[2]]
    return data, carray(coef, (n_coefs,)), carray(effects, (n_effects,)), carray(eta, (sizes[1], sizes[0]))


def _predict_entry(table, coef, effects, eta):
    data, coefficients, values, out = _views(table, coef, effects, eta)
    predict_cells(data, coefficients, values, out)
    return 0


def _gather_entry(table, coef_bar, effects_bar, eta_bar):
    data, coefficients, values, bars = _views(table, coef_bar, effects_bar, eta_bar)
    gather_cells(data, bars, coefficients, values)
    return 0


_DOUBLES = types.CPointer(types.float64)
_SIGNATURE = types.int64(types.voidptr, _DOUBLES, _DOUBLES, _DOUBLES)


@cache
def native_predict() -> Any:
    """C function (data's table, coefficients, effects, predictors): writes the (P, n) predictors."""
    return compile_native(_predict_entry, _SIGNATURE)


@cache
def native_gather() -> Any:
    """C function (data's table, sums by coefficients, sums by effects, derivatives): writes the sums."""
    return compile_native(_gather_entry, _SIGNATURE)
