"""Observed groups in the place of new ones: a choice in every draw, inside the same outer group."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partialpool.formula.group_records import Grouping
from partialpool.formula.recipe import AnyFactor, Recipe
from partialpool.predict.streams import Streams

Index = NDArray[np.int64]


@dataclass(frozen=True)
class Around:
    """The groups of one factor, sorted by the groups of a factor around it.

    Attributes
    ----------
    outer
        The factor around it, such as ``"school"`` of ``"school:class"``; None for one that is around all.
    groups
        (J,) groups, those of one outer group after another.
    starts
        (outer groups + 1,) where the groups of each outer group begin in `groups`.
    """

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


# By its name, what is around each factor: one after another, the finest first; one at least.
Members = Mapping[str, tuple[Around, ...]]


def members(recipe: Recipe) -> Members:
    """Describe the observed groups of every factor of a recipe.

    A factor is inside another one when each of its groups was seen in one group of that (`formula.nesting`);
    what is around a factor that is around it (the region of a class's school) is not listed again.
    """
    return {factor.name: _members(factor, recipe) for factor in recipe.factors.values()}


def chosen_groups(
    every: Members,
    groupings: Mapping[str, Grouping],
    name: str,
    rows: Index,
    n_draws: int,
    seed: int,
) -> Index:
    """Say which observed group stands for the group of each row, in every draw.

    Where several factors that are crossed are around it, the first of them counts whose group is known.

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
    which = _counting(own, groupings, rows[new])
    for k, around in enumerate(own):
        here = np.flatnonzero(which == k)
        if not len(here):
            continue
        outer: Index = np.zeros((n_draws, len(here)), np.int64)
        if around.outer is not None:
            outer = chosen_groups(every, groupings, around.outer, rows[new[here]], n_draws, seed)
        chosen[:, new[here]] = around.choose(drawn[:, here], outer)
    return chosen


def _counting(own: tuple[Around, ...], groupings: Mapping[str, Grouping], rows: Index) -> Index:
    """(n,) number of the first factor around whose group is known, 0 where none is."""
    known = np.zeros((len(own), len(rows)), bool)
    for k, around in enumerate(own):
        if around.outer is not None:
            known[k] = groupings[around.outer].index[rows] >= 0
    return np.argmax(known, axis=0)


def _members(factor: AnyFactor, recipe: Recipe) -> tuple[Around, ...]:
    n_groups, factors, nested = len(factor.labels), recipe.factors, recipe.nested
    around = [outer for outer in factors if (factor.key, outer) in nested]
    next_ones = [o for o in around if not any((other, o) in nested for other in around)]
    if not next_ones:
        return (Around(None, np.arange(n_groups), np.array([0, n_groups])),)
    finest_first = sorted(next_ones, key=lambda columns: -len(factors[columns].labels))
    return tuple(_around(factors[columns], nested[factor.key, columns]) for columns in finest_first)


def _around(outer: AnyFactor, owner: Index) -> Around:
    groups = np.argsort(owner, kind="stable")
    starts = np.searchsorted(owner[groups], np.arange(len(outer.labels) + 1))
    return Around(outer.name, groups, starts)
