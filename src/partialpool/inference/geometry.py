"""The sampler's coordinates from a quick fit: start, scales, and each group's centring.

In these coordinates the posterior is roughly standard normal: coefficients are whitened by their marginal
covariance, sds and correlations shifted and scaled, groups centred by their own information
(`kernels.centring`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from partialpool.inference.approximations import unconstrained
from partialpool.inference.quickfit import Part, QuickFit, Term, inverse
from partialpool.kernels.transforms import INTERVAL
from partialpool.model.density import Coordinates, Geometry, coordinates, transform_of
from partialpool.model.spec import ModelSpec
from partialpool.priors.base import Prior

Floats = NDArray[np.float64]


def choose_geometry(spec: ModelSpec) -> Geometry:
    """Fit quickly and return coordinates in which the posterior is roughly standard normal.

    They are exact as a change of variables whatever the fit found: a better fit only makes sampling faster.
    """
    fit = QuickFit(spec)
    fit.run()
    return _geometry(spec, fit.parts)


def _geometry(spec: ModelSpec, parts: list[Part]) -> Geometry:
    terms = [t for part in parts for t in part.terms]
    position = coordinates(spec)
    n_coef = position.n_coef
    centre, expansion, scale = np.empty(n_coef), np.empty(n_coef), np.zeros((n_coef, n_coef))
    start = 0
    for number, part in enumerate(parts):
        own = slice(start, start + len(part.coefficients))
        centre[own], slopes = unconstrained(spec, number, part.coefficients)
        expansion[own] = part.coefficients
        covariance, shares = _coefficient_covariance(part)
        scale[own, own] = _safe_cholesky(covariance / np.outer(slopes, slopes))
        for term, share in zip(part.terms, shares, strict=True):
            term.cross = term.cross * share
            term.pull = term.pull + term.prior_mean @ np.linalg.inv(term.covariance) * _fixed(term)
        start = own.stop
    hyper_centre, hyper_scale = _hyper(position, terms)
    return Geometry(
        centre,
        scale,
        expansion,
        hyper_centre,
        hyper_scale,
        tuple(t.information for t in terms),
        tuple(t.pull for t in terms),
        tuple(np.ascontiguousarray(t.cross) for t in terms),
    )


def _fixed(term: Term) -> Floats:
    """1 for effects with a fixed prior that is not a normal around zero."""
    return np.array([c.sd is None for c in term.block.coefficients], float)


def _coefficient_covariance(part: Part) -> tuple[Floats, list[Floats]]:
    """Posterior covariance of the coefficients, and each term's share in what it adds to each of them.

    Eliminating term t adds D_t = (A - sum_j H_j' C_j H_j)^-1 - A^-1 to the covariance A^-1 given all
    effects. With several terms the sum of all D_t is used, and when a coefficient moves, each term's effects
    make up for it in proportion to its D_t, so that together they do so once.
    """
    given_all = inverse(part.curvature)
    added = []
    for term in part.terms:
        eliminated = np.einsum("jab,jbk->jak", term.posterior, term.cross)
        left = part.curvature - np.einsum("jak,jal->kl", term.cross, eliminated)
        added.append(inverse(left) - given_all)
    diagonals = [np.maximum(np.diag(d), 0.0) for d in added]
    total = np.maximum(sum(diagonals, np.zeros(len(part.coefficients))), np.finfo(float).tiny)
    return np.sum([given_all, *added], axis=0), [d / total for d in diagonals]


def _safe_cholesky(covariance: Floats) -> Floats:
    """Cholesky factor of the nearest covariance whose correlations are not too nearly singular."""
    sd = np.sqrt(np.maximum(np.diag(covariance), np.finfo(float).tiny))
    correlation = 0.5 * (covariance + covariance.T) / np.outer(sd, sd)
    values, vectors = np.linalg.eigh(correlation)
    floor = 1e-12 * float(np.max(values, initial=1.0))
    return sd[:, None] * np.linalg.cholesky((vectors * np.maximum(values, floor)) @ vectors.T)


def _hyper(position: Coordinates, terms: list[Term]) -> tuple[Floats, Floats]:
    """Centre and scale of the unconstrained sds and correlations."""
    centre, scale = np.zeros(position.n_dim), np.ones(position.n_dim)
    for term, sds, corr in zip(terms, position.sd, position.corr, strict=True):
        variances = np.diag(term.covariance)
        learnt = 1.0 - np.einsum("jaa->ja", term.posterior) / variances
        groups = np.sum(np.clip(learnt, 0.0, 1.0) ** 2, axis=0)  # how many groups' worth of evidence
        for a, at in enumerate(sds):
            prior = term.block.coefficients[a].sd
            if at < 0 or not isinstance(prior, Prior):
                continue
            sd = float(np.sqrt(variances[a]))
            centre[at] = np.log(sd)
            if transform_of(prior, positive=True) == INTERVAL:
                lower, upper = prior.bounds
                centre[at] = np.log((sd - lower) / (upper - sd))
            scale[at] = 1.0 / np.sqrt(2.0 * groups[a] + 1.0)
        if corr >= 0:
            free = _partial_correlations(term.covariance)
            centre[corr : corr + len(free)] = free
            scale[corr : corr + len(free)] = 1.0 / np.sqrt(float(np.min(groups)) + 3.0)
    return centre, scale


def _partial_correlations(covariance: Floats) -> Floats:
    """Free numbers of a correlation matrix: atanh of its canonical partial correlations, row by row."""
    sd = np.sqrt(np.diag(covariance))
    factor = np.linalg.cholesky(covariance / np.outer(sd, sd))
    free = []
    for i in range(1, len(sd)):
        left = 1.0
        for j in range(i):
            free.append(np.arctanh(np.clip(factor[i, j] / np.sqrt(left), -0.95, 0.95)))
            left = max(left - factor[i, j] ** 2, 1e-12)
    return np.array(free)
