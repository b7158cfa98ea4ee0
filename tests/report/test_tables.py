"""Short tables: the rows that matter first, with the digits that mean something."""

from __future__ import annotations

import numpy as np
import pytest

from partialpool.report.html_tables import brief_summary, population_summary


def test_effects_of_groups_come_last(fit):
    grid = brief_summary(fit.summary(), fit.model.layout, 0.89, limit=3)
    assert [row[0] for row in grid.rows] == ["Intercept", "1|g_sigma", "1|g[north]"]
    assert grid.left_out == 2


def test_constants_come_last(fit):
    summary = fit.summary()
    summary.loc["Intercept", "sd"] = 0.0
    assert brief_summary(summary, fit.model.layout, 0.89, limit=1).rows[0][0] == "1|g_sigma"


def test_effects_of_groups_are_left_out_where_there_is_more(fit):
    grid = population_summary(fit.summary(), fit.model.layout, 0.89, limit=4)
    assert [row[0] for row in grid.rows] == ["Intercept", "1|g_sigma"]
    assert grid.left_out == 3


def test_where_all_are_effects_of_groups_the_first_are_shown(fit):
    effects = fit.summary().filter(like="1|g[", axis=0)
    grid = population_summary(effects, fit.model.layout, 0.89, limit=2)
    assert [row[0] for row in grid.rows] == ["1|g[north]", "1|g[south]"]
    assert grid.left_out == 1


def test_the_interval_is_named_by_its_probability(fit):
    assert brief_summary(fit.summary(prob=0.955), fit.model.layout, 0.955, 1).header[3] == "95.5% HDI"


@pytest.mark.parametrize(
    ("sd", "shown"),
    [(0.0123, "0.012"), (0.088, "0.088"), (0.5, "0.50"), (3.0, "3.00"), (12.0, "12"), (np.nan, "-")],
)
def test_the_smallest_sd_decides_the_digits(fit, sd, shown):
    summary = fit.summary().assign(sd=sd)
    assert brief_summary(summary, fit.model.layout, 0.89, 1).rows[0][2] == shown
