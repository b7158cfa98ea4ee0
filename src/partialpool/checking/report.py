"""The result of a predictive check, as tables and as text."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from partialpool.checking.statistics import EXTREME, FITS, by_chance, more_than_chance
from partialpool.errors import OptionError, build, unknown_name

Floats = NDArray[np.float64]

_WIDTH = 100
_GROUPS_SHOWN = 5
_ABOUT_P = (
    "p is the share of them whose figure is larger than the observed one, which fits where p is from\n"
    f"{EXTREME} to {1 - EXTREME}."
)


@dataclass(frozen=True, eq=False)
class Check:
    """An observed data set compared with replicated ones; printing it gives a text.

    Attributes
    ----------
    kind
        ``"posterior"`` or ``"prior"``: where the draws are from.
    outcome
        The outcome's name.
    bounded
        True when means are proportions.
    group_word
        What tables of groups are of: ``"mean"``, ``"proportion"``, or ``"share of car"`` where outcomes are
        categories without an order.
    n_draws
        Replicated data sets.
    prob
        Probability of the intervals, which leave as much out below as above.
    seed
        The seed that reproduces the check.
    statistics
        A row a test statistic: ``statistic``, ``factor`` (None for those of all rows), ``observed``, the
        replicated ``mean``, ``lower`` and ``upper``, ``p`` and ``verdict``. p is the share of replicated data
        sets whose figure is at least the observed one, ties counted half; the verdict is ``"fits"`` from
        0.025 to 0.975.
    tables
        The same of each group's mean, by factor; see `groups`.
    replicated
        By statistic, its value in each replicated data set.
    distribution
        A row a bin of outcomes: ``category`` where there are any, ``left``, ``right``, and numbers of rows,
        ``observed`` and of replicated data
        sets ``mean``, ``lower``, ``upper``.
    scale
        What bins are of: ``"count"``, ``"proportion"``, ``"value"`` or ``"category"``.
    advice
        What does not fit, and what to try.
    """

    kind: str
    outcome: str
    bounded: bool
    group_word: str
    n_draws: int
    prob: float
    seed: int
    statistics: pd.DataFrame
    tables: Mapping[str, pd.DataFrame]
    replicated: Mapping[str, Floats]
    distribution: pd.DataFrame
    scale: str
    advice: tuple[str, ...]

    def groups(self, factor: str | None = None) -> pd.DataFrame:
        """Return each group's observed mean beside the replicated ones.

        Parameters
        ----------
        factor
            A grouping factor; may be left out when one was checked.

        Returns
        -------
        A row a group: ``group``, ``n`` (observations), ``trials`` where there are any, ``observed``, the
        replicated ``mean``, ``lower`` and ``upper``, ``p`` and ``verdict``. Means are of unit outcomes:
        proportions where there are trials.

        Raises
        ------
        OptionError
            When there is no such factor, or several and none is named.
        """
        return self.tables[self.factor(factor)]

    def factor(self, name: str | None) -> str:
        """Return the name of a checked factor; of the only one for None."""
        if name is None:
            if len(self.tables) == 1:
                return next(iter(self.tables))
            raise build(
                OptionError,
                f"The check has {len(self.tables)} grouping factors.",
                allowed=", ".join(self.tables) or "none: the model has no group-level term",
                hint="name one" if self.tables else "fit.check(group=<labels, one for each row>)",
            )
        if name not in self.tables:
            raise unknown_name(OptionError, "grouping factor in the check called", name, self.tables)
        return name

    @property
    def ok(self) -> bool:
        """True when every statistic fits."""
        return bool((self.statistics["verdict"] == FITS).all())

    def __str__(self) -> str:
        sets = f"{self.n_draws:,} replicated data set{'s' * (self.n_draws != 1)}"
        first = f"{self.kind.capitalize()} predictive check of {self.outcome}: {sets}."
        parts = [f"{first}\n{_ABOUT_P}"]
        parts.append(_table_text(self.statistics, self.prob))
        parts += [self._groups_text(name) for name in self.tables]
        parts.append("\n".join(["What to try:", *map(_item, self.advice)]) if self.advice else self._fine)
        return "\n\n".join(parts)

    @property
    def _fine(self) -> str:
        if self.kind == "prior":
            return "The priors leave room for every figure that was observed."
        return (
            "Every statistic fits. The rows that are checked also made the fit: this is the least to ask of\n"
            "a model."
        )

    def _groups_text(self, name: str) -> str:
        """Write how many groups are outside and how many are expected; name them if there are too many."""
        table = self.tables[name]
        word = self.group_word if self.group_word.startswith("share") else "mean"
        n, prior = len(table), self.kind == "prior"  # draws from the prior move all groups together
        outside = int(((table["observed"] < table["lower"]) | (table["observed"] > table["upper"])).sum())
        many = more_than_chance(outside, n, self.prob)
        text = (
            f"{name}: {outside:,} of {n:,} groups have a {word} outside their {_percent(self.prob)} interval"
        )
        if outside and not prior:
            text += f", {'more' if many else 'no more'} than chance gives ({by_chance(n, 1 - self.prob)})"
        tail = table["p"].where(table["p"] < 0.5, 1 - table["p"]).clip(lower=1 / self.n_draws)
        odd = table.loc[
            tail[tail < (EXTREME if many or prior else EXTREME / n)].sort_values(kind="stable").index
        ]
        if len(odd):
            shown = ", ".join(str(label) for label in odd["group"][:_GROUPS_SHOWN])
            more = f" and {len(odd) - _GROUPS_SHOWN:,} more" if len(odd) > _GROUPS_SHOWN else ""
            text += f". Furthest out: {shown}{more}"
        return textwrap.fill(f"{text}.", _WIDTH)


def _table_text(table: pd.DataFrame, prob: float) -> str:
    """Write the statistics in columns that line up."""
    interval = f"replicated, {_percent(prob)} interval"
    rows = [("", "observed", interval, "p", "")]
    for row in table.itertuples():
        around = f"{figure(row.lower)} to {figure(row.upper)}"
        verdict = "" if row.verdict == FITS else str(row.verdict)
        rows.append((str(row.statistic), figure(row.observed), around, p_text(float(str(row.p))), verdict))
    widths = [max(len(row[i]) for row in rows) for i in range(5)]
    return "\n".join(
        "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def figure(value: object) -> str:
    """Write a figure with three digits, whole numbers without decimals.

    Examples
    --------
    >>> figure(0.39266), figure(123456.0), figure(0.0), figure(2.5e15)
    ('0.393', '123,456', '0', '2.5e+15')
    """
    number = float(str(value))
    return f"{number:,.0f}" if 1000 <= abs(number) < 1e9 else f"{number:.3g}"


def p_text(p: float, equals: str = "") -> str:
    """Write a p-value with three decimals, never as none or all.

    Examples
    --------
    >>> p_text(0.4312), p_text(0.0001), p_text(1.0), p_text(0.2, "= ")
    ('0.431', '< 0.001', '> 0.999', '= 0.200')
    """
    if p < 0.0005:
        return "< 0.001"
    return "> 0.999" if p > 0.9995 else f"{equals}{p:.3f}"


def _percent(prob: float) -> str:
    return f"{100 * prob:g}%"


def _item(text: str) -> str:
    return textwrap.fill(text, _WIDTH, initial_indent="* ", subsequent_indent="  ")
