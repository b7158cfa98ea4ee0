"""The log likelihood of each group's cells, for several sets of effects at once."""

from __future__ import annotations

import numpy as np

from partialpool.kernels.density.column_blocks import add_one, column_at
from partialpool.kernels.density.inputs import (
    COEF_COLUMN,
    COEF_START,
    GROUP_INDEX,
    ROWS,
    SIZES,
    SLOT_COLUMN,
    SLOT_COORDINATE,
    SLOT_START,
    SLOT_TERM,
    SLOTS,
    TERM_START,
)
from partialpool.kernels.density.packed_rows import read_row
from partialpool.kernels.native.compiling import kernel
from partialpool.kernels.native.pointers import (
    call_family,
    index_rows_at,
    integer_rows_at,
    integers_at,
    integers_in,
    matrix_in,
    vector_in,
)

BLOCK = 512  # cells at a time, or fewer cells for several sets of effects


@kernel
def _predict(data, p, first, n, base, effects, k, first_group, one_each, addresses, eta):
    """Write base and set k of the group effects into (n,) predictors p; one_each: cell i is group i's all."""
    start, slot_start, slots = (
        integers_at(data, TERM_START),
        integers_at(data, SLOT_START),
        integer_rows_at(data, SLOTS),
    )
    groups = index_rows_at(data, GROUP_INDEX)[0, first : first + n]
    before = base  # what the next effects are added to
    for s in range(slot_start[p], slot_start[p + 1]):
        e, column = start[slots[s, SLOT_TERM]] + slots[s, SLOT_COORDINATE], slots[s, SLOT_COLUMN]
        if one_each and column < 0:
            for i in range(n):
                eta[i] = before[i] + effects[k, e, i]
        elif column < 0:
            for i in range(n):
                eta[i] = before[i] + effects[k, e, groups[i] - first_group]
        else:
            x = column_at(addresses, column, n)
            for i in range(n):
                eta[i] = before[i] + x[i] * effects[k, e, groups[i] - first_group]
        before = eta
    if before.ctypes.data != eta.ctypes.data:
        for i in range(n):
            eta[i] = base[i]


@kernel
def _repeat(row, n, times):
    """Write the first n numbers of a row after themselves, so that they stand there so many times."""
    for s in range(1, times):
        for i in range(n):
            row[s * n + i] = row[i]


@kernel
def _add_by_group(value, starts, first, n, j, to, one_each, logs):
    """Add n cells' values to their groups' numbers; j has the first cell, logs begin with group `to`."""
    if one_each:
        for i in range(n):
            logs[i] += value[i]
        return
    i = 0
    while i < n:
        last = min(n, starts[j + 1] - first)
        total = 0.0
        for m in range(i, last):
            total += value[m]
        logs[j - to] += total
        i, j = last, j + 1


@kernel
def add_cells(model, j0, j1, effects, n_sets, logs):
    """Add the log likelihood of groups j0 up to j1 to (sets, GROUPS) logs, for (sets, D, GROUPS) effects."""
    data, starts, coef = model.data, model.starts, model.coefficients[1]
    sizes = integers_at(data, SIZES)
    n_predictors, n_stats = sizes[1], sizes[4]
    n_rows, after_offsets = integers_at(data, ROWS).shape[0] // 2, n_stats + n_predictors
    coef_start, coef_column = integers_at(data, COEF_START), integers_at(data, COEF_COLUMN)
    work = np.empty((n_rows + n_predictors + 1) * BLOCK + n_rows)
    # Statistics, then linear predictors without group effects, which begin as their offsets, then covariates.
    rows, eta = matrix_in(work, 0, n_rows, BLOCK), matrix_in(work, n_rows * BLOCK, n_predictors, BLOCK)
    used = (n_rows + n_predictors) * BLOCK
    value, addresses = vector_in(work, used, BLOCK), integers_in(work, used + BLOCK, n_rows)
    base, covariates = rows[n_stats:], addresses[after_offsets:]
    stop, first_group = starts[j1], j0
    one_each = True  # then the group of a cell is known without looking
    for j in range(j0, j1):
        one_each &= starts[j + 1] - starts[j] == 1
    for first in range(starts[j0], stop, BLOCK):
        n = min(BLOCK, stop - first)
        for r in range(n_rows):
            addresses[r] = read_row(data, r, first, n, r >= after_offsets, rows[r])
        for p in range(n_predictors):
            for k in range(coef_start[p], coef_start[p + 1]):
                add_one(coef[k], covariates, coef_column[k], n, base[p])
        while starts[first_group + 1] <= first:
            first_group += 1
        # A call has a price, so few cells are gone over for several sets at once, one set after the other.
        at_once = min(n_sets, BLOCK // n)
        for r in range(n_stats):
            _repeat(rows[r], n, at_once)
        for k0 in range(0, n_sets, at_once):
            k1 = min(k0 + at_once, n_sets)
            for p in range(n_predictors):
                for k in range(k0, k1):
                    own = vector_in(eta, p * BLOCK + (k - k0) * n, n)
                    _predict(data, p, first, n, base[p], effects, k, j0, one_each, covariates, own)
            call_family(
                model.block,
                (k1 - k0) * n,
                rows.ctypes.data,
                BLOCK,
                eta.ctypes.data,
                BLOCK,
                value.ctypes.data,
                0,
                n_predictors,
            )
            for k in range(k0, k1):
                own = vector_in(value, (k - k0) * n, n)
                _add_by_group(own, starts, first, n, first_group, j0, one_each, logs[k])
    work[0] = 0.0  # its last use: it must outlive its views
