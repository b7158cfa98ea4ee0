"""The fitted rows observed again: one replicated data set for each posterior draw."""

from __future__ import annotations

from collections.abc import Iterator

from partialpool.formula.records import Design
from partialpool.predict.linear import Floats, linear_predictors
from partialpool.predict.outcomes import draw_outcomes, strip_blocks
from partialpool.results.fitted import Fitted

CACHE_BYTES = 2**21  # stays in a processor's cache from one step to the next, unlike larger blocks


def replicated_outcomes(
    fitted: Fitted, design: Design, seed: int, max_bytes: int = CACHE_BYTES
) -> Iterator[tuple[slice, Floats]]:
    """Walk outcomes drawn from the posterior predictive distribution of rows, block by block.

    Every posterior draw makes one outcome for each row, with the row's own group effects, offset and trials.
    A row with a frequency weight gets one outcome, too.

    Parameters
    ----------
    fitted
        A fit.
    design
        Its rows, or some of them.
    seed
        The same seed gives the same outcomes, whatever `max_bytes` is.
    max_bytes
        Size of the largest matrix that is held, unless 32 rows take more.

    Yields
    ------
    A block of rows, and (S, block) outcomes: counts of successes where there are trials.

    Raises
    ------
    DataError
        When the fit was kept without its rows.
    """
    fitted.require_rows("A replicated data set")
    model, values = fitted.model, fitted.values
    for rows in strip_blocks(design.n_rows, len(values), max_bytes):
        linear = linear_predictors(model, design, values, rows)
        own = {} if design.outcome is None else design.outcome.take(rows).additions
        yield rows, draw_outcomes(model.family, linear, own, seed, rows.start)
