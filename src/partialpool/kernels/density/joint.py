"""Effects of crossed factors and coefficients together: coordinates in which they are nearly independent.

With everything else fixed the log likelihood is nearly quadratic in the coefficients and effects x of a part:
its curvature H and its pull p (curvature times mode plus gradient) are known from the quick fit. Coefficients
are b = b^ + T w, effects of a group u = L w with L the factor of their covariance, which moves with sds and
correlations; so x is an offset plus A w with A block diagonal, and w given the rest is about normal with
precision M and mean M^-1 r,

    M = s A'HA + I,    r = s A'p + (pull of the priors),

where for coefficients I is the precision of their own prior, and s says how other parameters have changed the
curvature since. With M = R R' the coordinates z are those of w = R'^-1 (R^-1 r + z): a priori and given the
data, as far as all this is so, standard normal, whatever the sds are.

The groups of one block, the largest, only meet each other through the rest. They come first in R: with D_j
the part of M of group j, B_j its cross part with the rest and C that of the rest,

    D_j = R_j R_j',    Y_j = R_j^-1 B_j,    C - sum over j of Y_j'Y_j = R_C R_C'.

Derivatives are those of these equations, in reverse order; of a Cholesky factor as in Murray (2016),
"Differentiation of the Cholesky decomposition", section 3.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numba import carray, types

from partialpool.kernels.density.covariances import covariance_backward, covariance_forward
from partialpool.kernels.density.inputs import (
    COEF_CENTRE,
    COEF_SCALE,
    EFFECT_PRIOR,
    JOINT,
    JOINT_FIRST,
    JOINT_PLACES,
    JOINT_STOP,
    N_SLOTS,
    NOT_JOINT,
    SIZES,
    TERM_START,
)
from partialpool.kernels.density.joint_precision import (
    factorise_precision,
    groups_backward,
    rest_backward,
    right_side,
    right_side_backward,
)
from partialpool.kernels.density.joint_views import (
    CROSS_BAR,
    FACTOR,
    HALF,
    RIGHT,
    RIGHT_BAR,
    SCALED,
    SHIFTED,
    SOLVED,
    SQUARE_BAR,
    WHITE,
    WHITE_BAR,
    covariance_factor,
    in_rest,
    joint_sizes,
    joint_term,
    joint_views,
    joint_work,
)
from partialpool.kernels.math.cholesky import factorise_backward, mirror, solve, solve_back, take_outer
from partialpool.kernels.native.compiling import compile_native, kernel
from partialpool.kernels.native.pointers import (
    as_pointer,
    float_rows_at,
    floats_at,
    integers_at,
)


@kernel
def _joint_forward(data, x, coef_scale, values, free, effects, covariances, work, scale):
    """Write free numbers of the joint coefficients and the joint effects; return their log prior."""
    size, d, r = joint_sizes(data)
    n, joint = size * d, integers_at(data, JOINT)
    squares, crosses, own, _, vectors, _ = joint_views(work, size, d, r)
    for t in range(integers_at(data, SIZES)[2]):
        if joint[JOINT_PLACES + t] != NOT_JOINT:
            chol, _ = covariance_factor(data, t, covariances)
            covariance_forward(data, t, values, chol)
    factorise_precision(data, covariances, scale, squares, crosses, own, size, d)
    right, half, shifted, white = vectors[RIGHT], vectors[HALF], vectors[SHIFTED], vectors[WHITE]
    right_side(data, covariances, scale, right, n)
    half[:] = right
    factor, solved, total = squares[FACTOR], crosses[SOLVED], 0.0
    rest = half[n:]
    for j in range(size):
        solve(own[j], half[j * d : (j + 1) * d])
        for c in range(d):
            total -= np.log(own[j, c, c])
            for k in range(r):
                rest[k] -= solved[j * d + c, k] * half[j * d + c]
    solve(factor, rest)
    shifted[:] = half
    _add_coordinates(data, x, n, shifted)
    white[:] = shifted
    solve_back(factor, white[n:])
    for j in range(size):
        for c in range(d):
            for k in range(r):
                white[j * d + c] -= solved[j * d + c, k] * white[n + k]
        solve_back(own[j], white[j * d : (j + 1) * d])
    for i in range(r):
        total -= np.log(factor[i, i])
    first, k0 = joint[JOINT_FIRST], joint[JOINT_STOP] - joint[JOINT_FIRST]
    centre = floats_at(data, COEF_CENTRE)
    for i in range(k0):
        free[first + i] = centre[first + i]
        for k in range(i + 1):
            free[first + i] += coef_scale[first + i, first + k] * white[n + r - k0 + k]
    for t in range(integers_at(data, SIZES)[2]):
        groups, width, at, place, _ = joint_term(data, t)
        if at == NOT_JOINT:
            continue
        start = n + at if in_rest(data, t) else 0
        chol, _ = covariance_factor(data, t, covariances)
        weight = _prior_weight(data, t)
        for j in range(groups):
            for a in range(width):
                value = 0.0
                for c in range(a + 1):
                    value += chol[a, c] * white[start + j * width + c]
                effects[place + j * width + a] = value
                total -= 0.5 * weight * white[start + j * width + a] ** 2
    return total


@kernel
def _prior_weight(data, t):
    """1 where effects are normal with the sds, 0 where they have a fixed prior, which is added elsewhere."""
    return 0.0 if integers_at(data, EFFECT_PRIOR)[integers_at(data, TERM_START)[t]] != 0 else 1.0


@kernel
def _add_coordinates(data, x, n, out):
    """Add to (n + r,) the coordinates of effects and coefficients."""
    joint = integers_at(data, JOINT)
    for t in range(integers_at(data, SIZES)[2]):
        size, d, at, _, position = joint_term(data, t)
        if at != NOT_JOINT:
            start = n + at if in_rest(data, t) else 0
            for i in range(size * d):
                out[start + i] += x[position + i]
    first, k0 = joint[JOINT_FIRST], joint[JOINT_STOP] - joint[JOINT_FIRST]
    for i in range(k0):
        out[out.shape[0] - k0 + i] += x[first + i]


@kernel
def _write_coordinates(data, bar, n, grad):
    """Write derivatives by the coordinates of effects and coefficients."""
    joint = integers_at(data, JOINT)
    for t in range(integers_at(data, SIZES)[2]):
        size, d, at, _, position = joint_term(data, t)
        if at != NOT_JOINT:
            start = n + at if in_rest(data, t) else 0
            for i in range(size * d):
                grad[position + i] = bar[start + i]
    first, k0 = joint[JOINT_FIRST], joint[JOINT_STOP] - joint[JOINT_FIRST]
    for i in range(k0):
        grad[first + i] = bar[bar.shape[0] - k0 + i]


@kernel
def _white_bar(data, covariances, coef_scale, free_bar, effects_bar, white, n, out):
    """Write the derivatives by w; add those by the factors of covariances through u = L w."""
    joint = integers_at(data, JOINT)
    first, k0 = joint[JOINT_FIRST], joint[JOINT_STOP] - joint[JOINT_FIRST]
    for t in range(integers_at(data, SIZES)[2]):
        size, d, at, place, _ = joint_term(data, t)
        if at == NOT_JOINT:
            continue
        start = n + at if in_rest(data, t) else 0
        chol, chol_bar = covariance_factor(data, t, covariances)
        weight = _prior_weight(data, t)
        for j in range(size):
            for c in range(d):
                own = start + j * d + c
                total = -weight * white[own]
                for a in range(c, d):
                    total += chol[a, c] * effects_bar[place + j * d + a]
                    chol_bar[a, c] += effects_bar[place + j * d + a] * white[own]
                out[own] = total
    for k in range(k0):
        total = 0.0
        for i in range(k, k0):
            total += coef_scale[first + i, first + k] * free_bar[first + i]
        out[out.shape[0] - k0 + k] = total


@kernel
def _joint_backward(
    data, coef_scale, values, values_bar, free_bar, effects_bar, covariances, work, scale, grad
):
    """From derivatives by free numbers and effects those by coordinates; add those by values.

    Returns the derivative by log s.
    """
    size, d, r = joint_sizes(data)
    n, joint = size * d, integers_at(data, JOINT)
    squares, crosses, own, own_bar, vectors, small = joint_views(work, size, d, r)
    factor, solved, cross_bar = squares[FACTOR], crosses[SOLVED], crosses[CROSS_BAR]
    half, white, bar, right_bar = vectors[HALF], vectors[WHITE], vectors[WHITE_BAR], vectors[RIGHT_BAR]
    factor_bar = squares[SQUARE_BAR]
    _white_bar(data, covariances, coef_scale, free_bar, effects_bar, white, n, bar)
    # w = R'^-1 (R^-1 r + z), groups first: bar becomes the derivative by R^-1 r + z, and so by z.
    rest_bar = bar[n:]
    for j in range(size):
        mine = slice(j * d, (j + 1) * d)
        solve(own[j], bar[mine])
        for a in range(d):
            for c in range(d):
                own_bar[j, a, c] = 0.0
        take_outer(own_bar[j], white[mine], bar[mine])
        for c in range(d):
            weight = bar[j * d + c]
            for k in range(r):
                rest_bar[k] -= solved[j * d + c, k] * weight
                cross_bar[j * d + c, k] = -weight * white[n + k]
    solve(factor, rest_bar)
    for i in range(r):
        for k in range(i + 1):
            factor_bar[i, k] = -white[n + i] * rest_bar[k]
    _write_coordinates(data, bar, n, grad)
    # R^-1 r.
    right_bar[:] = bar
    solve_back(factor, right_bar[n:])
    take_outer(factor_bar, right_bar[n:], half[n:])
    for j in range(size):
        mine = slice(j * d, (j + 1) * d)
        for c in range(d):
            total, weight = 0.0, half[j * d + c]
            for k in range(r):
                cross_bar[j * d + c, k] -= weight * right_bar[n + k]
                total += solved[j * d + c, k] * right_bar[n + k]
            right_bar[j * d + c] -= total
        solve_back(own[j], right_bar[mine])
        take_outer(own_bar[j], right_bar[mine], half[mine])
    # The log Jacobian, and the factor of what is left of the rest.
    for i in range(r):
        factor_bar[i, i] -= 1.0 / factor[i, i]
    for j in range(size):
        for c in range(d):
            own_bar[j, c, c] -= 1.0 / own[j, c, c]
    factorise_backward(factor, factor_bar)
    mirror(factor_bar)
    log_scale_bar = right_side_backward(data, covariances, scale, right_bar, n)
    log_scale_bar += groups_backward(
        data, covariances, scale, own, own_bar, solved, factor_bar, crosses, cross_bar, small
    )
    log_scale_bar += rest_backward(data, covariances, squares[SCALED], factor_bar)
    for t in range(integers_at(data, SIZES)[2]):
        if joint[JOINT_PLACES + t] != NOT_JOINT:
            _, chol_bar = covariance_factor(data, t, covariances)
            covariance_backward(data, t, values, chol_bar, values_bar)
    return log_scale_bar


def _forward_entry(table, x, values, free, effects, covariances, work):
    data = carray(as_pointer(table), (N_SLOTS, 3), np.int64)
    room = carray(as_pointer(work), (joint_work(data),), np.float64)
    return _joint_forward(
        data,
        carray(as_pointer(x), (1,), np.float64),
        float_rows_at(data, COEF_SCALE),
        carray(as_pointer(values), (1,), np.float64),
        carray(as_pointer(free), (1,), np.float64),
        carray(as_pointer(effects), (1,), np.float64),
        carray(as_pointer(covariances), (1,), np.float64),
        room,
        room[room.shape[0] - 1],
    )


def _backward_entry(table, values, values_bar, free_bar, effects_bar, covariances, work, grad):
    data = carray(as_pointer(table), (N_SLOTS, 3), np.int64)
    room = carray(as_pointer(work), (joint_work(data),), np.float64)
    return _joint_backward(
        data,
        float_rows_at(data, COEF_SCALE),
        carray(as_pointer(values), (1,), np.float64),
        carray(as_pointer(values_bar), (1,), np.float64),
        carray(as_pointer(free_bar), (1,), np.float64),
        carray(as_pointer(effects_bar), (1,), np.float64),
        carray(as_pointer(covariances), (1,), np.float64),
        room,
        room[room.shape[0] - 1],
        carray(as_pointer(grad), (1,), np.float64),
    )


@cache
def native_joint() -> Any:
    """C function of addresses: the joint map.

    Of table, coordinates, values, free numbers, effects, covariances and room to work in, whose last number
    is s: writes free numbers and effects, returns their log prior and Jacobian.
    """
    return compile_native(_forward_entry, types.float64(*[types.int64] * 7))


@cache
def native_joint_back() -> Any:
    """C function of addresses: the derivative of the joint map.

    Of table, values, derivatives by values, by free numbers and by effects, covariances, the room as the map
    left it, gradient: adds to the derivatives by values, writes the gradient by coordinates of coefficients
    and effects, returns the derivative by log s.
    """
    return compile_native(_backward_entry, types.float64(*[types.int64] * 8))
