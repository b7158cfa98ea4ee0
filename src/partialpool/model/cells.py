"""From a design to the arrays of its cells: statistics, distinct covariates, offsets, group indices."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from partialpool.data.collapse import CellIndex, collapse
from partialpool.families.base import Family
from partialpool.formula.records import Design
from partialpool.kernels.density.packed_rows import Rows, narrowed
from partialpool.model.origins import coefficient_origins
from partialpool.model.parameters import Parameters

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class CellSlot(NamedTuple):
    """A slot as numbers: where in the model's effects, and which of the cells' rows."""

    predictor: int
    effects: int  # number of the block
    coordinate: int  # within the block
    column: int  # row in `Cells.columns`, -1 for ones
    row: int  # in `Cells.group_index`


@dataclass(frozen=True)
class Cells:
    """The data as the density reads them.

    Attributes
    ----------
    index
        Which cell each row is in.
    stats
        S rows of (n,) sufficient statistics, each in its narrowest type (`kernels.density.packed_rows`).
    columns
        C distinct covariates, kept in the same way, less their origins; columns of ones are not kept.
    offsets
        P rows, one a predictor.
    coef_column
        For each population-level coefficient its row in `columns`, -1 for ones.
    origins
        (K,) what is subtracted from the coefficients' columns, see `model.origins`.
    slots
        The model's slots, by predictor.
    group_index
        (I, n) group of each cell, a row for each index that slots read.
    """

    index: CellIndex
    stats: Rows
    columns: Rows
    offsets: Rows
    coef_column: Integers
    origins: Floats
    slots: tuple[CellSlot, ...]
    group_index: NDArray[np.int32]

    def slots_of(self, block: int) -> list[CellSlot]:
        """The slots of one block of effects, by its number."""
        return [slot for slot in self.slots if slot.effects == block]

    def indices(self, block: int) -> list[int]:
        """The rows of `group_index` by which a block is read: one where each cell belongs to one group."""
        return sorted({slot.row for slot in self.slots_of(block)})

    @property
    def only_unit_cells(self) -> bool:
        """Whether statistic 0, which counts rows or trials, is 1 in every cell."""
        return len(self.stats[0]) == 1 and bool(self.stats[0][0] == 1.0)

    @cached_property
    def runs(self) -> list[tuple[NDArray[np.int32], NDArray[np.int32]]]:
        """Runs of cells of one group, by index: see `group_runs`."""
        return [group_runs(groups) for groups in self.group_index]


class _ColumnStore:
    """Distinct columns of rows, each kept once however many terms use it."""

    def __init__(self) -> None:
        self.columns: list[Floats] = []
        self._by_content: dict[bytes, int] = {}  # by a digest: the content itself would be a second copy

    def add(self, column: Floats) -> int:
        """Number of a column; -1 when it is all ones."""
        if len(column) and np.all(column == 1.0):
            return -1
        # Adding zero makes -0.0 and 0.0 the same content.
        content = hashlib.blake2b((column + 0.0).data).digest()
        if content not in self._by_content:
            self._by_content[content] = len(self.columns)
            self.columns.append(column)
        return self._by_content[content]


class _IndexStore:
    """Distinct indices of groups, each kept once however many slots read it."""

    def __init__(self) -> None:
        self.rows: list[Integers] = []
        self._sizes: list[int] = []

    def add(self, index: Integers, size: int) -> int:
        """Number of an index of so many groups."""
        for i, row in enumerate(self.rows):
            if row is index or (self._sizes[i] == size and np.array_equal(row, index)):
                return i
        self.rows.append(index)
        self._sizes.append(size)
        return len(self.rows) - 1

    @property
    def largest_first(self) -> list[int]:
        """Numbers of the indices, those of most groups first."""
        return sorted(range(len(self.rows)), key=lambda i: -self._sizes[i])


def build_cells(
    design: Design, family: Family, parameters: Parameters, finer: CellIndex | None = None
) -> Cells:
    """Collapse a design's rows into cells.

    Parameters
    ----------
    finer
        Cells whose rows are known to agree in whatever the design and the outcome have.
    """
    assert design.outcome is not None, "models are built from rows with an outcome"
    store, indices = _ColumnStore(), _IndexStore()
    coef_column: list[int] = []
    origins = coefficient_origins(parameters, family)
    offsets: list[Floats | None] = []
    for part in parameters.predictors:
        if part.predictor is None:
            coef_column.append(-1)
            offsets.append(None)
            continue
        own = origins[len(coef_column) : len(coef_column) + len(part.coefficients)]
        columns = zip(part.predictor.population.matrix.T, own, strict=True)
        coef_column += [store.add(c - origin if origin else c) for c, origin in columns]
        offsets.append(part.predictor.offset)
    slots = []
    for number, effects in enumerate(parameters.effects):
        for slot in effects.slots:
            column, row = store.add(slot.column), indices.add(slot.index, effects.size)
            slots.append(CellSlot(slot.predictor, number, slot.coordinate, column, row))
    by_size = indices.largest_first
    keys: list[NDArray[Any]] = [indices.rows[i] for i in by_size]
    keys += store.columns + [o for o in offsets if o is not None]
    index, first = _joined(design, keys, bool(by_size), family.keys(design.outcome), finer)
    n = index.n_cells
    return Cells(
        index,
        narrowed(family.statistics(design.outcome, index.cell, n)),
        narrowed(c[first] for c in store.columns),
        narrowed(np.zeros(n) if o is None else o[first] for o in offsets),
        np.array(coef_column, np.int64),
        origins,
        tuple(sorted(slots, key=lambda slot: slot.predictor)),
        np.array([row[first] for row in indices.rows], np.int32).reshape(len(indices.rows), n),
    )


def _joined(
    design: Design,
    keys: list[NDArray[Any]],
    by_group: bool,
    of_rows: tuple[Floats, ...],
    finer: CellIndex | None,
) -> tuple[CellIndex, Integers]:
    """Join rows that agree in every key, and where they must in their outcomes.

    Parameters
    ----------
    keys
        (m,) values of the design's combinations.
    by_group
        Whether the first key is a group, by which cells are sorted.
    of_rows
        (n,) further keys, of the outcome.
    finer
        As `build_cells` has it.

    Returns
    -------
    The cells of rows, and a combination of each.
    """
    row, n = design.row, design.n_rows
    rows: Integers | slice = slice(None)
    if finer is not None:  # one row of each of its cells, in their order
        kept = np.zeros(n, np.bool_)
        kept[finer.first_row] = True
        n, rows = finer.n_cells, np.flatnonzero(kept)
    of_rows = tuple(key[rows] for key in of_rows)
    if row is None:
        keys = [key[rows] for key in keys]
        index = collapse([*keys, *of_rows], n, keys[0] if by_group else None)
    else:
        cell = collapse(keys, design.n_combinations, keys[0] if by_group else None).cell[row[rows]]
        index = collapse([cell, *of_rows], n, cell)
    if finer is not None:
        place = np.cumsum(kept)[finer.first_row] - 1
        index = CellIndex(index.cell[place][finer.cell], np.flatnonzero(kept)[index.first_row])
    return index, index.first_row if row is None else row[index.first_row]


SHORTEST_RUNS = 8  # cells on average: with shorter runs, starting loops costs more than gathering


def group_runs(groups: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Find the runs of cells of one group: (R,) cells after each and (R,) groups; none where runs are short.

    Examples
    --------
    >>> group_runs(np.repeat(np.array([4, 2], np.int32), [10, 30]))
    (array([10, 40], dtype=int32), array([4, 2], dtype=int32))
    """
    ends = np.flatnonzero(np.append(groups[1:] != groups[:-1], True)) + 1
    if len(ends) * SHORTEST_RUNS > len(groups):
        ends = ends[:0]
    return ends.astype(np.int32), groups[ends - 1]
