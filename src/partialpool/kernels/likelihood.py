"""The log likelihood of all cells and its derivatives, in blocks of cells held column-wise."""

from __future__ import annotations

import numpy as np

from partialpool.kernels.column_blocks import add_four, add_one, sum_four, sum_one
from partialpool.kernels.compiling import kernel
from partialpool.kernels.group_blocks import add_term, first_run, scatter_term
from partialpool.kernels.inputs import (
    COEF_COLUMN,
    COEF_START,
    ROWS,
    SIZES,
    TERM_PREDICTOR,
    TERM_SIZE,
    TERM_START,
)
from partialpool.kernels.pointers import call_family, integers_at, integers_in, matrix_in
from partialpool.kernels.rows import read_row

BLOCK = 512


@kernel
def _four_columns(column, k, stop):
    """Whether coefficient k and the three after it have covariates of their own."""
    return k + 4 <= stop and min(min(column[k], column[k + 1]), min(column[k + 2], column[k + 3])) >= 0


@kernel
def _predictor_block(data, p, first, n, coef, effects, addresses, runs, eta):
    """Add the coefficients' and the effects' parts to the linear predictor p of n cells from `first` on."""
    coef_start = integers_at(data, COEF_START)
    coef_column = integers_at(data, COEF_COLUMN)
    term_size = integers_at(data, TERM_SIZE)
    term_start = integers_at(data, TERM_START)
    term_predictor = integers_at(data, TERM_PREDICTOR)
    k, stop = coef_start[p], coef_start[p + 1]
    while k < stop:
        if _four_columns(coef_column, k, stop):
            add_four(coef[k : k + 4], addresses, coef_column[k : k + 4], n, eta)
            k += 4
        else:
            add_one(coef[k], addresses, coef_column[k], n, eta)
            k += 1
    base = 0
    for t in range(term_size.shape[0]):
        if term_predictor[t] == p:
            add_term(data, t, base, first, n, runs[t], effects, addresses, eta)
        base += term_size[t] * (term_start[t + 1] - term_start[t])


@kernel
def _scatter_block(data, p, first, n, eta_bar, addresses, runs, coef_bar, effects_bar):
    """Add the derivatives by predictor p of n cells to coefficients and effects; runs move on."""
    coef_start = integers_at(data, COEF_START)
    coef_column = integers_at(data, COEF_COLUMN)
    term_size = integers_at(data, TERM_SIZE)
    term_start = integers_at(data, TERM_START)
    term_predictor = integers_at(data, TERM_PREDICTOR)
    k, stop = coef_start[p], coef_start[p + 1]
    while k < stop:
        if _four_columns(coef_column, k, stop):
            sum_four(coef_bar[k : k + 4], addresses, coef_column[k : k + 4], n, eta_bar)
            k += 4
        else:
            coef_bar[k] += sum_one(addresses, coef_column[k], n, eta_bar)
            k += 1
    base = 0
    for t in range(term_size.shape[0]):
        if term_predictor[t] == p:
            runs[t] = scatter_term(data, t, base, first, n, runs[t], eta_bar, addresses, effects_bar)
        base += term_size[t] * (term_start[t + 1] - term_start[t])


@kernel
def _workspace(n_rows, n_predictors, n_terms, width):
    """One array for all that a block needs, and its views: rows, derivatives, addresses of rows, runs."""
    floats = (n_rows + n_predictors) * width
    work = np.empty(floats + n_rows + n_terms)
    return (
        work,
        matrix_in(work, 0, n_rows, width),
        matrix_in(work, n_rows * width, n_predictors, width),
        integers_in(work, floats, n_rows),
        integers_in(work, floats + n_rows, n_terms),
    )


@kernel
def likelihood(data, coef, effects, coef_bar, effects_bar):
    """Log likelihood; adds its derivatives to coef_bar (as predictors use them) and effects_bar."""
    sizes = integers_at(data, SIZES)
    n_cells, n_predictors, n_terms, address, n_stats = sizes[0], sizes[1], sizes[2], sizes[3], sizes[4]
    n_rows, width = integers_at(data, ROWS).shape[0] // 2, min(BLOCK, n_cells)
    work, rows, eta_bar, addresses, runs = _workspace(n_rows, n_predictors, n_terms, width)
    # Statistics, then linear predictors, which begin as their offsets, then covariates.
    eta, covariates = rows[n_stats:], addresses[n_stats + n_predictors :]
    for t in range(n_terms):
        runs[t] = first_run(data, t)
    total = 0.0
    for first in range(0, n_cells, BLOCK):
        n = min(BLOCK, n_cells - first)
        for r in range(n_rows):
            addresses[r] = read_row(data, r, first, n, r >= n_stats + n_predictors, rows[r])
        for p in range(n_predictors):
            _predictor_block(data, p, first, n, coef, effects, covariates, runs, eta[p])
        total += call_family(
            address, n, rows.ctypes.data, width, eta.ctypes.data, width, eta_bar.ctypes.data, 0
        )
        for p in range(n_predictors):
            _scatter_block(data, p, first, n, eta_bar[p], covariates, runs, coef_bar, effects_bar)
    work[0] = 0.0  # its last use: it must outlive its views
    return total
