"""Predictive checks: data sets replicated from draws, compared with the observed data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from partialpool.checking.advice import Situation, advise
from partialpool.checking.bins import Bins, binned, choose_bins
from partialpool.checking.factors import Labels, checked_factors
from partialpool.checking.replicated import DRAWS, observations, observed_again, thinned, whole_data_sets
from partialpool.checking.report import Check
from partialpool.checking.statistics import (
    FITS,
    Function,
    Statistic,
    category_statistics,
    check_names,
    compare,
    group_statistics,
    own_statistics,
    row_statistics,
)
from partialpool.checking.tallies import BinTally, GroupTally, Tally
from partialpool.families.base import Family
from partialpool.formula.group_records import Grouping
from partialpool.formula.outcome import name_of_outcome
from partialpool.inference.prior import METHOD
from partialpool.predict.replicates import CACHE_BYTES, replicated_outcomes
from partialpool.results.fitted import Fitted
from partialpool.results.summaries import DEFAULT_PROB, check_prob

Floats = NDArray[np.float64]
Found = dict[Statistic, Floats]

Blocks = Iterable[tuple[slice, Floats]]


@dataclass(frozen=True)
class _Tallies:
    """The sums over rows of S data sets, collected in one pass."""

    family: Family
    rows: Tally
    groups: Mapping[str, GroupTally]
    bins: BinTally

    @classmethod
    def empty(
        cls, family: Family, size: Floats, factors: Mapping[str, Grouping], bins: Bins, n_sets: int
    ) -> _Tallies:
        """Create empty tallies for a number of data sets."""
        groups = {n: GroupTally(f.pairs(), size, len(f.labels), n_sets) for n, f in factors.items()}
        return cls(family, Tally(size, n_sets), groups, BinTally(bins.edges, bins.scale, n_sets))

    def add(self, blocks: Blocks) -> _Tallies:
        """Add blocks of rows, and return what is added to."""
        for rows, outcomes in blocks:
            counted = self.family.tallied(outcomes)
            self.rows.add(rows, counted)
            self.bins.add(rows, counted)
            for tally in self.groups.values():
                tally.add(rows, self.family.group_figure(outcomes))
        return self

    def statistics(self) -> Found:
        """Compute every test statistic of each data set."""
        if self.family.categories:
            found = dict(category_statistics(self.bins, self.family.categories))
        else:
            found = dict(row_statistics(self.rows, self.family))
        for factor, tally in self.groups.items():
            found |= group_statistics(tally, factor, self.family.group_word)
        return found


def check(
    fitted: Fitted,
    seed: int,
    group: str | Labels | None = None,
    statistics: Mapping[str, Function] | None = None,
    prob: float = DEFAULT_PROB,
    draws: int = DRAWS,
    max_bytes: int = CACHE_BYTES,
) -> Check:
    """Compare the observed outcomes with outcomes of the same rows replicated from the draws.

    Each draw makes one data set: the same rows, groups, offsets and trials, new outcomes. Draws from the
    posterior give a posterior predictive check (Gelman, Meng & Stern 1996), draws from the prior a prior one.

    Parameters
    ----------
    fitted
        A fit with its rows.
    seed
        The same seed gives the same check.
    group
        Check this grouping factor's groups; labels, one for each row, check a factor that the model lacks.
        None checks every factor of the model.
    statistics
        More test statistics, by name: functions from the array of outcomes (successes where there are trials;
        a row of frequency weight w is there w times) to one number.
    prob
        Probability of the intervals of replicated figures.
    draws
        Number of data sets at most, from an even choice of draws.
    max_bytes
        Size of the largest draws-by-rows matrix that is held. With `statistics`, which need data sets whole,
        up to 1 GiB.

    Returns
    -------
    Statistics, groups, the distribution of outcomes, and what to do about what does not fit.

    Raises
    ------
    DataError
        When the fit was saved without its rows, or weights are not whole numbers.
    OptionError
        When `group` is no factor, or its labels are not one a row; when `prob` or `draws` is impossible; when
        a statistic has the name of another, is no function, or does not return one number.
    """
    check_prob(prob)
    fitted.require_rows("A predictive check")
    rows = observations(fitted)
    factors = checked_factors(fitted.model.design, group, rows)
    again, design = thinned(fitted, draws), observed_again(fitted, rows)
    outcome = design.outcome
    assert outcome is not None, "models are built from rows with an outcome"
    family = fitted.model.family
    size = family.unit_weights(outcome)
    bins = choose_bins(family, outcome.values, size)
    observed = _Tallies.empty(family, size, factors, bins, 1)
    observed.add([(slice(None), outcome.values[np.newaxis])])
    replicated = _Tallies.empty(family, size, factors, bins, len(again.values))
    replicated.add(replicated_outcomes(again, design, seed, max_bytes))
    ours, theirs = observed.statistics(), replicated.statistics()
    if statistics:
        check_names(statistics, [statistic.name for statistic in ours])
        ours |= own_statistics(statistics, iter([outcome.values[np.newaxis]]))
        theirs |= own_statistics(statistics, whole_data_sets(again, design, seed))
    table = _statistics_table(ours, theirs, prob)
    prior = fitted.draws.method == METHOD
    situation = Situation(family, _terms_of_mean(fitted), prior)
    return Check(
        kind="prior" if prior else "posterior",
        outcome=name_of_outcome(family, outcome),
        bounded=family.bounded,
        group_word=family.group_word,
        n_draws=len(again.values),
        prob=prob,
        seed=seed,
        statistics=table,
        tables={
            n: _group_table(f, observed, replicated, n, outcome.trials is not None, prob)
            for n, f in factors.items()
        },
        replicated={statistic.name: values for statistic, values in theirs.items()},
        distribution=binned(bins, observed.bins, replicated.bins, prob, family.categories),
        scale=bins.what,
        advice=tuple(_advice(ours, table["verdict"].tolist(), situation)),
    )


def _statistics_table(ours: Found, theirs: Found, prob: float) -> pd.DataFrame:
    observed = np.concatenate([ours[statistic] for statistic in ours])
    table = compare(observed, np.stack([theirs[statistic] for statistic in ours], axis=1), prob)
    table.insert(0, "statistic", [statistic.name for statistic in ours])
    table.insert(1, "factor", [statistic.factor for statistic in ours])
    return table


def _group_table(
    factor: Grouping, observed: _Tallies, replicated: _Tallies, name: str, trials: bool, prob: float
) -> pd.DataFrame:
    """Compare each group's mean; groups without an observation are left out."""
    sizes = observed.groups[name].size
    some = sizes > 0
    table = compare(observed.groups[name].means[0], replicated.groups[name].means, prob)
    table.insert(0, "group", factor.labels[some])
    table.insert(1, "n", np.bincount(factor.pairs()[1], minlength=len(sizes))[some])
    if trials:
        table.insert(2, "trials", sizes[some].astype(np.int64))
    return table


def _terms_of_mean(fitted: Fitted) -> set[str]:
    return {term.grouping.name for term in fitted.model.design.main.groups}


def _advice(statistics: Iterable[Statistic], verdicts: Sequence[str], situation: Situation) -> Iterator[str]:
    """Give each piece of advice once, with the names of the statistics that led to it."""
    asked: dict[str, list[str]] = {}
    for statistic, verdict in zip(statistics, verdicts, strict=True):
        if verdict != FITS:
            asked.setdefault(advise(statistic, verdict, situation), []).append(statistic.name)
    for advice, names in asked.items():
        yield f"{', '.join(names)}: {advice or 'your own statistic does not fit.'}"
