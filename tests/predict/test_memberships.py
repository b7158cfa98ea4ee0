"""Predictions where rows have several groups: weighted sums of effects, new groups by label, averages."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.predict.made import Made, make_fit, make_table, values_of

from partialpool.errors import DataError
from partialpool.predict.predictions import predict

SD = 0.7
RIGHT = "x + (1 + x | mm(a, b, weights=cbind(w, v))) + (1 | g)"


def table() -> pd.DataFrame:
    rng = np.random.default_rng(2)
    rows = make_table()
    columns = {"a": [3, 7, 61], "b": [7, 61, 99], "w": [0, 1, 2], "v": [1, 2]}
    return rows.assign(**{name: rng.choice(values, len(rows)) for name, values in columns.items()})


@pytest.fixture(scope="module")
def made() -> Made:
    return make_fit(RIGHT, table=table())


def linear(made: Made, rows: Any = None, **options: Any) -> np.ndarray:
    data = None if rows is None else pd.DataFrame(rows)
    return values_of(predict(made.fitted, made.recipe, data, "linear", **options), "linear")


def effects(made: Made, rows: Any, **options: Any) -> np.ndarray:
    """(S, n) what the groups of mm() add to the linear predictor."""
    rows = pd.DataFrame(rows).assign(g=3)
    return linear(made, rows, groups=["mm(a, b)"], **options) - linear(made, rows, groups=None)


def by_hand(made: Made, row: pd.Series) -> np.ndarray:
    total = made.take("Intercept") + made.take("x") * row["x"] + made.at("1|g", row["g"])
    for column, weight in (("a", row["w"]), ("b", row["v"])):
        share = weight / (row["w"] + row["v"])
        total = total + share * made.at("1|mm(a, b)", row[column])
        total = total + share * row["x"] * made.at("x|mm(a, b)", row[column])
    return total


def test_a_row_gets_the_weighted_effects_of_its_groups(made: Made) -> None:
    expected = np.stack([by_hand(made, row) for _, row in made.table.iterrows()], axis=1)
    np.testing.assert_allclose(linear(made), expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(linear(made, made.table), expected, rtol=1e-12, atol=1e-12)


def test_a_new_label_has_one_effect_wherever_it_stands(made: Made) -> None:
    rows = {"x": 0.0, "a": [98, 7, 98, 98, 7], "b": [7, 98, 98, 97, 7], "w": 1, "v": 1}
    first, swapped, twice, both, known = effects(made, rows, seed=4).T
    np.testing.assert_allclose(first, swapped, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(first, (twice + known) / 2, rtol=1e-10, atol=1e-12)
    assert not np.allclose(both, twice)
    other = effects(made, {name: [v[2]] if isinstance(v, list) else [v] for name, v in rows.items()}, seed=4)
    np.testing.assert_allclose(other[:, 0], twice, rtol=1e-10, atol=1e-12)


def test_a_new_group_is_one_of_those_observed_when_asked(made: Made) -> None:
    rows = {"x": 0.0, "a": [98, 98, 7], "b": [98, 7, 98], "w": 1, "v": 1}
    twice, first, swapped = effects(made, rows, new_groups="existing", seed=4).T
    observed = made.take("1|mm(a, b)")
    assert np.all(np.min(np.abs(observed - twice[:, None]), axis=1) < 1e-12)
    np.testing.assert_allclose(first, swapped, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(first, (twice + made.at("1|mm(a, b)", 7)) / 2, rtol=1e-10, atol=1e-12)


def test_a_new_group_may_add_nothing_or_be_refused(made: Made) -> None:
    rows = {"x": 0.0, "a": [98], "b": [7], "w": 1, "v": 3}
    found = effects(made, rows, new_groups="zero")[:, 0]
    np.testing.assert_allclose(found, 0.75 * made.at("1|mm(a, b)", 7), rtol=1e-10, atol=1e-12)
    with pytest.raises(DataError, match=r"'mm\(a, b\)' has 1 group that the fit never saw, in 1 row: 98"):
        effects(made, rows, new_groups="error")


def test_an_average_is_over_as_many_groups_as_a_row_has() -> None:
    """With the logit link by quadrature, against many new groups: 4.9 standard errors, once in a million."""
    fixed = {"1|mm(a, b)_sigma": SD, "Intercept": 0.5, "x": 0.0}
    rows = table()
    made = make_fit("x + (1 | mm(a, b, weights=cbind(w, v)))", table=rows, draws=5000, fixed=fixed)
    row = pd.DataFrame({"x": [0.0], "a": [98], "b": [97], "w": [1], "v": [3]})
    average = values_of(predict(made.fitted, made.recipe, row, groups="average", seed=1))
    drawn = values_of(predict(made.fitted, made.recipe, row, seed=1))
    assert np.ptp(average) < 1e-12
    assert abs(drawn.mean() - average[0, 0]) < 4.9 * drawn.std() / np.sqrt(drawn.size)
    without = values_of(predict(made.fitted, made.recipe, row.drop(columns=["a", "b"]), groups="average"))
    np.testing.assert_array_equal(without, average)


def test_the_groups_of_rows_stand_beside_their_predictions(made: Made) -> None:
    rows = table().iloc[:3].assign(b=[98, 7, 97], g=3)
    constants = predict(made.fitted, made.recipe, rows)["predictions_constant_data"]
    assert constants["mm(a, b)"].dims == ("__obs__", "mm(a, b)__member_dim")
    np.testing.assert_array_equal(constants["mm(a, b)"].sel({"mm(a, b)__member_dim": "b"}), [98, 7, 97])
