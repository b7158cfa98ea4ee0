"""Linear predictors of inner parameters, and their adjoint, by the density's own kernels."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.inference.laplace.inner_blocks import InnerBlock
from partialpool.kernels.density.inputs import data_table
from partialpool.kernels.density.linear_predictors import native_gather, native_predict
from partialpool.model.data_inputs import data_inputs
from partialpool.model.spec import ModelSpec

Floats = NDArray[np.float64]


class InnerPredictors:
    """The linear map A from inner parameters to linear predictors.

    Inner parameters stand block by block, the kernels' effects term by term.

    Parameters
    ----------
    spec
        The model.
    blocks
        The inner parameters; the coefficients last.
    inner
        (K,) which coefficients are inner.
    """

    def __init__(self, spec: ModelSpec, blocks: tuple[InnerBlock, ...], inner: NDArray[np.bool_]) -> None:
        self._data = data_inputs(spec, ())
        self._table = data_table(self._data)
        self._inner = np.flatnonzero(inner)
        self.shape = len(spec.parameters.predictors), spec.cells.index.n_cells
        # Where each of the kernels' effects stands among the inner parameters.
        starts = np.cumsum([0, *(block.size * block.width for block in blocks)])
        places: dict[int, NDArray[np.int64]] = {}
        for start, block in zip(starts.tolist(), blocks, strict=False):
            own, first = start + np.arange(block.size * block.width).reshape(block.size, block.width), 0
            for t in block.terms:
                width = spec.parameters.effects[t].width
                places[t] = own[:, first : first + width].ravel()
                first += width
        self._effects = np.concatenate([np.zeros(0, np.int64), *(places[t] for t in sorted(places))])
        self._first_coefficient = int(starts[-2])
        self._base = self._predict(np.zeros(len(inner)), np.zeros(len(self._effects)))

    def __call__(self, v: Floats, coefficients: Floats) -> Floats:
        """(P, n) predictors of (dim,) inner parameters and (K,) outer coefficients, offsets included."""
        return self._predict(self._whole(v, coefficients), v[self._effects])

    def spread(self, v: Floats) -> Floats:
        """(P, n) A v: what inner parameters add to the predictors."""
        nothing = np.zeros(self._data["coef_column"].shape)
        return self(v, nothing) - self._base

    def gather(self, first: Floats) -> Floats:
        """(dim,) A' first: sums of (P, n) derivatives by inner parameter."""
        first = np.ascontiguousarray(first)
        coef, effects = np.empty(self._data["coef_column"].shape), np.empty(len(self._effects))
        native_gather().ctypes(self._table.ctypes.data, _pointer(coef), _pointer(effects), _pointer(first))
        out = np.empty(len(effects) + len(self._inner))
        out[self._effects] = effects
        out[self._first_coefficient :] = coef[self._inner]
        return out

    def _whole(self, v: Floats, coefficients: Floats) -> Floats:
        whole = coefficients.copy()
        whole[self._inner] += v[self._first_coefficient :]
        return whole

    def _predict(self, coefficients: Floats, effects: Floats) -> Floats:
        out, effects = np.empty(self.shape), np.ascontiguousarray(effects)
        arrays = (coefficients, effects, out)
        native_predict().ctypes(self._table.ctypes.data, *map(_pointer, arrays))
        return out


def _pointer(array: Floats) -> Any:
    return array.ctypes.data_as(ctypes.POINTER(ctypes.c_double))
