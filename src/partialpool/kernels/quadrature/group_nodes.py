"""Quadrature nodes that follow each group's integrand: where it is, and how wide."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from partialpool.kernels.math.vectorised import exponential_single, logarithm, where
from partialpool.kernels.native.compiling import kernel
from partialpool.kernels.native.pointers import matrices_in, matrix_in, vector_in
from partialpool.kernels.quadrature.group_likelihood import add_cells
from partialpool.kernels.quadrature.group_maps import GROUPS, place_effects

PASSES = 6
FAR = 0.5  # sds that the integrand's mean may be off, before nodes are moved
NARROW, WIDE = 0.6, 1.6  # its variance before nodes are spread anew
EDGE = 3.0  # a mean so far off is at the last nodes: they say where to go, but not how wide to stand there
LEAST_PIVOT = 1e-4  # of a variance: integrands narrower than the nodes' distances show none


class Sets(NamedTuple):
    """Sets of effects of the groups at hand, and what is known of each group.

    Attributes
    ----------
    effects, z
        (sets, D, GROUPS) effects and their coordinates.
    logs
        (sets, GROUPS) log integrands.
    centres
        Where each group's nodes stand: (D + D D, GROUPS) centre and lower-triangular scale.
    moments
        (1 + D + D D, GROUPS) of the integrand in units of the nodes: sum of its values, mean, covariance.
    largest
        (GROUPS,) the largest of its logs, which the sum of its values is relative to.
    totals
        (GROUPS,) logs of the integrals.
    found
        (GROUPS,) 1 where the nodes have found the integrand's mass, 0 elsewhere.
    """

    effects: Any
    z: Any
    logs: Any
    centres: Any
    moments: Any
    largest: Any
    totals: Any
    found: Any


@kernel
def sets_size(n, d):
    """Length of what `sets_in` divides."""
    return GROUPS * (n * (2 * d + 1) + 2 * (d + d * d) + 4)


@kernel
def sets_in(memory, first, n, d):
    """Views of a working array from `first` on, for n sets of d effects."""
    logs = first + 2 * n * d * GROUPS
    centres = logs + n * GROUPS
    moments = centres + (d + d * d) * GROUPS
    rest = moments + (1 + d + d * d) * GROUPS
    return Sets(
        matrices_in(memory, first, n, d, GROUPS),
        matrices_in(memory, first + n * d * GROUPS, n, d, GROUPS),
        matrix_in(memory, logs, n, GROUPS),
        matrix_in(memory, centres, d + d * d, GROUPS),
        matrix_in(memory, moments, 1 + d + d * d, GROUPS),
        vector_in(memory, rest, GROUPS),
        vector_in(memory, rest + GROUPS, GROUPS),
        vector_in(memory, rest + 2 * GROUPS, GROUPS),
    )


@kernel
def read_centres(kept, j0, j1, sets):
    """Take the centres of groups j0 up to j1 from those that are kept, (D + D D, J)."""
    for a in range(kept.shape[0]):
        own = kept[a, j0:j1]
        for i in range(j1 - j0):
            sets.centres[a, i] = own[i]


@kernel
def keep_centres(sets, d, j0, j1, kept):
    """Keep where groups j0 up to j1 have their mass: centre 0 and scale 1 where it has not been found."""
    follow(d, j1 - j0, sets)
    for a in range(kept.shape[0]):
        plain = 1.0 if a >= d and (a - d) % (d + 1) == 0 else 0.0
        for i in range(j1 - j0):
            found = sets.found[i] > 0.0 and math.isfinite(sets.totals[i])
            kept[a, j0 + i] = sets.centres[a, i] if found else plain


@kernel
def evaluate_nodes(groups, j0, j1, nodes, log_weights, sets):
    """Evaluate the integrands of groups j0 up to j1 at nodes moved to where each has its mass.

    Nodes are tried first where the centres say.
    """
    n_z, d = nodes.shape
    n = j1 - j0
    for turn in range(PASSES):
        if turn > 0:
            follow(d, n, sets)
        _place_nodes(groups, nodes, n, sets)
        add_cells(groups, j0, j1, sets.effects, n_z, sets.logs)
        _sum_up(nodes, log_weights, n, sets)
        if _found_all(d, n, sets):
            break


@kernel
def _place_nodes(groups, nodes, n, sets):
    """Make coordinates, effects and their log prior of the nodes."""
    n_z, d = nodes.shape
    if d == 1:  # one loop in place of two
        for k in range(n_z):
            node = nodes[k, 0]
            for i in range(n):
                sets.z[k, 0, i] = sets.centres[0, i] + sets.centres[1, i] * node
        place_effects(groups, n, (0, n_z), sets.z, sets.effects, sets.logs)
        return
    for k in range(n_z):
        for a in range(d):
            node = nodes[k, a]
            for i in range(n):
                sets.z[k, a, i] = node
    place_sets(groups, n, 0, n_z, d, sets)


@kernel
def place_sets(groups, n, k0, k1, d, sets):
    """From standardised numbers in sets k0 up to k1 of z make coordinates, effects and their log prior."""
    z, centres = sets.z, sets.centres
    for k in range(k0, k1):
        for a in range(d - 1, -1, -1):
            scale = d + a * d
            for i in range(n):
                z[k, a, i] = centres[a, i] + centres[scale + a, i] * z[k, a, i]
            for m in range(a):
                for i in range(n):
                    z[k, a, i] += centres[scale + m, i] * z[k, m, i]
    place_effects(groups, n, (k0, k1), z, sets.effects, sets.logs)


@kernel
def _sum_up(nodes, log_weights, n, sets):
    """Sum each integrand and its products with nodes, all relative to its largest value."""
    n_z, d = nodes.shape
    logs, moments, largest, weights = sets.logs, sets.moments, sets.largest, sets.totals
    moments[:] = 0.0
    _find_largest(logs, log_weights, n, largest)
    if d == 1:  # one loop in place of four
        for k in range(n_z):
            log_weight, node = log_weights[k], nodes[k, 0]
            for i in range(n):
                weight = exponential_single(logs[k, i] + log_weight - largest[i])
                moments[0, i] += weight
                moments[1, i] += node * weight
                moments[2, i] += node * node * weight
        return
    for k in range(n_z):
        log_weight = log_weights[k]
        for i in range(n):
            weights[i] = exponential_single(logs[k, i] + log_weight - largest[i])
            moments[0, i] += weights[i]
        for a in range(d):
            node = nodes[k, a]
            for i in range(n):
                moments[1 + a, i] += node * weights[i]
            for m in range(a + 1):
                product = node * nodes[k, m]
                for i in range(n):
                    moments[1 + d + a * d + m, i] += product * weights[i]


@kernel
def _find_largest(logs, log_weights, n, largest):
    """Write the largest of each group's logs.

    Two at a time: a number that either changes or stays would be stored under a mask, which is slow.
    """
    largest[:] = -math.inf
    for k in range(0, log_weights.shape[0], 2):
        other = min(k + 1, log_weights.shape[0] - 1)
        log_weight, other_weight = log_weights[k], log_weights[other]
        for i in range(n):
            largest[i] = max(max(largest[i], logs[k, i] + log_weight), logs[other, i] + other_weight)


@kernel
def _found_all(d, n, sets):
    """From sums make integrals and moments; say whether nodes stand where all integrands have their mass.

    An integrand that is finite nowhere counts as found: there is nothing to follow.
    """
    moments, totals, found = sets.moments, sets.totals, sets.found
    for i in range(n):
        totals[i], found[i] = moments[0, i], 1.0
    for a in range(d):
        scale, own = d + a * d + a, 1 + d + a * d + a
        for i in range(n):
            totals[i] *= sets.centres[scale, i]
            moments[1 + a, i] /= moments[0, i]
        for m in range(a + 1):
            product = 1 + d + a * d + m
            for i in range(n):
                product_of_means = moments[1 + a, i] * moments[1 + m, i]
                moments[product, i] = moments[product, i] / moments[0, i] - product_of_means
        for i in range(n):
            near = where(abs(moments[1 + a, i]) > FAR, 0.0, found[i])
            found[i] = where(abs(moments[own, i] - 0.5 * (NARROW + WIDE)) > 0.5 * (WIDE - NARROW), 0.0, near)
    for i in range(n):
        totals[i] = sets.largest[i] + logarithm(totals[i])
    all_found = True
    for i in range(n):
        all_found &= found[i] > 0.0 or not math.isfinite(totals[i])
    return all_found


@kernel
def follow(d, n, sets):
    """Move the nodes of n groups to their integrands' means, spread by the factors of their covariances."""
    moments = sets.moments
    for i in range(n):
        if not math.isfinite(sets.totals[i]):
            continue
        for a in range(d):
            if abs(moments[1 + a, i]) > EDGE:
                moments[1 + d + a * d + a, i] = max(moments[1 + d + a * d + a, i], 1.0)
        _factor(moments, 1 + d, d, i)
        _compose(sets.centres, moments, d, i)


@kernel
def _factor(matrix, first, d, i):
    """The Cholesky factor of group i's symmetric matrix, in its lower triangle's place."""
    for a in range(d):
        for c in range(a + 1):
            total = matrix[first + a * d + c, i]
            for m in range(c):
                total -= matrix[first + a * d + m, i] * matrix[first + c * d + m, i]
            if a == c:
                matrix[first + a * d + a, i] = math.sqrt(max(total, LEAST_PIVOT))
            else:
                matrix[first + a * d + c, i] = total / matrix[first + c * d + c, i]


@kernel
def _compose(centres, moments, d, i):
    """Centre and scale of z from those of its node: centre + S mean, S factor; both triangular."""
    for a in range(d):
        for m in range(a + 1):
            centres[a, i] += centres[d + a * d + m, i] * moments[1 + m, i]
    for a in range(d):
        # Entries of row a from left to right: each needs only those not yet replaced.
        for c in range(a + 1):
            total = 0.0
            for m in range(c, a + 1):
                total += centres[d + a * d + m, i] * moments[1 + d + m * d + c, i]
            centres[d + a * d + c, i] = total
