"""Outcomes drawn given the linear predictors, the same however rows are cut into blocks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from partialpool.families.base import Family
from partialpool.families.support import Additions
from partialpool.predict.streams import Streams

Floats = NDArray[np.float64]

# Rows that share a stream: with fewer the calls cost more than the numbers, with more small blocks grow.
STRIP = 32


def strip_blocks(n_rows: int, n_draws: int, max_bytes: int) -> Iterator[slice]:
    """Cut rows into blocks of whole strips, of `max_bytes` at most unless one strip takes more.

    Examples
    --------
    >>> list(strip_blocks(100, n_draws=1, max_bytes=8 * 70))
    [slice(0, 64, None), slice(64, 100, None)]
    """
    step = max(1, max_bytes // (8 * max(1, n_draws) * STRIP)) * STRIP
    for start in range(0, n_rows, step):
        yield slice(start, min(start + step, n_rows))


def draw_outcomes(
    family: Family, linear: Mapping[str, Floats], additions: Additions, seed: int, first_row: int
) -> Floats:
    """Draw one outcome for each draw and row.

    Parameters
    ----------
    linear
        By parameter, (S, n) linear predictors, or (S, 1) for a parameter that all rows share.
    additions
        (n,) columns that belong to the outcome.
    seed, first_row
        What the random numbers depend on: the number of the first row, which begins a strip.

    Returns
    -------
    (S, n) outcomes: numbers of successes where there are trials.
    """
    streams = Streams(seed, "outcomes")
    drawn = np.empty_like(linear[family.main])
    for rows in _strips(drawn.shape[1]):
        part = {name: eta if eta.shape[1] == 1 else eta[:, rows] for name, eta in linear.items()}
        own = {name: column[rows] for name, column in additions.items()}
        drawn[:, rows] = family.draw(streams.at(first_row + rows.start), part, own)
    return drawn


def standard_normals(shape: tuple[int, int], seed: int, purpose: str, first_row: int) -> Floats:
    """Draw (S, n) standard normals that depend on rows as outcomes do."""
    streams, (n_draws, n_rows) = Streams(seed, purpose), shape
    drawn = np.empty(shape)
    for rows in _strips(n_rows):
        size = (n_draws, rows.stop - rows.start)
        drawn[:, rows] = streams.at(first_row + rows.start).standard_normal(size)
    return drawn


def _strips(n_rows: int) -> Iterator[slice]:
    for start in range(0, n_rows, STRIP):
        yield slice(start, min(start + STRIP, n_rows))
