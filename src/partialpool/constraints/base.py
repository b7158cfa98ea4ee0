"""What a constraint is: a map from free numbers to values of a kind, and its derivative."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from partialpool.kernels.native.constraint_functions import constraint_functions

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Constraint:
    """Base of all constraints: a smooth map from all of R^n to the values that are allowed.

    A subclass is a frozen dataclass of its constants. It sets `forward_kernel` and `backward_kernel`, and
    defines :meth:`values` and :meth:`free`, the same map in plain numpy.

    Attributes
    ----------
    elementwise
        Whether each value is made of one free number of its own.
    forward_kernel
        ``(free, values, constants) -> log``, in numba's subset: writes the values and returns the log of the
        Jacobian determinant, with the log of a prior where the constraint has one of its own.
    backward_kernel
        ``(free, values, constants, values_bar, free_bar)``: adds to `free_bar` the derivatives by the free
        numbers of what depends on the values, and of what `forward_kernel` returned.
    """

    elementwise: ClassVar[bool] = True
    forward_kernel: ClassVar[Callable[..., Any]]
    backward_kernel: ClassVar[Callable[..., Any]]

    @property
    def bounds(self) -> tuple[float, float]:
        """Ends of what a single value may be."""
        return -math.inf, math.inf

    @property
    def constants(self) -> tuple[float, ...]:
        """Numbers that the kernels read."""
        return ()

    def n_free(self, n_values: int) -> int:
        """How many free numbers so many values are made of."""
        return n_values

    def values(self, free: Floats) -> Floats:
        """Values of (n,) free numbers."""
        raise NotImplementedError

    def free(self, values: Floats) -> Floats:
        """Free numbers of (m,) values inside what is allowed."""
        raise NotImplementedError

    def slope(self, values: Floats) -> Floats:
        """Derivative of each value by its free number, where the constraint is elementwise."""
        raise NotImplementedError

    def jacobian(self, values: Floats) -> Floats:
        """(m, n) derivatives of (m,) values by the free numbers."""
        return np.diag(self.slope(values))

    def inside(self, values: Floats, edge: float) -> Floats:
        """(m,) values that are allowed, near (m,) numbers that may not be; `edge` is a small distance."""
        return values

    @property
    def stan(self) -> str:
        """Bounds of a declaration in Stan, ``"<lower=0>"``; empty for none."""
        return ""

    @property
    def addresses(self) -> tuple[int, int]:
        """Addresses of the compiled map and of its derivative."""
        kind = type(self)
        forward, backward = constraint_functions(kind.forward_kernel, kind.backward_kernel)
        return forward.address, backward.address
