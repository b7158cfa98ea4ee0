"""The log likelihood of all cells and its derivatives, in blocks of cells held column-wise.

The family's loop adds up to four covariates of the mean itself, so that memory is read while its arithmetic
goes on. All else is added to the linear predictors before it.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numba import carray, types

from partialpool.kernels.density.column_blocks import add_four, add_one, fill, sum_four, sum_one
from partialpool.kernels.density.inputs import (
    COEF_COLUMN,
    COEF_START,
    N_SLOTS,
    PLACES,
    ROWS,
    RUN_START,
    SHARE_FIRST,
    SHARE_PLACE,
    SHARE_START,
    SHARE_STOP,
    SHARE_TERM,
    SHARE_ZERO,
    SIZES,
    SLOT_COORDINATE,
    SLOT_START,
    SLOT_TERM,
    SLOTS,
    TEAM,
    TERM_PLACE,
)
from partialpool.kernels.density.packed_rows import constant_of, is_constant, read_row
from partialpool.kernels.density.slots import add_slot, begin_with_slot, find_runs, next_runs, scatter_slot
from partialpool.kernels.native.compiling import compile_native, kernel
from partialpool.kernels.native.pointers import (
    as_pointer,
    call_gradient,
    integer_rows_at,
    integers_at,
    integers_in,
    matrix_in,
    vector_in,
)
from partialpool.kernels.native.thread_team import share_out

BLOCK = 512


@kernel
def _lead(data, coef, zeros, columns, slopes):
    """Choose coefficients of the mean for the family's own loop: up to the fourth that has a covariate.

    Writes their (4,) columns and into (5,) slopes their values, `zeros` and 0 where there are fewer; last the
    sum of those without covariates. Returns the coefficient after them.
    """
    column, stop = integers_at(data, COEF_COLUMN), integers_at(data, COEF_START)[1]
    for j in range(4):
        columns[j], slopes[j] = zeros, 0.0
    slopes[4] = 0.0
    k, found = 0, 0
    while k < stop and found < 4:
        if column[k] < 0:
            slopes[4] += coef[k]
        else:
            columns[found], slopes[found] = column[k], coef[k]
            found += 1
        k += 1
    return k


@kernel
def _add_lead(data, after, slopes_bar, coef_bar):
    """Add the derivatives by the coefficients that `_lead` chose."""
    column, found = integers_at(data, COEF_COLUMN), 0
    for k in range(after):
        if column[k] < 0:
            coef_bar[k] += slopes_bar[4]
        else:
            coef_bar[k] += slopes_bar[found]
            found += 1


@kernel
def _four_columns(column, k, stop):
    """Whether coefficient k and the three after it have covariates of their own."""
    return k + 4 <= stop and min(min(column[k], column[k + 1]), min(column[k + 2], column[k + 3])) >= 0


@kernel
def predictor_block(data, p, after, first, n, coef, effects, addresses, runs, row, eta):
    """Compute linear predictor p of n cells from `first` on, without what the family's loop adds.

    That is its offset, which is the given row, effects, and coefficients from `after` on.
    """
    coef_start, coef_column = integers_at(data, COEF_START), integers_at(data, COEF_COLUMN)
    s, last = integers_at(data, SLOT_START)[p], integers_at(data, SLOT_START)[p + 1]
    # An offset that differs from cell to cell has been read into eta.
    if is_constant(data, row):
        level = constant_of(data, row)
        if s == last:
            fill(eta, level, n)
        elif begin_with_slot(data, s, first, n, runs, level, effects, eta):
            s += 1
    while s < last:
        add_slot(data, s, first, n, runs, effects, addresses, eta)
        s += 1
    k, stop = max(coef_start[p], after), coef_start[p + 1]
    while k < stop:
        if _four_columns(coef_column, k, stop):
            add_four(coef[k : k + 4], addresses, coef_column[k : k + 4], n, eta)
            k += 4
        else:
            add_one(coef[k], addresses, coef_column[k], n, eta)
            k += 1


@kernel
def sum_coefficients(data, p, after, n, eta_bar, addresses, coef_bar):
    """Add the derivatives by predictor p's coefficients from `after` on, over n cells."""
    coef_start, coef_column = integers_at(data, COEF_START), integers_at(data, COEF_COLUMN)
    k, stop = max(coef_start[p], after), coef_start[p + 1]
    while k < stop:
        if _four_columns(coef_column, k, stop):
            sum_four(coef_bar[k : k + 4], addresses, coef_column[k : k + 4], n, eta_bar)
            k += 4
        else:
            coef_bar[k] += sum_one(addresses, coef_column[k], n, eta_bar)
            k += 1


@kernel
def _scatter_block(data, p, after, first, n, terms, eta_bar, addresses, runs, coef_bar, effects_bar):
    """Add the derivatives by predictor p of n cells to a share's sums.

    Coefficients before `after` have theirs already.
    """
    slot_start, slots = integers_at(data, SLOT_START), integer_rows_at(data, SLOTS)
    sum_coefficients(data, p, after, n, eta_bar, addresses, coef_bar)
    for s in range(slot_start[p], slot_start[p + 1]):
        place = terms[slots[s, SLOT_TERM], SHARE_ZERO] + slots[s, SLOT_COORDINATE]
        scatter_slot(data, s, place, first, n, runs, eta_bar, addresses, effects_bar)


@kernel
def _workspace(n_rows, n_predictors, n_indices, width):
    """One array for all that a block needs, and its views.

    Rows, derivatives, the slopes of `_lead` and the derivatives by them; addresses of rows, `_lead`'s
    columns, runs.
    """
    floats = (n_rows + n_predictors) * width
    work = np.empty(floats + 10 + n_rows + 4 + n_indices)
    return (
        work,
        matrix_in(work, 0, n_rows, width),
        matrix_in(work, n_rows * width, n_predictors, width),
        matrix_in(work, floats, 2, 5),
        integers_in(work, floats + 10, n_rows),
        integers_in(work, floats + 10 + n_rows, 4),
        integers_in(work, floats + 14 + n_rows, n_indices),
    )


@kernel
def _terms_of(data, share):
    """(T, 3) what a share needs to know of each term."""
    n_terms = integers_at(data, SIZES)[2]
    return integer_rows_at(data, SHARE_TERM)[share * n_terms : (share + 1) * n_terms]


@kernel
def share_likelihood(data, share, coef, effects, coef_bar, effects_bar):
    """Log likelihood of a share's cells; writes its derivatives, by those effects that the cells can have."""
    sizes, start, terms = integers_at(data, SIZES), integers_at(data, SHARE_START), _terms_of(data, share)
    n_predictors, address, n_stats = sizes[1], sizes[3], sizes[4]
    n_rows, width = integers_at(data, ROWS).shape[0] // 2, min(BLOCK, start[share + 1] - start[share])
    work, rows, eta_bar, slopes, addresses, columns, runs = _workspace(
        n_rows + 1, n_predictors, integers_at(data, RUN_START).shape[0] - 1, width
    )
    # Statistics, then linear predictors, which begin as their offsets, then covariates, then zeros.
    eta, covariates = rows[n_stats:], addresses[n_stats + n_predictors :]
    addresses[n_rows] = rows[n_rows].ctypes.data
    fill(rows[n_rows], 0.0, width)
    fill(slopes[1], 0.0, 5)
    after = _lead(data, coef, n_rows - n_stats - n_predictors, columns, slopes[0])
    coef_bar[:] = 0.0
    effects_bar[:] = 0.0
    find_runs(data, start[share], runs)
    total = 0.0
    for first in range(start[share], start[share + 1], BLOCK):
        n = min(BLOCK, start[share + 1] - first)
        for r in range(n_rows):
            # What is the same in all cells stays as the first block has it.
            if first == start[share] or not is_constant(data, r):
                addresses[r] = read_row(data, r, first, n, r >= n_stats + n_predictors, rows[r])
        for p in range(n_predictors):
            predictor_block(data, p, after, first, n, coef, effects, covariates, runs, n_stats + p, eta[p])
        total += call_gradient(
            address,
            n,
            rows.ctypes.data,
            width,
            eta.ctypes.data,
            width,
            eta_bar.ctypes.data,
            covariates.ctypes.data,
            columns.ctypes.data,
            slopes.ctypes.data,
            n_predictors,
        )
        slopes[1, 4] += sum_four(slopes[1], covariates, columns, n, eta_bar[0])
        for p in range(n_predictors):
            _scatter_block(
                data, p, after, first, n, terms, eta_bar[p], covariates, runs, coef_bar, effects_bar
            )
        next_runs(data, first + n, runs)
    _add_lead(data, after, slopes[1], coef_bar)
    work[0] = 0.0  # its last use: it must outlive its views
    return total


# The argument of a share: addresses of the density's table, of coefficients and effects, of the first share's
# sums of derivatives by both, and of the shares' log likelihoods.
TABLE, COEF, EFFECTS, COEF_BAR, EFFECTS_BAR, VALUES = range(6)
ARGUMENT = 6


def _share_entry(argument, share):
    at = carray(as_pointer(argument), (ARGUMENT,), np.int64)
    data = carray(as_pointer(at[TABLE]), (N_SLOTS, 3), np.int64)
    place, n_coefs = integers_at(data, SHARE_PLACE), integers_at(data, COEF_COLUMN).shape[0]
    n_effects = integers_at(data, TERM_PLACE)[PLACES * integers_at(data, SIZES)[2]]
    n_sums = place[share + 1] - place[share] - n_coefs
    value = share_likelihood(
        data,
        share,
        carray(as_pointer(at[COEF]), (n_coefs,), np.float64),
        carray(as_pointer(at[EFFECTS]), (n_effects,), np.float64),
        carray(as_pointer(at[COEF_BAR] + 8 * place[share]), (n_coefs,), np.float64),
        carray(as_pointer(at[EFFECTS_BAR] + 8 * place[share]), (n_sums,), np.float64),
    )
    carray(as_pointer(at[VALUES]), (share + 1,), np.float64)[share] = value
    return 0


@cache
def native_share() -> Any:
    """C function (address of a share's argument, share): one share of the log likelihood."""
    return compile_native(_share_entry, types.int64(types.int64, types.int64))


@kernel
def _add_share(data, share, sums, coef_bar, effects_bar):
    """Add a share's sums of derivatives to those of all cells."""
    n_coefs, terms, place = coef_bar.shape[0], _terms_of(data, share), integers_at(data, TERM_PLACE)
    for k in range(n_coefs):
        coef_bar[k] += sums[k]
    for t in range(terms.shape[0]):
        own, zero = place[PLACES * t], n_coefs + terms[t, SHARE_ZERO]
        for i in range(terms[t, SHARE_FIRST], terms[t, SHARE_STOP]):
            effects_bar[own + i] += sums[zero + i]


@kernel
def likelihood_work(data):
    """How many numbers `likelihood` works with."""
    place, n_shares = integers_at(data, SHARE_PLACE), integers_at(data, SHARE_PLACE).shape[0] - 1
    return ARGUMENT + n_shares + (place[n_shares] if n_shares > 1 else 0)


@kernel
def likelihood(data, coef, effects, coef_bar, effects_bar, work):
    """Log likelihood; writes its derivatives to coef_bar (as predictors use them) and effects_bar.

    Cells are cut into shares by the data alone, and shares are added up in their order: the result does not
    depend on which threads did them. One share's sums are those of all cells. work is of `likelihood_work`.
    """
    place = integers_at(data, SHARE_PLACE)
    n_shares, n_coefs = place.shape[0] - 1, coef.shape[0]
    at, values = integers_in(work, 0, ARGUMENT), vector_in(work, ARGUMENT, n_shares)
    sums = vector_in(work, ARGUMENT + n_shares, work.shape[0] - ARGUMENT - n_shares)
    at[TABLE], at[COEF], at[EFFECTS] = data.ctypes.data, coef.ctypes.data, effects.ctypes.data
    at[COEF_BAR], at[EFFECTS_BAR] = coef_bar.ctypes.data, effects_bar.ctypes.data
    at[VALUES] = values.ctypes.data
    if n_shares > 1:
        at[COEF_BAR], at[EFFECTS_BAR] = sums.ctypes.data, sums.ctypes.data + 8 * n_coefs
    share_out(integers_at(data, TEAM), integers_at(data, SIZES)[5], at.ctypes.data, n_shares)
    total = 0.0
    for share in range(n_shares):
        total += values[share]
        if n_shares > 1:
            _add_share(data, share, sums[place[share] :], coef_bar, effects_bar)
    return total
