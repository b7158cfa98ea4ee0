"""Laws that every registered prior keeps."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest
from scipy import integrate, stats
from tests.priors.cases import CASES, UNIVARIATE

from partialpool.errors import PriorError
from partialpool.priors.base import AtMeans, unwrapped
from partialpool.priors.lkj import LKJ
from partialpool.priors.normal import Normal
from partialpool.priors.registry import PRIORS, parse_prior
from partialpool.priors.uniform import Flat

# Draws against distribution functions by Kolmogorov and Smirnov's test; a p-value below 1e-6 fails, so other
# seeds raise a false alarm in about 1 of 20,000 runs of this file.
FALSE_ALARM = 1e-6

each = pytest.mark.parametrize("name", UNIVARIATE)


def test_every_prior_has_a_case() -> None:
    assert set(CASES) == set(PRIORS)


def half_factor(name: str) -> float:
    return 2.0 if name == "HalfStudentT" else 1.0


def points(prior) -> np.ndarray:
    lower, upper = prior.bounds
    start = max(lower, -7.0) + (1e-3 if np.isfinite(lower) else 0.0)
    return np.linspace(start, min(upper, 7.0), 41)


def block(prior, x: np.ndarray) -> tuple[float, np.ndarray]:
    """Run the compiled block: summed log density and derivatives."""
    plain = unwrapped(prior)
    x = np.ascontiguousarray(x, float)
    parameters, gradient = np.zeros(4), np.zeros_like(x)
    parameters[: len(plain.parameters)] = plain.parameters
    signature = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_int64, *[ctypes.c_void_p] * 3)
    value = signature(plain.address)(len(x), x.ctypes.data, parameters.ctypes.data, gradient.ctypes.data)
    return value, gradient


@each
def test_the_density_is_scipys(name: str) -> None:
    case = CASES[name]
    x = points(case.prior)
    expected = case.frozen.logpdf(x) + np.log(half_factor(name))
    np.testing.assert_allclose(case.prior.logpdf(x), expected, rtol=1e-12, atol=1e-13)


@each
def test_the_kernel_is_the_density_and_its_derivative(name: str) -> None:
    prior = CASES[name].prior
    h = 1e-6
    for x in points(prior)[1:-1]:
        value, slope = block(prior, np.array([x]))
        assert value == pytest.approx(float(prior.logpdf(x)), rel=1e-13, abs=1e-13)
        difference = (prior.logpdf(x + h) - prior.logpdf(x - h)) / (2 * h)
        assert slope[0] == pytest.approx(float(difference), rel=1e-5, abs=1e-8)


@each
def test_the_kernel_sums_over_values(name: str) -> None:
    prior = CASES[name].prior
    x = points(prior)[1:6]
    assert block(prior, x)[0] == pytest.approx(float(np.sum(prior.logpdf(x))), rel=1e-13)


@each
def test_the_density_integrates_to_one_inside_its_bounds_and_is_zero_outside(name: str) -> None:
    prior = CASES[name].prior
    lower, upper = prior.bounds
    total, _ = integrate.quad(lambda x: float(np.exp(prior.logpdf(x))), lower, upper)
    assert total == pytest.approx(1.0, abs=1e-7)
    for outside in [b + s for b, s in ((lower, -0.1), (upper, 0.1)) if np.isfinite(b)]:
        assert prior.logpdf(outside) == -np.inf


@each
def test_draws_follow_the_density(name: str) -> None:
    case = CASES[name]
    draws = case.prior.sample(np.random.default_rng(3), 5000)
    if name == "HalfStudentT":
        assert stats.kstest(draws, lambda x: 2 * case.frozen.cdf(x) - 1).pvalue > FALSE_ALARM
    else:
        assert stats.kstest(draws, case.frozen.cdf).pvalue > FALSE_ALARM
    assert case.prior.sample(np.random.default_rng(0), (2, 3)).shape == (2, 3)
    assert np.ndim(case.prior.sample(np.random.default_rng(0))) == 0


@pytest.mark.parametrize("name", CASES)
def test_the_text_form_reads_back(name: str) -> None:
    case = CASES[name]
    assert str(case.prior) == case.text
    assert parse_prior(case.text) == case.prior
    assert parse_prior(f"  {case.text} ") == case.prior


@pytest.mark.parametrize("text", ["Normal(0, Exponential(1))", "Normal(-0.25, HalfStudentT(3, 1e-07))"])
def test_nested_text_reads_back(text: str) -> None:
    assert str(parse_prior(text)) == text


@pytest.mark.parametrize(("text", "message"), [b for case in CASES.values() for b in case.bad])
def test_impossible_parameters_are_refused(text: str, message: str) -> None:
    with pytest.raises(PriorError) as error:
        parse_prior(text)
    assert str(error.value).startswith(message)


@pytest.mark.parametrize("value", ["1", None, True, float("nan"), 1j])
def test_parameters_that_are_no_numbers_are_refused(value: object) -> None:
    with pytest.raises(PriorError, match=r"^Normal: sd is .*, which is not a finite number"):
        Normal(0, value)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "3",
        "Normal",
        "Normal(0, x)",
        "Normal(0, 1) + 1",
        "__import__('os')()",
        "Normal(*[1])",
        "Normal(**{})",
        "(",
        "\0",
    ],
)
def test_what_is_no_prior_is_not_run(text: str) -> None:
    with pytest.raises(PriorError) as error:
        parse_prior(text)
    assert str(error.value) == (
        f"{text!r} is not a prior.\n  Allowed: {', '.join(PRIORS)}\n"
        "  Try: Normal(0, 1.5) or Normal(0, Exponential(1))"
    )


def test_unknown_names_and_wrong_parameters() -> None:
    with pytest.raises(PriorError) as error:
        parse_prior("Norml(0, 1)")
    assert str(error.value).startswith("There is no prior 'Norml'.")
    assert "Try: 'Normal'" in str(error.value)
    for text in ("Normal(0)", "Normal(0, 1, 2)", "Normal(0, sigma=1)"):
        with pytest.raises(PriorError) as error:
            parse_prior(text)
        assert str(error.value) == f"{text!r} gives Normal the wrong parameters.\n  Allowed: Normal(mean, sd)"


def test_a_flat_prior_is_zero_everywhere_and_has_no_draws() -> None:
    value, slope = block(Flat(), np.array([-3.0, 8.0]))
    assert value == 0.0
    np.testing.assert_array_equal(slope, 0.0)
    np.testing.assert_array_equal(Flat().logpdf(np.array([1.0, 2.0])), 0.0)
    with pytest.raises(PriorError, match=r"^Flat\(\) is improper: it has no draws\.\n  Try: Normal\(0, 10\)"):
        Flat().sample(np.random.default_rng(0))


def test_at_means_stands_for_the_prior_inside() -> None:
    assert unwrapped(AtMeans(Normal(0, 2))) == Normal(0, 2)


def test_a_learnt_sd_is_drawn_once_for_a_sample() -> None:
    rng = np.random.default_rng(0)
    prior = parse_prior("Normal(0, Exponential(1))")
    sds = np.array([prior.sample(rng, 400).std() for _ in range(400)])
    assert stats.kstest(sds, stats.expon.cdf).pvalue > FALSE_ALARM


@pytest.mark.parametrize("d", [2, 3, 5])
@pytest.mark.parametrize("eta", [0.7, 1.0, 4.0])
def test_correlations_have_lkjs_marginals(d: int, eta: float) -> None:
    """Every correlation is 2 Beta(b, b) - 1 with b = eta + d / 2 - 1."""
    rng = np.random.default_rng(d)
    matrices = np.array([LKJ(eta).sample_matrix(rng, d) for _ in range(2000)])
    np.testing.assert_allclose(np.diagonal(matrices, axis1=1, axis2=2), 1.0, atol=1e-12)
    b = eta + d / 2 - 1
    for i, j in zip(*np.tril_indices(d, -1), strict=True):
        assert stats.kstest((matrices[:, i, j] + 1) / 2, stats.beta(b, b).cdf).pvalue > FALSE_ALARM
