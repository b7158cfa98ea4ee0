"""Pooling tables of any size, made up but shaped like real ones."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from partialpool.pooling.population import Estimate, PopulationLine

LONG = [
    "Upazila of Chapai Nawabganj Sadar and its surroundings",
    "চট্টগ্রাম",
    "東京都千代田区",
    "Łódź $x$ and $y$ \n b",
    "Πειραιάς",
    "x" * 80 + "a" + "x" * 30,
    "x" * 80 + "b" + "x" * 30,
]


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


def make_table(n_groups: int, labels: list[object] | None = None) -> pd.DataFrame:
    rng = np.random.default_rng(n_groups)
    n = np.maximum(2, rng.lognormal(3.2, 0.9, n_groups).astype(int))
    raw = rng.binomial(n, 1 / (1 + np.exp(0.54 - rng.normal(0, 0.6, n_groups)))) / n
    info = n * np.clip(raw * (1 - raw), 0.05, None)
    table = pd.DataFrame(
        {"group": labels or range(1, n_groups + 1), "position": range(n_groups), "n": n, "raw": raw}
    )
    odds = np.log((raw * n + 0.5) / (n - raw * n + 0.5))
    for pooling, centre, precision in (("no", 0, 0.4), ("partial", -0.54, 3.7), ("complete", -0.64, 1e4)):
        mean, sd = (info * odds + precision * centre) / (info + precision), 1 / np.sqrt(info + precision)
        figures = {"mean": mean, "sd": sd, "lower": mean - 1.6 * sd, "upper": mean + 1.6 * sd}
        table = table.assign(**{f"{pooling}_pooling_{k}": v for k, v in figures.items()})
        outcomes = {k: 1 / (1 + np.exp(-v)) for k, v in figures.items()}
        table = table.assign(**{f"{pooling}_pooling_{k}_outcome": v for k, v in outcomes.items()})
    return table


@pytest.fixture(scope="session")
def tables() -> Callable[[str], pd.DataFrame]:
    """By name: ``"1"``, ``"3"``, ``"60"``, ``"1000"`` groups, or ``"long"`` labels."""
    return lambda name: make_table(len(LONG), list(LONG)) if name == "long" else make_table(int(name))
