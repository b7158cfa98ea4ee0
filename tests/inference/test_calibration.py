"""Simulation-based calibration (Talts et al. 2018): of every family and every structure of group-level terms.

Parameters are drawn from their priors and data from the parameters; the rank of each true value among the
draws of its posterior is then uniform. Ranks of 100 replications in 5 bins are compared with a uniform by
chi-square; a p-value below 1e-4 / (number of quantities of a case) fails, so with other seeds a correct
program raises a false alarm in about one case of 10,000. Seeds are fixed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from tests.inference.models import model

from partialpool.families.registry import FAMILIES
from partialpool.formula.formula import Formula
from partialpool.inference.nuts.sample import sample
from partialpool.inference.options import NutsOptions
from partialpool.inference.prior import sample_prior
from partialpool.model.anchors import anchors_of
from partialpool.model.cells import build_cells
from partialpool.model.spec import ModelSpec
from partialpool.priors.base import Prior
from partialpool.priors.gamma import Exponential, Gamma
from partialpool.priors.lkj import LKJ
from partialpool.priors.normal import HalfNormal, Normal
from partialpool.priors.student_t import StudentT

REPLICATIONS, BINS, FALSE_ALARM = 100, 5, 1e-4
OPTIONS = NutsOptions(draws=200, chains=2, warmup=200, cores=2)
THIN = 4  # of 400 draws 100 are ranked, nearly independent
N = 24

rng = np.random.default_rng(0)
TABLE = pd.DataFrame(
    {
        "x": rng.normal(size=N),
        "g": np.tile(np.arange(6), N // 6),
        "h": rng.permutation(np.repeat(np.arange(4), N // 4)),
        "n": rng.integers(1, 6, N),
        "y": np.tile([0.0, 1.0], N // 2),
    }
)
SCALE = Normal(0, HalfNormal(0.7))
# Groups on a line, with variances of their own.
LINE = np.exp(-np.abs(np.subtract.outer(range(6), range(6))) / 2) * np.outer(*[1 + np.arange(6) / 10] * 2)
COVARIANCES = {"A": pd.DataFrame(LINE, range(6), range(6))}


@dataclass(frozen=True)
class Case:
    family: str
    formula: str | Formula
    priors: Mapping[str, Prior]


POPULATION = {"Intercept": Normal(0, 1), "x": Normal(0, 0.7)}
CASES = {
    "bernoulli": Case("bernoulli", "y ~ x + (1 | g)", {**POPULATION, "1|g": SCALE}),
    "bernoulli, probit": Case("bernoulli(probit)", "y ~ x + (1 | g)", {**POPULATION, "1|g": SCALE}),
    "binomial, cloglog": Case(
        "binomial(cloglog)", "y | trials(n) ~ x + (1 | g)", {**POPULATION, "1|g": SCALE}
    ),
    "binomial, correlated": Case(
        "binomial",
        "y | trials(n) ~ x + (x | g)",
        {**POPULATION, "1|g": SCALE, "x|g": SCALE, "g_corr": LKJ(2)},
    ),
    "poisson, independent": Case("poisson", "y ~ x + (x || g)", {**POPULATION, "1|g": SCALE, "x|g": SCALE}),
    "poisson, crossed": Case(
        "poisson", "y ~ x + (1 | g) + (1 | h)", {**POPULATION, "1|g": SCALE, "1|h": SCALE}
    ),
    "gaussian, nested": Case(
        "gaussian", "y ~ x + (1 | h/g)", {**POPULATION, "sigma": Gamma(4, 4), "1|h": SCALE, "1|h:g": SCALE}
    ),
    "gaussian, several groups a row": Case(
        "gaussian",
        "y ~ x + (1 | mm(g, h, weights=cbind(n, 2)))",
        {**POPULATION, "sigma": Gamma(4, 4), "1|mm(g, h)": SCALE},
    ),
    "gaussian, effects shared by predictors": Case(
        "gaussian",
        Formula("y ~ x + (1 | p | g)", sigma="~ (1 | p | g)"),
        {
            **POPULATION,
            "1|g": SCALE,
            "sigma_Intercept": Normal(0, 0.5),
            "sigma_1|g": Normal(0, HalfNormal(0.3)),
            "p|g_corr": LKJ(2),
        },
    ),
    "poisson, known covariance": Case(
        "poisson", "y ~ x + (1 | gr(g, cov=A)) + (1 | h)", {**POPULATION, "1|g": SCALE, "1|h": SCALE}
    ),
    "gaussian, known covariance and correlated": Case(
        "gaussian",
        "y ~ x + (x | gr(g, cov=A))",
        {**POPULATION, "sigma": Gamma(4, 4), "1|g": SCALE, "x|g": SCALE, "g_corr": LKJ(2)},
    ),
    "gaussian, sigma's own formula": Case(
        "gaussian",
        Formula("y ~ x + (1 | g)", sigma="~ x + (1 | h)"),
        {
            **POPULATION,
            "1|g": SCALE,
            "sigma_Intercept": Normal(0, 0.5),
            "sigma_x": Normal(0, 0.3),
            "sigma_1|h": Normal(0, HalfNormal(0.3)),
        },
    ),
    "gaussian, log": Case(
        "gaussian(log)",
        "y ~ x + (1 | g)",
        {
            "Intercept": Normal(2, 0.3),
            "x": Normal(0, 0.3),
            "sigma": Gamma(4, 4),
            "1|g": Normal(0, HalfNormal(0.4)),
        },
    ),
    "negative binomial": Case(
        "negative_binomial", "y ~ x + (1 | g)", {**POPULATION, "shape": Gamma(3, 1), "1|g": SCALE}
    ),
    "gamma": Case("gamma", "y ~ x + (1 | g)", {**POPULATION, "shape": Gamma(3, 1), "1|g": SCALE}),
    "cumulative": Case("cumulative", "y ~ x + (1 | g)", {"x": Normal(0, 0.7), "1|g": SCALE}),
    "cumulative, probit, thresholds of their own": Case(
        "cumulative(probit)",
        "y ~ x + (x | g)",
        {
            "x": Normal(0, 0.7),
            "threshold": Normal(0, 1),
            "threshold[1]": Normal(-1, 0.5),
            "1|g": SCALE,
            "x|g": SCALE,
            "g_corr": LKJ(2),
        },
    ),
    "categorical": Case(
        "categorical",
        "y ~ x + (1 | g)",
        {
            **{f"mu_{k}_{name}": prior for k in (1, 2, 3) for name, prior in POPULATION.items()},
            **{f"mu_{k}_1|g": SCALE for k in (1, 2, 3)},
        },
    ),
    "categorical, effects shared by categories": Case(
        "categorical",
        "y ~ 1 + (1 | p | g)",
        {
            **{f"mu_{k}_Intercept": Normal(0, 1) for k in (1, 2, 3)},
            **{f"mu_{k}_1|g": SCALE for k in (1, 2, 3)},
            "p|g_corr": LKJ(2),
        },
    ),
    "slope without intercept": Case(
        "poisson", "y ~ 0 + x + (0 + x | g)", {"x": Normal(0, 0.7), "x|g": SCALE}
    ),
    "no group-level term": Case("gaussian", "y ~ x", {**POPULATION, "sigma": Exponential(1)}),
    "given sd and another prior": Case(
        "bernoulli", "y ~ x + (x || g)", {**POPULATION, "1|g": Normal(0, 0.8), "x|g": StudentT(4, 0, 0.5)}
    ),
}


def template(case: Case) -> ModelSpec:
    # Outcomes of these values are drawn later: gamma's are never zero, and categories are those of a table.
    y, name = TABLE["y"], case.family.partition("(")[0]
    y = {"gamma": y + 1, **dict.fromkeys(("cumulative", "categorical"), np.arange(N) % 4)}.get(name, y)
    known = COVARIANCES if "cov=A" in str(case.formula) else {}
    return model(case.formula, TABLE.assign(y=y), case.family, case.priors, known)


def linear_predictors(spec: ModelSpec, values: np.ndarray) -> dict[str, np.ndarray]:
    linear = {}
    for number, part in enumerate(spec.parameters.predictors):
        if part.predictor is None:
            (coefficient,) = part.coefficients
            value = values[coefficient.value]
            linear[part.parameter] = np.full(N, coefficient.scale.free(value))
            continue
        eta = part.predictor.population.matrix @ [values[c.value] for c in part.coefficients]
        for block in spec.parameters.effects:
            for slot in block.slots:
                if slot.predictor == number:
                    first = block.coefficients[slot.coordinate].value
                    eta = eta + slot.column * values[first + slot.index]
        linear[part.parameter] = spec.design.by_row(eta)
    return linear


def with_outcome(spec: ModelSpec, values: np.ndarray, rng: np.random.Generator) -> ModelSpec:
    """The model of data drawn from parameters, priors unchanged."""
    outcome = spec.design.outcome
    drawn = spec.family.draw(rng, linear_predictors(spec, values), outcome.additions)
    design = replace(spec.design, outcome=replace(outcome, values=drawn))
    origin = replace(anchors_of(design, spec.family), means=spec.anchors.means)
    cells = build_cells(design, spec.family, spec.parameters)
    return replace(spec, design=design, cells=cells, origin=origin)


def quantities(spec: ModelSpec) -> list[int]:
    """Positions to rank: coefficients, sds, the first correlation and the first group's effects."""
    found = [c.value for c in spec.parameters.coefficients]
    for block in spec.parameters.effects:
        found += [c.sd_value for c in block.coefficients if c.sd_value >= 0]
        found += [c.value for c in block.coefficients]
        found += [block.corr_value + 1] if block.corr_value >= 0 else []
    return found


def test_every_family_is_calibrated() -> None:
    assert {case.family.partition("(")[0] for case in CASES.values()} == set(FAMILIES)


@pytest.mark.parametrize("name", CASES)
def test_ranks_are_uniform(name: str) -> None:
    seed = list(CASES).index(name)
    rng = np.random.default_rng([seed, 1])  # apart from the numbers that the parameters are drawn with
    spec = template(CASES[name])
    ranked = quantities(spec)
    ranks = np.empty((REPLICATIONS, len(ranked) + 1))
    truths = sample_prior(spec, REPLICATIONS, seed=seed).values[0]
    for r, truth in enumerate(truths):
        simulated = with_outcome(spec, truth, rng)
        # Smaller steps from the start: a second run now and then would only cost time.
        draws = sample(simulated, replace(OPTIONS, seed=r, target_accept=0.9)).values
        flat = draws[:, ::THIN].reshape(-1, draws.shape[-1])
        ranks[r, :-1] = np.mean(flat[:, ranked] < truth[ranked], axis=0)
        likelihoods = np.array([log_likelihood(simulated, v) for v in flat])
        ranks[r, -1] = np.mean(likelihoods < log_likelihood(simulated, truth))
    smallest = FALSE_ALARM / ranks.shape[1]
    jitter = rng.uniform(0, 1e-2, ranks.shape)  # spreads 101 possible ranks over the bins evenly
    for column in (ranks * 100 / 101 + jitter * 100 / 101).T:
        counts, _ = np.histogram(column, BINS, (0.0, 1.0))
        assert stats.chisquare(counts).pvalue > smallest, counts


def log_likelihood(spec: ModelSpec, values: np.ndarray) -> float:
    """A quantity of all parameters and the data, which catches a posterior that ignores the data."""
    return float(np.sum(spec.family.log_likelihood(spec.design.outcome, linear_predictors(spec, values))))


def test_a_wrong_posterior_is_caught() -> None:
    """The test has power: data drawn with twice the slope fail it."""
    rng = np.random.default_rng([1, 1])
    spec = template(CASES["no group-level term"])
    position = spec.layout["x"].start
    ranks = []
    truths = sample_prior(spec, REPLICATIONS, seed=1).values[0]
    for r, truth in enumerate(truths):
        doubled = truth.copy()
        doubled[position] *= 2
        draws = sample(with_outcome(spec, doubled, rng), replace(OPTIONS, seed=r)).values
        ranks.append(np.mean(draws[..., position] < truth[position]))
    counts, _ = np.histogram(ranks, BINS, (0.0, 1.0))
    assert stats.chisquare(counts).pvalue < FALSE_ALARM
