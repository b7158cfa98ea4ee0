"""Laws that every registered family keeps, with each of its links."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest
from scipy import special, stats
from tests.families.cases import (
    CASES,
    PAIRS,
    Rows,
    added,
    distribution,
    family_of,
    linear_of,
    log_density,
    rows_of,
)

from partialpool.families.registry import FAMILIES, get_family
from partialpool.kernels.quickfit.expansion import packed

# Means and variances of 20,000 draws against scipy's, |z| < 4.9: a false alarm in a million a comparison, so
# fewer than 1 in 10,000 over this file. Seeds are fixed.
N_DRAWS, Z = 20_000, 4.9

each_pair = pytest.mark.parametrize(("name", "link"), PAIRS, ids=[f"{n}-{k}" for n, k in PAIRS])


def test_every_family_has_a_case() -> None:
    assert set(CASES) == set(FAMILIES)


def setup(name: str, link: str):
    return family_of(name, link), CASES[name]


def pointer(array: np.ndarray):
    return array.ctypes.data_as(
        ctypes.POINTER(ctypes.c_int64 if array.dtype == np.int64 else ctypes.c_double)
    )


def gradient_values(block, stats_: np.ndarray, eta: np.ndarray, x: np.ndarray, slopes: np.ndarray):
    """Run the density's block, which adds (4, n) x times slopes, and the fifth slope, to eta's first row."""
    n, first = eta.shape[1], np.empty_like(eta)
    addresses = np.array([row.ctypes.data for row in x])
    arguments = [pointer(a) for a in (stats_, eta, first, addresses, np.arange(4), slopes)]
    return block.ctypes(n, arguments[0], n, arguments[1], n, *arguments[2:], len(eta)), first


def block_values(family, stats_: np.ndarray, linear: dict[str, np.ndarray]):
    """Run the compiled curvature block: summed log likelihood, first and packed second derivatives."""
    stats_ = np.ascontiguousarray(stats_, float)
    eta = np.ascontiguousarray([linear[p] for p in family.parameters])
    n, pairs = eta.shape[1], len(eta) * (len(eta) + 1) // 2
    first, second = np.empty_like(eta), np.empty((pairs, n))
    gradient, curvature, _ = family.blocks()
    doubles = [pointer(a) for a in (stats_, eta, first, second)]
    value = curvature.ctypes(n, doubles[0], n, doubles[1], n, doubles[2], doubles[3], len(eta))
    same, again = gradient_values(gradient, stats_, eta, np.zeros((4, n)), np.zeros(5))
    assert same == pytest.approx(value, rel=1e-13, abs=1e-13)
    np.testing.assert_allclose(again, first, rtol=1e-12, atol=1e-12)
    return value, first, second


def by_row(family, rows: Rows, linear: dict[str, np.ndarray]):
    """(n,) values, (P, n) derivatives and packed second derivatives, each row its own cell."""
    n = len(rows.values)
    statistics = family.statistics(rows, np.arange(n), n)
    parts = [
        block_values(family, statistics[:, [i]], {p: v[[i]] for p, v in linear.items()}) for i in range(n)
    ]
    return (
        np.array([v for v, _, _ in parts]),
        np.concatenate([f for _, f, _ in parts], axis=1),
        np.concatenate([s for _, _, s in parts], axis=1),
    )


@each_pair
def test_derivatives_agree_with_differences(name: str, link: str) -> None:
    family, case = setup(name, link)
    rows, linear, h = rows_of(case), linear_of(case, len(case.values)), 1e-5
    _, first, second = by_row(family, rows, linear)
    for p, parameter in enumerate(family.parameters):
        up, down = (by_row(family, rows, linear | {parameter: linear[parameter] + s}) for s in (h, -h))
        np.testing.assert_allclose(first[p], (up[0] - down[0]) / (2 * h), rtol=1e-6, atol=1e-8)
        for q in range(p + 1):
            if "mu" not in (parameter, family.parameters[q]) or link not in case.expected_curvature:
                slope = (up[1][q] - down[1][q]) / (2 * h)
                np.testing.assert_allclose(second[packed(p, q)], -slope, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(("name", "link"), [p for p in PAIRS if p[1] in CASES[p[0]].expected_curvature])
def test_the_expected_curvature_is_the_mean_of_the_observed_one(name: str, link: str) -> None:
    """By differences, at outcomes equal to the mean: the observed curvature less the residual part."""
    family, case = setup(name, link)
    linear, h = linear_of(case, 3), 1e-4
    rows = Rows(family.mean(linear))
    _, _, second = by_row(family, rows, linear)
    up, down = (by_row(family, rows, linear | {"mu": linear["mu"] + s})[1] for s in (h, -h))
    for q in range(len(family.parameters)):
        slope = (up[q] - down[q]) / (2 * h)
        np.testing.assert_allclose(second[packed(0, q)], -slope, rtol=1e-6, atol=1e-7)


@each_pair
def test_a_block_is_the_sum_of_its_cells(name: str, link: str) -> None:
    """However loops are unrolled or vectorised, in the middle of a block and at its ragged end."""
    family, case = setup(name, link)
    n = 511
    pick = np.random.default_rng(4).integers(len(case.values), size=n)
    rows = Rows(case.values[pick], None if case.trials is None else case.trials[pick])
    linear = linear_of(case, n, spread=3.0)
    value, first, second = block_values(family, family.statistics(rows, np.arange(n), n), linear)
    values, firsts, seconds = by_row(family, rows, linear)
    assert value == pytest.approx(values.sum(), rel=1e-12)
    np.testing.assert_allclose(first, firsts, rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(second, seconds, rtol=1e-9, atol=1e-11)


@each_pair
@pytest.mark.parametrize("n", [1, 7, 60, 511, 512])
def test_the_densitys_loop_adds_covariates_itself(name: str, link: str, n: int) -> None:
    """The mean's predictor in one loop with the family, against the predictor made before."""
    family, case = setup(name, link)
    rng = np.random.default_rng(5)
    units = family.needs_trials and link in family.unit_cells
    pick = rng.integers(len(case.values), size=n)
    trials = None if case.trials is None else np.ones(n) if units else case.trials[pick]
    rows = Rows(np.minimum(case.values[pick], 1.0) if units else case.values[pick], trials)
    statistics = family.statistics(rows, np.arange(n), n)
    linear, x, slopes = linear_of(case, n), rng.normal(size=(4, n)), np.array([0.2, -0.1, 0.3, 0.1, -0.4])
    eta = np.array([linear[p] for p in family.parameters])
    whole = linear | {family.main: linear[family.main] + slopes[:4] @ x + slopes[4]}
    value, first, _ = block_values(family, statistics, whole)
    for only_unit_cells in (False, bool(np.all(statistics[0] == 1.0))):
        block = family.density_block(only_unit_cells)
        ours, derivatives = gradient_values(block, statistics, eta.copy(), x, slopes)
        assert ours == pytest.approx(value, rel=1e-12)
        np.testing.assert_allclose(derivatives, first, rtol=1e-11, atol=1e-12)


@each_pair
def test_the_cell_is_the_distributions_log_density_up_to_a_constant(name: str, link: str) -> None:
    family, case = setup(name, link)
    rows = rows_of(case)
    ours, theirs = [], []
    for seed in (1, 2):
        linear = linear_of(case, len(case.values), seed)
        ours.append(by_row(family, rows, linear)[0])
        theirs.append(log_density(distribution(family, case, linear, case.trials), case.values))
    np.testing.assert_allclose(ours[1] - ours[0], theirs[1] - theirs[0], rtol=1e-9, atol=1e-9)


@each_pair
def test_log_likelihood_is_the_distributions_log_density(name: str, link: str) -> None:
    family, case = setup(name, link)
    linear = linear_of(case, len(case.values))
    expected = log_density(distribution(family, case, linear, case.trials), case.values)
    np.testing.assert_allclose(family.log_likelihood(rows_of(case), linear), expected, rtol=1e-10, atol=1e-12)
    draws = {p: np.stack([v, v + 0.1]) for p, v in linear.items()}
    assert family.log_likelihood(rows_of(case), draws).shape == (2, len(case.values))


@each_pair
def test_cells_have_the_likelihood_of_their_rows(name: str, link: str) -> None:
    """Collapsed rows against single rows, with weights against repetition: the same differences in eta."""
    family, case = setup(name, link)
    weights = np.array([2.0, 1, 3, 1, 0, 2])
    rows = rows_of(case, weights)
    repeated = rows.repeated()
    cell = np.arange(len(case.values)) if family.keeps_outcome else np.array([1, 0, 0, 1, 2, 1])
    statistics = family.statistics(rows, cell, cell.max() + 1)
    collapsed, single = [], []
    for seed in (1, 2):
        by_cell = linear_of(case, cell.max() + 1, seed)
        collapsed.append(block_values(family, statistics, by_cell)[0])
        row_cell = np.repeat(cell, weights.astype(int))
        single.append(by_row(family, repeated, {p: v[row_cell] for p, v in by_cell.items()})[0].sum())
    assert collapsed[1] - collapsed[0] == pytest.approx(single[1] - single[0], rel=1e-11)
    np.testing.assert_allclose(
        family.statistics(repeated, np.repeat(cell, weights.astype(int)), cell.max() + 1)[:, :2],
        statistics[:, :2],
        rtol=1e-13,
    )


@each_pair
def test_draws_have_the_distributions_mean_and_variance(name: str, link: str) -> None:
    family, case = setup(name, link)
    n = len(case.values)
    linear = linear_of(case, n, spread=0.2)
    frozen = distribution(family, case, linear, case.trials)
    many = {p: np.broadcast_to(v, (N_DRAWS, n)) for p, v in linear.items()}
    draws = family.draw(np.random.default_rng(11), many, added(case.trials))
    assert draws.shape == (N_DRAWS, n)
    with np.errstate(all="ignore"):  # scipy divides by the variance of no trials
        mean, variance, kurtosis = (np.asarray(m, float) for m in frozen.stats("mvk"))
    live = variance > 0  # no trials, no spread
    z = (draws.mean(0) - mean)[live] / np.sqrt(variance / N_DRAWS)[live]
    assert np.max(np.abs(z)) < Z
    spread = variance * np.sqrt((kurtosis + 2) / N_DRAWS)
    assert np.max(np.abs((draws.var(0) - variance)[live] / spread[live])) < Z
    np.testing.assert_array_equal(draws[:, ~live], np.broadcast_to(mean[~live], draws[:, ~live].shape))


@each_pair
def test_the_mean_is_that_of_one_unit(name: str, link: str) -> None:
    family, case = setup(name, link)
    linear = linear_of(case, 6)
    one = None if case.trials is None else np.ones(6)
    np.testing.assert_allclose(
        family.expected(linear), distribution(family, case, linear, one).mean(), rtol=1e-12
    )


@each_pair
@pytest.mark.parametrize("eta", [-700.0, -40.0, 40.0, 700.0])
def test_extreme_predictors_are_finite_or_fail_cleanly(name: str, link: str, eta: float) -> None:
    """Finite at 40; at 700 a log density that is not a number, or -inf, is what makes NUTS turn back."""
    family, case = setup(name, link)
    rows = rows_of(case)
    linear = linear_of(case, len(case.values)) | {family.main: np.full(len(case.values), eta)}
    value, first, second = by_row(family, rows, linear)
    if abs(eta) == 40:
        assert np.all(np.isfinite(value))
        assert np.all(np.isfinite(first))
        assert np.all(np.isfinite(second))
    assert not np.any(value == np.inf)


@each_pair
def test_location_and_scale_are_finite_for_dull_outcomes(name: str, link: str) -> None:
    family, case = setup(name, link)
    positive = (link == "log" and name == "gaussian") or np.min(case.values) > 0
    for constant in (1.0,) if positive else (0.0, 1.0):
        rows = Rows(np.full(4, constant), None if case.trials is None else np.ones(4))
        location, scale = family.location_scale(rows, None)
        assert np.isfinite(location)
        assert scale > 0


@each_pair
def test_the_text_forms_name_each_predictor(name: str, link: str) -> None:
    family, _ = setup(name, link)
    others = {p.partition("[")[0] for p in family.parameters if p not in family.mains}
    assert all(f"{{{p}}}" in family.stan for p in {"mu", *others})
    assert family.mean_symbol in family.equation
    assert get_family(f"{name}({link})") == FAMILIES[name](link=link)


def test_a_negative_binomial_of_huge_shape_is_poisson() -> None:
    case, shape = CASES["negative_binomial"], 1e8
    family, poisson = FAMILIES["negative_binomial"](), FAMILIES["poisson"]()
    linear = {"mu": linear_of(case, 6)["mu"], "shape": np.full(6, np.log(shape))}
    value, first, _ = by_row(family, rows_of(case), linear)
    value = value - special.gammaln(case.values + 1)  # which cells leave out: no parameter changes it
    limit = stats.poisson(np.exp(linear["mu"])).logpmf(case.values)
    np.testing.assert_allclose(value, limit, atol=2e-5)  # it differs by O(y^2 / shape)
    np.testing.assert_allclose(first[0], by_row(poisson, rows_of(case), linear)[1][0], atol=2e-5)
    np.testing.assert_allclose(first[1], 0.0, atol=2e-5)
    ours = family.log_likelihood(rows_of(case), linear)
    np.testing.assert_allclose(ours, value, rtol=1e-12)


@pytest.mark.parametrize("y", [0.0, 3.0, 500.0])
def test_the_two_forms_of_the_negative_binomial_meet_at_a_shape_of_1000(y: float) -> None:
    family, rows = FAMILIES["negative_binomial"](), Rows(np.array([y]))
    below, above = (
        by_row(family, rows, {"mu": np.ones(1), "shape": np.array([np.log(1000.0) + s])})
        for s in (-1e-12, 1e-12)
    )
    np.testing.assert_allclose(below[0], above[0], rtol=1e-9)
    np.testing.assert_allclose(below[1], above[1], rtol=1e-7, atol=1e-9)


def below(family, case, values: np.ndarray, linear: dict[str, np.ndarray]) -> np.ndarray:
    return family.cdf(values, linear, added(case.trials))


@each_pair
def test_differences_of_the_cdf_are_the_density(name: str, link: str) -> None:
    family, case = setup(name, link)
    n = len(case.values)
    linear = linear_of(case, n)
    density = np.exp(family.log_likelihood(rows_of(case), linear))
    h = 1.0 if family.discrete else 1e-5
    up, down = (
        (case.values, case.values - 1) if family.discrete else (case.values + h / 2, case.values - h / 2)
    )
    slope = (below(family, case, up, linear) - below(family, case, down, linear)) / h
    np.testing.assert_allclose(slope, density, rtol=1e-7, atol=1e-10)
    draws = {p: np.stack([v, v + 0.1]) for p, v in linear.items()}
    assert below(family, case, case.values, draws).shape == (2, n)


@each_pair
@pytest.mark.parametrize("centre", [-6.0, 0.0, 6.0])
def test_the_cdf_is_scipys_in_both_tails(name: str, link: str, centre: float) -> None:
    family, case = setup(name, link)
    n = len(case.values)
    linear = linear_of(case, n) | {family.main: np.linspace(centre - 1, centre + 1, n)}
    expected = distribution(family, case, linear, case.trials).cdf(case.values)
    np.testing.assert_allclose(below(family, case, case.values, linear), expected, rtol=2e-10, atol=1e-15)


@each_pair
def test_the_cdf_goes_from_0_to_1(name: str, link: str) -> None:
    family, case = setup(name, link)
    linear = linear_of(case, len(case.values))
    low = np.full(len(case.values), -1.0 if family.discrete else -1e6)
    high = np.full(len(case.values), 1e6) if case.trials is None else case.trials
    assert not below(family, case, low, linear).any()
    np.testing.assert_array_equal(below(family, case, high, linear), 1.0)


@pytest.mark.parametrize("shape", [1e-3, 1e8])
def test_the_negative_binomials_cdf_keeps_its_digits(shape: float) -> None:
    family, values = FAMILIES["negative_binomial"](), np.array([0.0, 1, 4, 30])
    linear = {"mu": np.full(4, 2.0), "shape": np.full(4, np.log(shape))}
    sums = [
        np.exp(family.log_likelihood(Rows(np.arange(v + 1)), {p: e[0] for p, e in linear.items()})).sum()
        for v in values
    ]
    np.testing.assert_allclose(family.cdf(values, linear, {}), sums, rtol=1e-9)


@pytest.mark.parametrize("name", ["poisson", "negative_binomial"])
def test_rates_beyond_what_can_be_drawn_are_cut(name: str) -> None:
    """Wide priors have such rates."""
    linear = {"mu": np.array([50.0, 800.0]), "shape": np.array([1.0, 1.0])}
    draws = FAMILIES[name]().draw(np.random.default_rng(0), linear, {})
    assert np.all(draws > 1e16)
    assert np.all(np.isfinite(draws))
