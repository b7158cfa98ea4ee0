"""A made-up fit with every structure of terms: design, layout and draws, without a sampler."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from partialpool.families.gaussian import Gaussian
from partialpool.formula.group_records import Grouping
from partialpool.formula.records import Design, GroupTerm, Outcome, Population, Predictor, Term
from partialpool.inference.draws import Draws
from partialpool.model.layout import Layout
from partialpool.model.parameters import Parameters
from partialpool.model.spec import build_spec
from partialpool.results.fitted import Fitted

N_ROWS = 40


class Invented(Gaussian):
    """A family of three parameters, of which nothing is computed."""

    name = "invented"
    parameters = ("mu", "sigma", "shape")
    additions = ("trials",)


@dataclass(frozen=True)
class Case:
    fitted: Fitted

    @property
    def design(self) -> Design:
        return self.fitted.model.design

    @property
    def parameters(self) -> Parameters:
        return self.fitted.model.parameters

    @property
    def layout(self) -> Layout:
        return self.parameters.layout

    @property
    def draws(self) -> Draws:
        return self.fitted.draws

    def drawn(self, draws: Draws) -> Fitted:
        return replace(self.fitted, draws=draws)


def make_case(n_chains: int = 4, n_draws: int = 250, seed: int = 1) -> Case:
    """Make ``y ~ 1 + x + cat + (1 + cat | district) + (x || school) + (0 + x | school:room)`` and more.

    The scale has its own formula, ``sigma ~ 1 + x + (1 | district)``, and ``shape`` has none. All draws are
    independent normal, apart from the diagonal of the correlation matrix.
    """
    rng = np.random.default_rng(seed)
    spec = build_spec(make_design(rng), Invented())
    layout = spec.layout
    values = rng.normal(size=(n_chains, n_draws, layout.n_values))
    for variable in layout.roles("group_corr"):
        variable.take(values)[:] = np.eye(variable.shape[0])
        variable.take(values)[..., 0, 1] = variable.take(values)[..., 1, 0] = rng.uniform(
            size=(n_chains, n_draws)
        )
    return Case(Fitted(spec, make_draws(values)))


def make_draws(values: np.ndarray, **changes: Any) -> Draws:
    """Wrap values as draws of a run in which nothing went wrong."""
    shape = values.shape[:2]
    stats = {
        "diverging": np.zeros(shape, dtype=bool),
        "reached_max_treedepth": np.zeros(shape, dtype=bool),
        "energy": np.random.default_rng(0).normal(size=shape),
    }
    fields: dict[str, Any] = {
        "values": values,
        "stats": stats,
        "method": "nuts",
        "seed": 19,
        "warmup": 400,
        "seconds": 0.1,
        "attempts": ("Target acceptance 0.8: no divergence.",),
        "interrupted": False,
        "asked": shape[1],
    }
    return Draws(**(fields | changes))


def make_design(rng: np.random.Generator) -> Design:
    x = rng.normal(size=N_ROWS)
    cat = rng.integers(3, size=N_ROWS)
    dummies = np.stack([cat == 1, cat == 2], axis=1).astype(float)
    ones = np.ones(N_ROWS)
    district = Grouping("district", np.array([3, 7, 61]), rng.integers(3, size=N_ROWS), ("district",))
    school = Grouping("school", np.array(["a", "b"]), rng.integers(2, size=N_ROWS), ("school",))
    rooms = np.array(["a:1", "a:2", "b:1", "b:2"])
    room = Grouping("school:room", rooms, 2 * school.index + rng.integers(2, size=N_ROWS), ("school", "room"))
    full = Population(
        np.column_stack([ones, x, dummies]),
        ("Intercept", "x", "cat[b]", "cat[c]"),
        (_term("Intercept", 0), _term("x", 1), _term("cat", 2, ("b", "c"))),
    )
    groups = (
        GroupTerm(
            (_term("1", 0), _term("cat", 1, ("b", "c"))),
            ("1", "cat[b]", "cat[c]"),
            np.column_stack([ones, dummies]),
            district,
            correlated=True,
        ),
        GroupTerm(
            (_term("1", 0), _term("x", 1)), ("1", "x"), np.column_stack([ones, x]), school, correlated=False
        ),
        GroupTerm((_term("w", 0),), ("w",), x[:, np.newaxis] ** 2, room, correlated=False),
    )
    scale = Population(np.column_stack([ones, x]), ("Intercept", "x"), (_term("Intercept", 0), _term("x", 1)))
    by_district = GroupTerm((_term("1", 0),), ("1",), ones[:, np.newaxis], district, correlated=False)
    predictors = {
        "mu": Predictor("mu", full, groups, rng.normal(size=N_ROWS)),
        "sigma": Predictor("sigma", scale, (by_district,), None),
    }
    outcome = Outcome("y", rng.integers(5, size=N_ROWS).astype(float), {"trials": np.full(N_ROWS, 9.0)}, None)
    return Design(outcome, predictors, N_ROWS)


def _term(name: str, first: int, levels: tuple[str, ...] | None = None) -> Term:
    return Term(name, slice(first, first + len(levels or ("",))), levels)
