"""Sums over the rows of many data sets at once, collected a block of rows at a time.

Shapes use S for data sets (one for each draw; one for the observed data), n for rows and J for groups. A
row's size is its number of trials, one where there are none: values over sizes are unit outcomes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class Tally:
    """Sums from which the statistics of data sets are computed.

    Parameters
    ----------
    size
        (n,) of each row; rows of size 0 count nowhere.
    n_sets
        S.

    Attributes
    ----------
    weight
        Sum of sizes so far.
    total, squares
        (S,) sum of values, and of size x squared distance of the unit outcome from their mean.
    zeros, full
        (S,) numbers of rows whose value is 0, and whose value is their size.
    smallest, largest
        (S,) of the unit outcomes.
    n_rows
        Rows that count, so far.
    """

    def __init__(self, size: Floats, n_sets: int) -> None:
        self._size = size
        self.weight, self.n_rows = 0.0, 0
        self.total, self.squares, self.zeros, self.full = np.zeros((4, n_sets))
        self.smallest, self.largest = np.full(n_sets, np.inf), np.full(n_sets, -np.inf)

    def add(self, rows: slice, values: Floats) -> None:
        """Count a block of rows: (S, block) outcomes."""
        size = self._size[rows]
        counts = size > 0
        if not counts.any():
            return
        if not counts.all():
            size, values = size[counts], values[:, counts]
        units = values if (size == 1).all() else values / size
        self._add_squares(units, size, values.sum(axis=1))
        self.zeros += (values == 0).sum(axis=1)
        self.full += (values == size).sum(axis=1)
        self.smallest = np.minimum(self.smallest, units.min(axis=1))
        self.largest = np.maximum(self.largest, units.max(axis=1))
        self.n_rows += len(size)

    def _add_squares(self, units: Floats, size: Floats, totals: Floats) -> None:
        """Merge sums of squares around two means (Chan, Golub & LeVeque 1983)."""
        weight = float(size.sum())
        means = totals / weight
        apart = units - means[:, np.newaxis]
        self.squares += np.einsum("sn,sn,n->s", apart, apart, size)
        if self.weight:
            moved = means - self.total / self.weight
            self.squares += moved**2 * (weight * self.weight / (weight + self.weight))
        self.total += totals
        self.weight += weight

    @property
    def mean(self) -> Floats:
        """(S,) mean of unit outcomes, each counted as often as its size."""
        return self.total / self.weight

    @property
    def variance(self) -> Floats:
        """(S,) their variance, likewise."""
        return self.squares / self.weight


class GroupTally:
    """Sums of values by group.

    Parameters
    ----------
    pairs
        (p,) rows, ascending, and (p,) groups that they are of.
    size
        (n,) of each row.
    n_groups, n_sets
        J and S.
    """

    def __init__(self, pairs: tuple[Integers, Integers], size: Floats, n_groups: int, n_sets: int) -> None:
        self._rows, self._groups = pairs
        self._n_rows = len(size)
        self.size = np.bincount(self._groups, size[self._rows], n_groups)
        self._total = np.zeros((n_groups, n_sets))

    def add(self, rows: slice, values: Floats) -> None:
        """Count a block of rows: (S, block) outcomes."""
        # Row by row: five times as fast as sorting a block's columns by group, and the same in any blocks.
        start, stop, _ = rows.indices(self._n_rows)
        own = slice(*np.searchsorted(self._rows, [start, stop]))
        by_row = np.ascontiguousarray(values.T)
        for row, group in zip((self._rows[own] - start).tolist(), self._groups[own].tolist(), strict=True):
            self._total[group] += by_row[row]

    @property
    def means(self) -> Floats:
        """(S, J') means of the groups that have any size, in their order."""
        some = self.size > 0
        return np.ascontiguousarray((self._total[some] / self.size[some, np.newaxis]).T)


class BinTally:
    """Numbers of rows by bin of their value.

    Parameters
    ----------
    edges
        (B + 1,) ascending and equally far apart, but for the last one, which may be further away.
    scale
        (n,) what values are divided by; rows of scale 0 count nowhere.
    n_sets
        S.

    Notes
    -----
    Values outside all bins are counted nowhere.
    """

    def __init__(self, edges: Floats, scale: Floats, n_sets: int) -> None:
        self._edges, self._scale = edges, scale
        self.counts = np.zeros((n_sets, len(edges) - 1))

    def add(self, rows: slice, values: Floats) -> None:
        """Count a block of rows: (S, block) outcomes."""
        scale, (n_sets, n_bins) = self._scale[rows], self.counts.shape
        if not (scale == 1).all():
            values = values[:, scale > 0] / scale[scale > 0]
        place = self._places(values)
        place += np.arange(n_sets)[:, np.newaxis] * (n_bins + 2)
        counts = np.bincount(place.ravel(), minlength=n_sets * (n_bins + 2))
        self.counts += counts.reshape(n_sets, -1)[:, 1:-1]

    def _places(self, values: Floats) -> Integers:
        """Number bins from 1; 0 and B + 1 are below and above all of them."""
        first, second, last = self._edges[0], self._edges[1], self._edges[-1]
        n_bins = len(self._edges) - 1
        steps = (values - first) / (second - first)
        place = np.fmax(np.fmin(steps, n_bins - 1) + 1.0, 0.0).astype(np.int64)
        place[~(values < last)] = n_bins + 1
        return place
