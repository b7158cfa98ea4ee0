"""Pooling tables of any size, and the line of their population."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest
from tests.plots.cases import LONG, make_table

from partialpool.pooling.population import Estimate, PopulationLine


@pytest.fixture(scope="session")
def line() -> PopulationLine:
    return PopulationLine(
        group="district",
        coefficient="1",
        outcome_name="use.contraception",
        mean_word="probability",
        link="logit",
        prob=0.89,
        on_link=Estimate(-0.54, 0.09, -0.68, -0.4),
        on_outcome=Estimate(0.37, 0.02, 0.34, 0.4),
        group_sd=Estimate(0.52, 0.08, 0.4, 0.65),
        raw=0.39,
    )


@pytest.fixture(scope="session")
def tables() -> Callable[[str], pd.DataFrame]:
    """By name: ``"1"``, ``"3"``, ``"60"``, ``"1000"`` groups, or ``"long"`` labels."""
    return lambda name: make_table(len(LONG), list(LONG)) if name == "long" else make_table(int(name))
