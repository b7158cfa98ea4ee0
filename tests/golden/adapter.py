"""The log posterior density by name: all that the golden set knows of the core, and the only file to rewrite.

A point is given by free numbers, keyed by the variable of a draw that they stand for and in its order:

* coefficients and parameters without a formula: the value itself; its log where the prior (or the parameter)
  is positive; logit of (value - lower) / (upper - lower) where the prior has an interval;
* sds of groups: the log, or that logit;
* correlations of a term of d coefficients: d (d - 1) / 2 free numbers y under the matrix's name, row by row
  of the lower triangle; tanh(y) are canonical partial correlations (as in Stan);
* effects of groups: z, with effects of a group = diag(sds) L z, where L is the Cholesky factor of the
  correlation matrix in the order of the term's coefficients. Their prior counts as -z'z / 2. Effects with a
  fixed prior that is not a normal around zero are their own free numbers.

The density has no Jacobian: it is log likelihood + log prior densities of coefficients, sds and correlation
matrices as a person reads them (of LKJ(eta): (eta - 1) log det R) + the priors of the effects. It leaves out
constants that depend on the model and the data alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from partialpool import Model, Prior
from partialpool.constraints.base import Constraint
from partialpool.constraints.interval import Interval
from partialpool.constraints.positive import Positive
from partialpool.model.density import Density
from partialpool.model.effects import Effects
from partialpool.model.geometry import Coordinates, coordinates, plain_geometry
from partialpool.model.spec import ModelSpec

Floats = NDArray[np.float64]
Named = dict[str, Floats]


def free_sizes(model: Model) -> dict[str, int]:
    """Count the free numbers of each variable."""
    sizes: dict[str, int] = {}
    for number in _numbers(model.spec):
        sizes[number.name] = sizes.get(number.name, 0) + 1
    return sizes


def log_posterior(model: Model, free: Mapping[str, Floats]) -> tuple[Floats, Named]:
    """Evaluate the log density without Jacobians, and its gradient by the free numbers.

    Parameters
    ----------
    free
        (P, size) free numbers of P points, by variable.

    Returns
    -------
    (P,) values, and (P, size) derivatives by variable.
    """
    numbers = _numbers(model.spec)
    density = Density(model.spec, plain_geometry(model.spec))
    points = [density(x) for x in _vectors(numbers, free)]
    values, slopes = np.array([value for value, _ in points]), np.array([slope for _, slope in points])
    gradient: Named = {name: np.empty(np.shape(own)) for name, own in free.items()}
    for number in numbers:
        log_jacobian, slope = number.log_jacobian(free[number.name][:, number.index])
        values -= log_jacobian
        gradient[number.name][:, number.index] = slopes[:, number.position] / number.unit - slope
    return values, gradient


def draws(model: Model, free: Mapping[str, Floats]) -> Named:
    """Return the draws that points stand for: (P, size) values by variable, in the order of its labels."""
    density = Density(model.spec, plain_geometry(model.spec))
    values = np.array([density.draw(x) for x in _vectors(_numbers(model.spec), free)])
    return {v.name: values[:, v.columns] for v in model.layout.variables}


# --- log Jacobians: (P,) free numbers to values and derivatives ---------------------------------------------

LogJacobian = Callable[[Floats], tuple[Floats | float, Floats | float]]


def _of_nothing(u: Floats) -> tuple[float, float]:
    return 0.0, 0.0


def _of_exp(u: Floats) -> tuple[Floats, float]:
    return u, 1.0


def _of_interval(width: float, u: Floats) -> tuple[Floats, Floats]:
    """log(width p (1 - p)) with p = 1 / (1 + exp(-u))."""
    return np.log(width) + _log_sech2(0.5 * u) - np.log(4.0), -np.tanh(0.5 * u)


def _of_correlation(power: float, y: Floats) -> tuple[Floats, Floats]:
    """Of entry (i, j): |d matrix / d y| is the product of all (1 - tanh(y)^2)^power, power (d - j) / 2."""
    return power * _log_sech2(y), -2.0 * power * np.tanh(y)


def _log_sech2(y: Floats) -> Floats:
    a = np.abs(y)
    return 2.0 * (np.log(2.0) - a - np.log1p(np.exp(-2.0 * a)))


# --- where a free number stands in the core's vector --------------------------------------------------------


@dataclass(frozen=True)
class _Number:
    """A free number: whose it is, where it stands in the core's vector, and what it is in units of that."""

    name: str
    index: int
    position: int
    log_jacobian: LogJacobian = _of_nothing
    unit: float = 1.0


def _vectors(numbers: list[_Number], free: Mapping[str, Floats]) -> Floats:
    """(P, n) points as the core takes them."""
    columns = sorted(numbers, key=lambda number: number.position)
    return np.stack([free[c.name][:, c.index] / c.unit for c in columns], axis=1)


def _numbers(spec: ModelSpec) -> list[_Number]:
    position = coordinates(spec)
    found = [
        _Number(*_variable(spec, c.value), k, _jacobian(c.constraint))
        for k, c in enumerate(spec.parameters.coefficients)
    ]
    for t, block in enumerate(spec.parameters.effects):
        found += _sds(spec, block, position.sd[t])
        found += _correlations(spec, block, position, t)
        found += _effects(spec, block, position.effect[t])
    return found


def _sds(spec: ModelSpec, block: Effects, positions: tuple[int, ...]) -> list[_Number]:
    return [
        _Number(*_variable(spec, c.sd_value), at, _jacobian(c.sd.constraint(Positive())))
        for c, at in zip(block.coefficients, positions, strict=True)
        if isinstance(c.sd, Prior)
    ]


def _correlations(spec: ModelSpec, block: Effects, position: Coordinates, t: int) -> list[_Number]:
    if block.corr is None:
        return []
    d, (name, _) = block.width, _variable(spec, block.corr_value)
    powers = [0.5 * (d - j) for i in range(1, d) for j in range(i)]
    start = position.corr[t]
    return [_Number(name, k, start + k, partial(_of_correlation, p)) for k, p in enumerate(powers)]


def _effects(spec: ModelSpec, block: Effects, start: int) -> list[_Number]:
    d, found = block.width, []
    for c, coefficient in enumerate(block.coefficients):
        name, first = _variable(spec, coefficient.value)
        unit = coefficient.fixed_sd if coefficient.sd is None else 1.0
        for j in range(block.size):
            found.append(_Number(name, first + j, start + j * d + c, unit=unit))
    return found


def _variable(spec: ModelSpec, value: int) -> tuple[str, int]:
    """Name the variable that a value of a draw is of, and its place among the variable's values."""
    variable = next(v for v in spec.layout.variables if v.start <= value < v.start + v.size)
    return variable.name, value - variable.start


def _jacobian(constraint: Constraint) -> LogJacobian:
    if isinstance(constraint, Interval):
        return partial(_of_interval, constraint.upper - constraint.lower)
    return _of_exp if isinstance(constraint, Positive) else _of_nothing
