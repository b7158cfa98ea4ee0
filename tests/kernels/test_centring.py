"""The centring maps against a slow twin: values, log Jacobians, and derivatives by differences."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numba
import numpy as np
import pytest

from partialpool.kernels.centring import (
    _cholesky_backward,
    backward_group,
    backward_scalar,
    forward_group,
    forward_scalar,
    group_pull,
)


@numba.njit
def _forward_group(chol, information, pull, z, j, curved, factor, shift, zeta):
    return forward_group(chol, information, pull, z, j, curved, factor, shift, zeta)


@numba.njit
def _backward_group(
    chol, pull, zeta, zeta_bar, curved, factor, shift, work, weights, chol_bar, z_bar, j, pull_bar
):
    backward_group(
        chol, pull, zeta, zeta_bar, curved, factor, shift, work, weights, chol_bar, z_bar, j, pull_bar
    )


@numba.njit
def _forward_scalar(sd, information, pull, cross, deviation, z, prior_scale, effects):
    return forward_scalar(sd, information, pull, cross, deviation, z, prior_scale, effects)


@numba.njit
def _backward_scalar(
    sd, information, pull, cross, deviation, z, prior_scale, effects_bar, z_bar, deviation_bar
):
    return backward_scalar(
        sd, information, pull, cross, deviation, z, prior_scale, effects_bar, z_bar, deviation_bar
    )


@numba.njit
def _pull(pull, cross, deviation, j, out):
    group_pull(pull, cross, deviation, j, out)


@numba.njit
def _cholesky(factor, factor_bar, middle, precision_bar):
    _cholesky_backward(factor, factor_bar, middle, precision_bar)


@dataclass(frozen=True)
class Case:
    """One group: covariance factor, curvature, pull and coordinates."""

    chol: np.ndarray
    information: np.ndarray
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
    return Case(chol, curvature, curvature @ rng.normal(size=d) * 0.3, rng.normal(size=d))


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
    precision = np.eye(len(case.z)) + case.chol.T @ case.information @ case.chol
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
        case.chol, case.information[None], case.pull, case.z[None], 0, *scratch.values()
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
        log_density = -0.5 * zeta @ zeta - 0.5 * b @ case.information @ b + case.pull @ b + jacobian
        rest.append(log_density + 0.5 * z @ z)
    np.testing.assert_allclose(rest, rest[0], rtol=1e-12)


def objective(case: Case, weights: np.ndarray) -> float:
    zeta, jacobian = twin(case)
    return jacobian + float(weights @ zeta)


def differences(case: Case, field: str, weights: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Derivative of the objective by the entries of a field where mask is True."""
    at = getattr(case, field)
    h = 1e-6 * (float(np.max(np.abs(at))) or 1.0)
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
    chol_bar, z_bar, pull_bar = np.zeros((d, d)), np.zeros((1, d)), np.empty(d)
    _backward_group(
        case.chol,
        case.pull,
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
        (pull_bar, "pull", everything),
        (np.tril(chol_bar), "chol", lower),
    ):
        expected = differences(case, field, weights, mask)
        scale = max(float(np.max(np.abs(expected))), 1e-300)
        # Differences of a nearly singular factor are themselves good to some four digits.
        np.testing.assert_allclose(ours, expected, rtol=0, atol=scale * (1e-3 if "near" in kind else 1e-7))


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


def test_group_pull_takes_off_what_the_coefficients_moved() -> None:
    rng = np.random.default_rng(3)
    pull, cross, deviation, out = (
        rng.normal(size=(4, 2)),
        rng.normal(size=(4, 2, 3)),
        rng.normal(size=3),
        np.empty(2),
    )
    _pull(pull, cross, deviation, 2, out)
    np.testing.assert_allclose(out, pull[2] - cross[2] @ deviation, rtol=1e-14)


def scalar_twin(sd, information, pull, cross, deviation, z, prior_scale) -> tuple[np.ndarray, float]:
    """All groups through the matrix form, one at a time."""
    effects, total = np.empty(len(z)), 0.0
    for j in range(len(z)):
        case = Case(np.array([[sd]]), information[j], pull[j] - cross[j] @ deviation, z[j])
        zeta, jacobian = twin(case)
        effects[j] = sd * zeta[0]
        total += jacobian - 0.5 * prior_scale * zeta[0] ** 2
    return effects, total


def scalar_arrays(n_groups: int, information: float) -> list[np.ndarray]:
    rng = np.random.default_rng(n_groups)
    return [
        information * rng.uniform(0.1, 2.0, (n_groups, 1, 1)),
        rng.normal(size=(n_groups, 1)),
        rng.normal(size=(n_groups, 1, 2)),
        rng.normal(size=2),
        rng.normal(size=(n_groups, 1)),
    ]


@pytest.mark.parametrize("sd", [1e-8, 0.6, 50.0])
@pytest.mark.parametrize("information", [0.0, 2.0, 1e12])
@pytest.mark.parametrize("prior_scale", [0.0, 1.0])
def test_the_scalar_form_is_the_matrix_form(sd: float, information: float, prior_scale: float) -> None:
    arrays = scalar_arrays(200, information)  # enough for the product of precisions to overflow if left alone
    effects = np.empty((200, 1))
    total = _forward_scalar(sd, *arrays, prior_scale, effects)
    expected, expected_total = scalar_twin(sd, *arrays, prior_scale)
    np.testing.assert_allclose(effects[:, 0], expected, rtol=1e-9)
    assert total == pytest.approx(expected_total, rel=1e-10)


@pytest.mark.parametrize("sd", [1e-8, 0.6, 50.0])
@pytest.mark.parametrize("information", [0.0, 2.0])
@pytest.mark.parametrize("prior_scale", [0.0, 1.0])
def test_the_scalar_backward_agrees_with_differences(
    sd: float, information: float, prior_scale: float
) -> None:
    information_, pull, cross, deviation, z = scalar_arrays(5, information)
    weights = np.random.default_rng(8).normal(size=(5, 1))

    def value(at_sd: float, at_deviation: np.ndarray, at_z: np.ndarray) -> float:
        effects, total = scalar_twin(at_sd, information_, pull, cross, at_deviation, at_z, prior_scale)
        return total + float(weights[:, 0] @ effects)

    z_bar, deviation_bar = np.empty((5, 1)), np.ones(2)
    sd_bar = _backward_scalar(
        sd, information_, pull, cross, deviation, z, prior_scale, weights, z_bar, deviation_bar
    )
    h = 1e-5
    step = h * max(sd, 1e-3)
    difference = (value(sd + step, deviation, z) - value(sd - step, deviation, z)) / (2 * step)
    assert sd_bar == pytest.approx(difference, rel=1e-6, abs=1e-6)
    for k in range(2):
        step_k = h * np.eye(2)[k]
        difference = (value(sd, deviation + step_k, z) - value(sd, deviation - step_k, z)) / (2 * h)
        assert deviation_bar[k] == pytest.approx(1.0 + difference, rel=1e-6, abs=1e-7)
    for j in range(5):
        step_j = h * np.eye(5)[:, [j]]
        difference = (value(sd, deviation, z + step_j) - value(sd, deviation, z - step_j)) / (2 * h)
        assert z_bar[j, 0] == pytest.approx(difference, rel=1e-6, abs=1e-7)
