"""Every constraint: the compiled map is the plain one and invertible, Jacobian and derivatives are right."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from partialpool.constraints.base import Constraint
from partialpool.constraints.correlation import Correlation
from partialpool.constraints.interval import Interval
from partialpool.constraints.ordered import Ordered
from partialpool.constraints.positive import Positive
from partialpool.constraints.real import Real
from partialpool.constraints.registry import CONSTRAINTS
from partialpool.constraints.simplex import Simplex
from partialpool.kernels.native.constraint_functions import constraint_functions

Floats = NDArray[np.float64]

# A constraint and how many values it makes.
CASES: dict[str, tuple[Constraint, int]] = {
    "real": (Real(), 3),
    "positive": (Positive(), 3),
    "interval": (Interval(-2.0, 3.0), 3),
    "one ordered": (Ordered(), 1),
    "ordered": (Ordered(), 5),
    "simplex of one": (Simplex(), 1),
    "simplex": (Simplex(), 4),
    "correlation of two": (Correlation(2.5, 2), 4),
    "correlation": (Correlation(1.0, 4), 16),
}


def pointer(array: Floats) -> Any:
    return array.ctypes.data_as(ctypes.POINTER(ctypes.c_double))


def forward(constraint: Constraint, free: Floats, n_values: int) -> tuple[float, Floats]:
    native = constraint_functions(type(constraint).forward_kernel, type(constraint).backward_kernel)[0]
    values, constants = np.zeros(n_values), np.array([*constraint.constants, 0.0])
    log = native.ctypes(len(free), n_values, pointer(free), pointer(values), pointer(constants))
    return log, values


def backward(constraint: Constraint, free: Floats, values: Floats, values_bar: Floats) -> Floats:
    native = constraint_functions(type(constraint).forward_kernel, type(constraint).backward_kernel)[1]
    out, constants, bar = np.zeros(len(free)), np.array([*constraint.constants, 0.0]), values_bar.copy()
    arrays = (free, values, constants, bar, out)
    native.ctypes(len(free), len(values), *map(pointer, arrays))
    return out


def points(constraint: Constraint, n_values: int, scale: float = 1.0) -> list[Floats]:
    rng = np.random.default_rng(n_values)
    return [scale * rng.normal(size=constraint.n_free(n_values)) for _ in range(5)]


def coordinates(constraint: Constraint, values: Floats) -> Floats:
    """The values that a density is of: without those that follow from the others."""
    if isinstance(constraint, Simplex):
        return values[:-1]
    if isinstance(constraint, Correlation):
        factor = values.reshape(constraint.d, constraint.d)
        return (factor @ factor.T)[np.tril_indices(constraint.d, -1)]
    return values


def own_prior(constraint: Constraint, values: Floats) -> float:
    """Log prior that belongs to the map, without its constant."""
    if not isinstance(constraint, Correlation):
        return 0.0
    factor = values.reshape(constraint.d, constraint.d)
    return 2.0 * (constraint.eta - 1.0) * float(np.sum(np.log(np.diag(factor))))


def differences(function: Any, x: Floats, step: float = 1e-5) -> Floats:
    shifts = step * np.eye(len(x))
    return np.array([(function(x + s) - function(x - s)) / (2 * step) for s in shifts])


def test_every_kind_has_a_case() -> None:
    assert {type(constraint) for constraint, _ in CASES.values()} == set(CONSTRAINTS)


@pytest.mark.parametrize(("constraint", "n_values"), CASES.values(), ids=CASES)
def test_the_compiled_map_is_the_plain_one_and_has_an_inverse(constraint: Constraint, n_values: int) -> None:
    for free in points(constraint, n_values):
        _, values = forward(constraint, free, n_values)
        np.testing.assert_allclose(values, constraint.values(free), rtol=1e-13, atol=1e-15)
        np.testing.assert_allclose(constraint.free(values), free, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize(("constraint", "n_values"), CASES.values(), ids=CASES)
def test_the_log_is_that_of_the_jacobian_determinant_and_of_a_prior(
    constraint: Constraint, n_values: int
) -> None:
    for free in points(constraint, n_values, 0.7):
        log, values = forward(constraint, free, n_values)
        if not len(free):
            assert log == 0.0
            continue
        jacobian = differences(lambda x: coordinates(constraint, constraint.values(x)), free)
        _, log_det = np.linalg.slogdet(jacobian)
        assert log == pytest.approx(log_det + own_prior(constraint, values), abs=1e-7)


@pytest.mark.parametrize(("constraint", "n_values"), CASES.values(), ids=CASES)
def test_derivatives_are_those_of_differences(constraint: Constraint, n_values: int) -> None:
    weights = np.random.default_rng(1).normal(size=n_values)

    def value(free: Floats) -> float:
        log, values = forward(constraint, free, n_values)
        return log + float(weights @ values)

    for free in points(constraint, n_values):
        found = backward(constraint, free, forward(constraint, free, n_values)[1], weights)
        np.testing.assert_allclose(found, differences(value, free).ravel(), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("constraint", [c for c, _ in CASES.values() if c.elementwise])
def test_the_slope_is_the_derivative_of_each_value(constraint: Constraint) -> None:
    (free, *_) = points(constraint, 3)
    slopes = np.diag(differences(constraint.values, free))
    np.testing.assert_allclose(constraint.slope(constraint.values(free)), slopes, rtol=1e-8)


def test_an_ordered_block_has_its_jacobian_and_a_nearest_ordered_point() -> None:
    constraint, (free, *_) = Ordered(), points(Ordered(), 4)
    jacobian = differences(constraint.values, free).T
    np.testing.assert_allclose(constraint.jacobian(constraint.values(free)), jacobian, rtol=1e-8, atol=1e-9)
    inside = constraint.inside(np.array([0.0, -1.0, 0.5, 0.5]), 0.1)
    np.testing.assert_allclose(inside, [0.0, 0.1, 0.5, 0.6])


def test_far_out_values_stay_inside() -> None:
    for free in (-800.0, 800.0):
        log, values = forward(Interval(-2.0, 3.0), np.array([free]), 1)
        assert np.isfinite(log)
        assert -2.0 <= values[0] <= 3.0
        log, values = forward(Simplex(), np.array([free, 0.0]), 3)
        assert np.isfinite(log) or free > 0
        assert np.sum(values) == pytest.approx(1.0)
