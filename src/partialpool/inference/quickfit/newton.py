"""A quick penalised fit: where the posterior is, and how curved, before anything is sampled.

Newton steps for a part's coefficients and one block of its effects at a time (block elimination, linear in
the number of groups), and in between EM for the block's covariance, with each group's log likelihood taken as
quadratic. It stops early on purpose: whatever it returns is a valid choice of coordinates, a better one only
makes the sampler faster.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from partialpool.inference.quickfit.approximations import interior, predictor_scales
from partialpool.inference.quickfit.point import FittedEffects, FittedPart, Point
from partialpool.model.spec import ModelSpec

Floats = NDArray[np.float64]

MAX_SWEEPS = 30
TOLERANCE = 1e-3  # of a step, in units of the predictor's scale
JOINT_TOLERANCE = 1e-2  # of a Newton step of everything at once: it leaves about its square
LONGEST_STEP = 3.0  # in the same units: Newton overshoots far from the mode
GROWTH = 1.5  # of the longest step, each sweep: a mode far away is reached all the same
LEARNT_ENOUGH = 1e-2  # relative change of an sd: the sampler learns the scales itself
MOST_TRIES = 10  # to shorten a step


class QuickFit:
    """The working state of the fit.

    Parameters
    ----------
    spec
        The model.

    Attributes
    ----------
    point
        After `run` it holds the fit and its curvature.
    """

    def __init__(self, spec: ModelSpec) -> None:
        self.spec = spec
        self.point = Point(spec)
        self.scales = np.array(predictor_scales(spec))
        self.longest_step = LONGEST_STEP
        self.value = self.point.expand()

    def run(self) -> None:
        """Sweep until steps are short."""
        parts = self.point.parts
        joint = len(parts) == 1 and len(parts[0].effects) <= 1
        tolerance = JOINT_TOLERANCE if joint else TOLERANCE
        for sweep in range(MAX_SWEEPS):
            self.longest_step, longest, learnt = LONGEST_STEP * GROWTH**sweep, 0.0, 0.0
            for part in parts:
                if not part.effects:
                    longest = max(longest, self._step(part, None))
                for effects in part.effects:
                    longest = max(longest, self._step(part, effects))
                    learnt = max(learnt, effects.learn())
                if part is parts[0] and part.effects and len(parts) > 1:
                    self._update_spread(part)
            if longest < tolerance and learnt < LEARNT_ENOUGH:
                break
        self.point.finish()

    def _update_spread(self, part: FittedPart) -> None:
        """Average over the effects of the mean, whose posterior has changed, when there are more predictors.

        At their mode alone groups of few rows would fit perfectly, and sigma would go to zero.
        """
        for effects in part.effects:
            effects.spread[:] = effects.posterior
        self.point.averaged = True
        self.value = self.point.expand()

    def _step(self, part: FittedPart, effects: FittedEffects | None) -> float:
        """One damped Newton step of a part's coefficients, jointly with one of its blocks of effects."""
        curvature, slope, before = part.curvature, part.slope, self.value + part.log_prior
        if effects is None:
            return self._move(part, None, inverse(curvature) @ slope, np.empty(0), before)
        log_prior, less_curvature, less_slope = effects.eliminate()
        coef_step = inverse(curvature - less_curvature) @ (slope - less_slope)
        return self._move(part, effects, coef_step, effects.step(coef_step), before + log_prior)

    def _move(
        self,
        part: FittedPart,
        effects: FittedEffects | None,
        coef_step: Floats,
        effect_step: Floats,
        before: float,
    ) -> float:
        """Take the step, shortened until the penalised log likelihood does not fall; return its length."""
        self.point.remember()
        fraction, limit = 1.0, self.longest_step
        for _ in range(MOST_TRIES):
            moved = part.before + fraction * coef_step
            part.coefficients[:] = interior(self.spec, part.predictors, moved)
            if effects is not None:
                effects.effects[:] = effects.before + fraction * effect_step
            value = self.point.expand(part.predictors)
            reach = float(np.max(self.point.reach / self.scales))
            if reach > limit * (1.0 + 1e-6):
                fraction *= limit / reach
                continue
            now = value + part.log_prior + (0.0 if effects is None else effects.log_prior)
            if now >= before - 1e-9 * abs(before):
                self.value = value
                return reach
            fraction *= 0.5
        self.value = self.point.go_back()
        return 0.0


def inverse(precision: Floats) -> Floats:
    """(K, K) pseudo-inverse of a symmetric matrix by its lower triangle, whatever its columns' units."""
    diagonal = np.diag(precision)
    units = 1.0 / np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
    values, vectors = np.linalg.eigh(precision * np.outer(units, units))
    kept = np.abs(values) > 1e-15 * np.max(np.abs(values), initial=0.0)
    inverted = np.divide(1.0, values, out=np.zeros_like(values), where=kept)
    scaled = units[:, None] * vectors
    return np.asarray((scaled * inverted) @ scaled.T)
