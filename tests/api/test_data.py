"""The rows of a fit as a table: to look at, to change, and to predict for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import partialpool as pp
from partialpool.data import frame
from partialpool.errors import DataError
from partialpool.formula.formula import Formula


@pytest.fixture(autouse=True, params=[0, 5000], ids=["combinations", "rows"])
def few(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the rows of tables joined where they are equal, and not."""
    monkeypatch.setattr(frame, "FEW", request.param)


def table(n: int = 160, seed: int = 4) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    days = pd.to_datetime(["2024-05-01", "2024-05-02", "2023-01-09"])
    return pd.DataFrame(
        {
            "y": rng.normal(size=n),
            "k": rng.integers(0, 4, n),
            "n": rng.integers(4, 9, n),
            "w": rng.integers(1, 3, n),
            "won": rng.choice(["no", "yes"], n),
            "x": rng.integers(1, 4, n),
            "z.z": rng.normal(size=n).round(1),
            "odd name": rng.choice(["p", "q", "r r"], n),
            "g": rng.choice([3, 7, 61], n),
            "h": rng.choice(["b/c", "年齢", "a"], n),
            "day": days[rng.integers(0, 3, n)],
            "flag": rng.integers(0, 2, n).astype(bool),
        }
    )


TABLE = table()
RELATED = pd.DataFrame(0.4 + 0.6 * np.eye(3), [61, 3, 7], [61, 3, 7])

MODELS: dict[str, tuple[str | Formula, str]] = {
    "numbers": ("y ~ x + `z.z` + (x | g)", "gaussian"),
    "labels": ("won ~ `odd name` + flag + (1 | h)", "bernoulli"),
    "trials and offset": ("k | trials(n) ~ 1 + offset(log(x)) + (1 | g/h)", "binomial"),
    "weights": ("k | weights(w) ~ x * `odd name` + (1 | g:h)", "poisson"),
    "dates": ("y ~ 1 + (1 | day) + (1 | flag)", "gaussian"),
    "learnt": ("scale(y) ~ scale(x) + bs(`z.z`, df=4) + (1 | h)", "gaussian"),
    "several groups": ("y ~ x + (1 | mm(g, x))", "gaussian"),
    "related": ("y ~ 1 + (1 | gr(g, cov=A))", "gaussian"),
    "two predictors": (Formula("y ~ x + (1 | g)", sigma="~ flag + (1 | h)"), "gaussian"),
    "nothing": ("y ~ 1", "gaussian"),
}


def fit(name: str, data: pd.DataFrame = TABLE) -> pp.Fit:
    formula, family = MODELS[name]
    known = {"A": RELATED} if name == "related" else None
    model = pp.Model(formula, data, family=family, covariances=known)
    return model.fit(draws=20, chains=1, warmup=60, seed=1, progress=False)


@pytest.mark.parametrize("name", MODELS)
def test_predictions_for_the_data_are_those_for_the_fitted_rows(name: str, tmp_path: Path) -> None:
    found = fit(name)
    own = found.predict()["predictions"]["mean"].to_numpy()
    again = found.predict(found.data)["predictions"]["mean"].to_numpy()
    np.testing.assert_allclose(again, own, rtol=1e-12, atol=1e-12)
    found.save(tmp_path / "fit.nc")
    loaded = pp.load_fit(tmp_path / "fit.nc")
    pd.testing.assert_frame_equal(loaded.data, found.data)
    np.testing.assert_array_equal(loaded.predict()["predictions"]["mean"].to_numpy(), own)
    np.testing.assert_allclose(loaded.predict(loaded.data)["predictions"]["mean"].to_numpy(), own, rtol=1e-12)


@pytest.mark.parametrize("name", MODELS)
def test_the_data_are_the_tables_columns(name: str) -> None:
    data = fit(name).data
    assert data.index.equals(pd.RangeIndex(len(TABLE)))
    for column in data:
        assert data[column].tolist() == TABLE[column].tolist()


def test_a_column_can_be_changed() -> None:
    found = fit("numbers")
    more = found.predict(found.data.assign(x=lambda rows: rows.x + 1))["predictions"]["mean"].to_numpy()
    posterior = found.posterior
    slopes = posterior["x"] + posterior["x|g"].sel(g__factor_dim=TABLE["g"].to_numpy())
    own = found.predict()["predictions"]["mean"].to_numpy()
    np.testing.assert_allclose(more - own, slopes.to_numpy(), rtol=1e-9)


def test_the_same_model_is_fitted_to_the_data() -> None:
    found = fit("labels")
    again = pp.Model(MODELS["labels"][0], found.data, family="bernoulli")
    assert again.priors == found.model.priors
    np.testing.assert_array_equal(again.design.outcome.values, found.model.design.outcome.values)


def test_a_table_that_changes_later_changes_no_fit() -> None:
    changing = TABLE.copy()
    found = fit("numbers", changing)
    changing["x"] += 1
    changing.loc[3, "z.z"] = -99.0
    changing.iloc[4, changing.columns.get_loc("g")] = 1000
    pd.testing.assert_frame_equal(found.data, fit("numbers").data)
    data = found.data
    data.loc[0, "x"] = 1000  # a copy, too
    pd.testing.assert_frame_equal(found.data, fit("numbers").data)


def test_dropped_rows_are_not_there() -> None:
    data = TABLE.assign(x=TABLE["x"].where(TABLE.index != 5))
    found = pp.Model("y ~ x", data, missing="drop")
    assert found.data["y"].tolist() == data["y"].drop(5).tolist()


def test_files_without_rows_have_no_data(tmp_path: Path) -> None:
    found = fit("numbers")
    found.save(tmp_path / "fit.nc", rows=False)
    with pytest.raises(DataError, match="needs the rows of the table"):
        _ = pp.load_fit(tmp_path / "fit.nc").data


MESSAGES: dict[str, tuple[str, dict[str, Any], str]] = {
    "a number that is not finite": ("y ~ log(x)", {"x": [1, 0] * 80}, "in 80 rows (rows 1, 3, 5, 7, 9, ..."),
    "one group": ("y ~ 1 + (1 | g)", {"g": [4] * 160}, "in all 160 rows"),
    "weights of memberships": (
        "y ~ 1 + (1 | mm(g, x, weights=cbind(w, w)))",
        {"w": [1, 1, 1, 0] * 40},
        "all 0 in 40 rows (rows 3, 7, 11, 15, 19, ...",
    ),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_messages_count_rows_not_combinations(name: str) -> None:
    formula, changed, text = MESSAGES[name]
    with pytest.raises(DataError) as error:
        pp.Model(formula, TABLE.assign(**changed))
    assert text in str(error.value)


def test_messages_of_predictions_count_rows() -> None:
    found = pp.Model("y ~ log(x)", TABLE).fit(draws=10, chains=1, warmup=60, seed=1, progress=False)
    with pytest.raises(DataError, match=r"in 50 rows \(rows 0, 2, 4"):
        found.predict({"x": [0, 1] * 50})
