"""The written-out map of two coefficients against the map of any number, group by group."""

from __future__ import annotations

import numba
import numpy as np
import pytest

from partialpool.kernels.density.centring import backward_group, forward_group
from partialpool.kernels.density.centring_pair import backward_pair, forward_pair

N_GROUPS = 200  # enough for the product of pivots to overflow if left alone
SCALE = 1.3


@numba.njit
def _pair(chol, information, scale, pull, z, prior_scale, effects):
    return forward_pair(chol, information, scale, pull, z, prior_scale, effects)


@numba.njit
def _pair_back(chol, information, scale, pull, z, prior_scale, effects_bar, z_bar, pull_bar, chol_bar):
    return backward_pair(
        chol, information, scale, pull, z, prior_scale, effects_bar, z_bar, pull_bar, chol_bar
    )


@numba.njit
def _by_group(
    chol, information, scale, pull, z, prior_scale, effects_bar, effects, z_bar, pull_bar, chol_bar
):
    """Value and derivatives by the general map: total, derivative by the log of the scale."""
    curved, factor, work = np.empty((2, 2)), np.zeros((2, 2)), np.empty((6, 2))
    shift, zeta, weights, zeta_bar = np.empty(2), np.empty(2), np.empty(2), np.empty(2)
    total, scale_bar = 0.0, 0.0
    for j in range(z.shape[0]):
        total += forward_group(2, chol, information, scale, pull, z, j, curved, factor, shift, zeta)
        total -= 0.5 * prior_scale * np.sum(zeta**2)
        effects[j] = chol @ zeta
        zeta_bar[:] = chol.T @ effects_bar[j] - prior_scale * zeta
        for a in range(2):
            for c in range(a + 1):
                chol_bar[a, c] += effects_bar[j, a] * zeta[c]
        scale_bar += backward_group(
            2, chol, pull, zeta, zeta_bar, curved, factor, shift, work, weights, chol_bar, z_bar, j, pull_bar
        )
    return total, scale_bar


@pytest.mark.parametrize("sd", [1e-8, 0.6, 50.0])
@pytest.mark.parametrize("information", [0.0, 2.0, 1e10])
@pytest.mark.parametrize("correlation", [0.0, -0.6, 1 - 1e-9])
@pytest.mark.parametrize("prior_scale", [0.0, 1.0])
def test_the_pair_is_the_general_map(
    sd: float, information: float, correlation: float, prior_scale: float
) -> None:
    rng = np.random.default_rng(3)
    chol = np.linalg.cholesky(sd**2 * np.array([[1.0, 0.5 * correlation], [0.5 * correlation, 0.25]]))
    root = rng.normal(size=(N_GROUPS, 2, 3))
    curvature = information * root @ np.swapaxes(root, 1, 2)
    pull, z, effects_bar = (rng.normal(size=(N_GROUPS, 2)) for _ in range(3))
    given = (chol, curvature, SCALE, pull, z, prior_scale)
    expected = [np.empty((N_GROUPS, 2)) for _ in range(3)] + [np.zeros((2, 2))]
    found = [np.empty((N_GROUPS, 2)) for _ in range(3)] + [np.zeros((2, 2))]
    total, scale_bar = _by_group(*given, effects_bar, *expected)
    assert _pair(*given, found[0]) == pytest.approx(total, rel=1e-10)
    assert _pair_back(*given, effects_bar, *found[1:]) == pytest.approx(scale_bar, rel=1e-9, abs=1e-9)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-7, atol=1e-9 * np.max(np.abs(theirs)))
