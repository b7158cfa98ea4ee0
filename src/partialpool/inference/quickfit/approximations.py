"""Normal stand-ins for the priors of coefficients, for the quick fit only: they choose where to start."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from partialpool.constraints.base import Constraint
from partialpool.constraints.positive import Positive
from partialpool.constraints.real import Real
from partialpool.model.parameters import Coefficient
from partialpool.model.spec import ModelSpec
from partialpool.priors.base import AtMeans, unwrapped

Floats = NDArray[np.float64]

EDGE = 1e-3  # how far inside its ends a bounded coefficient is kept, as a share of its range
LOG_SD = 1.5  # spread of the log of a positive parameter
FREE_SD = 1.5  # largest spread of the unconstrained number of a bounded coefficient


@dataclass(frozen=True)
class NormalApproximation:
    """Normal over the K coefficients of some predictors: (K,) mean and (K, K) precision."""

    mean: Floats
    precision: Floats


def coefficient_approximation(spec: ModelSpec, predictors: range) -> NormalApproximation:
    """Stand-in for the priors of the coefficients of some predictors, as the predictors use them."""
    found = [_of_one(spec, number) for number in predictors]
    mean = np.concatenate([own.mean for own in found])
    precision, start = np.zeros((len(mean), len(mean))), 0
    for own in found:
        place = slice(start, start + len(own.mean))
        precision[place, place], start = own.precision, place.stop
    return NormalApproximation(mean, precision)


def _of_one(spec: ModelSpec, number: int) -> NormalApproximation:
    part = spec.parameters.predictors[number]
    pairs = [_mean_sd(c) for c in part.coefficients]
    mean = np.array([m for m, _ in pairs], float)
    precision = np.diag([1.0 / s**2 for _, s in pairs])
    for i, coefficient in enumerate(part.coefficients):
        if isinstance(coefficient.prior, AtMeans) and part.predictor is not None:
            weights = spec.anchors.means[part.parameter].copy()
            weights[i] = 1.0
            precision[i, i] = 0.0
            precision += np.outer(weights, weights) / pairs[i][1] ** 2
            mean[i] -= weights @ mean - mean[i]
    return NormalApproximation(mean, precision)


def _mean_sd(coefficient: Coefficient) -> tuple[float, float]:
    prior = unwrapped(coefficient.prior)
    if coefficient.logged:
        lower, upper = prior.bounds
        centre = 0.5 * (lower + upper) if np.isfinite(upper) else prior.scale
        return float(np.log(centre)), LOG_SD
    if prior.support == "interval":
        return 0.5 * sum(prior.bounds), prior.scale
    return float(getattr(prior, "mean", prior.scale if prior.support == "positive" else 0.0)), prior.scale


def interior(spec: ModelSpec, predictors: range, coefficients: Floats) -> Floats:
    """Move bounded coefficients of some predictors inside their ends."""
    out = coefficients.copy()
    for i, coefficient in enumerate(_coefficients(spec, predictors)):
        lower, upper = unwrapped(coefficient.prior).bounds
        if coefficient.logged:
            if np.isfinite(upper):
                edge = EDGE * (upper - lower)
                out[i] = np.clip(out[i], np.log(lower + edge), np.log(upper - edge))
            continue
        if np.isfinite(lower):
            edge = EDGE * (upper - lower if np.isfinite(upper) else coefficient.prior.scale)
            out[i] = np.clip(out[i], lower + edge, upper - edge)
    for own, constraint in _tied(spec, predictors):
        out[own] = constraint.inside(out[own], EDGE)
    return out


def unconstrained(
    spec: ModelSpec, predictors: range, coefficients: Floats, sds: Floats
) -> tuple[Floats, Floats]:
    """Free numbers of K coefficients of some predictors, and the (K, K) derivatives by them.

    Near an end a derivative vanishes, and an sd divided by it says nothing: it is at least sd / FREE_SD.
    """
    free, jacobian = coefficients.copy(), np.eye(len(coefficients))
    for i, coefficient in enumerate(_coefficients(spec, predictors)):
        constraint, own = coefficient.constraint, coefficients[i : i + 1]
        natural = isinstance(constraint, Positive) and coefficient.logged  # the free number is the log
        if isinstance(constraint, Real) or natural or not constraint.elementwise:
            continue
        value = np.exp(own) if coefficient.logged else own
        slope = constraint.slope(value) / value if coefficient.logged else constraint.slope(value)
        free[i], jacobian[i, i] = constraint.free(value)[0], max(slope[0], sds[i] / FREE_SD)
    for tied, constraint in _tied(spec, predictors):
        free[tied], jacobian[tied, tied] = constraint.free(free[tied]), constraint.jacobian(free[tied])
    return free, jacobian


def _tied(spec: ModelSpec, predictors: range) -> Iterator[tuple[slice, Constraint]]:
    """Runs of coefficients whose constraint ties them to each other."""
    for constraint, run in groupby(
        enumerate(_coefficients(spec, predictors)), key=lambda one: one[1].constraint
    ):
        numbers = [i for i, _ in run]
        if not constraint.elementwise:
            yield slice(numbers[0], numbers[-1] + 1), constraint


def _coefficients(spec: ModelSpec, predictors: range) -> list[Coefficient]:
    return [c for number in predictors for c in spec.parameters.predictors[number].coefficients]


def starting_coefficients(spec: ModelSpec, predictors: range, means: Floats) -> Floats:
    """Where coefficients start: at their priors' means, but the mean's intercept where the outcomes are.

    A prior may lie far from the data; from there the steps that are taken might not arrive.
    """
    start, first = means.copy(), spec.coef_start[predictors.start]
    for number in predictors:
        own = slice(spec.coef_start[number] - first, spec.coef_start[number + 1] - first)
        start[own] = _start(spec, number, means[own])
    return start


def _start(spec: ModelSpec, number: int, means: Floats) -> Floats:
    part, start = spec.parameters.predictors[number], means.copy()
    if number != 0 or part.predictor is None:
        return start
    for i, coefficient in enumerate(part.coefficients):
        if coefficient.name == "Intercept" and unwrapped(coefficient.prior).support == "real":
            others = np.delete(spec.anchors.means[part.parameter] * means, i)
            start[i] = spec.anchors.start[0] - float(np.sum(others))
    return start


def predictor_scales(spec: ModelSpec) -> list[float]:
    """How far a predictor moves typically: the outcome's scale for the mean, 1 for logs of parameters."""
    _, scale = spec.anchors.start
    return [scale if part.parameter == spec.family.main else 1.0 for part in spec.parameters.predictors]
