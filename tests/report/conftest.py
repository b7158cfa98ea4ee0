"""A tiny comparison made of real records, so that pages are tested without sampling."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from partialpool.formula.records import Design, Grouping, GroupTerm, Outcome, Population, Predictor, Term
from partialpool.inference.draws import Draws
from partialpool.model.layout import Layout, Variable
from partialpool.results.diagnostics import diagnose
from partialpool.results.summaries import summary
from partialpool.results.tree import posterior_dataset, to_datatree

LABELS = np.array(["north", "south", "west"])
SIZES = np.array([2, 3, 7])
POOLINGS = ("no_pooling", "partial_pooling", "complete_pooling")


def make_layout() -> Layout:
    effects = Variable("1|g", "group_effect", 0, ("g__factor_dim",), {"g__factor_dim": LABELS})
    return Layout((effects, Variable("Intercept", "population", 3), Variable("1|g_sigma", "group_sd", 4)))


def make_design() -> Design:
    n = int(SIZES.sum())
    ones = np.ones((n, 1))
    population = Population(ones, ("Intercept",), (Term("Intercept", slice(0, 1), None),))
    grouping = Grouping("g", LABELS, np.repeat(np.arange(3), SIZES), ("g",))
    term = GroupTerm((Term("1", slice(0, 1), None),), ("1",), ones, grouping, correlated=False)
    outcome = Outcome("y", np.arange(n) % 2.0, None, None)
    return Design(outcome, {"mu": Predictor("mu", population, (term,), None)}, n_rows=n)


def make_draws(n_draws: int = 200, *, interrupted: bool = False) -> Draws:
    rng = np.random.default_rng(19)
    values = rng.normal(size=(4, n_draws, 5))
    values[..., 4] = np.exp(values[..., 4])
    stats = {"diverging": np.zeros((4, n_draws), dtype=bool), "energy": rng.normal(size=(4, n_draws))}
    return Draws(values, stats, "nuts", 19, 400, 0.25, ("ran",), interrupted, 200)


@dataclass(frozen=True)
class FakeModel:
    layout: Layout = field(default_factory=make_layout)
    design: Design = field(default_factory=make_design)

    def equations(self) -> str:
        return "y_i ~ Bernoulli(p_i)\nlogit(p_i) = alpha_g[i]"

    def to_stan(self) -> SimpleNamespace:
        return SimpleNamespace(code="model {}", data={"N": np.int64(12), "y": np.array([0, 1])})


@dataclass(frozen=True)
class FakeFit:
    model: FakeModel = field(default_factory=FakeModel)
    draws: Draws = field(default_factory=make_draws)

    def summary(self, prob: float = 0.89) -> pd.DataFrame:
        return summary(posterior_dataset(self.draws, self.model.layout), prob)

    def diagnose(self):
        return diagnose(self.draws, posterior_dataset(self.draws, self.model.layout), self.model.layout)

    def to_datatree(self):
        return to_datatree(self.draws, self.model.layout, self.model.design)


@dataclass(frozen=True)
class FakePools:
    no_pooling: FakeFit = field(default_factory=FakeFit)
    partial_pooling: FakeFit = field(default_factory=FakeFit)
    complete_pooling: FakeFit = field(default_factory=FakeFit)
    prob: float = 0.89

    def table(self) -> pd.DataFrame:
        table = pd.DataFrame({"group": LABELS, "position": range(3), "n": SIZES, "raw": [0.5, 1 / 3, 3 / 7]})
        for pooling in POOLINGS:
            for name, value in {"mean": 0.5, "sd": 0.05, "lower": 0.42, "upper": 0.58}.items():
                table[f"{pooling}_{name}"] = table[f"{pooling}_{name}_outcome"] = value
        return table.assign(pooling_factor=[0.9, 0.8, 0.4])

    def explain(self, n: int = 5) -> str:
        return f"Pooling moved most groups.\n\n1. g = north moved most ({n} asked for)."

    def plot_forest(self) -> Figure:
        return Figure(figsize=(1, 1))

    plot_forests = plot_sd = plot_predictions = plot_shrinkage = plot_forest


@pytest.fixture
def fit() -> FakeFit:
    return FakeFit()


@pytest.fixture
def interrupted_fit(fit: FakeFit) -> FakeFit:
    return replace(fit, draws=make_draws(150, interrupted=True))


@pytest.fixture
def pools() -> FakePools:
    return FakePools()
