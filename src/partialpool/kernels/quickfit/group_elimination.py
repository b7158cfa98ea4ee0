"""One term's effects given everything else, group by group: eliminated, and their covariance learnt.

Each group's log likelihood is taken as quadratic in its effects.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numba import carray, types
from numpy.typing import NDArray

from partialpool.kernels.native.compiling import compile_native, kernel
from partialpool.kernels.native.pointers import as_pointer

# Of a pivot, as a share of its diagonal: where a group's rows say much about some directions and nothing of
# others, the prior's part is lost to rounding; this much keeps the inverse.
SMALLEST_PIVOT = 1e-12
KEPT_CORRELATION = 0.98  # correlations are held a little inside (-1, 1), so that covariances stay invertible
MOST_TURNS = 6  # of EM
ENOUGH = 3e-3  # relative change of an sd at which it stops

Floats = NDArray[np.float64]


class GroupArrays(NamedTuple):
    """A term of J groups of d effects, with K coefficients of its predictor; of matrices lower triangles."""

    covariance: Floats  # (d, d) of the effects a priori
    precision: Floats  # (d, d) its inverse, filled here
    mean: Floats  # (d,) of the effects a priori
    effects: Floats  # (J, d)
    gradient: Floats  # (J, d) of the log likelihood by the effects
    information: Floats  # (J, d, d) its curvature
    cross: Floats  # (J, d, K) its curvature by effects and coefficients
    posterior: Floats  # (J, d, d) covariance given everything else, filled here
    solved: Floats  # (J, d, K + 1) the posterior times the cross and times the log posterior's gradient
    left: Floats  # (K, K + 1) what the coefficients' curvature and slope lose
    scales: Floats  # (d,) sds of one group more, which keeps learnt sds from zero
    learnt: Floats  # (d,) 1 where the sd is learnt
    bounds: Floats  # (2, d) of the sds
    second: Floats  # (d, d) to work in
    work: Floats  # (3, d + 1, d + 1) to work in


(
    COVARIANCE,
    PRECISION,
    MEAN,
    EFFECTS,
    GRADIENT,
    INFORMATION,
    CROSS,
    POSTERIOR,
    SOLVED,
    LEFT,
    SCALES,
    LEARNT,
    BOUNDS,
    SECOND,
    WORK,
) = range(len(GroupArrays._fields))
N_ARRAYS = len(GroupArrays._fields)


@kernel
def _invert(matrix, factor, out):
    """Write the (d, d) inverse of a positive definite matrix, of which the lower triangle is read.

    The factor is room for its Cholesky factor.
    """
    d = out.shape[0]
    for a in range(d):
        for b in range(a + 1):
            value = matrix[a, b]
            for m in range(b):
                value -= factor[a, m] * factor[b, m]
            if a == b:
                factor[a, a] = np.sqrt(max(value, SMALLEST_PIVOT * matrix[a, a]))
            else:
                factor[a, b] = value / factor[b, b]
    for c in range(d):  # of the factor first, column by column, in its place
        factor[c, c] = 1.0 / factor[c, c]
        for a in range(c + 1, d):
            value = 0.0
            for m in range(c, a):
                value -= factor[a, m] * factor[m, c]
            factor[a, c] = value / factor[a, a]
    for a in range(d):
        for b in range(a + 1):
            value = 0.0
            for m in range(a, d):
                value += factor[m, a] * factor[m, b]
            out[a, b] = value
            out[b, a] = value


@kernel
def _doubles(addresses, k, shape):
    """The array of doubles of a shape at address k."""
    return carray(as_pointer(addresses[k]), shape, np.float64)


@kernel
def _work(addresses, d):
    """Two matrices, and a matrix whose rows are vectors, to work in."""
    work = _doubles(addresses, WORK, (3, d + 1, d + 1))
    return work[0], work[1], work[2]


@kernel
def _moments(d, information, precision, mean, pull, work, out):
    """Write one group's posterior covariance into out, and into the first row of work its deviation.

    pull is (d,) information times effects, plus the log likelihood's gradient, where they were taken.
    """
    curvature, factor, vectors = work
    for a in range(d):
        for b in range(a + 1):
            curvature[a, b] = information[a, b] + precision[a, b]
    _invert(curvature, factor, out)
    for a in range(d):
        value = 0.0
        for b in range(d):
            own = pull[b]
            for m in range(d):
                own += precision[b, m] * mean[m]
            value += out[a, b] * own
        vectors[0, a] = value - mean[a]


@kernel
def _bounded_covariance(second, learnt, bounds, correlated, covariance):
    """Change a covariance to what (d, d) second moments say; returns the largest relative change of an sd."""
    d, change = second.shape[0], 0.0
    for a in range(d):
        for b in range(a):
            correlation = second[a, b] / np.sqrt(second[a, a] * second[b, b]) if correlated else 0.0
            covariance[a, b] = KEPT_CORRELATION * correlation
    for a in range(d):
        sd = np.sqrt(covariance[a, a])
        new = np.sqrt(second[a, a]) if learnt[a] > 0 else sd
        new = min(max(new, bounds[0, a]), bounds[1, a])
        change = max(change, abs(new / sd - 1.0))
        covariance[a, a] = new * new
    for a in range(d):
        for b in range(a):
            covariance[a, b] *= np.sqrt(covariance[a, a] * covariance[b, b])
            covariance[b, a] = covariance[a, b]
    return change


@kernel
def _scalar_second_moment(information, gradient, effects, precision, mean, posterior):
    """Write the posterior variances of terms of one effect; return the sum of squares about the mean."""
    total = 0.0
    for j in range(effects.shape[0]):
        variance = 1.0 / (information[j] + precision)
        off = variance * (gradient[j] + information[j] * (effects[j] - mean))
        posterior[j] = variance
        total += off * off + variance
    return total


def _eliminate_entry(n_groups, d, k, arrays):
    a = carray(arrays, (N_ARRAYS,), np.int64)
    covariance, precision = _doubles(a, COVARIANCE, (d, d)), _doubles(a, PRECISION, (d, d))
    mean, effects = _doubles(a, MEAN, (d,)), _doubles(a, EFFECTS, (n_groups, d))
    gradient, information = _doubles(a, GRADIENT, (n_groups, d)), _doubles(a, INFORMATION, (n_groups, d, d))
    cross, posterior = _doubles(a, CROSS, (n_groups, d, k)), _doubles(a, POSTERIOR, (n_groups, d, d))
    solved, left = _doubles(a, SOLVED, (n_groups, d, k + 1)), _doubles(a, LEFT, (k, k + 1))
    curvature, factor, vectors = _work(a, d)
    _invert(covariance, factor, precision)
    for m in range(k):
        for q in range(k + 1):
            left[m, q] = 0.0
    penalty = 0.0
    for j in range(n_groups):
        for c in range(d):
            pull = 0.0
            for b in range(d):
                pull += precision[c, b] * (effects[j, b] - mean[b])
                curvature[c, b] = information[j, c, b] + precision[c, b]
            penalty -= 0.5 * pull * (effects[j, c] - mean[c])
            vectors[0, c] = gradient[j, c] - pull
        _invert(curvature, factor, posterior[j])
        for c in range(d):
            for m in range(k + 1):
                value = 0.0
                for b in range(d):
                    value += posterior[j, c, b] * (cross[j, b, m] if m < k else vectors[0, b])
                solved[j, c, m] = value
        for c in range(d):
            for m in range(k):
                for q in range(k + 1):
                    left[m, q] += cross[j, c, m] * solved[j, c, q]
    return penalty


def _learn_entry(n_groups, d, correlated, arrays):
    a = carray(arrays, (N_ARRAYS,), np.int64)
    covariance, precision = _doubles(a, COVARIANCE, (d, d)), _doubles(a, PRECISION, (d, d))
    mean, effects = _doubles(a, MEAN, (d,)), _doubles(a, EFFECTS, (n_groups, d))
    gradient, information = _doubles(a, GRADIENT, (n_groups, d)), _doubles(a, INFORMATION, (n_groups, d, d))
    posterior = _doubles(a, POSTERIOR, (n_groups, d, d))
    scales, learnt = _doubles(a, SCALES, (d,)), _doubles(a, LEARNT, (d,))
    bounds, second = _doubles(a, BOUNDS, (2, d)), _doubles(a, SECOND, (d, d))
    work = _work(a, d)
    vectors, change = work[2], 0.0
    for _ in range(MOST_TURNS):
        _invert(covariance, work[1], precision)
        for c in range(d):
            for b in range(d):
                second[c, b] = scales[c] * scales[c] if c == b else 0.0
        if d == 1:
            own = information[:, 0, 0], gradient[:, 0], effects[:, 0]
            second[0, 0] += _scalar_second_moment(*own, precision[0, 0], mean[0], posterior[:, 0, 0])
        for j in range(n_groups if d > 1 else 0):
            for c in range(d):
                pull = gradient[j, c]
                for b in range(d):
                    pull += information[j, max(c, b), min(c, b)] * effects[j, b]
                vectors[1, c] = pull
            _moments(d, information[j], precision, mean, vectors[1], work, posterior[j])
            for c in range(d):
                for b in range(c + 1):
                    second[c, b] += vectors[0, c] * vectors[0, b] + posterior[j, c, b]
        for c in range(d):
            for b in range(c + 1):
                second[c, b] /= n_groups + 1
        last = _bounded_covariance(second, learnt, bounds, correlated, covariance)
        change += last
        if last < ENOUGH:
            break
    return change


@cache
def native_eliminate() -> Any:
    """C function (J, d, K, addresses of a `GroupArrays`) that takes effects out of a Newton step.

    It fills posterior, solved and left, and returns the effects' log prior without constants.
    """
    signature = types.float64(*[types.int64] * 3, types.voidptr)
    return compile_native(_eliminate_entry, signature)


@cache
def native_learn() -> Any:
    """C function (J, d, whether correlated, addresses of a `GroupArrays`) that updates the covariance by EM.

    The effects are those of highest density given the covariance, as far as the groups' log likelihoods are
    quadratic. Returns how much the sds have changed in all, relatively.
    """
    signature = types.float64(*[types.int64] * 3, types.voidptr)
    return compile_native(_learn_entry, signature)
