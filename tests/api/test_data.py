"""The rows of a fit as a table: to look at, to change, and to predict for."""

from __future__ import annotations

from datetime import date
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


def test_every_column_can_be_changed() -> None:
    """Rows that have another row's values are predicted as it is, by every kind of column and term."""
    for name in MODELS:
        found = fit(name)
        data = found.data
        own = found.predict()["predictions"]["mean"].to_numpy()
        turned = data.apply(lambda column: column.iloc[::-1].to_numpy())
        changed = found.predict(turned)["predictions"]["mean"].to_numpy()
        np.testing.assert_allclose(changed, own[..., ::-1], rtol=1e-12, atol=1e-12, err_msg=name)


def test_groups_can_be_changed_also_to_new_ones() -> None:
    found = fit("dates")
    first = found.data["day"].iloc[0]
    same = found.predict(found.data.assign(day=first, flag=True))["predictions"]["mean"].to_numpy()
    np.testing.assert_allclose(same, same[..., :1].repeat(len(TABLE), axis=-1), rtol=1e-12)
    new = found.predict(found.data.assign(day=pd.Timestamp("2030-01-01")), seed=1)["predictions"]["mean"]
    assert new.var(("chain", "draw")).min() > 0
    found = fit("labels")
    text = found.data.assign(h="never seen")
    assert found.predict(text, seed=1)["predictions"]["mean"].sizes["__obs__"] == len(TABLE)


DAYS = np.array([date(2020, 1, 1), date(2021, 7, 1), date(2022, 3, 1)], object)
COLUMNS: dict[str, Any] = {
    "short numbers": lambda i: np.array([1, 2, 3], np.int8)[i],
    "large numbers": lambda i: np.array([2**63 + 5, 2, 3], np.uint64)[i],
    "nullable": lambda i: pd.array(np.array([1, 2, 3])[i], "Int64"),
    "true and false": lambda i: pd.array(np.array([True, False, True])[i], "boolean"),
    "text": lambda i: pd.array(np.array(["a", "b c", "ü"])[i], "string"),
    "objects": lambda i: np.array(["a", "b c", "ü"], object)[i],
    "arrow text": lambda i: pd.array(np.array(["a", "b c", "ü"])[i], "string[pyarrow]"),
    "arrow numbers": lambda i: pd.array(np.array([1, 2, 3])[i], "int64[pyarrow]"),
    "arrow dates": lambda i: pd.array(DAYS[i], "date32[pyarrow]"),
    "arrow times": lambda i: pd.array(np.array([1, 2, 3])[i], "timestamp[us][pyarrow]"),
    "categories": lambda i: pd.Categorical.from_codes(i, ["c", "b", "a"]),
    "categories that are numbers": lambda i: pd.Categorical.from_codes(i, [3, 1, 2]),
    "an order": lambda i: pd.Categorical.from_codes(i, ["lo", "mid", "hi"], ordered=True),
    "intervals": lambda i: pd.cut(0.5 + i, [0, 1, 2, 3]),
    "dates": lambda i: DAYS[i],
    "zones": lambda i: pd.to_datetime(["2020-01-01", "2021-07-01", "2022-03-01"]).tz_localize("Asia/Tokyo")[
        i
    ],
    "months": lambda i: pd.PeriodIndex(["2020-01", "2021-07", "2022-03"], freq="M")[i],
    "durations": lambda i: pd.to_timedelta([1, 2, 3], unit="D")[i],
}


NO_PREDICTORS = ("arrow dates", "arrow times", "dates", "zones", "months", "durations")
GROUPED = [(name, right) for name in COLUMNS for right in ("(1 | `a b.c`)", "(1 | h:`a b.c`)")]


@pytest.mark.parametrize(
    ("name", "right"), GROUPED + [(name, "`a b.c`") for name in COLUMNS if name not in NO_PREDICTORS]
)
def test_columns_of_any_type_come_back(name: str, right: str, tmp_path: Path) -> None:
    column = COLUMNS[name](np.random.default_rng(2).integers(0, 3, len(TABLE)))
    if right == "`a b.c`" and any(
        word in name for word in ("dates", "times", "zones", "months", "durations")
    ):
        pytest.skip("dates are no predictors")
    rows = TABLE.assign(**{"a b.c": column})
    found = pp.Model(f"y ~ 1 + {right}", rows).sample_prior(draws=10, seed=1)
    data = found.data
    assert data["a b.c"].tolist() == rows["a b.c"].tolist()
    own = found.predict()["predictions"]["mean"].to_numpy()
    loaded = pp.load_fit(found.save(tmp_path / "fit.nc"))
    pd.testing.assert_frame_equal(loaded.data, data)
    for fit, table in ((found, data), (loaded, data), (loaded, rows)):
        again = fit.predict(table)["predictions"]["mean"].to_numpy()
        np.testing.assert_allclose(again, own, rtol=1e-12, atol=1e-12)


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


def test_poolings_have_the_data_of_their_formula() -> None:
    """Also with columns of terms that a pooling leaves out."""
    pools = pp.compare_pooling(
        "y ~ x + (1 | h)", TABLE, family="gaussian", draws=20, chains=1, warmup=60, seed=1, progress=False
    )
    for found in (pools.no_pooling, pools.partial_pooling, pools.complete_pooling):
        assert set(found.data) == {"y", "x", "h"}
        own = found.predict()["predictions"]["mean"].to_numpy()
        more = found.predict(found.data.assign(x=lambda rows: rows.x + 1))["predictions"]["mean"].to_numpy()
        slope = found.posterior["x"].to_numpy()[..., np.newaxis]
        np.testing.assert_allclose(more - own, np.broadcast_to(slope, own.shape), rtol=1e-9)


def test_a_resumed_fit_has_its_data(tmp_path: Path) -> None:
    model = pp.Model(*MODELS["dates"][:1], TABLE)
    options = {"draws": 20, "chains": 1, "warmup": 60, "seed": 1, "progress": False}
    found = model.fit(store=tmp_path / "fit.store", **options)
    pd.testing.assert_frame_equal(pp.load_fit(tmp_path / "fit.store").data, found.data)


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
