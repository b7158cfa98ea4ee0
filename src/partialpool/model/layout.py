"""The flat vector of named parameters, described once.

A draw is one flat vector of values as a person reads them (coefficients, standard
deviations, correlations, group effects). The layout says which slice is which
variable, its shape, and the labels along each of its dimensions. Everything that
names, packs or unpacks parameters asks it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Variable:
    """One named variable of the posterior.

    Attributes
    ----------
    name
        ``"Intercept"``, ``"x"``, ``"sigma"``, ``"1|district"``, ``"1|district_sigma"``,
        ``"district_corr"``.
    role
        ``"population"``, ``"auxiliary"``, ``"group_sd"``, ``"group_corr"`` or ``"group_effect"``.
    start
        Position of its first value in the flat vector; values are in C order.
    dims
        Names of its dimensions, empty for a scalar.
    coords
        For each dimension, its labels.
    """

    name: str
    role: str
    start: int
    dims: tuple[str, ...] = ()
    coords: Mapping[str, NDArray[Any]] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each dimension."""
        return tuple(len(self.coords[d]) for d in self.dims)

    @property
    def size(self) -> int:
        """Number of values."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def columns(self) -> slice:
        """Its slice of the flat vector."""
        return slice(self.start, self.start + self.size)

    def take(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Cut this variable out of flat vectors.

        Parameters
        ----------
        values
            (..., n_values) flat vectors.

        Returns
        -------
        (..., *shape), a view where possible.
        """
        return values[..., self.columns].reshape(values.shape[:-1] + self.shape)


@dataclass(frozen=True)
class Layout:
    """All variables of a model, in the order of the flat vector."""

    variables: tuple[Variable, ...]

    @property
    def n_values(self) -> int:
        """Length of the flat vector."""
        return sum(v.size for v in self.variables)

    def __getitem__(self, name: str) -> Variable:
        for variable in self.variables:
            if variable.name == name:
                return variable
        raise KeyError(name)

    def __contains__(self, name: object) -> bool:
        return any(v.name == name for v in self.variables)

    def roles(self, *roles: str) -> tuple[Variable, ...]:
        """Variables that have one of these roles."""
        return tuple(v for v in self.variables if v.role in roles)
