"""The log likelihood of each group's cells, for several sets of effects at once."""

from __future__ import annotations

import numpy as np

from partialpool.kernels.column_blocks import add_one, column_at
from partialpool.kernels.compiling import kernel
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
from partialpool.kernels.rows import read_row

BLOCK = 512  # cells at a time


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
    n_rows, after_offsets = integers_at(data, ROWS).shape[0] // 2, n_stats + n_predictors
    coef_start, coef_column = integers_at(data, COEF_START), integers_at(data, COEF_COLUMN)
    work = np.empty((n_rows + n_predictors + 1) * BLOCK + n_rows)
    # Statistics, then linear predictors without group effects, which begin as their offsets, then covariates.
    rows, eta = matrix_in(work, 0, n_rows, BLOCK), matrix_in(work, n_rows * BLOCK, n_predictors, BLOCK)
    used = (n_rows + n_predictors) * BLOCK
    value, addresses = vector_in(work, used, BLOCK), integers_in(work, used + BLOCK, n_rows)
    base, covariates = rows[n_stats:], addresses[after_offsets:]
    stop, first_group = group_starts[j1], j0
    one_each = True  # then the group of a cell is known without looking
    for j in range(j0, j1):
        one_each &= group_starts[j + 1] - group_starts[j] == 1
    for first in range(group_starts[j0], stop, BLOCK):
        n = min(BLOCK, stop - first)
        for r in range(n_rows):
            addresses[r] = read_row(data, r, first, n, r >= after_offsets, rows[r])
        for p in range(n_predictors):
            for k in range(coef_start[p], coef_start[p + 1]):
                add_one(coef[k], covariates, coef_column[k], n, base[p])
        while group_starts[first_group + 1] <= first:
            first_group += 1
        for k in range(n_z):
            own = k * n_effects * GROUPS
            for p in range(n_predictors):
                eta[p, :n] = base[p, :n]
                _group_part(data, p, first, n, effects, own, j0, covariates, eta[p])
            call_family(block, n, rows.ctypes.data, BLOCK, eta.ctypes.data, BLOCK, value.ctypes.data, 0)
            i, j = 0, first_group
            if one_each:
                for m in range(n):
                    logs[k, m] += value[m]
                i = n
            while i < n:
                last = min(n, group_starts[j + 1] - first)
                total = 0.0
                for m in range(i, last):
                    total += value[m]
                logs[k, j - j0] += total
                i, j = last, j + 1
    work[0] = 0.0  # its last use: it must outlive its views
