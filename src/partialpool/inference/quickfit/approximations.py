"""Normal stand-ins for the priors of coefficients, for the quick fit only: they choose where to start."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from partialpool.constraints.base import Constraint
from partialpool.constraints.real import Real
from partialpool.model.parameters import Coefficient
from partialpool.model.spec import ModelSpec
from partialpool.priors.base import AtMeans, unwrapped

Floats = NDArray[np.float64]

EDGE = 1e-3  # how far inside its ends a bounded coefficient is kept, as a share of its range
FREE_PRIOR_SD = 1.5  # spread of the log of a positive parameter
FREE_SD = 1.5  # largest spread of the unconstrained number of a bounded coefficient


@dataclass(frozen=True)
class NormalApproximation:
    """Normal over the K coefficients of some predictors: (K,) mean and (K, K) precision."""

    mean: Floats
    precision: Floats


def coefficient_approximation(spec: ModelSpec, predictors: range) -> NormalApproximation:
    """Stand-in for the priors of the coefficients of some predictors, as the predictors use them."""
    first, stop = spec.coef_start[predictors.start], spec.coef_start[predictors.stop]
    pairs = [_mean_sd(c) for c in _coefficients(spec, predictors)]
    mean, sds = np.array([m for m, _ in pairs], float), np.array([s for _, s in pairs], float)
    anchored = dict(_anchored(spec, predictors))
    precision = np.diag([0.0 if i in anchored else 1.0 / s**2 for i, s in enumerate(sds)])
    centre = mean.copy()
    for i, weights in anchored.items():
        own = weights[first:stop]
        precision += np.outer(own, own) / sds[i] ** 2
        others = np.delete(np.arange(len(mean)), [*anchored])
        centre[i] -= own[others] @ mean[others]
    return NormalApproximation(centre, precision)


def _anchored(spec: ModelSpec, predictors: range) -> Iterator[tuple[int, Floats]]:
    """Number the coefficients whose priors hold at the predictors' means; (K,) what each is a prior of."""
    for number in predictors:
        for i, coefficient in enumerate(spec.parameters.predictors[number].coefficients):
            if isinstance(coefficient.prior, AtMeans):
                at = spec.coef_start[number] - spec.coef_start[predictors.start] + i
                yield at, spec.anchor(number, i)


def _mean_sd(coefficient: Coefficient) -> tuple[float, float]:
    prior, scale = unwrapped(coefficient.prior), coefficient.scale
    centre = prior.centre(scale)
    if isinstance(scale, Real):
        return centre, prior.scale
    return float(scale.free(np.array([centre]))[0]), FREE_PRIOR_SD


def interior(spec: ModelSpec, predictors: range, coefficients: Floats) -> Floats:
    """Move bounded coefficients of some predictors inside their ends."""
    out = coefficients.copy()
    for i, coefficient in enumerate(_coefficients(spec, predictors)):
        constraint, scale = coefficient.constraint, coefficient.scale
        lower, upper = constraint.bounds
        if constraint == scale or not np.isfinite(lower):
            continue
        edge = EDGE * (upper - lower if np.isfinite(upper) else coefficient.prior.scale)
        out[i] = np.clip(out[i], *scale.free(np.array([lower + edge, upper - edge])))
    for own, constraint in _tied(spec, predictors):
        out[own] = constraint.inside(out[own], EDGE)
    return out


def unconstrained(
    spec: ModelSpec, predictors: range, coefficients: Floats, covariance: Floats
) -> tuple[Floats, Floats]:
    """Free numbers of K coefficients of some predictors, and the (K, K) derivatives by them.

    Near an end a derivative vanishes, and an sd divided by it says nothing: derivatives are so large that no
    free number has an sd above FREE_SD by the (K, K) covariance of the coefficients.
    """
    free, jacobian = coefficients.copy(), np.eye(len(coefficients))
    sds = np.sqrt(np.diag(covariance))
    for i, coefficient in enumerate(_coefficients(spec, predictors)):
        constraint, own = coefficient.constraint, coefficients[i : i + 1]
        if constraint == coefficient.scale or not constraint.elementwise:
            continue  # the coefficient is the free number
        value = coefficient.scale.values(own)
        slope = constraint.slope(value) / coefficient.scale.slope(value)
        free[i], jacobian[i, i] = constraint.free(value)[0], max(slope[0], sds[i] / FREE_SD)
    for tied, constraint in _tied(spec, predictors):
        own = constraint.jacobian(free[tied])
        free[tied], jacobian[tied, tied] = (
            constraint.free(free[tied]),
            own * _widened(own, covariance[tied, tied]),
        )
    return free, jacobian


def _widened(jacobian: Floats, covariance: Floats) -> Floats:
    """(n,) factors of the columns of derivatives by free numbers whose sds would be above FREE_SD.

    A free number that is a value itself, whose derivatives are ones, may have any sd.
    """
    inverse = np.linalg.inv(jacobian)
    sds = np.sqrt(np.diag(inverse @ covariance @ inverse.T))
    natural = np.all((jacobian == 1.0) | (jacobian == 0.0), axis=0)
    return np.where(natural, 1.0, np.maximum(1.0, sds / FREE_SD))


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
    if part.predictor is None:
        beside_main = isinstance(part.coefficients[0].scale, Real)
        return _start_beside_main(spec, number) if beside_main else start
    if part.parameter not in spec.family.mains:
        return start
    for i, name in enumerate(part.predictor.population.names):
        if name == "Intercept" and unwrapped(part.coefficients[i].prior).support == "real":
            others = np.delete(spec.means(number) * means, i)
            start[i] = spec.anchors.start[part.parameter] - float(np.sum(others))
    return start


def _start_beside_main(spec: ModelSpec, number: int) -> Floats:
    """(1,) where a parameter on the scale of the main predictor, such as a threshold, starts."""
    slopes = [_mean_sd(c)[0] for c in spec.parameters.predictors[0].coefficients]
    main = float(spec.means(0) @ np.array(slopes, float))
    return np.array([spec.anchors.start[spec.parameters.predictors[number].parameter] + main])


def predictor_scales(spec: ModelSpec) -> list[float]:
    """How far a predictor moves typically: the outcome's scale for the mean, 1 for logs of parameters."""
    mains = spec.family.mains
    return [spec.anchors.scale if part.parameter in mains else 1.0 for part in spec.parameters.predictors]
