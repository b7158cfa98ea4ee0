"""The part of a density's arrays that says what the data are, whatever the sampler's coordinates."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.kernels.likelihood import native_share
from partialpool.kernels.rows import row_table
from partialpool.model.geometry import Link
from partialpool.model.spec import ModelSpec

Integers = NDArray[np.int64]


def data_inputs(spec: ModelSpec, links: Iterable[Link]) -> dict[str, NDArray[Any]]:
    """Arrays of `kernels.inputs.DensityInputs` by name: cells, predictors and terms.

    Parameters
    ----------
    links
        In the order of their inner terms.
    """
    cells, parts, blocks = spec.cells, spec.parameters.predictors, spec.parameters.blocks
    links = list(links)
    block = spec.family.density_block(cells.only_unit_cells)
    runs, n_cells = cells.runs, cells.index.n_cells
    sizes = [n_cells, len(parts), len(blocks), block.address, len(cells.stats), native_share().address]
    return {
        "sizes": integers(sizes),
        "rows": row_table([*cells.stats, *cells.offsets, *cells.columns]),
        "coef_start": starts([len(p.coefficients) for p in parts]),
        "coef_column": cells.coef_column,
        "term_predictor": integers([p for p, _ in blocks]),
        "term_size": integers([len(b.term.grouping.labels) for _, b in blocks]),
        "term_start": starts([len(b.coefficients) for _, b in blocks]),
        "group_index": cells.group_index,
        "run_start": starts([len(end) for end, _ in runs]),
        "run_end": _indices([end for end, _ in runs]),
        "run_group": _indices([group for _, group in runs]),
        "effect_column": cells.effect_column,
        "term_place": _places(spec),
        "link_start": starts([sum(link.inner == t for link in links) for t in range(len(blocks))]),
        "link_term": integers([link.outer for link in links]),
        "link_place": _link_places(links),
        "link_group": integers([g for link in links for g in link.group]),
    }


def integers(values: object) -> Integers:
    """(n,) 64-bit integers."""
    return np.array(values, np.int64).reshape(-1)


def starts(counts: list[int]) -> Integers:
    """(n + 1,) where each of some parts begins in an array that holds all of them, and its end."""
    return np.cumsum([0, *counts], dtype=np.int64)


def _indices(parts: list[NDArray[np.int32]]) -> NDArray[np.int32]:
    return np.concatenate([np.zeros(0, np.int32), *parts])


def _places(spec: ModelSpec) -> Integers:
    """Where each term's numbers start, as `kernels.inputs.PLACES` says."""
    widths = []
    for p, block in spec.parameters.blocks:
        size, d = len(block.term.grouping.labels), len(block.coefficients)
        k = len(spec.parameters.predictors[p].coefficients)
        widths.append((size * d, size * d * d, size * d * k, d + 3 * d * d + d * (d - 1) // 2))
    return np.cumsum(np.array([(0, 0, 0, 0), *widths], np.int64), axis=0).ravel()


def _link_places(links: list[Link]) -> Integers:
    groups = starts([link.group.size for link in links])[:-1]
    crosses = starts([link.cross.size for link in links])[:-1]
    return np.ascontiguousarray(np.stack([groups, crosses], axis=1).ravel())
