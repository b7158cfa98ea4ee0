"""Comparisons made of real records, of any number of groups, so that pages are tested without sampling."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from types import SimpleNamespace

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from partialpool.families.base import Family
from partialpool.families.bernoulli import Bernoulli
from partialpool.formula.formula import Formula
from partialpool.formula.group_records import Grouping
from partialpool.formula.records import Design, GroupTerm, Outcome, Population, Predictor, Term
from partialpool.inference.draws import Draws
from partialpool.model.layout import Layout
from partialpool.model.spec import ModelSpec, build_spec
from partialpool.plots.plot import Plot
from partialpool.pooling.explain import explain
from partialpool.pooling.population import Estimate, PopulationLine
from partialpool.priors.base import Prior
from partialpool.priors.gamma import Exponential
from partialpool.priors.normal import Normal
from partialpool.results.diagnostics import diagnose
from partialpool.results.fitted import Fitted
from partialpool.results.group_effects import group_table
from partialpool.results.summaries import summary
from partialpool.results.tree import posterior_dataset, to_datatree
from partialpool.storage.files import write_tree

LABELS = ("north", "south", "west")
SIZES = (2, 3, 7)
ODD_LABELS = ('<b onmouseover="alert(1)">&"</b></script>', "Δhaka 🙂", "中文", "الشمال", "$x$ `y`")
SCALES = {"": 1.0, "_outcome": 0.06}


def make_design(labels: tuple[str, ...] = LABELS, sizes: tuple[int, ...] = SIZES) -> Design:
    n = sum(sizes)
    ones = np.ones((n, 1))
    population = Population(ones, ("Intercept",), (Term("Intercept", slice(0, 1), None),))
    grouping = Grouping("g", np.array(labels), np.repeat(np.arange(len(sizes)), sizes), ("g",))
    term = GroupTerm((Term("1", slice(0, 1), None),), ("1",), ones, grouping, correlated=False)
    outcome = Outcome("y", np.arange(n) % 2.0, {}, None)
    return Design(outcome, {"mu": Predictor("mu", population, (term,), None)}, n_rows=n)


def make_spec(labels: tuple[str, ...], sizes: tuple[int, ...]) -> ModelSpec:
    priors = {"Intercept": Normal(0, 1.5), "1|g": Normal(0, Exponential(1))}
    return build_spec(make_design(labels, sizes), Bernoulli(), priors)


def without_rows(design: Design) -> Design:
    """Cut a design's rows off, as in a fit that was kept without them."""
    mu = design.predictors["mu"]
    (term,) = mu.groups
    grouping = replace(term.grouping, index=term.grouping.index[:0])
    term = replace(term, matrix=term.matrix[:0], grouping=grouping)
    population = replace(mu.population, matrix=mu.population.matrix[:0])
    predictor = replace(mu, population=population, groups=(term,))
    outcome = replace(design.outcome, values=design.outcome.values[:0])
    return replace(design, outcome=outcome, predictors={"mu": predictor}, n_rows=0)


def make_draws(n_draws: int = 200, *, n_groups: int = 3, interrupted: bool = False) -> Draws:
    rng = np.random.default_rng(19)
    values = rng.normal(size=(4, n_draws, n_groups + 2))
    values[..., 1] = np.exp(values[..., 1])  # 1|g_sigma
    stats = {"diverging": np.zeros((4, n_draws), dtype=bool), "energy": rng.normal(size=(4, n_draws))}
    return Draws(values, stats, "nuts", 19, 400, 0.25, ("ran",), interrupted, 200)


@dataclass(frozen=True)
class FakeModel:
    spec: ModelSpec = field(default_factory=lambda: make_spec(LABELS, SIZES))
    formula: Formula = field(default_factory=lambda: Formula("y ~ 1 + (1 | g)"))

    @property
    def design(self) -> Design:
        return self.spec.design

    @property
    def family(self) -> Family:
        return self.spec.family

    @property
    def priors(self) -> Mapping[str, Prior]:
        return self.spec.priors

    @property
    def layout(self) -> Layout:
        return self.spec.layout

    @property
    def size(self) -> str:
        return f"{self.design.n_rows:,} rows in 3 cells"

    def equations(self) -> str:
        return "y_i ~ Bernoulli(p_i)\nlogit(p_i) = alpha_g[i]"

    def to_stan(self) -> SimpleNamespace:
        return SimpleNamespace(code="model {}", data={"N": np.int64(12), "y": np.array([0, 1])})


@dataclass(frozen=True)
class FakeFit:
    model: FakeModel = field(default_factory=FakeModel)
    draws: Draws = field(default_factory=make_draws)

    @property
    def fitted(self) -> Fitted:
        return Fitted(self.model.spec, self.draws)

    def summary(self, prob: float = 0.89) -> pd.DataFrame:
        return summary(posterior_dataset(self.draws, self.model.layout), prob)

    def group_coefficients(self, prob: float = 0.89, parameter: str = "mu") -> pd.DataFrame:
        return group_table(self.fitted, parameter, totals=True, prob=prob)

    def diagnose(self):
        return diagnose(self.fitted, posterior_dataset(self.draws, self.model.layout))

    def save(self, path):
        return write_tree(path, to_datatree(self.draws, self.model.layout, self.model.design))


@cache
def make_fit(labels: tuple[str, ...] = LABELS, sizes: tuple[int, ...] = SIZES) -> FakeFit:
    model = FakeModel(make_spec(labels, sizes))
    return FakeFit(model, make_draws(200 if len(labels) < 100 else 40, n_groups=len(labels)))


def make_table(labels: tuple[str, ...], sizes: tuple[int, ...]) -> pd.DataFrame:
    """Invent a pooling table in which partial pooling halves every distance from zero."""
    rng = np.random.default_rng(3)
    alone = rng.normal(size=len(labels))
    means = {"no_pooling": alone, "partial_pooling": alone / 2, "complete_pooling": np.zeros(len(labels))}
    columns = {"group": list(labels), "position": range(len(labels)), "n": list(sizes)}
    columns["raw"] = 0.5 + 0.06 * alone
    for pooling, mean in means.items():
        for suffix, factor in SCALES.items():
            at = mean if not suffix else 0.5 + factor * mean
            figures = {"mean": at, "sd": factor * 0.1, "lower": at - factor * 0.3, "upper": at + factor * 0.2}
            columns |= {f"{pooling}_{figure}{suffix}": value for figure, value in figures.items()}
    return pd.DataFrame(columns).assign(pooling_factor=1 / (1 + np.array(sizes)))


@dataclass(frozen=True)
class FakePools:
    labels: tuple[str, ...] = LABELS
    sizes: tuple[int, ...] = SIZES
    prob: float = 0.89
    group: str = "g"

    @property
    def partial_pooling(self) -> FakeFit:
        return make_fit(self.labels, self.sizes)

    no_pooling = complete_pooling = partial_pooling

    def table(self, _coefficient: str = "1") -> pd.DataFrame:
        return make_table(self.labels, self.sizes)

    def population(self, _coefficient: str = "1") -> PopulationLine:
        on_link, on_outcome = Estimate(0.0, 0.1, -0.2, 0.2), Estimate(0.5, 0.02, 0.46, 0.54)
        spread = Estimate(0.5, 0.1, 0.3, 0.7)
        return PopulationLine("g", "1", "y", "probability", "logit", 0.89, on_link, on_outcome, spread, 0.5)

    def explain(self, n: int = 5, _coefficient: str = "1"):
        return explain(self.table(), self.population(), n)

    def plot_forest(self, _coefficient: str = "1") -> Plot:
        return Plot(Figure(figsize=(1, 1)), pd.DataFrame())

    plot_forests = plot_sd = plot_predictions = plot_shrinkage = plot_forest


def make_pools(n_groups: int) -> FakePools:
    """Invent groups of which some share a size and some have long names."""
    rng = np.random.default_rng(n_groups)
    labels = tuple(f"district of {'Upper ' * (i % 3)}{i}" for i in range(n_groups))
    return FakePools(labels, tuple(int(n) for n in rng.integers(1, 60, n_groups)))
