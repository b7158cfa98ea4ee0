"""Rows of a design are taken with or without the combinations that they share, and are the same rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from tests.formula.built import build_design
from tests.formula.same import assert_same

from partialpool.data import frame
from partialpool.formula import design as module
from partialpool.formula.design_rows import joined_rows, share_rows, take_piece, take_rows
from partialpool.formula.formula import Formula
from partialpool.formula.records import Design

N = 90
FORMULAS: dict[str, str | Formula] = {
    "correlated": "y ~ x * cat + (1 + x | g)",
    "nothing": "y ~ 1",
    "no coefficient": "y ~ 0 + (1 | g)",
    "several groups": "y | weights(w) ~ x + (1 | mm(g, h))",
    "an offset": "k | trials(n) ~ cat + offset(log(x)) + (1 | g:h)",
    "two predictors": Formula("y ~ x + (1 | g)", sigma="~ cat + (1 | h)"),
}
ROWS = {
    "in another order": np.random.default_rng(3).permutation(N),
    "some, some twice": np.array([5, 80, 5, 0, 33, 80, 80]),
    "none": np.array([], np.int64),
    "a slice": slice(20, 61),
}


def table() -> pd.DataFrame:
    rng = np.random.default_rng(2)
    return pd.DataFrame(
        {
            "y": rng.normal(size=N),
            "k": rng.integers(0, 3, N),
            "n": rng.integers(3, 6, N),
            "w": rng.integers(1, 4, N),
            "x": rng.integers(1, 4, N),
            "cat": rng.choice(["p", "q"], N),
            "g": rng.choice(["u", "v"], N),
            "h": rng.choice(["u", "v"], N),
        }
    )


@pytest.fixture(params=[0, 5000], ids=["combinations", "rows"])
def few(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(frame, "FEW", request.param)
    return int(request.param)


def made(name: str) -> Design:
    """Make a design, with combinations shared where `few` is 0."""
    return module.build_design(FORMULAS[name], table())[0]


def matrix(design: Design) -> np.ndarray:
    """(n, ...) all that decides a row's linear predictors."""
    columns = [np.zeros(design.n_rows)]
    for predictor in design.predictors.values():
        columns += [*design.by_row(predictor.population.matrix).T]
        for term in predictor.groups:
            columns += [*design.by_row(term.matrix).T]
            columns += [design.by_row(array) for array in term.grouping.arrays]
        columns += [] if predictor.offset is None else [design.by_row(predictor.offset)]
    return np.stack(columns, axis=1).astype(float)


@pytest.mark.parametrize("rows", ROWS.values(), ids=ROWS)
@pytest.mark.parametrize("name", FORMULAS)
def test_rows_are_taken(name: str, rows: np.ndarray | slice, few: int) -> None:
    design = made(name)
    assert (design.row is None) == (few > 0)
    own, shared, plain = (
        take_rows(design, rows),
        share_rows(design, rows),
        build_design(FORMULAS[name], table())[0],
    )
    wanted = matrix(plain)[rows]
    assert own.row is None
    assert own.n_rows == shared.n_rows == len(wanted)
    np.testing.assert_array_equal(matrix(own), wanted)
    np.testing.assert_array_equal(matrix(shared), wanted)
    for found in (own, shared):
        assert_same(found.outcome, plain.outcome.take(rows))


@pytest.mark.parametrize("piece", [slice(0, 90), slice(10, 80), slice(88, 90)])
@pytest.mark.parametrize("name", FORMULAS)
def test_pieces_are_taken(name: str, piece: slice, few: int) -> None:
    found = take_piece(made(name), piece)
    np.testing.assert_array_equal(matrix(found), matrix(made(name))[piece])
    assert found.row is None or found.n_combinations <= len(found.row)


@pytest.mark.parametrize("name", FORMULAS)
def test_equal_rows_have_one_number(name: str, few: int) -> None:
    design = made(name)
    number = joined_rows(design)
    _, wanted = np.unique(matrix(design), axis=0, return_inverse=True)
    assert len(set(zip(number, wanted, strict=True))) == len(set(number)) == len(set(wanted))


def test_a_design_without_its_table_has_rows() -> None:
    design = take_rows(made("correlated"))
    assert design.frame is None
    np.testing.assert_array_equal(matrix(share_rows(design, slice(3, 9))), matrix(design)[3:9])
