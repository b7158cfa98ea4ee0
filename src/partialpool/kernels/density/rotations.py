"""Effects with a known covariance between groups: independent effects, mixed by a fixed matrix.

With A = M M' the covariance between groups, effects b = M w have it when those w of different groups are
independent. M is chosen so that the data, too, leave the w of different groups nearly independent.
"""

from __future__ import annotations

from partialpool.kernels.density.inputs import ROTATION, ROTATION_PLACE
from partialpool.kernels.native.compiling import kernel
from partialpool.kernels.native.pointers import floats_at, integers_at, matrix_in


@kernel
def rotate(data, t, effects, scratch):
    """Mix (J, d) independent effects of term t, if it has a rotation; scratch (J, d) comes back as zeros."""
    place, (size, d) = integers_at(data, ROTATION_PLACE)[t], effects.shape
    if place < 0:
        return
    matrix = matrix_in(floats_at(data, ROTATION), place, size, size)
    for c in range(d):
        for j in range(size):
            total = 0.0
            for k in range(size):
                total += matrix[j, k] * effects[k, c]
            scratch[j, c] = total
        for j in range(size):
            effects[j, c] = scratch[j, c]
            scratch[j, c] = 0.0


@kernel
def rotate_back(data, t, effects_bar, scratch):
    """Replace the derivatives by (J, d) mixed effects of term t by those by independent ones."""
    place, (size, d) = integers_at(data, ROTATION_PLACE)[t], effects_bar.shape
    if place < 0:
        return
    matrix = matrix_in(floats_at(data, ROTATION), place, size, size)
    for c in range(d):
        for k in range(size):
            scratch[k, c] = 0.0
        for j in range(size):
            bar = effects_bar[j, c]
            for k in range(size):
                scratch[k, c] += matrix[j, k] * bar
        for k in range(size):
            effects_bar[k, c] = scratch[k, c]
