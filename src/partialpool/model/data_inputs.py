"""The part of a density's arrays that says what the data are, whatever the sampler's coordinates."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.kernels.density.likelihood import native_share
from partialpool.kernels.density.packed_rows import row_table
from partialpool.model.geometry import Nesting
from partialpool.model.spec import ModelSpec

Integers = NDArray[np.int64]


def data_inputs(spec: ModelSpec, links: Iterable[Nesting]) -> dict[str, NDArray[Any]]:
    """Arrays of `kernels.density.inputs.DensityInputs` by name: cells, predictors and terms.

    Parameters
    ----------
    links
        In the order of their inner terms.
    """
    cells, parts, effects = spec.cells, spec.parameters.predictors, spec.parameters.effects
    links = list(links)
    block = spec.family.density_block(cells.only_unit_cells)
    runs, n_cells = cells.runs, cells.index.n_cells
    sizes = [n_cells, len(parts), len(effects), block.address, len(cells.stats), native_share().address]
    places = _places(spec)
    return {
        "sizes": integers(sizes),
        "rows": row_table([*cells.stats, *cells.offsets, *cells.columns]),
        "coef_start": integers(spec.coef_start),
        "coef_column": cells.coef_column,
        "slot_start": starts([sum(s.predictor == p for s in cells.slots) for p in range(len(parts))]),
        "slots": _slots(spec, places[:, 0]),
        "term_coefs": term_coefs(spec),
        "term_size": integers([e.size for e in effects]),
        "term_start": starts([e.width for e in effects]),
        "group_index": cells.group_index,
        "run_start": starts([len(end) for end, _ in runs]),
        "run_end": _indices([end for end, _ in runs]),
        "run_group": _indices([group for _, group in runs]),
        "term_place": places.ravel(),
        "link_start": starts([sum(link.inner == t for link in links) for t in range(len(effects))]),
        "link_term": integers([link.outer for link in links]),
        "link_place": _link_places(links),
        "link_group": integers([g for link in links for g in link.group]),
    }


def term_coefs(spec: ModelSpec) -> Integers:
    """(T, 2) range of the coefficients that are fitted together with each block: those of its part."""
    parts = [spec.parts[spec.part_of(effects)] for effects in spec.parameters.effects]
    ranges = [(spec.coef_start[part.start], spec.coef_start[part.stop]) for part in parts]
    return np.array(ranges, np.int64).reshape(-1, 2)


def _slots(spec: ModelSpec, first_effect: Integers) -> Integers:
    """(S, 6) slots as kernels read them."""
    rows = []
    for s in spec.cells.slots:
        place, stride = first_effect[s.effects] + s.coordinate, spec.parameters.effects[s.effects].width
        rows.append((s.effects, s.coordinate, place, stride, s.column, s.row))
    return np.array(rows, np.int64).reshape(-1, 6)


def integers(values: object) -> Integers:
    """(n,) 64-bit integers."""
    return np.array(values, np.int64).reshape(-1)


def starts(counts: list[int]) -> Integers:
    """(n + 1,) where each of some parts begins in an array that holds all of them, and its end."""
    return np.cumsum([0, *counts], dtype=np.int64)


def _indices(parts: list[NDArray[np.int32]]) -> NDArray[np.int32]:
    return np.concatenate([np.zeros(0, np.int32), *parts])


def _places(spec: ModelSpec) -> Integers:
    """(T + 1, 4) where each block's numbers start, as `kernels.density.inputs.PLACES` says."""
    widths = []
    for effects, (first, stop) in zip(spec.parameters.effects, term_coefs(spec), strict=True):
        size, d = effects.size, effects.width
        k = stop - first
        widths.append((size * d, size * d * d, size * d * k, d + 3 * d * d + d * (d - 1) // 2))
    return np.cumsum(np.array([(0, 0, 0, 0), *widths], np.int64), axis=0)


def _link_places(links: list[Nesting]) -> Integers:
    groups = starts([link.group.size for link in links])[:-1]
    crosses = starts([link.cross.size for link in links])[:-1]
    return np.ascontiguousarray(np.stack([groups, crosses], axis=1).ravel())
