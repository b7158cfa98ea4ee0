"""A model's parameters other than its group effects: their prior density and their values in a draw."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from partialpool.kernels.density.inputs import PLACES, DensityInputs, address_table
from partialpool.model.density import Density, call_density, call_draw
from partialpool.model.geometry import Geometry
from partialpool.model.spec import ModelSpec

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class OuterParameters:
    """Coefficients, sds and correlations, as one vector of unconstrained numbers.

    Parameters
    ----------
    spec
        The model.
    geometry
        Where they are centred and how they are scaled.

    Attributes
    ----------
    n_dim
        Q, coefficients first, then each term's learnt sds and correlations.
    whole
        A density's arrays for such a vector, group-level terms included; `inputs` has none of their groups.
    """

    spec: ModelSpec
    geometry: Geometry
    whole: DensityInputs = field(init=False, repr=False)
    inputs: DensityInputs = field(init=False, repr=False)
    table: NDArray[np.int64] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        whole = _outer_inputs(self.spec, self.geometry)
        nothing = np.zeros_like(whole.term_size)
        places = whole.term_place.reshape(-1, PLACES).copy()
        places[:, :3] = 0  # no effects; the covariances keep their places
        inputs = whole._replace(
            share_place=np.zeros(1, np.int64),  # no shares: no cells
            term_size=nothing,
            term_place=np.ascontiguousarray(places.ravel()),
            link_start=np.zeros_like(whole.link_start),
        )
        object.__setattr__(self, "whole", whole)
        object.__setattr__(self, "inputs", inputs)
        object.__setattr__(self, "table", address_table(inputs))

    @property
    def n_dim(self) -> int:
        """Length of the vector."""
        return len(self.inputs.hyper_centre)

    def log_prior(self, x: Floats) -> tuple[float, Floats]:
        """Log prior density of (Q,) unconstrained numbers, Jacobian included, and its gradient."""
        return call_density(self.n_dim, x, self.table)

    def draw(self, x: Floats) -> Floats:
        """(n_values,) a draw without its group effects, which are left zero."""
        return call_draw(self.spec.layout.n_values, x, self.table)


def _outer_inputs(spec: ModelSpec, geometry: Geometry) -> DensityInputs:
    """A density's arrays for a vector that holds everything but the group effects, which come last."""
    inputs = Density(spec, geometry).inputs
    return inputs._replace(effect_position=np.zeros_like(inputs.effect_position))
