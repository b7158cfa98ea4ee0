"""The log likelihood of each group's cells, for several sets of effects at once."""

from __future__ import annotations

import numpy as np

from partialpool.kernels.compiling import kernel
from partialpool.kernels.group_blocks import column_at
from partialpool.kernels.group_maps import GROUPS
from partialpool.kernels.inputs import (
    COEF_COLUMN,
    COEF_START,
    EFFECT_COLUMN,
    GROUP_INDEX,
    ROWS,
    SIZES,
    TERM_PREDICTOR,
    TERM_START,
)
from partialpool.kernels.pointers import (
    call_family,
    index_rows_at,
    integers_at,
    integers_in,
    matrix_in,
    vector_in,
)
from partialpool.kernels.rows import read_row, row_at

BLOCK = 512  # cells at a time


@kernel
def _fixed_part(data, p, n, coef, addresses, eta):
    """Add the coefficients' part to the linear predictor p of n cells."""
    coef_start, coef_column = integers_at(data, COEF_START), integers_at(data, COEF_COLUMN)
    for k in range(coef_start[p], coef_start[p + 1]):
        value, column = coef[k], coef_column[k]
        if column < 0:
            for i in range(n):
                eta[i] += value
        else:
            x = column_at(addresses, column, n)
            for i in range(n):
                eta[i] += value * x[i]


@kernel
def _group_part(data, p, first, n, effects, place, first_group, addresses, eta):
    """Add the group effects to predictor p of n cells; the effects' set stands at `place`."""
    group_index = index_rows_at(data, GROUP_INDEX)
    start, effect_column = integers_at(data, TERM_START), integers_at(data, EFFECT_COLUMN)
    groups, predictor = group_index[0, first : first + n], integers_at(data, TERM_PREDICTOR)
    for t in range(predictor.shape[0]):
        if predictor[t] != p:
            continue
        for e in range(start[t], start[t + 1]):
            own, column = place + e * GROUPS - first_group, effect_column[e]
            if column < 0:
                for i in range(n):
                    eta[i] += effects[own + groups[i]]
            else:
                x = column_at(addresses, column, n)
                for i in range(n):
                    eta[i] += x[i] * effects[own + groups[i]]


@kernel
def add_cells(data, block, group_starts, j0, j1, coef, effects, n_z, logs):
    """Add the log likelihood of groups j0 up to j1 to (n_z, GROUPS) logs, for n_z sets of effects."""
    sizes = integers_at(data, SIZES)
    n_predictors, n_stats, n_effects = sizes[1], sizes[4], integers_at(data, EFFECT_COLUMN).shape[0]
    n_columns = integers_at(data, ROWS).shape[0] // 2 - n_stats - n_predictors
    work = np.empty((2 * n_predictors + n_stats + n_columns + 1) * BLOCK + n_columns)
    base, eta = (
        matrix_in(work, 0, n_predictors, BLOCK),
        matrix_in(work, n_predictors * BLOCK, n_predictors, BLOCK),
    )
    used = 2 * n_predictors * BLOCK
    stats, columns = (
        matrix_in(work, used, n_stats, BLOCK),
        matrix_in(work, used + n_stats * BLOCK, n_columns, BLOCK),
    )
    used += (n_stats + n_columns) * BLOCK
    value, addresses = vector_in(work, used, BLOCK), integers_in(work, used + BLOCK, n_columns)
    stop, first_group = group_starts[j1], j0
    for first in range(group_starts[j0], stop, BLOCK):
        n = min(BLOCK, stop - first)
        for s in range(n_stats):
            read_row(data, s, first, n, stats[s])
        for c in range(n_columns):
            addresses[c] = row_at(data, n_stats + n_predictors + c, first, n, columns[c])
        for p in range(n_predictors):
            read_row(data, n_stats + p, first, n, base[p])
            _fixed_part(data, p, n, coef, addresses, base[p])
        while group_starts[first_group + 1] <= first:
            first_group += 1
        for k in range(n_z):
            own = k * n_effects * GROUPS
            for p in range(n_predictors):
                eta[p, :n] = base[p, :n]
                _group_part(data, p, first, n, effects, own, j0, addresses, eta[p])
            call_family(block, n, stats.ctypes.data, BLOCK, eta.ctypes.data, BLOCK, value.ctypes.data, 0)
            i, j = 0, first_group
            while i < n:
                last = min(n, group_starts[j + 1] - first)
                total = 0.0
                for m in range(i, last):
                    total += value[m]
                logs[k, j - j0] += total
                i, j = last, j + 1
    work[0] = 0.0  # its last use: it must outlive its views
