"""The part of a density's arrays that says what parameters are: blocks of values, their priors and places."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.constraints.positive import Positive
from partialpool.constraints.real import Real
from partialpool.kernels.density.constrained import FREE, LOG, LOGIT, VALUE
from partialpool.model.data_inputs import integers
from partialpool.model.parameters import Coefficient
from partialpool.model.spec import ModelSpec
from partialpool.priors.base import AtMeans, Prior, unwrapped

Floats = NDArray[np.float64]


def parameter_inputs(spec: ModelSpec) -> dict[str, NDArray[Any]]:
    """Arrays of `DensityInputs` by name: parameter blocks, priors, sds and correlations."""
    found = spec.blocks
    constants = [block.constraint.constants for block in found.blocks]
    addresses = [block.constraint.addresses for block in found.blocks]
    starts = [0, *accumulate(map(len, constants))]
    priors = list(enumerate(prior for block in found.blocks for prior in block.priors))
    single = [(value, prior) for value, prior in priors if prior is not None]
    anchored, weights = anchored_priors(spec)
    every = [prior for _, prior in single] + anchored
    places = [0, *accumulate(len(prior.parameters) for prior in every)]
    coordinates = [c for effects in spec.parameters.effects for c in effects.coefficients]
    return {
        "coef_form": integers([_form(c) for c in spec.parameters.coefficients]),
        "block_forward": integers([forward for forward, _ in addresses]),
        "block_backward": integers([backward for _, backward in addresses]),
        "block_place": np.array([found.free_start, found.value_start, starts], np.int64).T.ravel().copy(),
        "block_constants": _flat(constants),
        "value_place": integers([place for block in found.blocks for place in block.places]),
        "prior_address": integers([prior.address for _, prior in single]),
        "prior_value": integers([value for value, _ in single]),
        "prior_place": integers(places[: len(single)]),
        "prior_constants": _flat([prior.parameters for prior in every]),
        "anchor_prior": integers([prior.address for prior in anchored]),
        "anchor_prior_place": integers(places[len(single) : -1]),
        "anchor_weights": weights,
        "sd_source": integers([found.value_of_place.get(c.sd_value, -1) for c in coordinates]),
        "sd_value": integers([c.sd_value for c in coordinates]),
        "sd_fixed": np.array([c.fixed_sd for c in coordinates], float),
        "corr_source": integers([-1 if b is None else found.value_start[b] for b in found.correlations]),
    }


def _form(coefficient: Coefficient) -> int:
    """What a coefficient is of its value: see `kernels.density.constrained`."""
    if isinstance(coefficient.scale, Real):
        return VALUE
    if coefficient.constraint == coefficient.scale:
        return FREE
    return LOG if isinstance(coefficient.scale, Positive) else LOGIT


def anchored_priors(spec: ModelSpec) -> tuple[list[Prior], Floats]:
    """Priors of combinations of coefficients: of intercepts where every predictor is at its mean.

    Returns
    -------
    A priors, and (A, K) the combinations.
    """
    found = [
        (unwrapped(coefficient.prior), spec.anchor(number, i))
        for number, part in enumerate(spec.parameters.predictors)
        for i, coefficient in enumerate(part.coefficients)
        if isinstance(coefficient.prior, AtMeans)
    ]
    rows = np.array([row for _, row in found], float)
    return [prior for prior, _ in found], rows.reshape(len(found), len(spec.parameters.coefficients))


def _flat(parts: Iterable[Iterable[float]]) -> Floats:
    return np.array([number for own in parts for number in own], float)
