"""Groups that the fit never saw: drawn from the population, or one of the observed, by the seed alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.predict.made import Made, make_fit, make_table, slow_linear, values_of

from partialpool.errors import DataError
from partialpool.model.poolings import no_pooling
from partialpool.predict.predictions import predict
from partialpool.priors.normal import Normal
from partialpool.priors.student_t import StudentT
from partialpool.results.fitted import Fitted

SD, RHO, N_DRAWS = np.array([0.8, 0.3]), -0.6, 10_000
COVARIANCE = np.outer(SD, SD) * np.array([[1, RHO], [RHO, 1]])


@pytest.fixture(scope="module")
def made() -> Made:
    return make_fit()


@pytest.fixture(scope="module")
def known() -> Made:
    """A correlated intercept and slope whose population is the same in every draw."""
    fixed = {"1|g_sigma": SD[0], "x|g_sigma": SD[1], "g_corr": [[1, RHO], [RHO, 1]]}
    return make_fit("x + (1 + x | g)", draws=N_DRAWS, fixed=fixed)


def linear(made: Made, table: Any, **options: Any) -> np.ndarray:
    return values_of(predict(made.fitted, made.recipe, pd.DataFrame(table), "linear", **options), "linear")


def effects(made: Made, table: dict[str, Any], **options: Any) -> np.ndarray:
    """(S, n) what groups add to the linear predictor."""
    return linear(made, table, **options) - linear(made, table, groups=None)


def close_to_zero(values: np.ndarray, sd: float | np.ndarray) -> bool:
    """z-test at 4.9 standard errors: a false alarm once in a million."""
    return bool(np.all(np.abs(values) < 4.9 * sd / np.sqrt(2 * N_DRAWS)))


def test_a_new_group_comes_from_the_population_correlated_across_its_coefficients(known: Made) -> None:
    at_zero, at_one, other = effects(known, {"x": [0, 1, 0], "g": [99, 99, 100]}, seed=1).T
    both = np.stack([at_zero, at_one - at_zero])
    assert close_to_zero(both.mean(axis=1), SD)
    sampled, size = np.cov(both), np.diag(COVARIANCE)
    assert close_to_zero(sampled - COVARIANCE, np.sqrt(np.outer(size, size) + COVARIANCE**2))
    assert close_to_zero(np.cov(at_zero, other)[0, 1], SD[0] ** 2)
    assert close_to_zero(np.var(other) - SD[0] ** 2, np.sqrt(2) * SD[0] ** 2)


def test_two_new_groups_share_the_population_only() -> None:
    """Given that sds differ between draws, sizes of effects are related though effects are not."""
    made = make_fit("1 + (1 | g)", draws=N_DRAWS, scale=1.0)
    first, second = effects(made, {"g": [98, 99]}, seed=2).T
    assert not np.any(first == second)
    sd = made.take("1|g_sigma")
    assert close_to_zero(np.mean(first * second), np.std(first * second))
    assert np.corrcoef(np.abs(first), np.abs(second))[0, 1] > 0.3
    assert close_to_zero(np.mean(first * second / sd**2), 1.0)


def test_rows_of_a_new_group_share_its_draw_in_any_order_block_and_call(made: Made) -> None:
    table = make_table(3, 30).assign(g=np.arange(30) % 7 + 60)
    once = linear(made, table, seed=6)
    order = np.random.default_rng(0).permutation(30)
    np.testing.assert_allclose(linear(made, table.iloc[order], seed=6), once[:, order], rtol=1e-12)
    for row in (0, 17):
        np.testing.assert_allclose(
            linear(made, table.iloc[[row]], seed=6)[:, 0], once[:, row], rtol=1e-12, atol=1e-14
        )
    assert np.abs(linear(made, table, seed=7) - once)[:, table["g"] != 61].min() > 0
    np.testing.assert_allclose(
        linear(made, table, seed=7)[:, table["g"] == 61], once[:, table["g"] == 61], rtol=1e-12
    )


def test_labels_of_any_kind_have_draws_of_their_own() -> None:
    days = pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-03"])
    made = make_fit("1 + (1 | day)", table=make_table().assign(day=days.repeat(16)))
    new = pd.DataFrame({"day": pd.to_datetime(["2024-02-01", "2024-02-02", "2024-01-02"])})
    found = linear(made, new, seed=1)
    assert np.all(found[:, 0] != found[:, 1])
    seconds = new.astype({"day": "datetime64[s]"})
    np.testing.assert_array_equal(linear(made, seconds, seed=1), found)


def test_a_new_group_has_the_same_effects_whatever_else_counts(made: Made) -> None:
    table = make_table(2, 6).assign(g=99, k="new")
    nothing = linear(made, table, groups=None)
    parts = [linear(made, table, groups=[f], seed=3) - nothing for f in ("g", "k", "school", "school:room")]
    np.testing.assert_allclose(linear(made, table, seed=3), nothing + sum(parts), atol=1e-12)


def test_predictors_of_one_factor_draw_independently_and_each_from_its_own_sd() -> None:
    others, fixed = (
        {"sigma": "1 + (1 | g)"},
        {"1|g_sigma": 0.5, "sigma_1|g_sigma": 2.0, "sigma_Intercept": 0.0},
    )
    made = make_fit("1 + (1 | g)", "gaussian", others, draws=N_DRAWS, fixed=fixed)
    mean, outcome = (
        values_of(predict(made.fitted, made.recipe, {"g": [99]}, kind, seed=1), name)[:, 0]
        for kind, name in (("mean", "mean"), ("outcome", "y"))
    )
    # log |standard normal| has mean -0.6352 and variance pi^2/8 (Johnson, Kotz and Balakrishnan, 1994).
    log_sd = np.log(np.abs(outcome - mean))
    assert close_to_zero(log_sd.mean() + 0.6352, np.sqrt(4 + np.pi**2 / 8))
    assert abs(log_sd.var() - 4 - np.pi**2 / 8) < 0.3
    assert abs(np.corrcoef(mean - made.take("Intercept"), log_sd)[0, 1]) < 4.9 / np.sqrt(2 * N_DRAWS)


def test_a_known_school_keeps_its_effect_and_its_new_room_is_drawn() -> None:
    fixed = {"1|school_sigma": 1.0, "1|school:room_sigma": 0.25}
    made = make_fit("1 + (1 | school/room)", draws=N_DRAWS, fixed=fixed)
    table = {"school": [1, 1, 1, 9], "room": ["new", "other", "r0", "r0"]}
    found = effects(made, table, seed=5)
    school, room = made.at("1|school", 1), made.at("1|school:room", "1:r0")
    np.testing.assert_allclose(found[:, 2], school + room, atol=1e-12)
    new = found[:, :2] - school[:, None]
    assert close_to_zero(new.var(axis=0) - 0.25**2, np.sqrt(2) * 0.25**2)
    assert close_to_zero(np.cov(new.T)[0, 1], 0.25**2)
    total = 1 + 0.25**2
    assert close_to_zero(found[:, 3].var() - total, np.sqrt(2) * total)


def test_effects_with_a_fixed_prior_come_from_that_prior() -> None:
    made = make_fit("x + (1 + x | g)", table=make_table())
    model = made.fitted.model
    priors = {**model.priors, "Intercept": Normal(1.5, 0.4), "x": StudentT(30, 0.5, 0.2)}
    spec = no_pooling(replace(model, priors=priors), "g")
    values = np.zeros((2, N_DRAWS, spec.layout.n_values))
    draws = replace(made.fitted.draws, values=values)
    alone = Made(Fitted(spec, draws), made.recipe, made.table)
    at_zero, at_one = linear(alone, {"x": [0, 1], "g": [99, 99]}, seed=1).T
    assert close_to_zero(at_zero.mean() - 1.5, 0.4)
    assert close_to_zero(at_zero.var() - 0.16, np.sqrt(2) * 0.16)
    sd = 0.2 * np.sqrt(30 / 28)
    assert close_to_zero((at_one - at_zero).mean() - 0.5, sd)
    assert close_to_zero((at_one - at_zero).var() - sd**2, 1.6 * sd**2)
    assert close_to_zero(np.corrcoef(at_zero, at_one - at_zero)[0, 1], 1.0)


# ---- one of the observed groups --------------------------------------------------------------------------


def test_existing_takes_one_observed_group_for_all_coefficients_and_predictors() -> None:
    made = make_fit("x + (1 | g) + (0 + x || g)", "gaussian", {"sigma": "1 + (1 | g)"}, draws=3000)
    made.fitted.values[:, made.fitted.model.layout["sigma_1|g"].columns] = np.array([-20.0, -10.0, 0.0])
    at_zero, at_one, other = effects(
        made, {"x": [0, 1, 0], "g": [99, 99, 98]}, new_groups="existing", seed=1
    ).T
    member = np.argmin(np.abs(made.take("1|g") - at_zero[:, None]), axis=1)
    rows = np.arange(len(member))
    np.testing.assert_allclose(made.take("1|g")[rows, member], at_zero, atol=1e-12)
    np.testing.assert_allclose(made.take("x|g")[rows, member], at_one - at_zero, atol=1e-12)
    counts = np.bincount(member, minlength=3)
    assert np.all(np.abs(counts - 2000) < 4.9 * np.sqrt(6000 * 2 / 9))  # false alarm: 3 in a million
    second = np.argmin(np.abs(made.take("1|g") - other[:, None]), axis=1)
    assert abs(np.mean(second == member) - 1 / 3) < 4.9 * np.sqrt(2 / 9 / 6000)
    options: dict[str, Any] = {"new_groups": "existing", "seed": 1}
    drawn = values_of(predict(made.fitted, made.recipe, {"x": [0], "g": [99]}, "outcome", **options), "y")
    mean = values_of(predict(made.fitted, made.recipe, {"x": [0], "g": [99]}, **options))
    distance = np.log(np.abs(drawn - mean))[:, 0] - made.take("sigma_Intercept")
    assert distance[member == 0].max() < -15
    assert -15 < distance[member == 1].mean() < -8
    assert distance[member == 2].mean() > -3


def test_new_groups_of_two_factors_with_one_label_choose_apart() -> None:
    table = make_table().assign(h=np.arange(48) % 3)
    made = make_fit("0 + x + (1 | g) + (1 | h)", table=table, draws=1000)
    made.fitted.values[:, made.fitted.model.layout["1|g"].columns] = [0.0, 10.0, 20.0]
    made.fitted.values[:, made.fitted.model.layout["1|h"].columns] = [0.0, 1.0, 2.0]
    found = effects(made, {"x": [0], "g": [99], "h": [99]}, new_groups="existing", seed=1)[:, 0]
    assert abs(np.mean(found // 10 == found % 10) - 1 / 3) < 4.9 * np.sqrt(2 / 9 / 2000)


def nested() -> Made:
    """Three schools of two rooms, whose effects are their numbers: 100 x school, room 0 to 5."""
    made = make_fit("0 + x + (1 | school/room)", draws=500)
    layout = made.fitted.model.layout
    made.fitted.values[:, layout["1|school"].columns] = [0.0, 100.0, 200.0]
    made.fitted.values[:, layout["1|school:room"].columns] = np.arange(6.0)
    return made


def test_a_new_room_is_one_of_its_own_schools() -> None:
    made = nested()
    table = {"x": [0.0] * 3, "school": [1, 9, 9], "room": ["new", "new", "r0"]}
    found = effects(made, table, new_groups="existing", seed=2)
    assert set(found[:, 0]) == {102.0, 103.0}
    assert set(found[:, 1]) == {0.0, 1.0, 102.0, 103.0, 204.0, 205.0}
    assert np.array_equal(found[:, 1] // 100, found[:, 2] // 100)  # the same school stands for school 9
    assert not np.array_equal(found[:, 1], found[:, 2])


def test_the_room_alone_is_still_chosen_in_its_school() -> None:
    made = nested()
    table = {"x": [0.0], "school": [1], "room": ["new"]}
    found = effects(made, table, groups=["school:room"], new_groups="existing", seed=2)
    assert set(found[:, 0]) == {2.0, 3.0}


def numbered(right: str, table: pd.DataFrame, **effects: list[float]) -> Made:
    """A fit whose effects are given, the same in every draw."""
    made = make_fit(right, table=table, draws=500)
    for factor, values in effects.items():
        made.fitted.values[:, made.fitted.model.layout[f"1|{factor}"].columns] = values
    return made


def classes() -> pd.DataFrame:
    """Three schools of two classes, which are numbered through: 0 to 5."""
    return make_table().assign(c=lambda t: 2 * t["school"] + (np.arange(len(t)) // 3) % 2)


CLASSES = {"school": [0.0, 100.0, 200.0], "c": [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]}


@pytest.mark.parametrize("right", ["0 + x + (1 | school) + (1 | c)", "0 + x + (1 | c) + (1 | school)"])
def test_a_new_class_is_one_of_its_own_schools_however_classes_are_numbered(right: str) -> None:
    """Which groups lie in which is what the rows say."""
    made = numbered(right, classes(), **CLASSES)
    table = {"x": [0.0] * 3, "school": [1, 9, 9], "c": [76, 77, 78]}
    found = effects(made, table, new_groups="existing", seed=2)
    assert set(found[:, 0]) == {102.0, 103.0}
    assert set(found[:, 1]) == {0.0, 1.0, 102.0, 103.0, 204.0, 205.0}
    assert np.array_equal(found[:, 1] // 100, found[:, 2] // 100)


def test_a_class_alone_needs_no_school() -> None:
    made = numbered("0 + x + (1 | school) + (1 | c)", classes(), **CLASSES)
    found = effects(made, {"x": [0.0], "c": [77]}, groups=["c"], new_groups="existing", seed=2)
    assert set(found[:, 0]) == set(CLASSES["c"])


def test_of_crossed_factors_around_a_group_the_known_one_counts() -> None:
    """Each class has one school and one teacher, teachers have classes in two schools."""
    table = classes().assign(t=lambda t: t["c"] % 4)
    right = "0 + x + (1 | school) + (1 | c) + (1 | t)"
    made = numbered(right, table, **CLASSES, t=[0.0, 10.0, 20.0, 30.0])
    new = {"x": [0.0] * 2, "school": [2, 9], "c": [76, 77], "t": [88, 1]}
    found = effects(made, new, new_groups="existing", seed=2)
    assert set(found[:, 0] % 10) == {4.0, 5.0}  # of school 2, whatever its teacher
    assert set(found[:, 1] % 10) == {1.0, 5.0}  # of teacher 1


# ---- none, and not allowed -------------------------------------------------------------------------------


def test_zero_leaves_new_groups_out(made: Made) -> None:
    table = make_table(4, 8)
    new = table.assign(g=99)
    np.testing.assert_allclose(
        linear(made, new, new_groups="zero"),
        slow_linear(made, table, ("k", "school", "school:room")),
        atol=1e-12,
    )


def test_error_names_the_factor_the_groups_and_counts_the_rows(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("partialpool.predict.sources.PIECE", 4)
    table = make_table(4, 12)
    linear(made, table, new_groups="error")
    table.loc[[1, 5, 11], "g"] = [8, 99, 8]
    with pytest.raises(DataError, match=r"'g' has 2 groups that the fit never saw, in 3 rows: 8, 99\."):
        linear(made, table, new_groups="error")
    linear(made, table, new_groups="error", groups=["school"])
