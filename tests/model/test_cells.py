"""Rows become cells: how many, in which order, and with the likelihood of the rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from tests.inference.models import model

from partialpool.data.collapse import collapse
from partialpool.data.datasets import load_dataset
from partialpool.families.registry import get_family
from partialpool.formula.formula import Formula
from partialpool.formula.records import Design, Outcome, Population, Predictor
from partialpool.kernels.density.packed_rows import widened
from partialpool.model.cells import build_cells
from partialpool.model.density import Density
from partialpool.model.geometry import plain_geometry
from partialpool.model.parameters import build_parameters
from partialpool.priors.normal import Normal


def make_rows(n: int = 300, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "b": rng.integers(0, 2, n),
            "k": rng.poisson(2, n),
            "y": rng.normal(size=n),
            "x": rng.choice([0.0, 1.0, 2.5], n),
            "w": rng.integers(0, 3, n),
            "g": rng.integers(0, 4, n),
            "h": rng.integers(0, 9, n),
        }
    )


def test_the_bangladesh_survey_is_sixty_cells() -> None:
    women = load_dataset("bangladesh")
    spec = model("`use.contraception` ~ 1 + (1 | district)", women, "bernoulli")
    cells = spec.cells
    assert cells.index.n_cells == 60
    assert cells.columns == ()  # ones are not kept
    counts = women.groupby("district")["use.contraception"].agg(["size", "sum"])
    np.testing.assert_array_equal(widened(cells.stats, 60), counts.to_numpy(float).T)
    np.testing.assert_array_equal(cells.group_index, np.arange(60)[None])


def test_cells_are_the_distinct_rows_sorted_by_the_largest_factor() -> None:
    rows = make_rows()
    cells = model("b ~ x + (1 | g) + (1 | h)", rows, "bernoulli").cells
    assert cells.index.n_cells == len(rows[["x", "g", "h"]].drop_duplicates())
    assert np.all(np.diff(cells.group_index[1]) >= 0)  # h has more groups than g
    by_cell = rows.groupby(cells.index.cell)
    assert (by_cell[["x", "g", "h"]].nunique() == 1).all().all()
    np.testing.assert_array_equal(cells.stats[1], by_cell["b"].sum())
    np.testing.assert_array_equal(rows["x"].to_numpy()[cells.index.first_row], cells.columns[0])
    np.testing.assert_array_equal(cells.index.cell[cells.index.first_row], np.arange(cells.index.n_cells))


def test_a_column_is_kept_once_however_many_terms_use_it() -> None:
    cells = model("y ~ x + (x | g) + (0 + x | h)", make_rows()).cells
    assert len(cells.columns) == 1
    assert list(cells.coef_column) == [-1, 0, -1]  # ones, x, and log sigma's ones
    assert [slot.column for slot in cells.slots] == [-1, 0, 0]


def test_outcomes_are_kept_apart_only_where_there_are_no_sufficient_statistics() -> None:
    rows = make_rows()
    assert model("k ~ 1", rows, "poisson").cells.index.n_cells == 1
    assert model("k ~ 1", rows, "negative_binomial").cells.index.n_cells == rows["k"].nunique()


def test_offsets_and_predictors_of_other_parameters_split_cells() -> None:
    rows = make_rows()
    assert model("k ~ 1 + offset(x)", rows, "poisson").cells.index.n_cells == 3
    cells = model(Formula("y ~ 1 + (1 | g)", sigma="~ x + (1 | h)"), rows).cells
    assert cells.index.n_cells == len(rows[["x", "g", "h"]].drop_duplicates())
    np.testing.assert_array_equal(widened(cells.offsets, cells.index.n_cells), 0.0)
    assert [row.shape for row in cells.offsets] == [(1,), (1,)]


def test_zero_and_minus_zero_are_one_value() -> None:
    x = np.array([0.0, -0.0, 1.0, -0.0])
    table = {"b": [0, 1, 1, 1], "x": x, "z": np.abs(x), "g": ["a", "b", "a", "b"]}
    cells = model("b ~ x + z", table, "bernoulli").cells
    assert cells.index.n_cells == 2
    assert len(cells.columns) == 1


@pytest.mark.parametrize(
    ("outcome", "family"),
    [("b", "bernoulli"), ("k", "poisson"), ("y", "gaussian"), ("k", "negative_binomial")],
)
def test_rows_in_any_order_and_weights_give_the_density_of_single_rows(outcome: str, family: str) -> None:
    """Against a model in which a covariate with coefficient nearly zero keeps every row apart."""
    rows = make_rows(80)
    rows["tag"] = np.arange(80) / 80
    repeated = rows.loc[rows.index.repeat(rows["w"])].reset_index(drop=True)
    priors = {"Intercept": Normal(0, 1), "x": Normal(0, 1), "tag": Normal(0, 1), "sigma": Normal(0, 1)}
    priors |= {"shape": Normal(0, 1), "1|g": Normal(0, Normal(0, 1))}

    def density(formula: str, table: pd.DataFrame) -> Density:
        known = [*("Intercept", "x", "1|g"), *(["tag"] if "tag" in formula else [])]
        known += {"gaussian": ["sigma"], "negative_binomial": ["shape"]}.get(family, [])
        spec = model(formula, table, family, {k: priors[k] for k in known})
        return Density(spec, plain_geometry(spec))

    collapsed = density(f"{outcome} | weights(w) ~ x + (1 | g)", rows)
    shuffled = density(f"{outcome} ~ x + (1 | g)", repeated.sample(frac=1, random_state=1))
    apart = density(f"{outcome} ~ x + tag + (1 | g)", repeated)
    differences = []
    for seed in (1, 2):
        x = np.random.default_rng(seed).normal(size=collapsed.n_dim)
        with_tag = np.insert(x, 2, 0.0)
        differences.append([collapsed(x)[0] - apart(with_tag)[0], shuffled(x)[0] - apart(with_tag)[0]])
        np.testing.assert_allclose(collapsed(x)[1], np.delete(apart(with_tag)[1], 2), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(differences[0], differences[1], rtol=1e-11, atol=1e-10)


def test_no_rows_are_no_cells() -> None:
    empty = collapse([np.zeros(0), np.zeros(0, np.int64)], 0)
    assert empty.n_cells == 0
    assert len(empty.cell) == 0
    assert collapse([], 0).n_cells == 0
    assert collapse([], 5).n_cells == 1


def test_a_model_without_any_term_has_one_cell() -> None:
    outcome = Outcome("b", np.array([0.0, 1.0, 1.0]), {}, None)
    predictor = Predictor("mu", Population(np.empty((3, 0)), (), ()), (), None)
    design, family = Design(outcome, {"mu": predictor}, 3), get_family("bernoulli")
    cells = build_cells(design, family, build_parameters(design, family, {}))
    np.testing.assert_array_equal(cells.stats, [[3.0], [2.0]])
    assert cells.group_index.shape == (0, 1)
