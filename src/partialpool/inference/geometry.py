"""The sampler's coordinates from a quick fit: start, scales, and each group's centring.

In these coordinates the posterior is roughly standard normal: coefficients are whitened by their marginal
covariance, sds and correlations shifted and scaled, groups centred by their own information
(`kernels.centring`).
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from partialpool.inference.approximations import unconstrained
from partialpool.inference.elimination import eliminate
from partialpool.inference.quick_parts import Term
from partialpool.inference.quickfit import QuickFit
from partialpool.kernels.transforms import INTERVAL
from partialpool.model.cells import Cells
from partialpool.model.density import transform_of
from partialpool.model.geometry import Coordinates, Geometry, Link, coordinates
from partialpool.model.spec import ModelSpec
from partialpool.priors.base import Prior

Floats = NDArray[np.float64]

CELLS = 2**16  # looked at together, so that there is no copy of all of them


def choose_geometry(spec: ModelSpec) -> Geometry:
    """Fit quickly and return coordinates in which the posterior is roughly standard normal.

    They are exact as a change of variables whatever the fit found: a better fit only makes sampling faster.
    """
    fit = QuickFit(spec)
    fit.run()
    return _geometry(spec, fit)


def crossed(spec: ModelSpec, links: tuple[Link, ...]) -> bool:
    """Say whether a predictor has two terms whose groups do not lie in each other.

    The means of such terms make up for each other in the likelihood, which no map of one group's effects at a
    time can undo: only their priors hold that direction.
    """
    nested = {(link.inner, link.outer) for link in links}
    predictors = [predictor for predictor, _ in spec.parameters.blocks]
    return any(
        predictors[t] == predictors[s] and (t, s) not in nested and (s, t) not in nested
        for t, s in combinations(range(len(predictors)), 2)
    )


def _geometry(spec: ModelSpec, fit: QuickFit) -> Geometry:
    terms: list[Term] = []
    position = coordinates(spec)
    n_coef = position.n_coef
    centre, expansion, scale = np.empty(n_coef), np.empty(n_coef), np.zeros((n_coef, n_coef))
    start = 0
    for number, part in enumerate(fit.point.parts):
        own = slice(start, start + len(part.coefficients))
        covariance = eliminate(part, fit.point.links, len(terms))
        terms += part.terms
        centre[own], slopes = unconstrained(spec, number, part.coefficients, np.sqrt(np.diag(covariance)))
        expansion[own] = part.coefficients
        scale[own, own] = _safe_cholesky(covariance / np.outer(slopes, slopes))
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
        tuple(t.effects for t in terms),
        fit.point.links,
        tuple(_evidence(spec, number, term) for number, term in enumerate(terms)),
    )


def _evidence(spec: ModelSpec, number: int, term: Term) -> Floats:
    """(d,) how many groups' worth of evidence there is of a term's sds.

    A group whose effects the data tell exactly counts as one, a group of which they tell nothing as none.
    Where one row cannot tell a group's effect from the scatter of rows, which outcomes with a residual sd and
    yes or no have, groups of no more rows than effects count as none.
    """
    learnt = _learnt(term)
    if spec.family.bounded or spec.family.information_powers:
        learnt[_rows(spec.cells, number, len(learnt)) <= learnt.shape[1]] = 0.0
    return np.asarray(np.sum(learnt**2, axis=0))


def _rows(cells: Cells, number: int, size: int) -> Floats:
    """(J,) rows, or trials, of a term's groups."""
    n, total = cells.index.n_cells, np.zeros(size)
    rows, groups = np.broadcast_to(cells.stats[0], n), cells.group_index[number]
    for at in range(0, n, CELLS):
        total += np.bincount(groups[at : at + CELLS], rows[at : at + CELLS], size)
    return total


def _learnt(term: Term) -> Floats:
    """(J, d) shares of the effects' variances that the data take away."""
    left = np.einsum("jaa->ja", term.posterior) / np.diag(term.covariance)
    return np.clip(1.0 - left, 0.0, 1.0)


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
        groups = np.sum(_learnt(term) ** 2, axis=0)  # how many groups' worth of evidence
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
