"""The compiled linear predictors of all cells against sums over slots, and their adjoint."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.inference.models import model

from partialpool.formula.formula import Formula
from partialpool.kernels.density.inputs import data_table
from partialpool.kernels.density.linear_predictors import native_gather, native_predict
from partialpool.kernels.density.packed_rows import widened
from partialpool.model.data_inputs import data_inputs
from partialpool.model.spec import ModelSpec

N = 1300  # cells: more than two blocks, the last one in part


def rows() -> pd.DataFrame:
    rng = np.random.default_rng(2)
    columns = {name: rng.normal(size=N) for name in ("y", "x", "z", "a", "c", "d", "t")}
    g = np.sort(rng.integers(0, 30, N))
    return pd.DataFrame(columns | {"g": g, "h": rng.integers(0, 9, N), "w": rng.integers(0, 30, N)})


MODELS = {
    "coefficients": "y ~ x + z + a + c + d + offset(t)",
    "runs and crossed": "y ~ x + (1 + z | g) + (0 + x | h)",
    "two predictors": Formula("y ~ x + offset(t) + (1 | g)", sigma="~ z + (1 + x | h)"),
}


def pointer(array: np.ndarray) -> Any:
    return array.ctypes.data_as(ctypes.POINTER(ctypes.c_double))


def plain(spec: ModelSpec, coef: np.ndarray, effects: list[np.ndarray]) -> np.ndarray:
    table = np.vstack([widened(spec.cells.columns, N), np.ones(N)])  # the last row is number -1
    eta = widened(spec.cells.offsets, N)
    for p in range(len(eta)):
        for k in range(spec.coef_start[p], spec.coef_start[p + 1]):
            eta[p] += coef[k] * table[spec.cells.coef_column[k]]
    for slot in spec.cells.slots:
        groups = spec.cells.group_index[slot.row]
        eta[slot.predictor] += table[slot.column] * effects[slot.effects][groups, slot.coordinate]
    return eta


@pytest.mark.parametrize("formula", MODELS.values(), ids=MODELS)
def test_predictors_and_their_adjoint(formula: str | Formula) -> None:
    spec, rng = model(formula, rows()), np.random.default_rng(1)
    data = data_inputs(spec, ())
    table, shape = data_table(data), (len(spec.parameters.predictors), N)
    coef = rng.normal(size=len(spec.parameters.coefficients))
    effects = [rng.normal(size=(block.size, block.width)) for block in spec.parameters.effects]
    flat, eta = np.concatenate([np.zeros(0), *(own.ravel() for own in effects)]), np.empty(shape)
    native_predict().ctypes(table.ctypes.data, pointer(coef), pointer(flat), pointer(eta))
    np.testing.assert_allclose(eta, plain(spec, coef, effects), rtol=1e-12, atol=1e-12)
    # <A v, u> = <v, A' u>
    bars, by_coef, by_effects = rng.normal(size=shape), np.empty_like(coef), np.empty_like(flat)
    native_gather().ctypes(table.ctypes.data, pointer(by_coef), pointer(by_effects), pointer(bars))
    moved = eta - plain(spec, 0 * coef, [0 * own for own in effects])
    assert np.vdot(moved, bars) == pytest.approx(by_coef @ coef + by_effects @ flat, rel=1e-10)
