"""Positions of a predictor's coefficients in the flat vector, found by the names of design and layout."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from partialpool.formula.records import GroupTerm, Predictor
from partialpool.model.layout import Layout
from partialpool.model.names import group_name, prefix

Positions = NDArray[np.int64]


def effect_names(predictor: Predictor, group: GroupTerm) -> tuple[str, ...]:
    """Name the variables that hold the effects of a group-level term, one for each of its terms.

    Returns
    -------
    Names such as ``"1|district"`` and ``"x|district"``, in the order of ``group.terms``.
    """
    factor = group.grouping.name
    return tuple(group_name(predictor.parameter, term.name, factor) for term in group.terms)


def population_positions(predictor: Predictor, layout: Layout) -> Positions:
    """Locate the population-level coefficients.

    Returns
    -------
    (K,) positions in the flat vector, in the order of ``predictor.population.names``.
    """
    start = prefix(predictor.parameter)
    positions = np.empty(len(predictor.population.names), dtype=np.int64)
    for term in predictor.population.terms:
        columns = layout[start + term.name].columns
        positions[term.columns] = np.arange(columns.start, columns.stop)
    return positions


def effect_positions(predictor: Predictor, group: GroupTerm, layout: Layout) -> Positions:
    """Locate the effects of one group-level term.

    Returns
    -------
    (d, J) positions in the flat vector: coefficients in the order of ``group.names``, groups in the
    order of ``group.grouping.labels``.
    """
    n_groups = len(group.grouping.labels)
    positions = np.empty((len(group.names), n_groups), dtype=np.int64)
    for term, name in zip(group.terms, effect_names(predictor, group), strict=True):
        columns = layout[name].columns
        positions[term.columns] = np.arange(columns.start, columns.stop).reshape(-1, n_groups)
    return positions
