"""The distribution of outcomes in bins that suit the family: counts, proportions or measurements."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from partialpool.checking.tallies import BinTally
from partialpool.families.base import Family

Floats = NDArray[np.float64]

_MOST_VALUES = 40  # with a bin of their own
_N_BINS = 40
_USUAL = 0.98  # of rows, that decide how wide bins of counts are
_N_PROPORTIONS = 20
_BEYOND = 0.3  # of the observed range, for replicated outcomes that reach further


@dataclass(frozen=True)
class Bins:
    """Bins of outcomes.

    Attributes
    ----------
    what
        ``"count"``, ``"proportion"``, ``"value"`` or ``"category"``.
    edges
        (B + 1,); of counts the last is infinite.
    scale
        (n,) what outcomes are divided by before they are put into bins; 0 for rows that count nowhere.
    """

    what: str
    edges: Floats
    scale: Floats


def choose_bins(family: Family, values: Floats, size: Floats) -> Bins:
    """Choose bins by the observed outcomes.

    Parameters
    ----------
    values
        (n,) outcomes.
    size
        (n,) trials, ones where there are none.
    """
    used = size > 0
    ones = used.astype(float)
    if family.categories:
        return Bins("category", np.arange(len(family.categories) + 1.0), ones)
    if not family.discrete:
        low, high = float(values.min()), float(values.max())
        margin = _BEYOND / 2 * (high - low) or 1.0
        return Bins("value", np.linspace(low - margin, high + margin, _N_BINS + 1), ones)
    if not family.bounded:
        return Bins("count", np.append(_count_edges(values), np.inf), ones)
    trials = size[used]
    if trials.max() <= _MOST_VALUES and trials.min() == trials.max():
        return Bins("count", np.arange(trials.max() + 2), ones)
    # Halves of a proportion's rounding error keep 3 of 20 in the bin that begins with 0.15.
    edges = np.linspace(0, 1, _N_PROPORTIONS + 1) - 1e-9
    edges[-1] = 1 + 1e-9
    return Bins("proportion", edges, size)


def _count_edges(counts: Floats) -> Floats:
    """Choose where bins of counts begin: a bin a count where nearly all rows are below 40, else wider ones.

    Few rows with large counts share the last bin, so that they take no detail from the others.
    """
    usual, largest = float(np.quantile(counts, _USUAL)), float(counts.max())
    width = max(1, math.ceil((1 + _BEYOND) * usual / _MOST_VALUES))
    top = min(math.ceil((1 + _BEYOND) * largest) + 2, width * _MOST_VALUES)
    return np.arange(0, top, width, dtype=float)


def binned(
    bins: Bins, observed: BinTally, replicated: BinTally, prob: float, categories: Sequence[str] = ()
) -> pd.DataFrame:
    """Tabulate observed and replicated numbers of rows by bin.

    Returns
    -------
    A row a bin: ``category`` where outcomes are categories, ``left`` and ``right`` (excluded, infinite for
    the last bin of counts), and numbers of rows:
    ``observed``, and ``mean``, ``lower`` and ``upper`` of the replicated data sets.
    """
    tail = (1 - prob) / 2
    lower, upper = np.quantile(replicated.counts, [tail, 1 - tail], axis=0)
    return pd.DataFrame(
        ({"category": list(categories)} if categories else {})
        | {
            "left": bins.edges[:-1],
            "right": bins.edges[1:],
            "observed": observed.counts[0],
            "mean": replicated.counts.mean(axis=0),
            "lower": lower,
            "upper": upper,
        }
    )
