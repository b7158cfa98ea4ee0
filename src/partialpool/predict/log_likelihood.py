"""The log likelihood of every row under every draw, a block of rows at a time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from partialpool.formula.records import Outcome
from partialpool.predict.linear import linear_predictors, row_blocks
from partialpool.results.fitted import Fitted


def log_likelihood(fitted: Fitted) -> NDArray[np.float64]:
    """Compute the log density of each row's outcome, constants included.

    A row with a frequency weight counts as that many rows.

    Returns
    -------
    (chains, draws, n): all of it in memory, 8 bytes a draw and row.
    """
    model, values = fitted.model, fitted.values
    outcome = model.design.outcome
    assert outcome is not None, "models are built from rows with an outcome"
    out = np.empty((len(values), model.design.n_rows))
    for rows in row_blocks(model.design.n_rows, len(values)):
        linear = linear_predictors(model.design, model.family, model.layout, values, rows)
        own = _take(outcome, rows)
        out[:, rows] = model.family.log_likelihood(own, linear)
        if own.weights is not None:
            out[:, rows] *= own.weights
    return out.reshape(*fitted.draws.values.shape[:2], -1)


def _take(outcome: Outcome, rows: slice) -> Outcome:
    return replace(
        outcome,
        values=outcome.values[rows],
        trials=None if outcome.trials is None else outcome.trials[rows],
        weights=None if outcome.weights is None else outcome.weights[rows],
    )
