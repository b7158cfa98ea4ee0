"""A quick penalised fit: where the posterior is, and how curved, before anything is sampled.

Newton steps for the coefficients and one group-level term at a time (block elimination, linear in the number
of groups), and closed-form updates of the group covariances in between (the M-step of EM with the Laplace
approximation of each group's effects). It stops early on purpose: whatever it returns is a valid choice of
coordinates, a better one only makes the sampler faster.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partialpool.inference.approximations import (
    NormalApproximation,
    coefficient_approximation,
    interior,
    predictor_scales,
    starting_coefficients,
)
from partialpool.inference.columns import Columns
from partialpool.kernels.rows import Row, widened
from partialpool.model.density import fixed_scale
from partialpool.model.parameters import GroupBlock
from partialpool.model.spec import ModelSpec
from partialpool.priors.base import Prior

Floats = NDArray[np.float64]

MAX_SWEEPS = 30
TOLERANCE = 1e-3  # of a step, in units of the predictor's scale
LONGEST_STEP = 3.0  # in the same units: Newton overshoots far from the mode
GROWTH = 1.5  # of the longest step, each sweep: a mode far away is reached all the same
SMALLEST_CURVATURE = 1e-8
LARGEST_CURVATURE = 1e200


@dataclass
class Term:
    """One group-level term while it is being fitted: n cells, J groups of d coefficients."""

    block: GroupBlock
    predictor: int
    groups: NDArray[np.int32]  # (n,)
    columns: list[Row]  # d covariates of (n,), or of (1,) where they are constant
    effects: Floats  # (J, d)
    covariance: Floats  # (d, d)
    prior_mean: Floats  # (d,)
    information: Floats  # (J, d, d)
    cross: Floats  # (J, d, K_p)
    pull: Floats  # (J, d)
    posterior: Floats  # (J, d, d) covariance given the coefficients

    def sum_by_group(self, values: Floats) -> Floats:
        """(J,) sums of (n,) values."""
        return np.bincount(self.groups, values, len(self.effects)).astype(float)

    def linear(self, effects: Floats) -> Floats:
        """(n,) part of the linear predictor that (J, d) effects give."""
        out = self.columns[0] * effects[self.groups, 0]
        for column, own in zip(self.columns[1:], effects.T[1:], strict=True):
            out += column * own[self.groups]
        return np.asarray(out)


@dataclass
class Part:
    """One predictor while it is being fitted."""

    matrix: Columns  # (n, K_p)
    coefficients: Floats  # (K_p,)
    prior: NormalApproximation
    terms: list[Term]
    curvature: Floats  # (K_p, K_p) of data and prior


class QuickFit:
    """The working state of the fit.

    Parameters
    ----------
    spec
        The model.

    Attributes
    ----------
    parts
        One a predictor; after `run` they hold the fit and its curvature.
    """

    def __init__(self, spec: ModelSpec) -> None:
        self.spec = spec
        self.n = spec.cells.index.n_cells
        self.stats = widened(spec.cells.stats, self.n)
        self.parts = self._parts()
        self.scales = predictor_scales(spec)
        self.longest_step = LONGEST_STEP
        self.eta = np.array([self._predictor(p) for p in range(len(self.parts))])
        self.spread = np.zeros(self.n)  # sd of the mean's predictor that its group effects' posterior leaves
        self.first, self.second = np.empty_like(self.eta), np.empty_like(self.eta)
        self.value = self._evaluate(self.eta)

    def _parts(self) -> list[Part]:
        cells, parts = self.spec.cells, []
        coef = effect = term = 0
        for number, part in enumerate(self.spec.parameters.predictors):
            k = len(part.coefficients)
            prior = coefficient_approximation(self.spec, number)
            matrix = Columns(cells.columns, cells.coef_column[coef : coef + k], self.n)
            terms = []
            for block in part.blocks:
                d = len(block.coefficients)
                columns = Columns(cells.columns, cells.effect_column[effect : effect + d], self.n).rows
                terms.append(_start_term(block, number, cells.group_index[term], columns, k))
                effect, term = effect + d, term + 1
            parts.append(
                Part(matrix, starting_coefficients(self.spec, number, prior.mean), prior, terms, np.eye(k))
            )
            coef += k
        return parts

    def _predictor(self, p: int) -> Floats:
        part = self.parts[p]
        eta = self.spec.cells.offsets[p] + part.matrix @ part.coefficients
        for term in part.terms:
            eta += term.linear(term.effects)
        return eta

    def _evaluate(self, eta: Floats) -> float:
        """Log likelihood of predictors; leaves its derivatives in `first` and `second`.

        With several predictors it is the expected one over the effects of the mean, by two points. At their
        mode alone groups of few rows would fit perfectly, and sigma would go to zero.
        """
        if not np.any(self.spread):
            value, self.first, self.second = self._derivatives(eta)
        else:
            step = np.zeros_like(eta)
            step[0] = self.spread
            up, down = self._derivatives(eta + step), self._derivatives(eta - step)
            value = 0.5 * (up[0] + down[0])
            self.first, self.second = 0.5 * (up[1] + down[1]), 0.5 * (up[2] + down[2])
        np.maximum(self.second, SMALLEST_CURVATURE, out=self.second)
        return value

    def _derivatives(self, eta: Floats) -> tuple[float, Floats, Floats]:
        """Log likelihood, its derivative by each predictor of each cell, and the curvature."""
        value, first, second = self.spec.family.derivatives(self.stats, eta)
        # Where the outcome is out of reach of floating point there is nothing to follow.
        np.nan_to_num(first, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
        np.nan_to_num(second, copy=False, nan=SMALLEST_CURVATURE, posinf=LARGEST_CURVATURE)
        return value, first, second

    def run(self) -> None:
        """Sweep until steps are short."""
        for sweep in range(MAX_SWEEPS):
            self.longest_step, longest = LONGEST_STEP * GROWTH**sweep, 0.0
            for p, part in enumerate(self.parts):
                if not part.terms:
                    longest = max(longest, self._step(p, None))
                for term in part.terms:
                    longest = max(longest, self._step(p, term), _update_covariance(term))
                if p == 0 and len(self.parts) > 1:
                    self._update_spread(part)
            if longest < TOLERANCE:
                break
        for p, part in enumerate(self.parts):
            self._expand(p, part)

    def _update_spread(self, part: Part) -> None:
        variance = np.zeros(self.n)
        for term in part.terms:
            for a, first in enumerate(term.columns):
                for b, second in enumerate(term.columns):
                    variance += first * term.posterior[term.groups, a, b] * second
        self.spread = np.sqrt(np.maximum(variance, 0.0))
        self.value = self._evaluate(self.eta)

    def _expand(self, p: int, part: Part) -> None:
        """Take the quadratic of every term of a predictor where the fit ended."""
        part.curvature = self._curvature(p)
        for term in part.terms:
            gradient = self._gather(p, term)
            term.pull = gradient + np.einsum("jab,jb->ja", term.information, term.effects)

    def _curvature(self, p: int) -> Floats:
        part = self.parts[p]
        return part.matrix.gram(self.second[p]) + part.prior.precision

    def _gather(self, p: int, term: Term) -> Floats:
        """Sum derivatives by group: fills information, cross and posterior; returns the (J, d) gradient."""
        matrix, weights = self.parts[p].matrix, self.second[p]
        gradient = np.empty_like(term.effects)
        for a, column in enumerate(term.columns):
            gradient[:, a] = term.sum_by_group(column * self.first[p])
            weighted = column * weights
            for b in range(a + 1):
                term.information[:, a, b] = term.sum_by_group(weighted * term.columns[b])
                term.information[:, b, a] = term.information[:, a, b]
            for k, covariate in enumerate(matrix.rows):
                term.cross[:, a, k] = term.sum_by_group(weighted * covariate)
        term.posterior = posterior_covariance(term)
        return gradient

    def _step(self, p: int, term: Term | None) -> float:
        """One damped Newton step of a predictor's coefficients, jointly with one of its terms."""
        part = self.parts[p]
        curvature = self._curvature(p)
        slope = part.matrix.transposed(self.first[p])
        slope -= part.prior.precision @ (part.coefficients - part.prior.mean)
        if term is None:
            coef_step = inverse(curvature) @ slope
            change = part.matrix @ coef_step
            effect_step: Floats | None = None
        else:
            precision = np.linalg.inv(term.covariance)
            gradient = self._gather(p, term) - (term.effects - term.prior_mean) @ precision
            eliminated = np.einsum("jab,jbk->jak", term.posterior, term.cross)
            curvature -= np.einsum("jak,jal->kl", term.cross, eliminated)
            slope -= np.einsum("jak,ja->k", eliminated, gradient)
            coef_step = inverse(curvature) @ slope
            effect_step = np.einsum("jab,jb->ja", term.posterior, gradient - term.cross @ coef_step)
            change = part.matrix @ coef_step
            change += term.linear(effect_step)
        return self._move(p, term, coef_step, effect_step, change)

    def _move(
        self, p: int, term: Term | None, coef_step: Floats, effect_step: Floats | None, change: Floats
    ) -> float:
        """Take the step, halved until the penalised log likelihood does not fall."""
        part = self.parts[p]
        longest = float(np.max(np.abs(change), initial=0.0)) / self.scales[p]
        if not np.isfinite(longest):
            return 0.0
        fraction = min(1.0, self.longest_step / max(longest, 1e-300))
        before = self.value + _penalty(part, term, part.coefficients, None if term is None else term.effects)
        eta = self.eta.copy()
        for _ in range(8):
            coefficients = interior(self.spec, p, part.coefficients + fraction * coef_step)
            effects = None if term is None or effect_step is None else term.effects + fraction * effect_step
            eta[p] = self.eta[p] + part.matrix @ (coefficients - part.coefficients)
            if term is not None and effect_step is not None:
                eta[p] += term.linear(fraction * effect_step)
            value = self._evaluate(eta)
            if value + _penalty(part, term, coefficients, effects) >= before - 1e-9 * abs(before):
                part.coefficients, self.eta, self.value = coefficients, eta, value
                if term is not None and effects is not None:
                    term.effects = effects
                return fraction * longest
            fraction *= 0.5
        self.value = self._evaluate(self.eta)
        return 0.0


def posterior_covariance(term: Term) -> Floats:
    """(J, d, d) covariance of each group's effects given everything else."""
    precision: Floats = term.information + np.linalg.inv(term.covariance)
    # Where a group's rows say much about some directions and nothing about others, the prior's part is lost
    # to rounding; a little on the diagonal keeps the inverse.
    return np.linalg.inv(precision * (1.0 + 1e-12 * np.eye(precision.shape[-1]))).astype(float)


def inverse(precision: Floats) -> Floats:
    """(K, K) pseudo-inverse of a symmetric matrix, whatever the units that its columns are in."""
    diagonal = np.diag(precision)
    units = 1.0 / np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
    return np.linalg.pinv(precision * np.outer(units, units), hermitian=True) * np.outer(units, units)


def _penalty(part: Part, term: Term | None, coefficients: Floats, effects: Floats | None) -> float:
    off = coefficients - part.prior.mean
    total = -0.5 * float(off @ part.prior.precision @ off)
    if term is not None and effects is not None:
        deviations = effects - term.prior_mean
        total -= 0.5 * float(np.sum((deviations @ np.linalg.inv(term.covariance)) * deviations))
    return total


def _start_term(block: GroupBlock, p: int, groups: NDArray[np.int32], columns: list[Row], k: int) -> Term:
    size, d = len(block.term.grouping.labels), len(block.coefficients)
    scales = np.array([fixed_scale(c) for c in block.coefficients])
    means = [getattr(c.prior, "mean", 0.0) if c.sd is None else 0.0 for c in block.coefficients]
    return Term(
        block,
        p,
        groups,
        columns,
        np.tile(np.array(means, float), (size, 1)),
        np.diag(scales**2),
        np.array(means, float),
        np.zeros((size, d, d)),
        np.zeros((size, d, k)),
        np.zeros((size, d)),
        np.zeros((size, d, d)),
    )


def _update_covariance(term: Term) -> float:
    """M-step of the covariance, with one pseudo-group at the prior's scale; returns the relative change."""
    learnt = np.array([isinstance(c.sd, Prior) for c in term.block.coefficients])
    if not learnt.any():
        return 0.0
    scales = np.array([fixed_scale(c) for c in term.block.coefficients])
    spread = term.effects.T @ term.effects + term.posterior.sum(axis=0) + np.diag(scales**2)
    new = spread / (len(term.effects) + 1)
    if not term.block.term.correlated:
        new = np.diag(np.diag(new))
    sd = np.sqrt(np.diag(new))
    kept = np.where(learnt, sd, np.sqrt(np.diag(term.covariance)))
    kept = np.array([_inside(c.sd, s) for c, s in zip(term.block.coefficients, kept, strict=True)])
    # Correlations are held a little inside (-1, 1), so that covariances stay invertible.
    correlation = 0.98 * new / np.outer(sd, sd)
    np.fill_diagonal(correlation, 1.0)
    new = correlation * np.outer(kept, kept)
    change = float(np.max(np.abs(np.sqrt(np.diag(new)) / np.sqrt(np.diag(term.covariance)) - 1.0)))
    term.covariance = new
    return 0.1 * change  # the sampler learns the scales itself: a hundredth is close enough


def _inside(sd: Prior | float | None, value: float) -> float:
    if isinstance(sd, Prior) and sd.support == "interval":
        lower, upper = sd.bounds
        margin = 0.01 * (upper - lower)
        return float(np.clip(value, lower + margin, upper - margin))
    return max(float(value), 1e-4)
