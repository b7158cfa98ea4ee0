"""The tables of the golden set: seeded, and made by numpy alone, so that the package cannot move them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@cache
def table(name: str) -> pd.DataFrame:
    """Return a table; the same object every time, for nothing changes it."""
    return TABLES[name]()


def digests(name: str) -> dict[str, str]:
    """Sixteen hexadecimal digits for each column: other numbers, other digits."""
    return {str(column): _digest(values) for column, values in table(name).items()}


def _digest(column: pd.Series) -> str:
    values = column.to_numpy()
    text = values.dtype.kind in "OUT"
    content = "\n".join(values.tolist()).encode() if text else values.astype("<f8").tobytes()
    return hashlib.sha256(content).hexdigest()[:16]


def _outcomes(rng: np.random.Generator, eta: Floats, trials: NDArray[np.int64]) -> dict[str, object]:
    """One outcome a family, from the same linear predictor."""
    p = 1.0 / (1.0 + np.exp(-eta))
    yes = (rng.random(len(eta)) < p).astype(int)
    return {
        "yes": yes,
        "answer": np.where(yes == 1, "yes", "no").astype(object),
        "hits": rng.binomial(trials, p),
        "count": rng.poisson(np.exp(eta)),
        "spread": rng.poisson(np.exp(eta) * rng.gamma(2.0, 0.5, len(eta))),
        "size": eta + 0.6 * rng.normal(size=len(eta)),
        "length": np.exp(eta) + 0.4 * rng.normal(size=len(eta)),
    }


def _small() -> pd.DataFrame:
    """150 rows with few distinct values, so that cells hold several; labels of every kind, with gaps."""
    n, rng = 150, np.random.default_rng(2101)
    groups, rooms = rng.integers(0, 5, n), rng.integers(0, 3, n)
    # Nine labels, four of which one row has.
    lonely = np.concatenate([np.arange(9), rng.integers(4, 9, n - 9)])
    frame = pd.DataFrame(
        {
            "x": rng.integers(0, 4, n) / 2 + 1.0,
            "z": rng.integers(0, 3, n) - 1.0,
            "t": np.log(rng.integers(1, 4, n)),
            "w": rng.integers(1, 4, n),
            "m": rng.integers(0, 6, n),
            "cat": rng.choice(np.array(list("abc"), object), n),
            "g": np.array([3, 7, 11, 20, 61])[groups],
            "h": np.array(["u v", "vée", "w"], object)[rooms],
            "two": rng.choice(np.array(["left", "right"], object), n),
            "b": rng.choice(np.array(["p", "q"], object), n),  # nested in g: the same labels in each
            "lonely": np.array([f"L{i}" for i in range(9)], object)[lonely],
            "row": np.arange(n),
        }
    )
    eta = -0.2 + 0.5 * (frame["x"] - 1.75) + 0.3 * frame["z"] + rng.normal(0, 0.6, 5)[groups]
    eta = (eta + rng.normal(0, 0.3, 3)[rooms]).to_numpy()
    return frame.assign(**_outcomes(rng, eta, frame["m"].to_numpy()))


def _continuous(seed: int, n: int, n_groups: int, n_rooms: int) -> pd.DataFrame:
    """Rows with continuous covariates: as many cells as rows."""
    rng = np.random.default_rng(seed)
    groups, rooms, trials = (rng.integers(0, high, n) for high in (n_groups, n_rooms, 6))
    x, z = rng.normal(size=n), rng.normal(size=n)
    eta = -0.2 + 0.4 * x - 0.2 * z + rng.normal(0, 0.5, n_groups)[groups]
    eta = eta + rng.normal(0, 0.3, n_groups)[groups] * x + rng.normal(0, 0.3, n_rooms)[rooms]
    frame = pd.DataFrame({"x": x, "z": z, "g": groups, "h": rooms, "m": trials, "w": rng.integers(1, 4, n)})
    return frame.assign(**_outcomes(rng, eta, trials))


def _wide() -> pd.DataFrame:
    """700 cells: two blocks of the kernels' 512."""
    return _continuous(2102, 700, 30, 6)


def _large() -> pd.DataFrame:
    """25,000 cells: several shares of the kernels' 8,192 or more."""
    return _continuous(2103, 25_000, 40, 11)


def _many() -> pd.DataFrame:
    """2,000 groups of three rows each, and another factor across them."""
    rng = np.random.default_rng(2104)
    groups = np.repeat(np.arange(2000), 3)
    x, rooms, trials = (rng.integers(0, high, len(groups)) for high in (3, 7, 6))
    eta = -0.4 + 0.3 * x + rng.normal(0, 0.7, 2000)[groups] + rng.normal(0, 0.2, 7)[rooms]
    frame = pd.DataFrame({"x": x / 2, "g": groups * 3 + 1, "h": rooms, "m": trials})
    return frame.assign(**_outcomes(rng, eta, trials))


TABLES: dict[str, Callable[[], pd.DataFrame]] = {
    "small": _small,
    "wide": _wide,
    "large": _large,
    "many": _many,
}
