"""The log likelihood of all cells and its derivatives by their linear predictors, up to the third."""

from __future__ import annotations

from copy import copy

import numpy as np
from numpy.typing import NDArray

from partialpool.inference.laplace.cross_products import Weights
from partialpool.kernels.density.packed_rows import widened
from partialpool.kernels.quickfit.expansion import packed
from partialpool.model.spec import ModelSpec

Floats = NDArray[np.float64]

STEP = 1e-4  # of a predictor, for differences of first derivatives
WEIGHT_STEP = 1e-3  # for differences of curvatures
AGREE = 1e-4  # relative difference between a family's curvature and differences of its derivatives


class CellLikelihood:
    """Log likelihood as a function of (P, n) linear predictors.

    Parameters
    ----------
    spec
        The model.
    latent
        The predictors that inner parameters are part of.
    """

    def __init__(self, spec: ModelSpec, latent: tuple[int, ...]) -> None:
        self.latent, self.n = latent, spec.cells.index.n_cells
        self.family = spec.family
        self.stats = widened(spec.cells.stats, self.n)
        self.expected = False  # whether the family gives expected curvature, so that differences are needed

    def evaluate(self, eta: Floats) -> tuple[float, Floats, Floats]:
        """Log likelihood, (P, n) derivatives and packed second derivatives as the family gives them."""
        return self.family.derivatives(self.stats, np.ascontiguousarray(eta))

    def part(self, cells: NDArray[np.int64]) -> CellLikelihood:
        """The likelihood of some of the cells."""
        part = copy(self)
        part.n, part.stats = len(cells), np.ascontiguousarray(self.stats[:, cells])
        return part

    def inspect(self, eta: Floats) -> None:
        """See whether the family's second derivatives are exact."""
        _, _, second = self.evaluate(eta)
        pairs, found = self._pairs(second), self._differences(eta)
        self.expected = not all(
            np.allclose(pairs[k], found[k], rtol=AGREE, atol=AGREE * np.max(np.abs(found[k]))) for k in pairs
        )

    def weights(self, eta: Floats, second: Floats) -> Weights:
        """Minus the second derivatives by each pair of latent predictors."""
        return self._differences(eta) if self.expected else self._pairs(second)

    def safe_weights(self, second: Floats) -> Weights:
        """Curvatures that are not negative, for where the exact ones are of no use."""
        return {(p, p): np.maximum(second[packed(p, p)], 0.0) for p in self.latent}

    def weight_slopes(self, eta: Floats) -> tuple[Floats, Floats]:
        """(n,) first and second derivative of the curvature by the one latent predictor."""
        (p,) = self.latent
        step = np.zeros_like(eta)
        step[p] = WEIGHT_STEP
        down, here, up = (self.weights(e, self.evaluate(e)[2])[p, p] for e in (eta - step, eta, eta + step))
        return (up - down) / (2.0 * WEIGHT_STEP), (up - 2.0 * here + down) / WEIGHT_STEP**2

    def _pairs(self, second: Floats) -> Weights:
        return {(p, q): second[packed(p, q)] for p in self.latent for q in self.latent}

    def _differences(self, eta: Floats) -> Weights:
        """Minus the second derivatives, by differences of the first ones."""
        change = {p: self._difference(eta, p) for p in self.latent}
        return {(p, q): -0.5 * (change[p][q] + change[q][p]) for p in self.latent for q in self.latent}

    def _difference(self, eta: Floats, p: int) -> Floats:
        """(P, n) derivative of the first derivatives by predictor p."""
        step = np.zeros_like(eta)
        step[p] = STEP
        return (self.evaluate(eta + step)[1] - self.evaluate(eta - step)[1]) / (2.0 * STEP)
