"""Explanations: which groups, which reasons, and sentences that read well for any family."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from partialpool.errors import OptionError
from partialpool.pooling.explain import Explanation, explain
from partialpool.pooling.population import Estimate, PopulationLine, population_line
from partialpool.pooling.table import pooling_table

LINE = PopulationLine(
    group="clinic",
    coefficient="1",
    outcome_name="cured",
    mean_word="probability",
    link="logit",
    prob=0.89,
    on_link=Estimate(-0.5, 0.1, -0.66, -0.34),
    on_outcome=Estimate(0.38, 0.02, 0.34, 0.42),
    group_sd=Estimate(0.5, 0.1, 0.35, 0.66),
    raw=0.4,
)


def make_table(*rows: tuple, **columns: object) -> pd.DataFrame:
    """Rows of group, n, raw, no pooling's and partial pooling's mean; sds and outcomes follow."""
    table = pd.DataFrame(rows, columns=["group", "n", "raw", "no_pooling_mean", "partial_pooling_mean"])
    for pooling in ("no_pooling", "partial_pooling"):
        table[f"{pooling}_mean_outcome"] = 1 / (1 + np.exp(-table[f"{pooling}_mean"]))
    table["complete_pooling_mean_outcome"] = LINE.raw
    table["no_pooling_sd"] = 2 / np.sqrt(table["n"])
    table["partial_pooling_sd"] = 1 / np.sqrt(4 + table["n"] / 4)
    table["pooling_factor"] = 1 / (1 + table["n"] / 16)
    return table.assign(**columns)


USUAL = [(f"u{i}", 30, 0.35 + 0.01 * i, -0.7 + 0.05 * i, -0.68 + 0.04 * i) for i in range(9)]
TABLE = make_table(
    *USUAL,
    ("two", 2, 1.0, 1.2, -0.2),
    ("none", 21, 0.0, -2.8, -1.6),
    ("small", 4, 0.35, -0.1, -0.45),
    ("far", 60, 0.9, 2.0, 1.9),
)


@pytest.fixture(scope="module")
def told() -> Explanation:
    return explain(TABLE, LINE, n=13)


def about(told: Explanation, group: str) -> str:
    (found,) = (d for d in told.disagreements if d.group == group)
    return found.text


def test_the_largest_differences_come_first(told: Explanation) -> None:
    assert [d.group for d in told.disagreements[:3]] == ["two", "none", "small"]
    assert [d.group for d in explain(TABLE, LINE, n=1).disagreements] == ["two"]
    assert len(explain(TABLE, LINE, n=99).disagreements) == len(TABLE)


def test_reasons_differ(told: Explanation) -> None:
    reasons = {d.group: d.reasons for d in told.disagreements}
    assert reasons["two"] == ("few rows", "extreme raw value")
    assert reasons["none"] == reasons["far"] == ("extreme raw value",)
    assert reasons["small"] == ("few rows",)
    assert reasons["u3"] == ()


def test_figures_of_both_scales_are_told(told: Explanation) -> None:
    text = about(told, "two")
    assert "clinic two: on the log-odds scale no pooling puts its intercept at 1.20" in text
    assert "partial pooling at −0.20, 1.40 lower and nearer to the population's −0.50." in text
    assert "The probability goes from 0.77 to 0.45, 0.32 lower." in text
    assert "only 2 rows, both successes, far from the population's 0.38: so few rows" in text
    assert text.endswith("Its pooling factor is 0.89.")


def test_a_group_without_success(told: Explanation) -> None:
    text = about(told, "none")
    assert "21 rows, none of them a success" in text
    assert "its raw value is infinite: without pooling only the prior bounds it" in text


def test_few_rows_near_the_line(told: Explanation) -> None:
    assert "only 4 rows, with 1.4 successes (a proportion of 0.35): too little" in about(told, "small")


def test_nothing_unusual_is_said_so(told: Explanation) -> None:
    assert "It has 30 rows" in about(told, "u3")
    assert "not unusual (the median group has 30 rows)" in about(told, "u3")


def test_moving_away_is_said_so() -> None:
    away = make_table(*USUAL, ("away", 20, 0.4, -0.5, -0.9))
    assert "0.40 lower and further from the population's" in explain(away, LINE, 1).disagreements[0].text


def test_single_rows_and_trials() -> None:
    single = make_table(*USUAL, ("one", 1, 0.0, 3.0, 0.0))
    assert "only 1 row, not a success" in explain(single, LINE, 1).disagreements[0].text
    trials = make_table(*USUAL, ("one", 1, 1.0, 3.0, 0.0), trials=40)
    assert "only 40 trials in 1 row, all successes" in explain(trials, LINE, 1).disagreements[0].text


def test_the_opening_tells_the_story(told: Explanation) -> None:
    assert "357 rows in 13 groups of clinic, 2 to 60 rows each (median 30)." in told.opening
    assert "population's intercept is −0.50 (89% interval −0.66 to −0.34)" in told.opening
    assert "the probability of cured is 0.38 (0.34 to 0.42)" in told.opening
    assert "standard deviation of 0.50 (0.35 to 0.66)" in told.opening
    assert "In groups of 30 rows or fewer it leaves" in told.opening


def test_groups_of_one_size_are_not_compared_by_size() -> None:
    story = explain(make_table(*USUAL), LINE).opening
    assert "30 rows each." in story
    assert "or fewer" not in story


def test_counts_and_a_learnt_sd_that_is_missing() -> None:
    line = replace(LINE, mean_word="rate", link="log", group_sd=None, outcome_name="visits")
    table = make_table(*USUAL, ("none", 21, 0.0, -2.8, -1.6), pooling_factor=np.nan)
    told = explain(table, line, 1)
    assert "standard deviation" not in told.opening
    assert "pooling factor" not in str(told)
    assert "21 rows with a raw rate of 0.00" in str(told)
    assert "On the log scale its raw value is infinite" in str(told)
    assert "success" not in str(told)


def test_a_plain_mean_has_one_scale() -> None:
    line = replace(LINE, mean_word="mean", link="identity", on_outcome=LINE.on_link, outcome_name="height")
    text = explain(TABLE, line, 1).disagreements[0].text
    assert "on the outcome's own scale no pooling puts its intercept" in text
    assert "goes from" not in text
    assert "infinite" not in text


def test_a_slope_is_explained_by_its_estimate() -> None:
    told = explain(TABLE, replace(LINE, coefficient="x"), 3)
    by_group = {d.group: d for d in told.disagreements}
    assert by_group["two"].reasons == ("few rows", "extreme estimate")
    assert by_group["none"].reasons == ("extreme estimate",)
    assert "its coefficient of x at −2.80" in by_group["none"].text
    assert "infinite" not in str(told)


def test_the_text_numbers_the_groups(told: Explanation) -> None:
    text = str(explain(TABLE, LINE, 2))
    assert text.startswith(told.opening)
    assert "\n\n1. clinic two" in text
    assert "\n\n2. clinic none" in text


def test_labels_keep_their_type(bangladesh) -> None:
    found = explain(pooling_table(*bangladesh), population_line(bangladesh.partial))
    assert {3, 11} <= {d.group for d in found.disagreements}
    assert "district 3: " in str(found)
    assert "nan" not in str(found)


def test_a_number_of_groups_below_one_is_refused() -> None:
    with pytest.raises(OptionError, match=r"n=0\.\n  Allowed: 1, 2, 3"):
        explain(TABLE, LINE, 0)


def test_weighted_rows_are_told_as_observations() -> None:
    told = str(explain(TABLE, replace(LINE, row_word="observation"), 4))
    assert "observations in 13 groups of clinic" in told
    assert "It has only 2 observations, both successes" in told
    assert " rows" not in told
