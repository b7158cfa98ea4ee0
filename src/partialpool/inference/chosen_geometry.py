"""The sampler's coordinates from a quick fit: start, scales, and each group's centring.

In these coordinates the posterior is roughly standard normal: coefficients are whitened by their marginal
covariance, sds and correlations shifted and scaled, groups centred by their own information
(`kernels.density.centring`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from partialpool.constraints.positive import Positive
from partialpool.inference.quickfit.approximations import unconstrained
from partialpool.inference.quickfit.elimination import eliminate
from partialpool.inference.quickfit.joint_map import crossed_parts, joint_blocks, joint_map
from partialpool.inference.quickfit.newton import QuickFit
from partialpool.inference.quickfit.point import FittedEffects
from partialpool.model.cells import Cells
from partialpool.model.effects import Effects
from partialpool.model.geometry import NO_ROTATION, Coordinates, Geometry, JointMap, coordinates
from partialpool.model.spec import ModelSpec
from partialpool.priors.base import Prior

Floats = NDArray[np.float64]

FEW_GROUPS = 10
LITTLE_EVIDENCE = 3.0  # groups' worth, as the quick fit sees it
CELLS = 2**16  # looked at together, so that there is no copy of all of them


def choose_geometry(spec: ModelSpec) -> Geometry:
    """Fit quickly and return coordinates in which the posterior is roughly standard normal.

    They are exact as a change of variables whatever the fit found: a better fit only makes sampling faster.
    """
    fit = QuickFit(spec)
    fit.run()
    return _geometry(spec, fit)


def _geometry(spec: ModelSpec, fit: QuickFit) -> Geometry:
    terms: list[FittedEffects] = []
    position = coordinates(spec)
    n_coef = position.n_coef
    centre, expansion, scale = np.empty(n_coef), np.empty(n_coef), np.zeros((n_coef, n_coef))
    slopes = []  # of each part's coefficients by their coordinates
    for part in fit.point.parts:
        own = slice(spec.coef_start[part.predictors.start], spec.coef_start[part.predictors.stop])
        covariance = eliminate(part, fit.point.links, len(terms))
        terms += part.effects
        centre[own], jacobian = unconstrained(spec, part.predictors, part.coefficients, covariance)
        expansion[own] = part.coefficients
        inverse = np.linalg.inv(jacobian)
        scale[own, own] = _safe_cholesky(inverse @ covariance @ inverse.T)
        slopes.append(jacobian @ scale[own, own])
    hyper_centre, hyper_scale = _hyper(position, terms)
    evidence = tuple(_evidence(spec, number, term) for number, term in enumerate(terms))
    rotations = tuple(NO_ROTATION if t.block.between is None else _rotate(t) for t in terms)
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
        evidence,
        rotations,
        _joint(spec, fit, evidence, slopes),
    )


def _joint(
    spec: ModelSpec, fit: QuickFit, evidence: tuple[Floats, ...], slopes: list[Floats]
) -> tuple[JointMap, ...]:
    """Map crossed factors together where that is affordable, and an sd of theirs has a long tail.

    Where all sds are known well the posterior is nearly normal, and the metric's directions cost less.
    """
    crossed, blocks = crossed_parts(spec, fit.point.links), spec.parameters.effects
    if len(crossed) != 1:
        return ()
    (part,) = crossed
    tails = (spec.part_of(b) == part and little_known(b, e) for b, e in zip(blocks, evidence, strict=True))
    own = joint_blocks(spec, part) if any(tails) else []
    return (joint_map(spec, fit.point, part, own, slopes[part]),) if own else ()


def little_known(effects: Effects, evidence: Floats) -> bool:
    """Say whether an sd that is learnt has a long tail, for few groups or little evidence of them, (d,)."""
    learnt = effects.learnt
    few = effects.size <= FEW_GROUPS or np.min(evidence[learnt], initial=np.inf) < LITTLE_EVIDENCE
    return bool(np.any(learnt) and few)


def _rotate(term: FittedEffects) -> Floats:
    """Express what is known of a block of effects b by independent effects w, b = M w; return the (J, J) M.

    With A = L L' the known covariance between groups and I the groups' information, the eigenvectors V of
    L' I L give M = L V: a priori and given the data, as far as they are quadratic, the w of different groups
    are then independent. For several effects a group that holds for their average information.
    """
    assert term.block.between is not None, "called for blocks with a known covariance"
    chol = np.linalg.cholesky(term.block.between)
    variances = np.diag(term.covariance)
    average = np.einsum("jaa,a->j", term.information, variances) / np.sum(variances)
    matrix = chol @ np.linalg.eigh((chol.T * average) @ chol)[1]
    term.information = np.einsum("jk,jab->kab", matrix**2, term.information)
    term.pull = matrix.T @ term.pull
    term.cross = np.einsum("jk,jam->kam", matrix, term.cross)
    return np.ascontiguousarray(matrix)


def _evidence(spec: ModelSpec, number: int, term: FittedEffects) -> Floats:
    """(d,) effective numbers of groups that inform a term's sds.

    A group whose effects the data tell exactly counts as one, a group of which they tell nothing as none.
    Where one row cannot tell a group's effect from the scatter of rows, which outcomes with a residual sd and
    yes or no have, groups of no more rows than effects count as none.
    """
    learnt = _learnt(term)
    if spec.family.bounded or spec.family.categories or spec.family.information_powers:
        learnt[_rows(spec.cells, number, len(learnt)) <= learnt.shape[1]] = 0.0
    return np.asarray(np.sum(learnt**2, axis=0))


def _rows(cells: Cells, number: int, size: int) -> Floats:
    """(J,) rows, or trials, of a term's groups."""
    n, total = cells.index.n_cells, np.zeros(size)
    rows = np.broadcast_to(cells.stats[0], n)
    for index in cells.indices(number):
        groups = cells.group_index[index]
        for at in range(0, n, CELLS):
            total += np.bincount(groups[at : at + CELLS], rows[at : at + CELLS], size)
    return total


def _learnt(term: FittedEffects) -> Floats:
    """(J, d) shares of the effects' prior variances that the data remove."""
    left = np.einsum("jaa->ja", term.posterior) / np.diag(term.covariance)
    return np.clip(1.0 - left, 0.0, 1.0)


def _safe_cholesky(covariance: Floats) -> Floats:
    """Cholesky factor of the nearest covariance whose correlations are not too nearly singular."""
    sd = np.sqrt(np.maximum(np.diag(covariance), np.finfo(float).tiny))
    correlation = 0.5 * (covariance + covariance.T) / np.outer(sd, sd)
    values, vectors = np.linalg.eigh(correlation)
    floor = 1e-12 * float(np.max(values, initial=1.0))
    return sd[:, None] * np.linalg.cholesky((vectors * np.maximum(values, floor)) @ vectors.T)


def _hyper(position: Coordinates, terms: list[FittedEffects]) -> tuple[Floats, Floats]:
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
            centre[at] = prior.constraint(Positive()).free(np.array([sd]))[0]
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
