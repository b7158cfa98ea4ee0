"""Observed groups in the place of new ones: a choice in every draw, inside the same outer group."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partialpool.formula.grouping import Factor
from partialpool.formula.records import Grouping
from partialpool.predict.streams import Streams

Index = NDArray[np.int64]


@dataclass(frozen=True)
class Members:
    """The observed groups of one factor, sorted by the groups of the factor around it.

    Attributes
    ----------
    factor
        Its name.
    outer
        The factor around it, such as ``"school"`` of ``"school:class"``; None where there is none.
    groups
        (J,) groups, those of one outer group after another.
    starts
        (outer groups + 1,) where the groups of each outer group begin in `groups`.
    """

    factor: str
    outer: str | None
    groups: Index
    starts: Index

    def choose(self, drawn: NDArray[np.float64], outer: Index) -> Index:
        """Choose a group inside each given outer group, or any group where that one has none.

        Parameters
        ----------
        drawn
            (S, n) uniform between 0 and 1.
        outer
            (S, n) outer groups.
        """
        count = self.starts[outer + 1] - self.starts[outer]
        start = np.where(count > 0, self.starts[outer], 0)
        count = np.where(count > 0, count, len(self.groups))
        return self.groups[start + np.minimum((drawn * count).astype(np.int64), count - 1)]


def members(factors: Mapping[tuple[str, ...], Factor]) -> dict[str, Members]:
    """Describe the observed groups of every factor, by its name.

    A factor is inside another one when it has all its columns and more; of several the one with most columns
    counts, then the one that the formula names first.
    """
    return {factor.name: _members(factor, factors) for factor in factors.values()}


def chosen_groups(
    every: Mapping[str, Members],
    groupings: Mapping[str, Grouping],
    name: str,
    rows: Index,
    n_draws: int,
    seed: int,
) -> Index:
    """Say which observed group stands for the group of each row, in every draw.

    Parameters
    ----------
    every, groupings
        The factors' observed groups, and the groups of the rows.
    name
        The factor.
    rows
        (n,) which rows.

    Returns
    -------
    (S, n) groups: a known group is itself, a new one the same choice for all its rows.
    """
    own, grouping = every[name], groupings[name]
    chosen = np.repeat(grouping.index[np.newaxis, rows], n_draws, axis=0)
    new = np.flatnonzero(grouping.index[rows] < 0)
    if grouping.unseen is None or not len(new):
        return chosen
    hashes = grouping.unseen.hashes[grouping.unseen.index[rows[new]]]
    streams = Streams(seed, f"existing|{name}")
    drawn = np.stack([streams.at(key).random(n_draws) for key in hashes.tolist()], axis=1)
    outer: Index = np.zeros_like(chosen[:, new])
    if own.outer is not None:
        outer = chosen_groups(every, groupings, own.outer, rows[new], n_draws, seed)
    chosen[:, new] = own.choose(drawn, outer)
    return chosen


def _members(factor: Factor, factors: Mapping[tuple[str, ...], Factor]) -> Members:
    around = [other for other in factors.values() if set(other.columns) < set(factor.columns)]
    n_groups = len(factor.labels)
    if not around:
        return Members(factor.name, None, np.arange(n_groups), np.array([0, n_groups]))
    outer = max(around, key=lambda other: len(other.columns))
    owner = factor.outer_groups(outer)
    groups = np.argsort(owner, kind="stable")
    starts = np.searchsorted(owner[groups], np.arange(len(outer.labels) + 1))
    return Members(factor.name, outer.name, groups, starts)
