"""Which sums over cells the quick fit needs, and where in one flat array they stand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from partialpool.kernels.quickfit.expansion import FIRST, SECOND, packed
from partialpool.model.geometry import Nesting
from partialpool.model.spec import ModelSpec

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

ALL_CELLS = -1  # in place of an index: summed over all cells


class Place(NamedTuple):
    """Where an array stands in the flat one."""

    start: int
    shape: tuple[int, ...]

    def view(self, flat: Floats) -> Floats:
        """The array."""
        return flat[self.start : self.start + prod(self.shape)].reshape(self.shape)


class _Factor(NamedTuple):
    """What a coefficient or an effect is multiplied by in its predictor."""

    number: int  # of the coefficient or of the coordinate, in the array of sums
    predictor: int
    column: int
    row: int = ALL_CELLS


class QuickSums:
    """The sums of a model, listed as `kernels.quickfit.expansion` is told to make them.

    Curvatures are sums over pairs of factors. Of those by one block's effects, or by the coefficients of one
    part, the lower triangles are made.

    Parameters
    ----------
    spec
        The model.
    links
        Which blocks' groups lie in which.

    Attributes
    ----------
    size
        Length of the flat array.
    parts
        Places of the gradient (K,) and the curvature (K, K) of the coefficients of each part.
    effects
        Places of each block's gradient (J, d), curvature (J, d, d) and cross curvature with the coefficients
        of its part (J, d, K).
    links
        Places of the cross curvatures (J, d, d of the outer block).
    """

    def __init__(self, spec: ModelSpec, links: Sequence[Nesting]) -> None:
        self.size = 0
        self._by_weight: dict[tuple[int, int, int], list[tuple[int, int, int, int]]] = {}
        self._coupled = {pair for own in spec.coupled for pair in _pairs(own)}
        coefs = [_coefficients(spec, part) for part in spec.parts]
        slots = [_slots(spec, number) for number in range(len(spec.parameters.effects))]
        blocks = spec.parameters.effects
        self.parts = [self._part(own) for own in coefs]
        self.effects = [
            self._effects(block.size, block.width, own, coefs[spec.part_of(block)])
            for block, own in zip(blocks, slots, strict=True)
        ]
        self.links = [
            self._products(
                slots[k.inner],
                slots[k.outer],
                self._place(len(k.group), blocks[k.inner].width, blocks[k.outer].width),
            )
            for k in links
        ]

    def arrays(self) -> tuple[Integers, Integers]:
        """The two lists that the kernel reads, flat."""
        sums = [s for own in self._by_weight.values() for s in own]
        first = np.cumsum([0, *(len(own) for own in self._by_weight.values())])[:-1]
        weights = [(*weight, start) for weight, start in zip(self._by_weight, first, strict=True)]
        return np.array(weights, np.int64).reshape(-1), np.array(sums, np.int64).reshape(-1)

    def _part(self, factors: list[_Factor]) -> tuple[Place, Place]:
        gradient = self._gradient(factors, self._place(len(factors)))
        return gradient, self._products(factors, factors, self._place(len(factors), len(factors)))

    def _effects(
        self, size: int, width: int, slots: list[_Factor], coefs: list[_Factor]
    ) -> tuple[Place, Place, Place]:
        return (
            self._gradient(slots, self._place(size, width)),
            self._products(slots, slots, self._place(size, width, width)),
            self._products(slots, coefs, self._place(size, width, len(coefs))),
        )

    def _gradient(self, factors: Iterable[_Factor], place: Place) -> Place:
        width = place.shape[-1]
        for own in factors:
            weight = own.predictor, FIRST, -1
            self._add(weight, own.row, own.column, place.start + own.number, width)
        return place

    def _products(self, rows: list[_Factor], columns: list[_Factor], place: Place) -> Place:
        """Curvatures by pairs of factors, by group of the first; of a list and itself the lower triangle."""
        height, width = place.shape[-2:]
        for own in rows:
            for other in columns:
                if rows is columns and (other.number > own.number or other.row != own.row):
                    continue  # groups that share cells by different indices count as apart
                if own.predictor != other.predictor and (own.predictor, other.predictor) not in self._coupled:
                    continue
                weight = packed(own.predictor, other.predictor), SECOND, own.column
                to = place.start + own.number * width + other.number
                self._add(weight, own.row, other.column, to, height * width)
        return place

    def _place(self, *shape: int) -> Place:
        place = Place(self.size, shape)
        self.size += prod(shape)
        return place

    def _add(self, weight: tuple[int, int, int], index: int, column: int, to: int, stride: int) -> None:
        self._by_weight.setdefault(weight, []).append((index, column, to, stride))


def _pairs(predictors: Iterable[int]) -> Iterable[tuple[int, int]]:
    own = list(predictors)
    return ((p, q) for p in own for q in own if p != q)


def _coefficients(spec: ModelSpec, part: range) -> list[_Factor]:
    columns, found = spec.cells.coef_column.tolist(), []
    first = spec.coef_start[part.start]
    for p in part:
        own = range(spec.coef_start[p], spec.coef_start[p + 1])
        found += [_Factor(k - first, p, columns[k]) for k in own]
    return found


def _slots(spec: ModelSpec, number: int) -> list[_Factor]:
    own = spec.cells.slots_of(number)
    return [_Factor(slot.coordinate, slot.predictor, slot.column, slot.row) for slot in own]
