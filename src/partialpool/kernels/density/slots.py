"""What group effects add to the linear predictors of a block of cells, and the derivatives by the effects.

A slot says: predictor += column x effects[group, coordinate], where an index names the group of each cell.
Where cells of one group stand together, as those of the factor that cells are sorted by do, an effect is read
once a run of cells and its derivatives are summed in registers. Elsewhere effects are gathered and scattered
by cell.
"""

from __future__ import annotations

from partialpool.kernels.density.column_blocks import column_at, fill
from partialpool.kernels.density.inputs import (
    GROUP_INDEX,
    RUN_END,
    RUN_GROUP,
    RUN_START,
    SLOT_COLUMN,
    SLOT_INDEX,
    SLOT_PLACE,
    SLOT_STRIDE,
    SLOTS,
)
from partialpool.kernels.native.compiling import kernel
from partialpool.kernels.native.pointers import index_rows_at, indices_at, integer_rows_at, integers_at


@kernel
def add_slot(data, s, first, n, runs, effects, addresses, eta):
    """Add slot s's part to eta of n cells from `first` on; runs are those of the first cell, by index."""
    slot = integer_rows_at(data, SLOTS)[s]
    place, stride, column, index = slot[SLOT_PLACE], slot[SLOT_STRIDE], slot[SLOT_COLUMN], slot[SLOT_INDEX]
    add_column(data, index, place, stride, column, first, n, runs[index], effects, addresses, eta)


@kernel
def begin_with_slot(data, s, first, n, runs, level, effects, eta):
    """Set eta of n cells from `first` on to a constant, plus slot s's intercepts where it has runs.

    This is half the work of writing the one and adding the other. Returns whether slot s is done.
    """
    slot = integer_rows_at(data, SLOTS)[s]
    place, stride, run = slot[SLOT_PLACE], slot[SLOT_STRIDE], runs[slot[SLOT_INDEX]]
    end, group = indices_at(data, RUN_END), indices_at(data, RUN_GROUP)
    if run < 0 or slot[SLOT_COLUMN] >= 0:
        fill(eta, level, n)
        return False
    i = 0
    while i < n:
        last = min(end[run] - first, n)
        fill(eta[i:last], level + effects[place + group[run] * stride], last - i)
        i, run = last, run + 1
    return True


@kernel
def scatter_slot(data, s, place, first, n, runs, eta_bar, addresses, effects_bar):
    """Add the derivatives by slot s's effects; the sum by its first group's effect stands at `place`."""
    slot = integer_rows_at(data, SLOTS)[s]
    stride, column, index = slot[SLOT_STRIDE], slot[SLOT_COLUMN], slot[SLOT_INDEX]
    sum_column(data, index, place, stride, column, first, n, runs[index], eta_bar, addresses, effects_bar)


@kernel
def add_column(data, index, base, stride, column, first, n, run, numbers, addresses, eta):
    """Add to eta of n cells a covariate times a number of each cell's group by an index.

    The number of group j stands at base + j * stride.
    """
    if run >= 0:
        _add_runs(data, first, n, run, base, stride, column, numbers, addresses, eta)
    else:
        groups = index_rows_at(data, GROUP_INDEX)[index, first : first + n]
        _add_cells(groups, n, base, stride, column, numbers, addresses, eta)


@kernel
def sum_column(data, index, base, stride, column, first, n, run, eta_bar, addresses, sums):
    """Add to a number of each group the sum of a covariate times eta_bar over its cells.

    The number of group j stands at base + j * stride.
    """
    if run >= 0:
        _sum_runs(data, first, n, run, base, stride, column, eta_bar, addresses, sums)
    else:
        groups = index_rows_at(data, GROUP_INDEX)[index, first : first + n]
        _scatter_cells(groups, n, base, stride, column, eta_bar, addresses, sums)


@kernel
def find_runs(data, cell, runs):
    """Write for each index the run that a cell is in; -1 for an index without runs."""
    start, end = integers_at(data, RUN_START), indices_at(data, RUN_END)
    for i in range(runs.shape[0]):
        low, high = start[i], start[i + 1] - 1  # the run is from low up to high
        if high < low:
            runs[i] = -1
            continue
        while low < high:
            middle = (low + high) // 2
            if end[middle] <= cell:
                low = middle + 1
            else:
                high = middle
        runs[i] = low


@kernel
def next_runs(data, cell, runs):
    """Move the run of each index on to the run that a later cell is in."""
    start, end = integers_at(data, RUN_START), indices_at(data, RUN_END)
    for i in range(runs.shape[0]):
        if runs[i] < 0:
            continue
        while runs[i] + 1 < start[i + 1] and end[runs[i]] <= cell:
            runs[i] += 1


@kernel
def _add_runs(data, first, n, run, base, d, column, effects, addresses, eta):
    end, group = indices_at(data, RUN_END), indices_at(data, RUN_GROUP)
    i = 0
    while i < n:
        stop, effect = min(end[run] - first, n), effects[base + group[run] * d]
        # Counted from 0, since an index that might be negative keeps a loop from vectorising.
        own = eta[i:stop]
        if column < 0:
            for k in range(stop - i):
                own[k] += effect
        else:
            x = column_at(addresses, column, n)[i:stop]
            for k in range(stop - i):
                own[k] += effect * x[k]
        i, run = stop, run + 1


@kernel
def _sum_runs(data, first, n, run, base, d, column, eta_bar, addresses, effects_bar):
    end, group = indices_at(data, RUN_END), indices_at(data, RUN_GROUP)
    i = 0
    while i < n:
        stop, total = min(end[run] - first, n), 0.0
        own = eta_bar[i:stop]
        if column < 0:
            for k in range(stop - i):
                total += own[k]
        else:
            x = column_at(addresses, column, n)[i:stop]
            for k in range(stop - i):
                total += own[k] * x[k]
        effects_bar[base + group[run] * d] += total
        i, run = stop, run + 1


@kernel
def _add_cells(groups, n, base, d, column, effects, addresses, eta):
    if column < 0:
        for i in range(n):
            eta[i] += effects[base + groups[i] * d]
    else:
        x = column_at(addresses, column, n)
        for i in range(n):
            eta[i] += x[i] * effects[base + groups[i] * d]


@kernel
def _scatter_cells(groups, n, base, d, column, eta_bar, addresses, effects_bar):
    if column < 0:
        for i in range(n):
            effects_bar[base + groups[i] * d] += eta_bar[i]
    else:
        x = column_at(addresses, column, n)
        for i in range(n):
            effects_bar[base + groups[i] * d] += eta_bar[i] * x[i]
