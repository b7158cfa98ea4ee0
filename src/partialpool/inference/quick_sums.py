"""Which sums over cells the quick fit needs, and where in one flat array they stand."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from partialpool.kernels.expansion import FIRST, SECOND, packed
from partialpool.model.geometry import Link
from partialpool.model.spec import ModelSpec

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

POOLED = -1  # in place of a term: summed over all cells


class Place(NamedTuple):
    """Where an array stands in the flat one."""

    start: int
    shape: tuple[int, ...]

    def view(self, flat: Floats) -> Floats:
        """The array."""
        return flat[self.start : self.start + prod(self.shape)].reshape(self.shape)


class QuickSums:
    """The sums of a model, listed as `kernels.expansion` is told to make them.

    Of curvatures by one term's effects, or by one predictor's coefficients, the lower triangles are made.

    Parameters
    ----------
    spec
        The model.
    links
        Which terms' groups lie in which.

    Attributes
    ----------
    size
        Length of the flat array.
    parts
        Places of each predictor's gradient (K_p,) and curvature (K_p, K_p).
    terms
        Places of each term's gradient (J, d), curvature (J, d, d) and cross curvature with the coefficients
        (J, d, K_p).
    links
        Places of the cross curvatures (J, d, d of the outer term).
    """

    def __init__(self, spec: ModelSpec, links: Sequence[Link]) -> None:
        self.size = 0
        self._by_weight: dict[tuple[int, int, int], list[tuple[int, int, int, int]]] = {}
        coef, effect = iter(spec.cells.coef_column.tolist()), iter(spec.cells.effect_column.tolist())
        own = [[next(coef) for _ in part.coefficients] for part in spec.parameters.predictors]
        columns = [[next(effect) for _ in block.coefficients] for _, block in spec.parameters.blocks]
        self.parts = [self._part(p, covariates) for p, covariates in enumerate(own)]
        self.terms = [
            self._term(p, t, len(block.term.grouping.labels), columns[t], own[p])
            for t, (p, block) in enumerate(spec.parameters.blocks)
        ]
        predictor = [p for p, _ in spec.parameters.blocks]
        self.links = [
            self._products(predictor[k.inner], k.inner, len(k.group), columns[k.inner], columns[k.outer])
            for k in links
        ]

    def arrays(self) -> tuple[Integers, Integers]:
        """The two lists that the kernel reads, flat."""
        sums = [s for own in self._by_weight.values() for s in own]
        first = np.cumsum([0, *(len(own) for own in self._by_weight.values())])[:-1]
        weights = [(*weight, start) for weight, start in zip(self._by_weight, first, strict=True)]
        return np.array(weights, np.int64).reshape(-1), np.array(sums, np.int64).reshape(-1)

    def _part(self, p: int, covariates: list[int]) -> tuple[Place, Place]:
        gradient = self._place(len(covariates))
        for k, column in enumerate(covariates):
            self._add((p, FIRST, -1), POOLED, column, gradient.start + k, 0)
        return gradient, self._products(p, POOLED, 1, covariates, covariates)

    def _term(
        self, p: int, t: int, size: int, columns: list[int], covariates: list[int]
    ) -> tuple[Place, Place, Place]:
        d, gradient = len(columns), self._place(size, len(columns))
        for a, column in enumerate(columns):
            self._add((p, FIRST, -1), t, column, gradient.start + a, d)
        return (
            gradient,
            self._products(p, t, size, columns, columns),
            self._products(p, t, size, columns, covariates),
        )

    def _products(self, p: int, t: int, size: int, rows: list[int], columns: list[int]) -> Place:
        """Curvatures by each pair of covariates, by group; of a list and itself the lower triangle."""
        place = self._place(*(() if t == POOLED else (size,)), len(rows), len(columns))
        for a, own in enumerate(rows):
            for b, column in enumerate(columns[: a + 1] if rows is columns else columns):
                to = place.start + a * len(columns) + b
                self._add((packed(p, p), SECOND, own), t, column, to, len(rows) * len(columns))
        return place

    def _place(self, *shape: int) -> Place:
        place = Place(self.size, shape)
        self.size += prod(shape)
        return place

    def _add(self, weight: tuple[int, int, int], term: int, column: int, to: int, stride: int) -> None:
        self._by_weight.setdefault(weight, []).append((term, column, to, stride))
