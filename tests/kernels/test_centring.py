"""The centring maps against a slow twin: values, log Jacobians, and derivatives by differences."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numba
import numpy as np
import pytest

from partialpool.kernels.density.centring import (
    _cholesky_backward,
    backward_group,
    backward_scalar,
    forward_group,
    forward_scalar,
)


@numba.njit
def _forward_group(chol, information, scale, pull, z, j, curved, factor, shift, zeta):
    return forward_group(z.shape[1], chol, information, scale, pull, z, j, curved, factor, shift, zeta)


@numba.njit
def _backward_group(
    chol, pull, zeta, zeta_bar, curved, factor, shift, work, weights, chol_bar, z_bar, j, pull_bar
):
    return backward_group(
        zeta.shape[0],
        chol,
        pull,
        zeta,
        zeta_bar,
        curved,
        factor,
        shift,
        work,
        weights,
        chol_bar,
        z_bar,
        j,
        pull_bar,
    )


@numba.njit
def _forward_scalar(sd, information, scale, pull, z, prior_scale, effects, roots):
    return forward_scalar(sd, information, scale, pull, z, prior_scale, effects, roots)


@numba.njit
def _backward_scalar(sd, information, scale, pull, z, prior_scale, roots, effects_bar, z_bar, pull_bar):
    return backward_scalar(sd, information, scale, pull, z, prior_scale, roots, effects_bar, z_bar, pull_bar)


@numba.njit
def _cholesky(factor, factor_bar, middle, precision_bar):
    _cholesky_backward(factor.shape[0], factor, factor_bar, middle, precision_bar)


@dataclass(frozen=True)
class Case:
    """One group: covariance factor, curvature and its scale, pull (scaled already) and coordinates."""

    chol: np.ndarray
    information: np.ndarray
    scale: float
    pull: np.ndarray
    z: np.ndarray


def make_case(
    d: int, sd: float = 0.7, information: float = 3.0, correlation: float = 0.3, seed: int = 0
) -> Case:
    rng = np.random.default_rng(seed + d)
    matrix = np.full((d, d), correlation) + (1 - correlation) * np.eye(d)
    root = rng.normal(size=(d, d + 1))
    curvature = information * root @ root.T
    chol = np.linalg.cholesky(sd**2 * matrix)
    return Case(chol, curvature, 1.3, curvature @ rng.normal(size=d) * 0.3, rng.normal(size=d))


CASES = {
    "plain": {},
    "sd near 0": {"sd": 1e-8},
    "no information": {"information": 0.0},
    "huge information": {"information": 1e10},
    "sd near 0, huge information": {"sd": 1e-8, "information": 1e16},
    "correlation near 1": {"correlation": 1 - 1e-9},
}


def twin(case: Case) -> tuple[np.ndarray, float]:
    """Zeta and the log Jacobian, by the formulas at the head of the kernel's file."""
    precision = np.eye(len(case.z)) + case.scale * case.chol.T @ case.information @ case.chol
    factor = np.linalg.cholesky(precision)
    shift = np.linalg.solve(factor, case.chol.T @ case.pull)
    zeta = np.linalg.solve(factor.T, shift + case.z)
    return zeta, -float(np.sum(np.log(np.diag(factor))))


def kernel_forward(case: Case) -> tuple[np.ndarray, float, dict[str, np.ndarray]]:
    d = len(case.z)
    scratch = {
        "curved": np.empty((d, d)),
        "factor": np.zeros((d, d)),
        "shift": np.empty(d),
        "zeta": np.empty(d),
    }
    jacobian = _forward_group(
        case.chol, case.information[None], case.scale, case.pull[None], case.z[None], 0, *scratch.values()
    )
    return scratch["zeta"], jacobian, scratch


@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("kind", CASES)
def test_forward_is_its_twin(d: int, kind: str) -> None:
    case = make_case(d, **CASES[kind])
    zeta, jacobian, _ = kernel_forward(case)
    expected_zeta, expected_jacobian = twin(case)
    np.testing.assert_allclose(zeta, expected_zeta, rtol=1e-6, atol=1e-9)
    assert jacobian == pytest.approx(expected_jacobian, rel=1e-9, abs=1e-12)


def test_no_information_is_the_non_centred_form() -> None:
    case = make_case(3, information=0.0)
    zeta, jacobian, _ = kernel_forward(case)
    np.testing.assert_allclose(zeta, case.z, rtol=1e-15)
    assert jacobian == 0.0


def test_z_is_standard_normal_when_the_likelihood_is_quadratic() -> None:
    """log N(zeta; 0, 1) + quadratic log likelihood + log Jacobian = log N(z; 0, 1) + a constant in z."""
    case = make_case(3)
    rest = []
    for z in np.random.default_rng(1).normal(size=(5, 3)):
        zeta, jacobian = twin(replace(case, z=z))
        b = case.chol @ zeta
        log_density = (
            -0.5 * zeta @ zeta - 0.5 * case.scale * b @ case.information @ b + case.pull @ b + jacobian
        )
        rest.append(log_density + 0.5 * z @ z)
    np.testing.assert_allclose(rest, rest[0], rtol=1e-12)


def objective(case: Case, weights: np.ndarray) -> float:
    zeta, jacobian = twin(case)
    return jacobian + float(weights @ zeta)


def differences(case: Case, field: str, weights: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Derivative of the objective by the entries of a field where mask is True."""
    at = getattr(case, field)
    # Zeta is linear in pull and z: a step of 1 is exact, and above the rounding of small derivatives.
    h = 1e-6 * max(float(np.max(np.abs(at))), 1e-2) if field == "chol" else 1.0
    out = np.zeros_like(at)
    for index in zip(*np.nonzero(mask), strict=True):
        step = np.zeros_like(at)
        step[index] = h
        up, down = (replace(case, **{field: at + s * step}) for s in (1, -1))
        out[index] = (objective(up, weights) - objective(down, weights)) / (2 * h)
    return out


@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("kind", ["plain", "sd near 0", "no information", "correlation near 1"])
def test_backward_agrees_with_differences(d: int, kind: str) -> None:
    case = make_case(d, **CASES[kind])
    weights = np.random.default_rng(9).normal(size=d)
    zeta, _, scratch = kernel_forward(case)
    chol_bar, z_bar, pull_bar = np.zeros((d, d)), np.zeros((1, d)), np.empty((1, d))
    scale_bar = _backward_group(
        case.chol,
        case.pull[None],
        zeta,
        weights,
        scratch["curved"],
        scratch["factor"],
        scratch["shift"],
        np.empty((3 * d, d)),
        np.empty(d),
        chol_bar,
        z_bar,
        0,
        pull_bar,
    )
    lower = np.tril(np.ones((d, d), bool))
    everything = np.ones(d, bool)
    for ours, field, mask in (
        (z_bar[0], "z", everything),
        (pull_bar[0], "pull", everything),
        (np.tril(chol_bar), "chol", lower),
    ):
        expected = differences(case, field, weights, mask)
        scale = max(float(np.max(np.abs(expected))), 1e-300)
        # Differences of a nearly singular factor are themselves good to some four digits.
        tolerance = max(scale * (1e-3 if "near" in kind else 1e-7), 1e-9)
        np.testing.assert_allclose(ours, expected, rtol=0, atol=tolerance)

    def scaled(log_scale: float) -> Case:
        grown = np.exp(log_scale)
        return replace(case, scale=grown * case.scale, pull=grown * case.pull)

    difference = (objective(scaled(1e-5), weights) - objective(scaled(-1e-5), weights)) / 2e-5
    assert scale_bar == pytest.approx(difference, rel=1e-4 if "near" in kind else 1e-6, abs=1e-7)


@pytest.mark.parametrize("d", [1, 2, 3])
def test_cholesky_backward_agrees_with_differences(d: int) -> None:
    rng = np.random.default_rng(d)
    root = rng.normal(size=(d, d + 1))
    precision, factor_bar = root @ root.T, np.tril(rng.normal(size=(d, d)))
    precision_bar = np.empty((d, d))
    _cholesky(np.linalg.cholesky(precision), factor_bar.copy(), np.empty((d, d)), precision_bar)
    np.testing.assert_allclose(precision_bar, precision_bar.T, rtol=1e-10)
    h = 1e-6
    for a in range(d):
        for c in range(a + 1):
            step = np.zeros((d, d))
            step[a, c] = step[c, a] = h
            up, down = (np.linalg.cholesky(precision + s * step) for s in (1, -1))
            difference = float(np.sum(factor_bar * (up - down))) / (2 * h)
            both = precision_bar[a, c] if a == c else 2 * precision_bar[a, c]
            assert both == pytest.approx(difference, rel=1e-6, abs=1e-8)


def scalar_twin(sd, information, scale, pull, z, prior_scale) -> tuple[np.ndarray, float]:
    """All groups through the matrix form, one at a time."""
    effects, total = np.empty(len(z)), 0.0
    for j in range(len(z)):
        case = Case(np.array([[sd]]), information[j], scale, pull[j], z[j])
        zeta, jacobian = twin(case)
        effects[j] = sd * zeta[0]
        total += jacobian - 0.5 * prior_scale * zeta[0] ** 2
    return effects, total


def scalar_arrays(n_groups: int, information: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Information, pull and coordinates."""
    rng = np.random.default_rng(n_groups)
    curved = information * rng.uniform(0.1, 2.0, (n_groups, 1, 1))
    return curved, rng.normal(size=(n_groups, 1)), rng.normal(size=(n_groups, 1))


@pytest.mark.parametrize("sd", [1e-8, 0.6, 50.0])
@pytest.mark.parametrize("information", [0.0, 2.0, 1e12])
@pytest.mark.parametrize("prior_scale", [0.0, 1.0])
def test_the_scalar_form_is_the_matrix_form(sd: float, information: float, prior_scale: float) -> None:
    # Groups enough for the product of precisions, and that of their mantissas, to overflow if left alone.
    curved, pull, z = scalar_arrays(1_300, information)
    effects, roots = np.empty((2, 1_300))
    total = _forward_scalar(sd, curved.ravel(), 1.7, pull.ravel(), z.ravel(), prior_scale, effects, roots)
    expected, expected_total = scalar_twin(sd, curved, 1.7, pull, z, prior_scale)
    np.testing.assert_allclose(effects, expected, rtol=1e-9)
    np.testing.assert_allclose(roots, 1 / np.sqrt(1 + 1.7 * sd**2 * curved.ravel()))
    assert total == pytest.approx(expected_total, rel=1e-10)


@pytest.mark.parametrize("sd", [1e-8, 0.6, 50.0])
@pytest.mark.parametrize("information", [0.0, 2.0])
@pytest.mark.parametrize("prior_scale", [0.0, 1.0])
def test_the_scalar_backward_agrees_with_differences(
    sd: float, information: float, prior_scale: float
) -> None:
    curved, pull, z = scalar_arrays(5, information)
    weights = np.random.default_rng(8).normal(size=(5, 1))

    def value(at_sd: float, log_scale: float, at_pull: np.ndarray, at_z: np.ndarray) -> float:
        """The pull that a kernel gets has been scaled already: it moves with the scale."""
        scale = np.exp(log_scale)
        effects, total = scalar_twin(at_sd, curved, scale, scale * at_pull, at_z, prior_scale)
        return total + float(weights[:, 0] @ effects)

    z_bar, kept = np.empty(5), 1 / np.sqrt(1 + sd**2 * curved.ravel())
    flat = (pull.ravel(), z.ravel(), prior_scale, kept, weights.ravel(), z_bar, kept)
    sd_bar, scale_bar = _backward_scalar(sd, curved.ravel(), 1.0, *flat)
    pull_bar = kept  # written over the roots, as the density has it
    h = 1e-5
    step = h * max(sd, 1e-3)
    difference = (value(sd + step, 0.0, pull, z) - value(sd - step, 0.0, pull, z)) / (2 * step)
    assert sd_bar == pytest.approx(difference, rel=1e-6, abs=1e-6)
    difference = (value(sd, h, pull, z) - value(sd, -h, pull, z)) / (2 * h)
    assert scale_bar == pytest.approx(difference, rel=1e-6, abs=1e-7)
    for j in range(5):
        step_j = h * np.eye(5)[:, [j]]
        difference = (value(sd, 0.0, pull + step_j, z) - value(sd, 0.0, pull - step_j, z)) / (2 * h)
        assert pull_bar[j] == pytest.approx(difference, rel=1e-6, abs=1e-7)
        difference = (value(sd, 0.0, pull, z + step_j) - value(sd, 0.0, pull, z - step_j)) / (2 * h)
        assert z_bar[j] == pytest.approx(difference, rel=1e-6, abs=1e-7)
