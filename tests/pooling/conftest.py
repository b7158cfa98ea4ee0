"""Synthetic fits of the three poolings, with draws from normal approximations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest

from partialpool.families.base import Family
from partialpool.families.bernoulli import Bernoulli
from partialpool.formula.group_records import Grouping
from partialpool.formula.records import Design, GroupTerm, Outcome, Population, Predictor, Term
from partialpool.inference.draws import Draws
from partialpool.model.layout import Layout
from partialpool.model.parameters import Parameters, build_parameters
from partialpool.model.priors import resolve_priors
from partialpool.priors.base import Prior
from partialpool.priors.normal import HalfNormal, Normal
from partialpool.results.fitted import Fitted

INTERCEPT = (Term("Intercept", slice(0, 1), None),)
BANGLADESH_SIZES = [117, 20, 2, 30, 39, 65, 18, 37, 23, 13, 21, 29, 24, 118, 22, 20, 24, 47, 26, 15, 18, 20,
                    15, 14, 67, 13, 44, 49, 32, 61, 33, 24, 14, 35, 48, 17, 13, 14, 26, 41, 26, 11, 45, 27,
                    39, 86, 15, 42, 4, 19, 37, 61, 19, 6, 45, 27, 33, 10, 32, 42]  # fmt: skip


class Fits(NamedTuple):
    no: Fitted
    partial: Fitted
    complete: Fitted


class TwoPredictors(Family):
    """A family whose second predictor enters the mean."""

    name = "two"
    parameters = ("mu", "scale")
    cells = {"log": lambda *_: 0.0}  # noqa: RUF012

    def location_scale(self, *_: Any) -> tuple[float, float]:
        return 0.0, 1.0

    def auxiliary_prior(self, *_: Any) -> Prior:
        return HalfNormal(1.0)

    def mean(self, linear: Mapping[str, np.ndarray]) -> np.ndarray:
        return np.exp(linear["mu"] + 0.1 * linear["scale"])


@dataclass(frozen=True)
class FakeModel:
    design: Design
    family: Family
    parameters: Parameters
    priors: dict[str, Any]

    @property
    def layout(self) -> Layout:
        return self.parameters.layout


def expit(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def population(matrix: np.ndarray, names: tuple[str, ...]) -> Population:
    terms = tuple(Term(name, slice(i, i + 1), None) for i, name in enumerate(names))
    return Population(matrix, names, terms)


def varying(
    grouping: Grouping, matrix: np.ndarray, names: tuple[str, ...], correlated: bool = False
) -> GroupTerm:
    terms = tuple(Term(name, slice(i, i + 1), None) for i, name in enumerate(names))
    return GroupTerm(terms, names, matrix, grouping, correlated)


def make_fit(
    design: Design, family: Family, filled: dict[str, np.ndarray], priors: dict[str, Prior] | None = None
) -> Fitted:
    """Fill a layout with given draws, each (S,) or (S, J), as 4 chains."""
    resolved = resolve_priors(design, family, priors)
    parameters = build_parameters(design, family, resolved)
    layout = parameters.layout
    size = len(next(iter(filled.values())))
    values = np.empty((size, layout.n_values))
    for variable in layout.variables:
        variable.take(values)[...] = filled[variable.name]
    draws = Draws(values.reshape(4, size // 4, -1), {}, "nuts", 1, 400, 0.1, ("one run",), False, size // 4)
    return Fitted(FakeModel(design, family, parameters, resolved), draws)  # type: ignore[arg-type]


def binomial_posterior(
    successes: np.ndarray, trials: np.ndarray, centre: np.ndarray, sd: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Draw each group's log-odds from the normal approximation at its mode, given (S, 1) centre and sd."""
    alpha = np.broadcast_to(centre, (len(centre), len(trials))).copy()
    for _ in range(30):
        p = expit(alpha)
        curvature = trials * p * (1 - p) + 1 / sd**2
        alpha += np.clip((successes - trials * p - (alpha - centre) / sd**2) / curvature, -1, 1)
    return alpha + rng.normal(size=alpha.shape) / np.sqrt(curvature)


def binomial_fits(n: np.ndarray, successes: np.ndarray, seed: int = 19, draws: int = 4000) -> Fits:
    """Three poolings of a yes/no outcome, given each group's rows and successes."""
    rng = np.random.default_rng(seed)
    index = np.repeat(np.arange(len(n)), n)
    values = np.concatenate([np.arange(size) < k for size, k in zip(n, successes, strict=True)]).astype(float)
    labels = np.array([j for j in range(1, len(n) + 2) if j != 54][: len(n)])
    grouping = Grouping("district", labels, index, ("district",))
    outcome = Outcome("use", values, {}, None)
    ones = np.ones((len(index), 1))
    with_line = population(ones, ("Intercept",))
    group = varying(grouping, ones, ("1",))

    def design(line: Population, groups: tuple[GroupTerm, ...]) -> Design:
        return Design(outcome, {"mu": Predictor("mu", line, groups, None)}, len(index))

    mu = rng.normal(-0.54, 0.088, (draws, 1))
    sd = rng.lognormal(np.log(0.52), 0.15, (draws, 1))
    partial = binomial_posterior(successes, n, mu, sd, rng) - mu
    alone = binomial_posterior(successes, n, np.zeros((draws, 1)), np.full((draws, 1), 1.5), rng)
    pooled = np.log(values.mean() / (1 - values.mean())) + rng.normal(0, 0.047, draws)
    return Fits(
        make_fit(
            design(population(ones[:, :0], ()), (group,)),
            Bernoulli(),
            {"1|district": alone},
            {"1|district": Normal(0, 1.5)},
        ),
        make_fit(
            design(with_line, (group,)),
            Bernoulli(),
            {"Intercept": mu[:, 0], "1|district": partial, "1|district_sigma": sd[:, 0]},
        ),
        make_fit(design(with_line, ()), Bernoulli(), {"Intercept": pooled}),
    )


@pytest.fixture(scope="session")
def bangladesh() -> Fits:
    """60 districts, 54 absent, of 2 to 118 rows; all succeed in the third and none in the eleventh."""
    n = np.asarray(BANGLADESH_SIZES)
    rng = np.random.default_rng(19)
    successes = rng.binomial(n, expit(rng.normal(-0.54, 0.5, len(n))))
    successes[2], successes[10] = n[2], 0
    return binomial_fits(n, successes)


@pytest.fixture(scope="session")
def equal_proportions() -> Fits:
    """Six groups of 2 to 400 rows, half of them successes in each."""
    n = np.array([2, 6, 20, 60, 150, 400])
    return binomial_fits(n, n // 2)


def two_predictor_design(seed: int = 3) -> tuple[Design, np.ndarray]:
    """12 rows with an offset, weights and trials of none, and a second predictor with its own groups."""
    rng = np.random.default_rng(seed)
    index = np.array([2, 0, 1, 1, 0, 2, 2, 0, 1, 1, 0, 2])
    x = np.round(rng.normal(size=12), 1)
    ones = np.ones(12)
    grouping = Grouping("g", np.array(["a", "b", "c"]), index, ("g",))
    mu = Predictor(
        "mu",
        population(np.column_stack([ones, x]), ("Intercept", "x")),
        (varying(grouping, np.column_stack([ones, x]), ("1", "x"), correlated=True),),
        offset=rng.normal(size=12),
    )
    scale = Predictor(
        "scale",
        population(ones[:, None], ("Intercept",)),
        (varying(grouping, ones[:, None], ("1",)),),
        offset=None,
    )
    outcome = Outcome("y", rng.poisson(3, 12).astype(float), {}, rng.integers(1, 4, 12).astype(float))
    return Design(outcome, {"mu": mu, "scale": scale}, 12), index


@pytest.fixture(scope="session")
def two_predictors() -> Fitted:
    """A correlated intercept and slope in the mean, a varying intercept in a second predictor."""
    design, _ = two_predictor_design()
    rng = np.random.default_rng(4)
    filled = {"Intercept": (), "x": (), "1|g": (3,), "x|g": (3,), "1|g_sigma": (), "x|g_sigma": ()}
    filled |= {"g_corr": (2, 2), "scale_Intercept": (), "scale_1|g": (3,), "scale_1|g_sigma": ()}
    draws = {name: rng.normal(0, 0.4, (40, *shape)) for name, shape in filled.items()}
    return make_fit(design, TwoPredictors(), {k: np.abs(v) if "sigma" in k else v for k, v in draws.items()})
