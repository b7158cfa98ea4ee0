"""Known covariances between groups: gr(g, cov=A), what a matrix must be, and how it meets a factor."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from tests.formula.built import build_design

from partialpool.errors import DataError, FormulaError
from partialpool.formula.records import GroupTerm

TABLE = pd.DataFrame({"y": [1.0, 2.0, 4.0, 3.0], "x": [0.5, 1, 0, 2], "g": [7, 3, 7, 9], "h": list("baab")})
LABELS = [9, 1, 7, 3]


def matrix(labels: list = LABELS) -> pd.DataFrame:
    values = 0.3 + np.diag(1.0 + np.arange(len(labels)))
    return pd.DataFrame(values, labels, labels)


def terms(right: str, **known: object) -> list[GroupTerm]:
    design, _ = build_design(f"y ~ x + {right}", TABLE, covariances=known)
    return list(design.predictors["mu"].groups)


def test_a_matrix_is_put_in_the_order_of_the_groups() -> None:
    (term,) = terms("(x | gr(g, cov=A))", A=matrix())
    assert term.grouping.labels.tolist() == [3, 7, 9]
    np.testing.assert_array_equal(term.between, matrix().loc[[3, 7, 9], [3, 7, 9]])
    assert term.covariance.labels == ("3", "7", "9", "1")


def test_labels_are_compared_as_text_and_columns_may_stand_in_another_order() -> None:
    given = matrix().rename(index=str, columns=float)
    (term,) = terms("(1 | gr(g, cov=A))", A=given[[7.0, 3.0, 9.0, 1.0]])
    np.testing.assert_array_equal(term.between, matrix().loc[[3, 7, 9], [3, 7, 9]])


def test_an_array_with_labels_is_a_matrix_too() -> None:
    array = xr.DataArray(matrix().to_numpy(), {"a": LABELS, "b": LABELS}, ("a", "b"))
    (term,) = terms("(1 | gr(g, cov=A))", A=array)
    np.testing.assert_array_equal(term.between, matrix().loc[[3, 7, 9], [3, 7, 9]])
    with pytest.raises(DataError, match="is a DataArray, which does not say which groups"):
        terms("(1 | gr(g, cov=A))", A=array.drop_vars("a"))


def test_an_interaction_and_two_factors_have_matrices_of_their_own() -> None:
    pairs = [f"{g}:{h}" for g in (3, 7, 9) for h in "ab"]
    first, second = terms("(1 | gr(g:h, cov=A)) + (1 | gr(h, cov=B))", A=matrix(pairs), B=matrix(["a", "b"]))
    assert first.between.shape == (len(first.grouping.labels),) * 2
    assert second.covariance.name == "B"


def test_gr_alone_is_the_factor() -> None:
    (plain,), (term,) = terms("(x | g)"), terms("(x | gr(g))")
    assert term.grouping.name == plain.grouping.name
    assert term.between is None


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (matrix([9, 1, 7]), "'A' lacks 1 of the 3 groups of 'g': 3"),
        (matrix().to_numpy(), "is a ndarray, which does not say which groups"),
        (matrix([9, 9, 7, 3]), "several rows are called 9"),
        (matrix().rename(columns={9: 8}), "different labels: 8, 9"),
        (matrix().mask(np.eye(4) > 0), "lacks 4 numbers, the first that of 9 and 9"),
        (matrix() + np.triu(np.ones((4, 4)), 1), "not symmetric: 1.3 for 9 and 1, 0.3 for 1 and 9"),
        (matrix() - 2, "positive"),
        (matrix().astype(str), "no numbers"),
    ],
)
def test_what_is_no_covariance_is_refused(given: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        terms("(1 | gr(g, cov=A))", A=given)


def test_a_group_without_variance_of_its_own_is_refused() -> None:
    twins = pd.DataFrame(np.ones((4, 4)), LABELS, LABELS)
    with pytest.raises(DataError, match="'A'"):
        terms("(1 | gr(g, cov=A))", A=twins)


def test_names_of_formula_and_matrices_must_agree() -> None:
    with pytest.raises(DataError, match="no covariance of that name is given"):
        terms("(1 | gr(g, cov=A))")
    with pytest.raises(DataError, match="covariance in the formula called 'B'"):
        terms("(1 | gr(g, cov=A))", A=matrix(), B=matrix())


@pytest.mark.parametrize(
    ("right", "message"),
    [
        ("(1 | gr(g, by=h))", "no argument 'by'"),
        ("(1 | gr(g, cov=A, cov=A))", "given twice"),
        ("(1 | gr(g, cov=A + B))", "is a name here"),
        ("(1 | gr(g, h))", "one factor"),
        ("(1 | gr(g / h, cov=A))", "belongs to one factor"),
        ("(1 | gr(cov=A))", "begins with a grouping factor"),
        ("(1 | gr(mm(g, h), cov=A))", "of which a row has one"),
    ],
)
def test_what_gr_cannot_say_is_refused(right: str, message: str) -> None:
    with pytest.raises(FormulaError, match=message):
        terms(right, A=matrix())


def test_related_and_independent_effects_of_one_factor_need_two_columns() -> None:
    with pytest.raises(FormulaError, match=r"varies by 'g' in two terms.*\n.*\n.*\n.*a copy of 'g' in one"):
        terms("(1 | gr(g, cov=A)) + (1 | g)", A=matrix())
    design, _ = build_design(
        "y ~ (1 | gr(g, cov=A)) + (1 | g2)", TABLE.assign(g2=TABLE["g"]), covariances={"A": matrix()}
    )
    assert [term.covariance is None for term in design.main.groups] == [False, True]
