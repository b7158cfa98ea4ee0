"""New rows read in slices are the rows read at once, and only the columns that are needed are read."""

import numpy as np
import pandas as pd
import pytest
from tests.formula.built import build_design

from partialpool.errors import DataError
from partialpool.formula.reading import new_rows

TABLE = pd.DataFrame(
    {
        "k": [1, 0, 2, 3, 1, 0],
        "n": [3, 3, 4, 4, 5, 5],
        "x": [0.5, 1.0, -1.0, 2.0, 0.0, 1.5],
        "w": [1.0, 2.0, 3.0, 5.0, 7.0, 11.0],
        "t": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6],
        "g": [1, 1, 2, 2, 3, 3],
        "h": list("ababab"),
        "f": list("uvuvuv"),
    }
)
FORMULA = "k | trials(n) ~ x + offset(t) + (1 | g/h) + (0 + w | f)"


@pytest.fixture(scope="module")
def recipe():
    return build_design(FORMULA, TABLE)[1]


@pytest.mark.parametrize(
    ("factors", "options", "columns"),
    [
        (["g", "g:h", "f"], {}, "x w t g h f"),
        (["g", "g:h", "f"], {"additions": True}, "x w t g h f n"),
        (["g", "g:h", "f"], {"read_groups": False}, "x w t"),
        (["g"], {}, "x t g"),
        (["g:h"], {}, "x t g h"),
        (["f"], {}, "x w t f"),
        ([], {}, "x t"),
    ],
)
def test_only_the_columns_that_matter_are_read(recipe, factors, options, columns):
    found = new_rows(recipe, TABLE[columns.split()], "error", factors, **options)
    assert set(found.columns) == set(columns.split())
    design = found.design(found.plain(slice(None)))
    names = {term.grouping.name for term in design.predictors["mu"].groups}
    assert names == ({"g", "g:h"} if "g:h" in factors and "f" not in factors else set(factors))
    for name in found.columns:
        with pytest.raises(DataError, match=f"There is no column '{name}'"):
            new_rows(recipe, TABLE[columns.split()].drop(columns=name), "error", factors, **options)


def test_slices_are_parts_of_the_whole(recipe):
    whole = recipe.evaluate(TABLE).predictors["mu"]
    found = new_rows(recipe, TABLE, "error", ["g", "g:h", "f"], additions=True)
    plain = found.plain(slice(2, 5))
    part = found.design(plain).predictors["mu"]
    np.testing.assert_array_equal(part.population.matrix, whole.population.matrix[2:5])
    np.testing.assert_array_equal(part.offset, whole.offset[2:5])
    for own, all_rows in zip(part.groups, whole.groups, strict=True):
        assert own.grouping.index.tolist() == all_rows.grouping.index[2:5].tolist()
        np.testing.assert_array_equal(own.matrix, all_rows.matrix[2:5])
    assert found.additions(plain)["trials"].tolist() == [4, 4, 5]


def test_unread_groups_are_of_no_group(recipe):
    found = new_rows(recipe, TABLE[["x", "w", "t"]], "error", ["g", "g:h", "f"], read_groups=False)
    groups = found.design(found.plain(slice(0, 2))).predictors["mu"].groups
    assert [term.grouping.index.tolist() for term in groups] == [[-1, -1]] * 3
    assert [term.grouping.unseen for term in groups] == [None] * 3


def test_incomplete_rows_are_skipped_in_every_slice(recipe):
    table = TABLE.assign(x=[0.5, None, -1.0, 2.0, None, 1.5], n=[3, 3, None, 4, 5, 5])
    found = new_rows(recipe, table, "drop", ["g"], additions=True)
    assert found.positions.tolist() == [0, 3, 5]
    assert found.plain(slice(1, 3))["x"].tolist() == [2.0, 1.5]
    assert new_rows(recipe, table, "drop", ["g"]).positions.tolist() == [0, 2, 3, 5]


@pytest.mark.parametrize("trials", [[3, 3, -4, 4, 5, 5], [3, 3, 4.5, 4, 5, 5]])
def test_trials_are_counts(recipe, trials):
    found = new_rows(recipe, TABLE.assign(n=trials), "error", [], additions=True)
    with pytest.raises(DataError, match=r"'n' is no count in 1 row \(row 2, counted from 0\)"):
        found.additions(found.plain(slice(1, 4)))
