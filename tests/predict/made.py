"""Fits without a sampler: a formula on a table, draws that are made up, and a slow twin of predictions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from tests.results.fixtures import make_draws

from partialpool.families.registry import get_family
from partialpool.formula.design import build_design
from partialpool.formula.formula import Formula
from partialpool.formula.recipe import Recipe
from partialpool.model.spec import build_spec
from partialpool.priors.base import Prior
from partialpool.results.fitted import Fitted

N = 48
RIGHT = "x + cat + offset(t) + (1 + x | g) + (0 + x || k) + (1 | school/room)"


@dataclass(frozen=True)
class Made:
    """A fit and how new tables become its design; `predict(made.fitted, made.recipe, ...)`."""

    fitted: Fitted
    recipe: Recipe
    table: pd.DataFrame

    def take(self, name: str) -> np.ndarray:
        """(S, ...) draws of a variable."""
        return self.fitted.model.layout[name].take(self.fitted.values)

    def at(self, name: str, label: Any) -> np.ndarray:
        """(S,) draws of the last dimension's value with a label."""
        variable = self.fitted.model.layout[name]
        return self.take(name)[..., variable.coords[variable.dims[-1]].tolist().index(label)]


def make_table(seed: int = 5, n: int = N) -> pd.DataFrame:
    """Rows with numbers, categories, an offset, two crossed factors and rooms inside schools."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "x": rng.integers(0, 4, n) / 2 - 0.5,
            "cat": rng.choice(list("abc"), n),
            "t": np.log(rng.integers(1, 4, n)),
            "m": rng.integers(1, 9, n),
            "g": rng.choice([3, 7, 61], n),
            "k": rng.choice(["u", "v"], n),
            "school": np.arange(n) % 3,
            "room": [f"r{i}" for i in (np.arange(n) // 3) % 2],
        }
    )


def make_fit(
    right: str = RIGHT,
    family: str = "bernoulli",
    others: Mapping[str, str] | None = None,
    priors: Mapping[str, Prior] | None = None,
    table: pd.DataFrame | None = None,
    draws: int = 20,
    scale: float = 0.4,
    fixed: Mapping[str, Any] | None = None,
    covariances: Mapping[str, Any] | None = None,
) -> Made:
    """Fit a formula with draws out of thin air; `fixed` sets variables to the same values in every draw."""
    rows = make_table() if table is None else table
    kind = get_family(family)
    rng = np.random.default_rng(1)
    linear = {p: 0.3 * rng.normal(size=len(rows)) for p in kind.parameters}
    additions = {"trials": rows["m"].to_numpy(float)} if kind.needs_trials else {}
    rows = rows.assign(y=kind.draw(rng, linear, additions))
    left = "y | trials(m)" if kind.needs_trials else "y"
    formula = Formula(f"{left} ~ {right}", **(others or {}))
    design, recipe = build_design(formula, rows, covariances=covariances)
    spec = build_spec(design, kind, priors)
    values = scale * rng.normal(size=(2, draws, spec.layout.n_values))
    for variable in spec.layout.variables:
        part = variable.take(values)
        if variable.role in ("group_sd", "auxiliary"):
            part[...] = np.abs(part) + 0.1
        elif variable.role == "group_corr":
            part[...] = random_correlations(rng, part.shape)
        if variable.name in (fixed or {}):
            part[...] = np.asarray((fixed or {})[variable.name])
        values[..., variable.columns] = part.reshape(2, draws, -1)
    return Made(Fitted(spec, make_draws(values)), recipe, rows)


def random_correlations(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """(..., d, d) correlation matrices."""
    root = rng.normal(size=shape)
    covariance = root @ np.swapaxes(root, -1, -2)
    sd = np.sqrt(np.diagonal(covariance, axis1=-2, axis2=-1))
    return covariance / (sd[..., :, None] * sd[..., None, :])


def slow_population(made: Made, row: pd.Series) -> np.ndarray:
    """(S,) what the population-level terms of `RIGHT` give one row, offset included."""
    cat = {"a": 0.0}.get(row["cat"])
    total = made.take("Intercept") + made.take("x") * row["x"] + row["t"]
    return total + (made.at("cat", row["cat"]) if cat is None else cat)


EFFECTS: dict[str, tuple[str, Callable[[pd.Series], Any], Callable[[pd.Series], float]]] = {
    "1|g": ("g", lambda row: row["g"], lambda _: 1.0),
    "x|g": ("g", lambda row: row["g"], lambda row: row["x"]),
    "x|k": ("k", lambda row: row["k"], lambda row: row["x"]),
    "1|school": ("school", lambda row: row["school"], lambda _: 1.0),
    "1|school:room": ("school:room", lambda row: f"{row['school']}:{row['room']}", lambda _: 1.0),
}


def slow_effect(made: Made, name: str, row: pd.Series) -> np.ndarray:
    """(S,) what one group-level coefficient of `RIGHT` gives one row of a known group."""
    _, label, weight = EFFECTS[name]
    return made.at(name, label(row)) * weight(row)


def slow_linear(made: Made, table: pd.DataFrame, factors: tuple[str, ...] | None = None) -> np.ndarray:
    """(S, n) linear predictors of `RIGHT`, with the effects of these factors (all when None)."""
    columns = []
    for _, row in table.iterrows():
        kept = [n for n, (factor, *_) in EFFECTS.items() if factors is None or factor in factors]
        columns.append(slow_population(made, row) + sum(slow_effect(made, n, row) for n in kept))
    return np.stack(columns, axis=1)


def values_of(tree: Any, name: str = "mean", group: str = "predictions") -> np.ndarray:
    """(S, n) draws of a prediction."""
    found = tree[group][name]
    assert found.dims == ("chain", "draw", "__obs__")
    return found.to_numpy().reshape(-1, found.shape[-1])
