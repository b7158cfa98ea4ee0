"""Means of an inverse link over a normal linear predictor, for links that have no formula of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_DIGITS = 24.0  # natural logarithms of the trapezoidal rule's error
_REACH = 6.5  # sds
_LEFT, _RIGHT = -46.0, 22.0  # what is further out is below 1e-8 of an average of a predictor from -30 on
_BEND = -4.0  # where steps begin to widen


@dataclass(frozen=True)
class Average:
    """E h(m + s u), u standard normal, of an inverse link h that rises from 0 to 1.

    Where h is no steeper than the normal the sum is over u. Beside a wider normal points of u would miss
    where h rises. By parts the average is that of the normal's distribution function,

        E h(m + s u) = integral of h'(x) Phi((m - x) / s) over x,

    whose points follow h' and are the same for all m and s. Both are trapezoidal rules, which converge
    exponentially; the second has wider steps in h's left tail, where Phi alone varies. The relative error is
    below 1e-7 for m from -30 to 30 and any s.

    Attributes
    ----------
    inverse
        h, elementwise.
    slope
        h', elementwise.
    strip
        How far from the real line h is analytic and bounded, which is about as far as h takes to rise. It
        decides how fine the steps are, and up to which sd they are of u.
    """

    inverse: Callable[[Array], Array]
    slope: Callable[[Array], Array]
    strip: float

    def __call__(self, centre: Array, sd: Array) -> Array:
        """Average over linear predictors with these means and sds, of one shape."""
        centre, sd = np.broadcast_arrays(centre, sd)
        total, narrow = np.empty(centre.shape), sd <= self.strip
        total[narrow] = self._over_deviations(centre[narrow], sd[narrow])
        total[~narrow] = self._over_predictors(centre[~narrow], sd[~narrow])
        return np.minimum(total, 1.0, out=total)  # a sum of weights is one up to its rounding

    def _over_deviations(self, centre: Array, sd: Array) -> Array:
        total = np.zeros(centre.shape)
        for node, weight in zip(*self._deviations, strict=True):
            total += weight * self.inverse(centre + node * sd)
        return total

    def _over_predictors(self, centre: Array, sd: Array) -> Array:
        from scipy.special import ndtr

        total = np.zeros(centre.shape)
        for node, weight in zip(*self._predictors, strict=True):
            total += weight * ndtr((centre - node) / sd)
        return total

    @property
    def _step(self) -> float:
        return 2.0 * np.pi * self.strip / _DIGITS

    @cached_property
    def _deviations(self) -> tuple[Array, Array]:
        """Nodes and weights of u. Where h is exponential, far below 0, what counts is around u = s."""
        nodes = np.arange(-_REACH, self.strip + _REACH, self._step / self.strip)
        density = np.exp(-0.5 * nodes**2)
        return nodes, density / density.sum()

    @cached_property
    def _predictors(self) -> tuple[Array, Array]:
        """Nodes x(t) of equidistant t, whose distance grows to that which suits Phi at the smallest sd."""
        widest = 2.0 * np.pi / np.sqrt(2.0 * _DIGITS) * self.strip
        more = widest / self._step - 1.0
        t = np.arange(_LEFT, _RIGHT, self._step)
        nodes = t - more * np.logaddexp(0.0, _BEND - t)
        weights = self._step * self.slope(nodes) * (1.0 + more / (1.0 + np.exp(t - _BEND)))
        kept = (nodes > _LEFT) & (weights > np.exp(_LEFT))
        return nodes[kept], weights[kept] / weights[kept].sum()
