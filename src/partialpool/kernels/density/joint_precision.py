"""The precision of a joint map, factorised, and its derivatives: see `kernels.density.joint`."""

from __future__ import annotations

from partialpool.kernels.density.inputs import (
    INFORMATION,
    JOINT,
    JOINT_CROSS,
    JOINT_CURVATURE,
    JOINT_FIRST,
    JOINT_LARGEST,
    JOINT_PRIOR,
    JOINT_PULL,
    JOINT_STOP,
    NOT_JOINT,
    PLACES,
    SIZES,
    TERM_PLACE,
)
from partialpool.kernels.density.joint_views import (
    CROSS_WORK,
    FACTOR,
    SCALED,
    SCALED_CROSS,
    SOLVED,
    covariance_factor,
    in_rest,
    joint_sizes,
    joint_term,
)
from partialpool.kernels.math.cholesky import factorise, factorise_backward, mirror
from partialpool.kernels.native.compiling import kernel
from partialpool.kernels.native.pointers import (
    float_rows_at,
    floats_at,
    integers_at,
    matrices_in,
)


@kernel
def _scale_columns(data, covariances, matrix):
    """Multiply (m, r) by A from the right, in place."""
    for t in range(integers_at(data, SIZES)[2]):
        if not in_rest(data, t):
            continue
        size, d, at, _, _ = joint_term(data, t)
        chol, _ = covariance_factor(data, t, covariances)
        for i in range(matrix.shape[0]):
            for j in range(size):
                for c in range(d):
                    value = 0.0
                    for a in range(c, d):
                        value += matrix[i, at + j * d + a] * chol[a, c]
                    matrix[i, at + j * d + c] = value


@kernel
def _scale_rows(data, covariances, matrix):
    """Multiply (r, m) by A' from the left, in place."""
    for t in range(integers_at(data, SIZES)[2]):
        if not in_rest(data, t):
            continue
        size, d, at, _, _ = joint_term(data, t)
        chol, _ = covariance_factor(data, t, covariances)
        for j in range(size):
            for c in range(d):
                own = at + j * d + c
                for k in range(matrix.shape[1]):
                    matrix[own, k] *= chol[c, c]
                for a in range(c + 1, d):
                    for k in range(matrix.shape[1]):
                        matrix[own, k] += chol[a, c] * matrix[at + j * d + a, k]


@kernel
def _add_chol_bar(data, covariances, left, right, factor):
    """Add factor times the sum over groups of (A-rows of left) (A-rows of right)' to the terms' chol_bar.

    left and right are (r, m); of a term, entry (a, c) is the sum over groups of left[a] . right[c].
    """
    for t in range(integers_at(data, SIZES)[2]):
        if not in_rest(data, t):
            continue
        size, d, at, _, _ = joint_term(data, t)
        _, chol_bar = covariance_factor(data, t, covariances)
        for j in range(size):
            for a in range(d):
                for c in range(a + 1):
                    total = 0.0
                    for k in range(left.shape[1]):
                        total += left[at + j * d + a, k] * right[at + j * d + c, k]
                    chol_bar[a, c] += factor * total


@kernel
def _own_precision(chol, information, scale, out):
    """Write D = s L'IL + 1 of one group."""
    d = chol.shape[0]
    for c in range(d):
        for b in range(d):
            total = 1.0 if c == b else 0.0
            for a in range(c, d):
                for m in range(b, d):
                    total += scale * chol[a, c] * information[a, m] * chol[m, b]
            out[c, b] = total


@kernel
def factorise_precision(data, covariances, scale, squares, crosses, own, size, d):
    """Write R: the groups' factors, Y and the factor of the rest."""
    joint, t = integers_at(data, JOINT), integers_at(data, JOINT)[JOINT_LARGEST]
    chol, _ = covariance_factor(data, t, covariances)
    place = integers_at(data, TERM_PLACE)[PLACES * t + 1]
    information = matrices_in(floats_at(data, INFORMATION), place, size, d, d)
    curvature, cross = float_rows_at(data, JOINT_CURVATURE), float_rows_at(data, JOINT_CROSS)
    r, scaled, factor = curvature.shape[0], squares[SCALED], squares[FACTOR]
    for i in range(r):
        for k in range(r):
            scaled[i, k] = scale * curvature[i, k]
    _scale_columns(data, covariances, scaled)
    factor[:, :] = scaled
    _scale_rows(data, covariances, factor)
    k0 = joint[JOINT_STOP] - joint[JOINT_FIRST]
    prior = float_rows_at(data, JOINT_PRIOR)
    for i in range(r - k0):
        factor[i, i] += 1.0
    for i in range(k0):
        for k in range(k0):
            factor[r - k0 + i, r - k0 + k] += prior[i, k]
    solved, scaled_cross = crosses[SOLVED], crosses[SCALED_CROSS]
    for i in range(size * d):
        for k in range(r):
            scaled_cross[i, k] = scale * cross[i, k]
    _scale_columns(data, covariances, scaled_cross)
    for j in range(size):
        _own_precision(chol, information[j], scale, own[j])
        factorise(own[j])
        for c in range(d):
            row = solved[j * d + c]
            for k in range(r):
                row[k] = chol[c, c] * scaled_cross[j * d + c, k]
            for a in range(c + 1, d):
                for k in range(r):
                    row[k] += chol[a, c] * scaled_cross[j * d + a, k]
            for m in range(c):
                for k in range(r):
                    row[k] -= own[j, c, m] * solved[j * d + m, k]
            for k in range(r):
                row[k] /= own[j, c, c]
            for i in range(r):
                for k in range(i + 1):
                    factor[i, k] -= row[i] * row[k]
    factorise(factor)


@kernel
def groups_backward(data, covariances, scale, own, own_bar, solved, factor_bar, crosses, cross_bar, small):
    """Add what D and B of the largest block say of the factors of covariances; return that of log s."""
    size, d, r = joint_sizes(data)
    t = integers_at(data, JOINT)[JOINT_LARGEST]
    chol, chol_bar = covariance_factor(data, t, covariances)
    place = integers_at(data, TERM_PLACE)[PLACES * t + 1]
    information = matrices_in(floats_at(data, INFORMATION), place, size, d, d)
    scaled_cross, work, log_scale_bar = crosses[SCALED_CROSS], crosses[CROSS_WORK], 0.0
    cross = float_rows_at(data, JOINT_CROSS)
    for row in range(size * d):
        for i in range(r):
            weight = 2.0 * solved[row, i]
            for k in range(r):
                cross_bar[row, k] -= weight * factor_bar[i, k]
    for j in range(size):
        # Y = R_j^-1 B: first the derivative by B, in place, then that by R_j.
        for c in range(d - 1, -1, -1):
            for k in range(r):
                cross_bar[j * d + c, k] /= own[j, c, c]
            for m in range(c):
                for k in range(r):
                    cross_bar[j * d + m, k] -= own[j, c, m] * cross_bar[j * d + c, k]
        for c in range(d):
            for m in range(c + 1):
                total = 0.0
                for k in range(r):
                    total += cross_bar[j * d + c, k] * solved[j * d + m, k]
                own_bar[j, c, m] -= total
        factorise_backward(own[j], own_bar[j])
        mirror(own_bar[j])
        # D = s L'IL + 1.
        for a in range(d):
            for c in range(d):
                small[a, c] = 0.0
                for m in range(d):
                    for b in range(m + 1):
                        small[a, c] += scale * information[j, a, m] * chol[m, b] * own_bar[j, b, c]
        for a in range(d):
            for c in range(a + 1):
                chol_bar[a, c] += 2.0 * small[a, c]
                log_scale_bar += chol[a, c] * small[a, c]
        # B = L' (s G A).
        for a in range(d):
            for c in range(a + 1):
                total = 0.0
                for k in range(r):
                    total += scaled_cross[j * d + a, k] * cross_bar[j * d + c, k]
                chol_bar[a, c] += total
                log_scale_bar += chol[a, c] * total
        for c in range(d):
            for k in range(r):
                work[j * d + c, k] = 0.0
            for a in range(c, d):
                for k in range(r):
                    work[j * d + c, k] += scale * chol[a, c] * cross[j * d + a, k]
    for s in range(integers_at(data, SIZES)[2]):
        if not in_rest(data, s):
            continue
        groups, width, at, _, _ = joint_term(data, s)
        _, outer_bar = covariance_factor(data, s, covariances)
        for row in range(size * d):
            for g in range(groups):
                for a in range(width):
                    for c in range(a + 1):
                        outer_bar[a, c] += work[row, at + g * width + a] * cross_bar[row, at + g * width + c]
    return log_scale_bar


@kernel
def rest_backward(data, covariances, scaled, factor_bar):
    """Add what C = A'(s H A) + ... says of the factors of covariances; return that of log s."""
    joint = integers_at(data, JOINT)
    _add_chol_bar(data, covariances, scaled, factor_bar, 2.0)
    r, log_scale_bar = scaled.shape[0], 0.0
    for t in range(integers_at(data, SIZES)[2]):
        if not in_rest(data, t):
            continue
        size, d, at, _, _ = joint_term(data, t)
        chol, _ = covariance_factor(data, t, covariances)
        for j in range(size):
            for a in range(d):
                for c in range(a + 1):
                    for k in range(r):
                        log_scale_bar += (
                            chol[a, c] * scaled[at + j * d + a, k] * factor_bar[at + j * d + c, k]
                        )
    for i in range(r - joint[JOINT_STOP] + joint[JOINT_FIRST], r):
        for k in range(r):
            log_scale_bar += scaled[i, k] * factor_bar[i, k]
    return log_scale_bar


@kernel
def right_side(data, covariances, scale, right, n):
    """Write r: of all effects and of the coordinates of coefficients."""
    pull = float_rows_at(data, JOINT_PULL)
    for i in range(right.shape[0]):
        right[i] = pull[1, i]
    for t in range(integers_at(data, SIZES)[2]):
        size, d, at, _, _ = joint_term(data, t)
        if at == NOT_JOINT:
            continue
        start = n + at if in_rest(data, t) else 0
        chol, _ = covariance_factor(data, t, covariances)
        for j in range(size):
            for c in range(d):
                for a in range(c, d):
                    right[start + j * d + c] += scale * chol[a, c] * pull[0, start + j * d + a]
    joint = integers_at(data, JOINT)
    for i in range(right.shape[0] - joint[JOINT_STOP] + joint[JOINT_FIRST], right.shape[0]):
        right[i] += scale * pull[0, i]


@kernel
def right_side_backward(data, covariances, scale, right_bar, n):
    """Add what r says of the factors of covariances; return the derivative by log s."""
    pull, log_scale_bar = float_rows_at(data, JOINT_PULL), 0.0
    for t in range(integers_at(data, SIZES)[2]):
        size, d, at, _, _ = joint_term(data, t)
        if at == NOT_JOINT:
            continue
        start = n + at if in_rest(data, t) else 0
        chol, chol_bar = covariance_factor(data, t, covariances)
        for j in range(size):
            for a in range(d):
                for c in range(a + 1):
                    change = scale * pull[0, start + j * d + a] * right_bar[start + j * d + c]
                    chol_bar[a, c] += change
                    log_scale_bar += chol[a, c] * change
    joint = integers_at(data, JOINT)
    for i in range(right_bar.shape[0] - joint[JOINT_STOP] + joint[JOINT_FIRST], right_bar.shape[0]):
        log_scale_bar += scale * pull[0, i] * right_bar[i]
    return log_scale_bar
