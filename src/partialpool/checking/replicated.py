"""The rows and draws that a check replicates: one row for each observation, and a limited number of draws."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import DataError, OptionError, build
from partialpool.formula.design_rows import share_rows
from partialpool.formula.records import Design
from partialpool.predict.log_likelihood import outcome_of
from partialpool.predict.replicates import replicated_outcomes
from partialpool.results.fitted import Fitted

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

DRAWS = 1000
WHOLE_BYTES = 2**30


def observations(fitted: Fitted) -> Rows:
    """List the row of each observation: a row of frequency weight 3 comes three times, one of 0 not at all.

    Raises
    ------
    DataError
        When weights are no whole numbers: what such a row would look like again is not known.
    """
    outcome = outcome_of(fitted.model)
    if outcome.weights is None:
        return np.arange(fitted.model.design.n_rows)
    times = np.round(outcome.weights).astype(np.int64)
    bad = np.flatnonzero(times != outcome.weights)
    if len(bad):
        raise build(
            DataError,
            f"{len(bad):,} of {len(times):,} weights of {outcome.name!r} are no whole numbers (row {bad[0]}, "
            f"counted from 0: {outcome.weights[bad[0]]:g}): replicated data sets cannot be drawn.",
            allowed="weights that say how many identical rows a row stands for",
            hint="fit.residuals(), which looks at each row alone",
        )
    return np.repeat(np.arange(len(times)), times)


def observed_again(fitted: Fitted, rows: Rows) -> Design:
    """Make the design of observations, without weights: the fit's own where it has none."""
    design, outcome = fitted.model.design, outcome_of(fitted.model)
    if outcome.weights is None:
        return design
    return replace(share_rows(design, rows), outcome=replace(outcome.take(rows), weights=None))


def thinned(fitted: Fitted, draws: int) -> Fitted:
    """Take at most a number of evenly spaced draws, as one chain.

    Raises
    ------
    OptionError
        When `draws` is not a whole number from 1 on.
    """
    if isinstance(draws, bool) or not isinstance(draws, int | np.integer) or draws < 1:
        raise build(OptionError, f"draws is {draws!r}.", allowed="a whole number from 1 on")
    values = fitted.values
    chosen = np.linspace(0, len(values) - 1, min(draws, len(values))).round().astype(np.int64)
    return replace(fitted, draws=replace(fitted.draws, values=values[np.newaxis, chosen]))


def whole_data_sets(
    fitted: Fitted, design: Design, seed: int, max_bytes: int = WHOLE_BYTES
) -> Iterator[Floats]:
    """Draw the replicated data sets of `replicated_outcomes` whole, as many at a time as fit in memory.

    Yields
    ------
    (s, n) outcomes of consecutive draws. All draws are walked through again for each yield.
    """
    n_sets, n_rows = len(fitted.values), design.n_rows
    step = max(1, max_bytes // (8 * max(1, n_rows)))
    for start in range(0, n_sets, step):
        some = np.empty((min(step, n_sets - start), n_rows))
        for rows, outcomes in replicated_outcomes(fitted, design, seed):
            some[:, rows] = outcomes[start : start + step]
        yield some
