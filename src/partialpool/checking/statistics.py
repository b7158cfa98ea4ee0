"""Test statistics of data sets, and the position of the observed one among replicated ones."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from partialpool.checking.tallies import BinTally, GroupTally, Tally
from partialpool.errors import OptionError, build
from partialpool.families.base import Family

Floats = NDArray[np.float64]
Function = Callable[[Floats], float]

EXTREME = 0.025
FITS, TOO_HIGH, TOO_LOW = "fits", "observed is higher", "observed is lower"


@dataclass(frozen=True)
class Statistic:
    """A figure of a data set.

    Attributes
    ----------
    name
        As people read it.
    kind
        Which advice applies: ``"mean"``, ``"sd"``, ``"zeros"``, ``"full"``, ``"dispersion"``, ``"largest"``,
        ``"smallest"``, ``"share"``, ``"spread"``, ``"top"``, ``"bottom"`` or ``"own"``.
    factor
        The grouping factor, for those about groups.
    """

    name: str
    kind: str
    factor: str | None = None


def row_statistics(tally: Tally, family: Family) -> Iterator[tuple[Statistic, Floats]]:
    """Compute the test statistics of a family's outcomes, (S,) each.

    Of outcomes that are 0 or 1 the mean says all that rows without groups can say.
    """
    yield Statistic("mean", "mean"), tally.mean
    if family.bounded and tally.weight == tally.n_rows:
        return
    yield Statistic("sd", "sd"), np.sqrt(tally.variance)
    if family.discrete:
        yield Statistic("share of zeros", "zeros"), tally.zeros / tally.n_rows
    if family.bounded:
        yield Statistic("share with every trial a success", "full"), tally.full / tally.n_rows
        return
    if family.discrete:
        with np.errstate(invalid="ignore"):
            ratio = np.where(tally.total > 0, tally.variance / tally.mean, 0.0)
        yield Statistic("variance / mean", "dispersion"), ratio
    else:
        yield Statistic("smallest", "smallest"), tally.smallest
    yield Statistic("largest", "largest"), tally.largest


def category_statistics(tally: BinTally, names: Sequence[str]) -> Iterator[tuple[Statistic, Floats]]:
    """Compute the share of rows in each category, (S,) each."""
    shares = tally.counts / tally.counts.sum(axis=1, keepdims=True)
    for name, share in zip(names, shares.T, strict=True):
        yield Statistic(f"share of {name}", "share"), share


def group_statistics(
    tally: GroupTally, factor: str, word: str = "mean"
) -> Iterator[tuple[Statistic, Floats]]:
    """Compute statistics of the groups' means, (S,) each: their sd, the largest, the smallest.

    Parameters
    ----------
    word
        What the mean is, where it is not the mean of outcomes: ``"share of car"``.
    """
    means, word = tally.means, word if word.startswith("share") else "mean"
    several = word.replace("share", "shares", 1) if word.startswith("share") else "means"
    yield Statistic(f"sd between {factor} {several}", "spread", factor), means.std(axis=1)
    yield Statistic(f"largest {factor} {word}", "top", factor), means.max(axis=1)
    yield Statistic(f"smallest {factor} {word}", "bottom", factor), means.min(axis=1)


def more_than_chance(n_outside: int, n: int, prob: float) -> bool:
    """Say whether the number of figures outside exceeds its expectation by more than two standard errors.

    Examples
    --------
    >>> more_than_chance(110, 1000, 0.89), more_than_chance(150, 1000, 0.89)
    (False, True)
    """
    expected = (1 - prob) * n
    return bool(n_outside > expected + 2 * np.sqrt(expected * prob))


def by_chance(n: int, share: float) -> str:
    """Write how many of n figures are expected to be extreme by chance.

    Examples
    --------
    >>> by_chance(1000, 0.05), by_chance(3, 0.11)
    ('about 50', 'fewer than 1')
    """
    return f"about {share * n:,.0f}" if share * n >= 1 else "fewer than 1"


def check_names(functions: Mapping[str, Function], taken: Collection[str]) -> None:
    """Raise an OptionError for a statistic that has a built-in one's name, or that cannot be called."""
    for name, function in functions.items():
        if name in taken:
            raise build(OptionError, f"There is a statistic {name!r} already.", hint=f"'my {name}'")
        if not callable(function):
            raise build(
                OptionError,
                f"The statistic {name!r} is {function!r}.",
                allowed="a function from the array of outcomes to one number",
            )


def own_statistics(
    functions: Mapping[str, Function], data_sets: Iterator[Floats]
) -> Iterator[tuple[Statistic, Floats]]:
    """Apply a user's functions to each complete data set.

    Parameters
    ----------
    functions
        By name, from the (n,) outcomes to one number.
    data_sets
        (s, n) outcomes, some data sets at a time.

    Raises
    ------
    OptionError
        When a function does not return one finite number.
    """
    found: dict[str, list[float]] = {name: [] for name in functions}
    for some in data_sets:
        for name, function in functions.items():
            found[name] += [_one_number(name, function(outcomes)) for outcomes in some]
    for name, values in found.items():
        yield Statistic(name, "own"), np.array(values)


def _one_number(name: str, value: Any) -> float:
    array = np.asarray(value)
    if array.shape != () or array.dtype.kind not in "biuf" or not np.isfinite(array):
        raise build(
            OptionError,
            f"The statistic {name!r} returned {value!r}.",
            allowed="a function from the array of outcomes, one for each row, to one finite number",
        )
    return float(array)


def compare(observed: Floats, replicated: Floats, prob: float) -> pd.DataFrame:
    """Place observed figures among replicated ones.

    Parameters
    ----------
    observed
        (V,).
    replicated
        (S, V).
    prob
        Probability of the central interval of the replicated figures.

    Returns
    -------
    A row a figure: ``observed``, ``mean``, ``lower``, ``upper``, ``p``, ``verdict``; p is the share of data
    sets whose figure is at least the observed one, those with the same figure counted half, and the verdict
    says which of them is higher when p is below 0.025 or above 0.975.
    """
    tail = (1 - prob) / 2
    lower, upper = np.quantile(replicated, [tail, 1 - tail], axis=0)
    # Equal data sets may differ in the last digits, by the order of their sums.
    same = np.isclose(replicated, observed, rtol=1e-9, atol=1e-12)
    p = np.where(same, 0.5, replicated > observed).mean(axis=0)
    verdict = np.select([p < EXTREME, p > 1 - EXTREME], [TOO_HIGH, TOO_LOW], FITS)
    columns = {"observed": observed, "mean": replicated.mean(axis=0), "lower": lower, "upper": upper}
    return pd.DataFrame(columns | {"p": p, "verdict": verdict})
