"""Perfect separation: predictors that tell apart, without error, where an outcome is 0 and where it is 1."""

from __future__ import annotations

import numpy as np

from partialpool.results.findings import Finding
from partialpool.results.fitted import Fitted


def separation(fitted: Fitted) -> Finding | None:
    """Note that the population-level predictors separate the outcomes, if they do.

    The likelihood then grows without end as coefficients grow: only their priors hold them back. Looked at is
    the population's linear predictor at the posterior means; group-level effects are left out, since groups
    of one row are always told apart.

    Returns
    -------
    A note, or None where the outcomes overlap, are not proportions, or there is no predictor besides the
    intercept, or no row to look at.
    """
    model = fitted.model
    predictor, outcome = model.design.main, model.design.outcome
    names = [name for name in predictor.population.names if name != "Intercept"]
    if not model.family.bounded or outcome is None or not names or not model.design.n_rows:
        return None
    means = fitted.values[:, model.parameters.by_name[predictor.parameter].places].mean(axis=0)
    proportion, used = model.family.unit_outcome(outcome), model.family.unit_weights(outcome) > 0
    if np.any((proportion[used] > 0) & (proportion[used] < 1)):
        return None
    eta = model.design.by_row(predictor.population.matrix @ means)
    zeros, ones = eta[used & (proportion == 0)], eta[used & (proportion == 1)]
    if not len(zeros) or not len(ones) or zeros.max() >= ones.min():
        return None
    return Finding(
        "note",
        "the predictors separate the outcomes perfectly",
        f"All {len(ones):,} rows with outcome 1 lie above all {len(zeros):,} rows with outcome 0 on the "
        f"linear predictor of {', '.join(names)}: the data put no bound on how steep it is.",
        "The fit is sound, but the size of these coefficients comes from their priors: choose them with "
        "care, and look for a predictor that is the outcome in disguise.",
    )
