"""Constants that a model takes from its rows, and keeps when its rows or outcomes are replaced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partialpool.families.base import Family
from partialpool.formula.records import Design
from partialpool.model.origins import far_origins

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Anchors:
    """The predictors' means, at which some priors hold, and where predictors lie.

    Attributes
    ----------
    means
        By parameter with a formula, (K,) means of its columns over unit outcomes: the same for rows as for
        cells made of them by hand.
    start
        By parameter, where its predictor lies, that of the main one less its offset.
    scale
        Of the main predictor.
    outcome
        The same as `start`, offsets included.
    """

    means: Mapping[str, Floats]
    start: Mapping[str, float]
    scale: float
    outcome: Mapping[str, float]


def anchors_of(design: Design, family: Family) -> Anchors:
    """Find the anchors of a model's rows."""
    assert design.outcome is not None, "models are built from rows with an outcome"
    weights = design.totals(family.unit_weights(design.outcome))
    means = {
        name: _means(predictor.population.matrix, weights) for name, predictor in design.predictors.items()
    }
    offset = None if design.main.offset is None else design.by_row(design.main.offset)
    outcome = family.typical(design.outcome, None)
    start = outcome if offset is None else family.typical(design.outcome, offset)
    return Anchors(means, start, family.location_scale(design.outcome, offset)[1], outcome)


def _means(matrix: Floats, weights: Floats) -> Floats:
    """(K,) weighted means of columns; those far from zero are summed less their origins."""
    # einsum makes no array of products, and unlike a product of matrices no threads share its sums.
    means = np.einsum("i,ik->k", weights, matrix) / np.sum(weights)
    origins = far_origins(matrix)
    for k in np.flatnonzero(origins):
        means[k] = origins[k] + np.einsum("i,i", weights, matrix[:, k] - origins[k]) / np.sum(weights)
    return np.asarray(means)
