"""Where the numbers of a joint map stand: see `kernels.density.joint`."""

from __future__ import annotations

from partialpool.kernels.density.inputs import (
    EFFECT_POSITION,
    JOINT,
    JOINT_LARGEST,
    JOINT_PLACES,
    JOINT_SIZE,
    PLACES,
    TERM_PLACE,
    TERM_SIZE,
    TERM_START,
)
from partialpool.kernels.native.compiling import kernel
from partialpool.kernels.native.pointers import (
    integers_at,
    matrices_in,
    matrix_in,
)


@kernel
def joint_sizes(data):
    """(groups of the largest block, effects of each, numbers of the rest); zeros where nothing is joint."""
    joint = integers_at(data, JOINT)
    if joint.shape[0] == 0:
        return 0, 0, 0
    t, start = joint[JOINT_LARGEST], integers_at(data, TERM_START)
    return integers_at(data, TERM_SIZE)[t], start[t + 1] - start[t], joint[JOINT_SIZE]


@kernel
def joint_work(data):
    """How many numbers `native_joint` works with."""
    size, d, r = joint_sizes(data)
    n = size * d
    return 3 * r * r + 4 * n * r + 2 * n * d + 6 * (n + r) + d * d + 1


@kernel
def joint_views(work, size, d, r):
    """Views of the numbers that the two directions share; n = J d.

    (r, r): the factor R_C, s H A, the derivative by the factor; (n, r): Y, s G A with G the cross curvature,
    the derivative by B, and one to work in; (J, d, d): R_j, the derivative by D_j; (n + r,): r, R^-1 r,
    R^-1 r + z, w, and the derivatives by w and by r; (d, d).
    """
    n, at = size * d, 3 * r * r
    squares = matrices_in(work, 0, 3, r, r)
    crosses = matrices_in(work, at, 4, n, r)
    at += 4 * n * r
    own = matrices_in(work, at, size, d, d)
    own_bar = matrices_in(work, at + n * d, size, d, d)
    at += 2 * n * d
    vectors = matrix_in(work, at, 6, n + r)
    return squares, crosses, own, own_bar, vectors, matrix_in(work, at + 6 * (n + r), d, d)


# Rows of the views above.
FACTOR, SCALED, SQUARE_BAR = range(3)
SOLVED, SCALED_CROSS, CROSS_BAR, CROSS_WORK = range(4)
RIGHT, HALF, SHIFTED, WHITE, WHITE_BAR, RIGHT_BAR = range(6)


@kernel
def covariance_factor(data, t, covariances):
    """(d, d) factor of term t's covariance, and the derivative by it."""
    start, place = integers_at(data, TERM_START), integers_at(data, TERM_PLACE)[PLACES * t + 3]
    d = start[t + 1] - start[t]
    return matrix_in(covariances, place, d, d), matrix_in(covariances, place + d * d, d, d)


@kernel
def joint_term(data, t):
    """Term t: groups, effects of each, where it stands among the rest, among all effects and coordinates."""
    start, place = integers_at(data, TERM_START), integers_at(data, TERM_PLACE)[PLACES * t]
    at = integers_at(data, JOINT)[JOINT_PLACES + t]
    return (
        integers_at(data, TERM_SIZE)[t],
        start[t + 1] - start[t],
        at,
        place,
        integers_at(data, EFFECT_POSITION)[t],
    )


@kernel
def in_rest(data, t):
    """Whether a term is joint and not the largest."""
    joint = integers_at(data, JOINT)
    return joint[JOINT_PLACES + t] >= 0 and t != joint[JOINT_LARGEST]
