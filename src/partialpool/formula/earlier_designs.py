"""Designs of files from before arithmetic was computed in double precision."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from partialpool.errors import FileError, build
from partialpool.formula.conform import conform
from partialpool.formula.design_rows import take_rows
from partialpool.formula.recipe import Recipe
from partialpool.formula.records import Design, Floats, GroupTerm, Population

_CLOSE = 1e-6  # relative: whole numbers were multiplied as such


def require_same_columns(recipe: Recipe, design: Design) -> None:
    """Refuse a fit whose columns would be others if they were computed today.

    Whole numbers overflowed, sums of true and false were "or", and functions of them had half precision.

    Parameters
    ----------
    design
        As it was fitted; without raw columns nothing can be compared.

    Raises
    ------
    FileError
        Names the columns.
    """
    if design.frame is None:
        return
    again = conform(take_rows(recipe.read(design.frame.table, read_groups=False)), design)
    pairs = zip(_columns(design), _columns(again), strict=True)
    changed = dict.fromkeys(name for (name, then), (_, now) in pairs if not _close(then, now))
    if changed:
        raise build(
            FileError,
            f"Columns of this fit were computed otherwise when it was made: {', '.join(changed)}.",
            allowed="arithmetic of numbers in double precision, true as 1 and false as 0",
            hint="fit again",
        )


def _columns(design: Design) -> Iterator[tuple[str, Floats]]:
    """Yield each column of numbers with its name, predictor by predictor."""
    for predictor in design.predictors.values():
        parts: tuple[Population | GroupTerm, ...] = (predictor.population, *predictor.groups)
        for part in parts:
            yield from zip(part.names, part.matrix.T, strict=True)
        if predictor.offset is not None:
            yield "the offset", predictor.offset


def _close(then: Floats, now: Floats) -> bool:
    size = float(np.max(np.abs(then), initial=0.0))
    return bool(np.all(np.abs(then - now) <= _CLOSE * size))
