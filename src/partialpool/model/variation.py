"""Outcomes that never vary, where the spread about the mean is what has to be learnt."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from partialpool.data.checks import count_rows
from partialpool.errors import FamilyError, build
from partialpool.families.support import row_weights
from partialpool.model.effects import Effects
from partialpool.model.parameters import PredictorParameters
from partialpool.model.spec import ModelSpec

TINY = 1e-200


def require_variation(spec: ModelSpec) -> None:
    """Raise where an outcome that never varies leaves a residual sd no proper posterior.

    The mean then meets every outcome, and the likelihood grows as ``sd ** -n`` towards 0. Each coefficient
    takes one from that power, each learnt sd of groups another, and the prior of the sd what it falls by: the
    rest must be less than one. A model can be made all the same, to draw from its prior.

    Raises
    ------
    FamilyError
        Names the outcome, its value and the number of rows.
    """
    name, outcome = spec.family.residual_sd, spec.design.outcome
    if not name or outcome is None or name in spec.design.predictors:
        return
    weights = row_weights(outcome)
    seen = outcome.values[weights > 0]
    if np.any(seen != seen[0]):
        return
    number = spec.family.parameters.index(spec.family.main)
    effects = [e for e in spec.parameters.effects if e.predictors == (number,)]
    taken = _coefficients(spec.parameters.predictors[number], effects)
    near, farther = spec.priors[name].logpdf(np.array([TINY, 2 * TINY]))
    if taken is None or near == -np.inf:
        return
    falls = (farther - near) / math.log(2)  # 1 where the prior's density is proportional to the sd
    if np.sum(weights) - taken - falls < 1 - 1e-9:
        return
    raise build(
        FamilyError,
        f"Outcome {outcome.name!r} is {seen[0]:g} in all {count_rows(len(seen))}: a {spec.family.name} model "
        f"cannot learn {name}, the residual sd, from an outcome that never varies.",
        hint=f"check the column; to fit it all the same, a prior that keeps {name} from 0: Uniform(0.1, 10)",
    )


def _coefficients(mean: PredictorParameters, effects: Sequence[Effects]) -> int | None:
    """Count what can go where every outcome is met; None where nothing surely can."""
    predictor = mean.predictor
    if predictor is None or predictor.offset is not None:
        return None
    common = "Intercept" in predictor.population.names
    if not common and not any("1" in block.names for block in effects):
        return None
    n = len(mean.coefficients)
    for block in effects:
        # With an intercept the groups may be alike: a learnt sd then goes to zero with all its effects.
        n += sum(1 if common and learnt else block.size for learnt in block.learnt)
    return n
