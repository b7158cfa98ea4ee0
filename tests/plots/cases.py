"""Tables of any size, made up but shaped like real ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

LONG = [
    "Upazila of Chapai Nawabganj Sadar and its surroundings",
    "চট্টগ্রাম",
    "東京都千代田区",
    "Łódź $x$ and $y$ \n b",
    "Πειραιάς",
    "x" * 80 + "a" + "x" * 30,
    "x" * 80 + "b" + "x" * 30,
]


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


def make_effects(
    n_groups: int,
    coefficients: Sequence[str] = ("1",),
    labels: Sequence[object] | None = None,
    factor: str = "g",
) -> pd.DataFrame:
    """Make what `group_table` gives for one factor."""
    rng = np.random.default_rng(n_groups)
    tables = []
    sizes = rng.integers(1, 100, n_groups)
    for name in coefficients:
        mean, sd = rng.normal(0, 0.5, n_groups), rng.uniform(0.1, 0.5, n_groups)
        names = {"factor": factor, "group": labels or list(range(1, n_groups + 1)), "coefficient": name}
        figures = {"mean": mean, "sd": sd, "hdi_5.5%": mean - 1.6 * sd, "hdi_94.5%": mean + 1.6 * sd}
        tables.append(pd.DataFrame({**names, "n": sizes, **figures}))
    return pd.concat(tables, ignore_index=True)
