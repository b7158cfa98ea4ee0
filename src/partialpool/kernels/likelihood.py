"""The log likelihood of all cells and its derivatives, in blocks of cells held column-wise."""

from __future__ import annotations

import numpy as np

from partialpool.kernels.compiling import kernel
from partialpool.kernels.inputs import (
    COEF_COLUMN,
    COEF_START,
    COLUMNS,
    EFFECT_COLUMN,
    GROUP_INDEX,
    OFFSETS,
    SIZES,
    STATS,
    TERM_PREDICTOR,
    TERM_SIZE,
    TERM_START,
)
from partialpool.kernels.pointers import call_family, float_rows_at, index_rows_at, integers_at

BLOCK = 512


@kernel
def _predictor_block(data, p, first, n, coef, effects, eta):
    """Write the linear predictor p of n cells from `first` on."""
    offsets = float_rows_at(data, OFFSETS)
    coef_start = integers_at(data, COEF_START)
    coef_column = integers_at(data, COEF_COLUMN)
    columns = float_rows_at(data, COLUMNS)
    term_size = integers_at(data, TERM_SIZE)
    term_start = integers_at(data, TERM_START)
    term_predictor = integers_at(data, TERM_PREDICTOR)
    group_index = index_rows_at(data, GROUP_INDEX)
    effect_column = integers_at(data, EFFECT_COLUMN)
    for i in range(n):
        eta[i] = offsets[p, first + i]
    for k in range(coef_start[p], coef_start[p + 1]):
        value, column = coef[k], coef_column[k]
        if column < 0:
            for i in range(n):
                eta[i] += value
        else:
            x = columns[column, first : first + n]
            for i in range(n):
                eta[i] += value * x[i]
    base = 0
    for t in range(term_size.shape[0]):
        start, d = term_start[t], term_start[t + 1] - term_start[t]
        if term_predictor[t] == p:
            groups = group_index[t, first : first + n]
            for c in range(d):
                column = effect_column[start + c]
                if column < 0:
                    for i in range(n):
                        eta[i] += effects[base + groups[i] * d + c]
                else:
                    x = columns[column, first : first + n]
                    for i in range(n):
                        eta[i] += x[i] * effects[base + groups[i] * d + c]
        base += term_size[t] * d


@kernel
def _scatter_block(data, p, first, n, eta_bar, coef_bar, effects_bar):
    """Add the derivatives by predictor p of n cells to coefficients and effects."""
    coef_start = integers_at(data, COEF_START)
    coef_column = integers_at(data, COEF_COLUMN)
    columns = float_rows_at(data, COLUMNS)
    term_size = integers_at(data, TERM_SIZE)
    term_start = integers_at(data, TERM_START)
    term_predictor = integers_at(data, TERM_PREDICTOR)
    group_index = index_rows_at(data, GROUP_INDEX)
    effect_column = integers_at(data, EFFECT_COLUMN)
    for k in range(coef_start[p], coef_start[p + 1]):
        column = coef_column[k]
        total = 0.0
        if column < 0:
            for i in range(n):
                total += eta_bar[i]
        else:
            x = columns[column, first : first + n]
            for i in range(n):
                total += eta_bar[i] * x[i]
        coef_bar[k] += total
    base = 0
    for t in range(term_size.shape[0]):
        start, d = term_start[t], term_start[t + 1] - term_start[t]
        if term_predictor[t] == p:
            groups = group_index[t, first : first + n]
            for c in range(d):
                column = effect_column[start + c]
                if column < 0:
                    for i in range(n):
                        effects_bar[base + groups[i] * d + c] += eta_bar[i]
                else:
                    x = columns[column, first : first + n]
                    for i in range(n):
                        effects_bar[base + groups[i] * d + c] += eta_bar[i] * x[i]
        base += term_size[t] * d


@kernel
def likelihood(data, coef, effects, coef_bar, effects_bar):
    """Log likelihood; adds its derivatives to coef_bar (as predictors use them) and effects_bar."""
    sizes = integers_at(data, SIZES)
    stats = float_rows_at(data, STATS)
    n_cells, n_predictors, address = sizes[0], sizes[1], sizes[3]
    both = np.empty((2, n_predictors, BLOCK))
    eta, first_derivative = both[0], both[1]
    stride = stats.shape[1]
    total = 0.0
    for first in range(0, n_cells, BLOCK):
        n = min(BLOCK, n_cells - first)
        for p in range(n_predictors):
            _predictor_block(data, p, first, n, coef, effects, eta[p])
        total += call_family(
            address,
            n,
            stats[0, first:].ctypes.data,
            stride,
            eta.ctypes.data,
            BLOCK,
            first_derivative.ctypes.data,
            0,
        )
        for p in range(n_predictors):
            _scatter_block(data, p, first, n, first_derivative[p], coef_bar, effects_bar)
    return total
