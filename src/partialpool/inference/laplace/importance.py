"""Integration over the outer parameters: adaptive importance sampling with quasi-random points.

Points come from Student t distributions, each fitted to the weighted points before it; all points are
weighted by the mixture of the distributions that they came from (adaptive multiple importance sampling:
Cornuet, Marin, Mira & Robert 2012), and their largest weights smoothed (Vehtari, Simpson, Gelman, Yao & Gabry
2024).
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import FitError, build
from partialpool.inference.laplace.engines import Marginal, Proposal

Floats = NDArray[np.float64]

FREEDOM = 7.0  # of the t distributions: tails heavier than the posterior's
FEWEST = 64  # points of a first round, if they are no more than half of a whole one
WIDE, WIDE_PART = 2.5, 4  # a fourth of a round's points comes from a distribution so much wider
MOST_ROUNDS = 16
ENOUGH = 0.6  # effective share of a round's points at which its distribution fits
PATIENCE, BETTER, HOPELESS = 3, 1.1, 0.1
GOOD_PARETO_K, GOOD_ESS = 0.5, 150  # wanted of all points together, as far as rounds allow
LEAST_EFFECTIVE = 3  # effective points a dimension that moments are taken from


@dataclass(frozen=True)
class Explored:
    """Weighted points that stand for the posterior of the outer parameters.

    Attributes
    ----------
    points
        (N, Q).
    weights
        (N,), smoothed, summing to one.
    ess
        Effective number of points.
    pareto_k
        Shape of the tail of the importance ratios.
    log_evidence, log_evidence_se
        Log of the integral of the marginal density, and its Monte Carlo standard error.
    """

    points: Floats
    weights: Floats
    ess: float
    pareto_k: float
    log_evidence: float
    log_evidence_se: float


def explore(marginal: Marginal, n_points: int, rng: np.random.Generator) -> Explored:
    """Find weighted points for a marginal density.

    Parameters
    ----------
    n_points
        Points of the last rounds. A power of two. The first two have a quarter of it, but 64 at least if
        that is no more than half, or the first alone where it fits.

    Raises
    ------
    FitError
        When the marginal density is nowhere finite.
    """
    proposal = marginal.proposal()
    if not len(proposal.centre):
        return Explored(
            np.zeros((1, 0)), np.ones(1), 1.0, -np.inf, float(marginal.log_density(np.zeros((1, 0)))[0]), 0.0
        )
    from scipy.stats import qmc

    uniforms = qmc.Sobol(len(proposal.centre) + 1, rng=rng)
    sample, before, whole = _Sample(), 0.0, False
    for turn in range(MOST_ROUNDS):
        size = n_points if whole else max(n_points // 4, min(FEWEST, n_points // 2))
        own = sample.add(marginal, proposal, uniforms.random(size // 2))
        points, ratios = sample.weighted()
        if not np.any(np.isfinite(ratios)):
            raise _nowhere()
        # Rounds that get no better have come as close as the t distribution can.
        settled = (whole and own > ENOUGH) or (turn > PATIENCE and own < BETTER * before)
        if settled or turn == MOST_ROUNDS - 1:
            weights, k = _smoothed(ratios)
            ess = float(1.0 / np.sum(weights**2))
            if own < HOPELESS or (k < GOOD_PARETO_K and ess >= min(GOOD_ESS, n_points)):
                break
        before, whole = own, own > ENOUGH or turn > 0
        # One that fits is kept: the few points of the first round would give a worse one.
        if own <= ENOUGH or settled:
            proposal = _fitted(points, ratios)
    plain = np.exp(ratios - np.max(ratios))
    evidence = float(np.log(np.mean(plain)) + np.max(ratios))
    se = float(np.std(plain) / np.mean(plain) / np.sqrt(len(plain)))
    return Explored(points, weights, ess, k, evidence, se)


@dataclass
class _Sample:
    """Points of all rounds, with the distributions that they came from and the marginal density at them."""

    proposals: list[Proposal] = field(default_factory=list)
    parts: list[Floats] = field(default_factory=list)
    values: list[Floats] = field(default_factory=list)

    def add(self, marginal: Marginal, proposal: Proposal, uniform: Floats) -> float:
        """Take points of a distribution and of a wider one; return the first's effective share of its own.

        The wider one shows tails that the other would miss, unnoticed: an sd's posterior may have a long one.
        """
        n_wide = len(uniform) // WIDE_PART
        for scale, own in ((WIDE, uniform[:n_wide]), (1.0, uniform[n_wide:])):
            self.proposals.append(Proposal(proposal.centre, scale * proposal.scale))
            self.parts.append(_draw(self.proposals[-1], own))
        values = marginal.log_density(np.concatenate(self.parts[-2:]))
        self.values += [values[: 2 * n_wide], values[2 * n_wide :]]
        return _effective(self.values[-1] - _log_density(proposal, self.parts[-1])) / len(self.parts[-1])

    def weighted(self) -> tuple[Floats, Floats]:
        """(N, Q) all points, (N,) log ratios of the marginal density to the mixture that they came from."""
        points = np.concatenate(self.parts)
        shares = np.log([len(part) / len(points) for part in self.parts])
        densities = [s + _log_density(p, points) for s, p in zip(shares, self.proposals, strict=True)]
        return points, np.concatenate(self.values) - np.logaddexp.reduce(densities, axis=0)


def _draw(proposal: Proposal, uniform: Floats) -> Floats:
    """(2 n, Q) points of a t distribution from (n, Q + 1) uniform ones, each with its mirror image.

    The images make odd moments exact where the posterior is symmetric.
    """
    steps = _steps(np.clip(uniform, 1e-12, 1.0 - 1e-12)) @ proposal.scale.T
    return np.concatenate([proposal.centre + steps, proposal.centre - steps])


def _steps(uniform: Floats) -> Floats:
    """(n, Q) deviations of a standard t distribution."""
    from scipy.special import chdtri, ndtri, stdtrit

    if uniform.shape[1] == 2:
        # Quantiles of one uniform number are spread evenly over the only axis; products of two are not.
        return np.asarray(stdtrit(FREEDOM, uniform[:, :1]))
    return np.asarray(np.sqrt(FREEDOM / chdtri(FREEDOM, uniform[:, -1:])) * ndtri(uniform[:, :-1]))


def _log_density(proposal: Proposal, points: Floats) -> Floats:
    """Log density of the t distribution, constants included."""
    from scipy.special import gammaln

    q = len(proposal.centre)
    # A few numbers: for so small a system, threads of a triangular solver wait longer for each other than
    # they work.
    z = np.linalg.inv(proposal.scale) @ (points - proposal.centre).T
    constant = gammaln((FREEDOM + q) / 2) - gammaln(FREEDOM / 2) - 0.5 * q * np.log(FREEDOM * np.pi)
    constant -= np.sum(np.log(np.diag(proposal.scale)))
    return np.asarray(constant - 0.5 * (FREEDOM + q) * np.log1p(np.sum(z**2, axis=0) / FREEDOM))


def _effective(ratios: Floats) -> float:
    """Effective number of points with these log ratios."""
    if not np.any(np.isfinite(ratios)):
        return 0.0
    weights = np.exp(ratios - np.max(ratios))
    return float(np.sum(weights) ** 2 / np.sum(weights**2))


def _fitted(points: Floats, ratios: Floats) -> Proposal:
    """A t distribution with the moments of weighted points.

    Where a few points have all the weight, weights are raised to a power below one until enough have some.
    """
    q, power = points.shape[1], 1.0
    while _effective(power * ratios) < LEAST_EFFECTIVE * (q + 1) and power > 1e-3:
        power *= 0.7
    weights = np.exp(power * (ratios - np.max(ratios)))
    weights /= np.sum(weights)
    centre = weights @ points
    off = points - centre
    covariance = (weights[:, None] * off).T @ off * (FREEDOM - 2.0) / FREEDOM
    units = np.sqrt(np.maximum(np.diag(covariance), 1e-300))
    correlation = covariance / np.outer(units, units) + 1e-9 * np.eye(q)
    return Proposal(centre, units[:, None] * np.linalg.cholesky(correlation))


def _smoothed(ratios: Floats) -> tuple[Floats, float]:
    """Pareto-smoothed weights that sum to one, and the tail's shape, NaN where there is none to fit."""
    from arviz_stats.base.array import array_stats

    finite = np.isfinite(ratios)
    weights = np.zeros(len(ratios))
    log_weights, k = ratios[finite], np.nan
    with contextlib.suppress(ValueError, IndexError), np.errstate(all="ignore"):
        smoothed, shape = cast("Any", array_stats).psislw(-ratios[finite], r_eff=1.0)
        if np.all(np.isfinite(smoothed)):
            log_weights, k = smoothed, shape
    weights[finite] = np.exp(log_weights - np.max(log_weights))
    return weights / np.sum(weights), float(k)


def _nowhere() -> FitError:
    return build(
        FitError,
        "The density of the data is not finite at any of the points tried: nothing can be approximated.",
        hint="look for extreme predictors and for priors that exclude the data, or use method='nuts'",
    )


def allot(weights: Floats, n_draws: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Share draws out to points in proportion to weights, by systematic resampling."""
    edges = np.cumsum(weights) * n_draws
    edges[-1] = n_draws
    return np.diff(np.floor(edges + rng.random() - 1e-12).clip(0, n_draws), prepend=0.0).astype(np.int64)
