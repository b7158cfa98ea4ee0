"""A group-level term's part of the linear predictor of a block of cells, and its derivatives back.

Where cells of one group stand together, as those of the factor that cells are sorted by do, its effects are
read once a run and its derivatives summed in registers. Elsewhere they are gathered and scattered by cell.
"""

from __future__ import annotations

from partialpool.kernels.column_blocks import column_at, fill
from partialpool.kernels.compiling import kernel
from partialpool.kernels.inputs import EFFECT_COLUMN, GROUP_INDEX, RUN_END, RUN_GROUP, RUN_START, TERM_START
from partialpool.kernels.pointers import index_rows_at, indices_at, integers_at


@kernel
def add_term(data, t, base, first, n, run, done, effects, addresses, eta):
    """Add term t's part to eta of n cells from `first` on.

    base is where the term's effects start, run the run of `first` (see `scatter_term`), done how many of the
    term's coefficients eta has already.
    """
    term_start = integers_at(data, TERM_START)
    start, d = term_start[t], term_start[t + 1] - term_start[t]
    columns = integers_at(data, EFFECT_COLUMN)
    for c in range(done, d):
        add_column(data, t, base + c, d, columns[start + c], first, n, run, effects, addresses, eta)


@kernel
def begin_term(data, t, base, first, n, run, level, effects, eta):
    """Write a level to eta of n cells from `first` on, and term t's intercepts with it where it has runs.

    Half the work of writing the one and adding the other. Returns how many coefficients eta has now.
    """
    end, group = indices_at(data, RUN_END), indices_at(data, RUN_GROUP)
    start, stop = integers_at(data, TERM_START)[t], integers_at(data, TERM_START)[t + 1]
    if run < 0 or integers_at(data, EFFECT_COLUMN)[start] >= 0:
        fill(eta, level, n)
        return 0
    i = 0
    while i < n:
        last = min(end[run] - first, n)
        fill(eta[i:last], level + effects[base + group[run] * (stop - start)], last - i)
        i, run = last, run + 1
    return 1


@kernel
def scatter_term(data, t, base, first, n, run, eta_bar, addresses, effects_bar):
    """Add the derivatives by term t's effects; return the run of the next block's first cell.

    base is where the sum by the term's first effect is, or would be, in effects_bar. Runs are numbered
    through all terms; -1 stands for a term that has none.
    """
    term_start = integers_at(data, TERM_START)
    start, d = term_start[t], term_start[t + 1] - term_start[t]
    columns, after = integers_at(data, EFFECT_COLUMN), run
    for c in range(d):
        column = columns[start + c]
        after = sum_column(data, t, base + c, d, column, first, n, run, eta_bar, addresses, effects_bar)
    return after


@kernel
def add_column(data, t, base, stride, column, first, n, run, numbers, addresses, eta):
    """Add to eta of n cells a covariate times a number of each cell's group of term t.

    The number of group j stands at base + j * stride.
    """
    if run >= 0:
        _add_runs(data, first, n, run, base, stride, column, numbers, addresses, eta)
    else:
        groups = index_rows_at(data, GROUP_INDEX)[t, first : first + n]
        _add_cells(groups, n, base, stride, column, numbers, addresses, eta)


@kernel
def sum_column(data, t, base, stride, column, first, n, run, eta_bar, addresses, sums):
    """Add to a number of each group of term t the sum of a covariate times eta_bar over its cells.

    The number of group j stands at base + j * stride. Returns the run of the next block's first cell.
    """
    if run >= 0:
        return _sum_runs(data, first, n, run, base, stride, column, eta_bar, addresses, sums)
    groups = index_rows_at(data, GROUP_INDEX)[t, first : first + n]
    _scatter_cells(groups, n, base, stride, column, eta_bar, addresses, sums)
    return run


@kernel
def first_run(data, t):
    """Term t's first run, or -1."""
    start = integers_at(data, RUN_START)
    return start[t] if start[t + 1] > start[t] else -1


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
    return run if end[run - 1] == first + n else run - 1


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
