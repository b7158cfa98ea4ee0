"""Quadrature nodes that follow each group's integrand: where it is, and how wide."""

from __future__ import annotations

import math

import numpy as np

from partialpool.kernels.compiling import kernel
from partialpool.kernels.group_likelihood import add_cells
from partialpool.kernels.group_maps import GROUPS, place_all
from partialpool.kernels.pointers import matrix_in, vector_in
from partialpool.kernels.vectorised import exponential

PASSES = 4
FAR = 0.5  # sds that the integrand's mean may be off, before nodes are moved
NARROW, WIDE = 0.6, 1.6  # its variance before nodes are spread anew
LEAST_PIVOT = 1e-4  # of a variance: integrands narrower than the nodes' distances show none


@kernel
def evaluate_nodes(data, block, starts, maps, place, j0, j1, coef, nodes, log_weights, work, scratch):
    """Evaluate the integrands of groups j0 up to j1 at nodes moved to where each has its mass.

    Where a group's mass was at the outer point before is where its nodes are tried first: in standardised
    coordinates it hardly moves.

    work is (effects, logs, z, centres, totals): sets of effects (M, E, GROUPS) and their log integrands
    (M, GROUPS) at the nodes; coordinates (M, GROUPS, D); each group's centre (D,) and scale (D, D), in the
    end the integrand's mean and the factor of its covariance; and (GROUPS,) logs of the integrals.
    """
    effects, logs, z, centres, totals = work
    n_z, d = nodes.shape
    for _ in range(PASSES):
        for k in range(n_z):
            _set_nodes(nodes, k, j1 - j0, z)
            move(centres, j0, j1, k, z, d)
            place_all(data, maps, place, j0, j1, k, z, k * GROUPS * d, d, effects, logs, scratch)
        add_cells(data, block, starts, j0, j1, coef, effects, n_z, logs)
        if d == 1:
            if not _match_scalars(centres, j0, j1, nodes, log_weights, logs, totals):
                break
            continue
        moved = False
        for i in range(j1 - j0):
            row = (j0 + i) * (d + d * d)
            volume = 0.0
            for a in range(d):
                volume += math.log(centres[row + d + a * d + a])
            moved |= _match(centres, row, nodes, log_weights, logs, i, volume, totals, scratch)
        if not moved:
            break


@kernel
def node_views(work, first, n_sets, d, centres):
    """What `evaluate_nodes` wants: views of a working array from `first` on, with room for n_sets sets."""
    z = first + n_sets * (d + 1) * GROUPS
    return (
        vector_in(work, first, n_sets * d * GROUPS),
        matrix_in(work, first + n_sets * d * GROUPS, n_sets, GROUPS),
        vector_in(work, z, n_sets * GROUPS * d),
        centres,
        vector_in(work, z + n_sets * GROUPS * d, GROUPS),
    )


@kernel
def nodes_size(n_sets, d):
    """Length of what `node_views` divides."""
    return GROUPS * (n_sets * (2 * d + 1) + 1)


@kernel
def _set_nodes(nodes, k, n, z):
    d = nodes.shape[1]
    for i in range(n):
        for a in range(d):
            z[(k * GROUPS + i) * d + a] = nodes[k, a]


@kernel
def move(centres, j0, j1, k, z, d):
    """Replace standardised numbers in set k of z by centre + scale x number, group by group."""
    if d == 1:
        for i in range(j1 - j0):
            z[k * GROUPS + i] = centres[2 * (j0 + i)] + centres[2 * (j0 + i) + 1] * z[k * GROUPS + i]
        return
    for i in range(j1 - j0):
        at, row = (k * GROUPS + i) * d, (j0 + i) * (d + d * d)
        for a in range(d - 1, -1, -1):
            value = centres[row + a]
            for m in range(a + 1):
                value += centres[row + d + a * d + m] * z[at + m]
            z[at + a] = value


@kernel
def _match_scalars(centres, j0, j1, nodes, log_weights, logs, totals):
    """`_match` for groups of one coefficient, in loops that handle several groups at once."""
    n, n_z = j1 - j0, nodes.shape[0]
    sums = np.zeros((4, GROUPS))
    largest, zeroth, first, second = sums[0], sums[1], sums[2], sums[3]
    largest[:] = -np.inf
    for k in range(n_z):
        for i in range(n):
            largest[i] = max(largest[i], logs[k, i] + log_weights[k])
    for k in range(n_z):
        node, log_weight = nodes[k, 0], log_weights[k]
        for i in range(n):
            weight = exponential(logs[k, i] + log_weight - largest[i])
            zeroth[i] += weight
            first[i] += weight * node
            second[i] += weight * node * node
    moved = False
    for i in range(n):
        row = 2 * (j0 + i)
        totals[i] = -math.inf
        if math.isfinite(largest[i]):
            totals[i] = largest[i] + math.log(centres[row + 1] * zeroth[i])
            mean = first[i] / zeroth[i]
            variance = second[i] / zeroth[i] - mean * mean
            moved |= abs(mean) > FAR or variance < NARROW or variance > WIDE
            centres[row] += centres[row + 1] * mean
            centres[row + 1] *= math.sqrt(max(variance, LEAST_PIVOT))
    return moved


@kernel
def _match(centres, row, nodes, log_weights, logs, i, volume, totals, moments):
    """Give group i's centre and scale the moments of its integrand; say whether they were far off."""
    n_z, d = nodes.shape
    largest = logs[0, i] + log_weights[0]
    for k in range(1, n_z):
        largest = max(largest, logs[k, i] + log_weights[k])
    totals[i] = -math.inf
    if not math.isfinite(largest):
        return False
    for a in range(1 + d + d * d):
        moments[a] = 0.0
    for k in range(n_z):
        weight = exponential(logs[k, i] + log_weights[k] - largest)
        moments[0] += weight
        for a in range(d):
            moments[1 + a] += weight * nodes[k, a]
            for m in range(a + 1):
                moments[1 + d + a * d + m] += weight * nodes[k, a] * nodes[k, m]
    totals[i] = largest + volume + math.log(moments[0])
    off = False
    for a in range(d):
        moments[1 + a] /= moments[0]
        off |= abs(moments[1 + a]) > FAR
    for a in range(d):
        for m in range(a + 1):
            value = moments[1 + d + a * d + m] / moments[0] - moments[1 + a] * moments[1 + m]
            moments[1 + d + a * d + m] = value
        variance = moments[1 + d + a * d + a]
        off |= variance < NARROW or variance > WIDE
    _factor(moments, 1 + d, d)
    _compose(centres, row, moments, d)
    return off


@kernel
def _factor(matrix, first, d):
    """The Cholesky factor of a symmetric matrix, in its lower triangle's place."""
    for a in range(d):
        for c in range(a + 1):
            total = matrix[first + a * d + c]
            for m in range(c):
                total -= matrix[first + a * d + m] * matrix[first + c * d + m]
            if a == c:
                matrix[first + a * d + a] = math.sqrt(max(total, LEAST_PIVOT))
            else:
                matrix[first + a * d + c] = total / matrix[first + c * d + c]


@kernel
def _compose(centres, row, moments, d):
    """Centre and scale of z from those of its node: centre + S mean, S factor; both triangular."""
    for a in range(d):
        for m in range(a + 1):
            centres[row + a] += centres[row + d + a * d + m] * moments[1 + m]
    for a in range(d):
        # Entries of row a from left to right: each needs only those not yet replaced.
        for c in range(a + 1):
            total = 0.0
            for m in range(c, a + 1):
                total += centres[row + d + a * d + m] * moments[1 + d + m * d + c]
            centres[row + d + a * d + c] = total
