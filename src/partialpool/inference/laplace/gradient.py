"""Derivatives of the marginal density by the outer parameters, and the shift of the inner mean.

Fisher's identity: the derivative of log p(data, x) is the expected derivative of log p(data, v, x) over v
given data and x. With v normal around its mode v* with covariance H^-1, expectations are of quadratics in
v, and the mean is v* - psi,  psi = 1/2 H^-1 A' (w' a' H^-1 a),  w' being the derivative of a cell's
curvature by its predictor and a' H^-1 a its predictor's variance. That is the derivative of the Laplace
approximation, log determinant included, and the first-order correction of the mean for skewness (the fixed
point of van Niekerk & Rue 2021). For quadratic log densities psi is zero and everything is exact.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partialpool.inference.laplace.covariance import Covariance, covariance, predictor_variances
from partialpool.inference.laplace.given import Given
from partialpool.inference.laplace.inner import Conditional, InnerProblem

Floats = NDArray[np.float64]

STEP = 1e-3  # of an outer parameter, in units of its scale


@dataclass(frozen=True)
class Shift:
    """What third derivatives do to the inner mean.

    Attributes
    ----------
    psi
        (dim,) mode less mean.
    variances
        (n,) of the predictor.
    weight_slope, weight_bend
        (n,) first and second derivative of each cell's curvature by its predictor.
    """

    psi: Floats
    variances: Floats
    weight_slope: Floats
    weight_bend: Floats


def mean_shift(problem: InnerProblem, at: Conditional, found: Covariance) -> Shift:
    """The shift of the mean given one point of the outer parameters, for one latent predictor."""
    variances = predictor_variances(problem.blocks, found)
    slope, bend = problem.likelihood.weight_slopes(at.eta)
    pull = np.zeros_like(at.eta)
    pull[problem.latent[0]] = 0.5 * variances * slope
    return Shift(at.factor.solve(problem.predictors.gather(pull)), variances, slope, bend)


@dataclass(frozen=True)
class Expected:
    """E log p(data, v, x) as a function of x, with v as it is given one point of it; constants left out.

    Attributes
    ----------
    moments
        For each block of effects (d, d) the expected sum over groups of squared deviations, or where groups
        have a known covariance the sum over pairs of groups, by its inverse.
    coefficients
        (K inner,) their mean.
    variances
        (n,) of the predictor; None when outer parameters scale the curvature by one factor.
    shift
        (P, n) what psi adds to the predictors.
    spread
        Expected curvature of the log likelihood, summed over cells, where variances are not given.
    """

    problem: InnerProblem
    at: Conditional
    moments: tuple[Floats, ...]
    coefficients: Floats
    variances: Floats | None
    shift: Floats
    spread: float

    def prior(self, given: Given) -> float:
        """The part of the priors."""
        total = given.log_prior + self.problem.outer.prior.quadratic(self.coefficients, given.target)
        for precision, moments in zip(given.precisions, self.moments, strict=False):
            total -= 0.5 * float(np.sum(precision * moments))
        return total

    def likelihood(self, given: Given) -> float:
        """The part of the data."""
        problem = self.problem
        eta = problem.predictors(self.at.mode, given.coefficients)
        value, first, second = problem.likelihood.evaluate(eta)
        if self.variances is None:
            return value - 0.5 * self.spread * problem.curvature_factor(eta, self.at.eta)
        (p,) = problem.latent
        curvature = problem.likelihood.weights(eta, second)[p, p]
        return value - 0.5 * float(self.variances @ curvature) - float(self.shift[p] @ first[p])


def expected(problem: InnerProblem, at: Conditional) -> Expected:
    """The expectation over the inner parameters given one point of the outer ones."""
    found = covariance(at.factor, problem.parent)
    psi, variances, shift = np.zeros(problem.dim), None, np.zeros_like(at.eta)
    if not problem.scaled:
        moved = mean_shift(problem, at, found)
        psi, variances, shift = moved.psi, moved.variances, problem.predictors.spread(moved.psi)
    moments, traces = [], 0.0
    for f, (block, precision) in enumerate(zip(problem.blocks, at.given.precisions, strict=True)):
        spread = _summed(problem, found, f)
        traces += float(np.sum(spread * precision))
        if block.terms:
            off, own = problem.groups(at.mode - problem.means, f), problem.groups(psi, f)
            by_groups = off if block.between is None else block.between @ off
            shifted = own if block.between is None else block.between @ own
            moments.append(off.T @ by_groups - off.T @ shifted - own.T @ by_groups + spread)
    coefficients = problem.groups(at.mode - psi, len(problem.blocks) - 1)[0]
    return Expected(problem, at, tuple(moments), coefficients, variances, shift, problem.dim - traces)


def _summed(problem: InnerProblem, found: Covariance, f: int) -> Floats:
    """(d, d) sum of a block's covariances over groups, or over pairs of groups by the precision between."""
    count, block = len(found.groups), problem.blocks[f]
    if f < count:
        return np.asarray(found.groups[f].sum(axis=0))
    first = problem.starts[f] - problem.starts[count]
    total = np.zeros((block.width, block.width))
    own = found.to_rest[problem.starts[f] : problem.starts[f + 1], first : first + block.size * block.width]
    for a in range(block.width):
        for b in range(block.width):
            pairs = own[a :: block.width, b :: block.width]
            total[a, b] = np.trace(pairs) if block.between is None else np.sum(block.between * pairs)
    return total


def gradient(problem: InnerProblem, x: Floats, at: Conditional, scale: Floats) -> Floats:
    """(Q,) derivative of the log marginal density at outer parameters x.

    Parameters
    ----------
    at
        The inner parameters given x.
    scale
        (Q,) how far outer parameters move typically.
    """
    of = expected(problem, at)
    n_outer = int(np.sum(~problem.inner))  # outer coefficients come first, and only they move predictors

    def slope(q: int, function: Callable[[Given], float]) -> float:
        step = np.zeros_like(x)
        step[q] = STEP * scale[q]
        up, down = function(problem.outer(x + step)), function(problem.outer(x - step))
        return (up - down) / (2.0 * step[q])

    out = np.array([slope(q, of.prior) for q in range(len(x))])
    out[:n_outer] += [slope(q, of.likelihood) for q in range(n_outer)]
    return out


def mode_slopes(problem: InnerProblem, x: Floats, at: Conditional, scale: Floats) -> Floats:
    """(dim, Q) derivative of the inner mode by the outer parameters."""

    def slope(given: Given) -> Floats:
        eta = problem.predictors(at.mode, given.coefficients)
        return (
            problem.predictors.gather(problem.likelihood.evaluate(eta)[1])
            + problem.log_prior(at.mode, given)[1]
        )

    out = np.empty((problem.dim, len(x)))
    for q in range(len(x)):
        step = np.zeros_like(x)
        step[q] = STEP * scale[q]
        out[:, q] = (slope(problem.outer(x + step)) - slope(problem.outer(x - step))) / (2.0 * step[q])
    return at.factor.solve(out)
