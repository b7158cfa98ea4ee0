"""What a model's density leaves out: the constants that its log marginal likelihood has."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from partialpool.families.base import row_weights
from partialpool.kernels.rows import widened
from partialpool.model.parameters import GroupBlock
from partialpool.model.spec import ModelSpec
from partialpool.priors.base import Prior, unwrapped
from partialpool.priors.lkj import LKJ
from partialpool.priors.uniform import Flat

Floats = NDArray[np.float64]


def log_constant(spec: ModelSpec) -> float:
    """Log of (likelihood times priors, normalised) over the density: a number that no parameter changes.

    NaN when a prior is improper: the marginal likelihood has then no meaning.
    """
    total = _likelihood(spec)
    for coefficient in spec.parameters.coefficients:
        total += _prior(coefficient.prior, positive=coefficient.logged)
    for _, block in spec.parameters.blocks:
        total += _block(block)
    return total


def _likelihood(spec: ModelSpec) -> float:
    """Log likelihood of rows less that of cells, at one value of every predictor."""
    outcome = spec.design.outcome
    assert outcome is not None, "models are built from rows with an outcome"
    location, scale = spec.family.location_scale(outcome, None)
    at = {p: location if p == "mu" else float(np.log(scale)) for p in spec.family.parameters}
    rows = {p: np.full(len(outcome.values), eta) for p, eta in at.items()}
    of_rows = np.sum(row_weights(outcome) * spec.family.log_likelihood(outcome, rows))
    stats = widened(spec.cells.stats, spec.cells.index.n_cells)
    cells = np.repeat(np.array(list(at.values()))[:, None], stats.shape[1], axis=1)
    return float(of_rows) - spec.family.derivatives(stats, cells)[0]


def _prior(prior: Prior, positive: bool) -> float:
    """What normalises a prior; only those cut at zero are not normalised, and flat ones cannot be."""
    proper = unwrapped(prior)
    if isinstance(proper, Flat):
        return float("nan")
    if positive and proper.support == "real":
        from scipy.integrate import quad

        def density(x: float) -> float:
            return float(np.exp(proper.logpdf(np.array(x))))

        return -float(np.log(quad(density, 0.0, np.inf)[0]))
    return 0.0


def _block(block: GroupBlock) -> float:
    """Priors of a term's sds and correlations, and its effects' normal densities without their constants."""
    total, size = 0.0, len(block.term.grouping.labels)
    for coefficient in block.coefficients:
        if isinstance(coefficient.sd, Prior):
            total += _prior(coefficient.sd, positive=True)
        if coefficient.sd is None:
            total += size * _prior(coefficient.prior, positive=False)
        else:
            total -= 0.5 * size * float(np.log(2.0 * np.pi))
    return total + (_correlations(block.corr, len(block.coefficients)) if block.corr else 0.0)


def _correlations(prior: LKJ, d: int) -> float:
    """Of LKJ(eta): partial correlation i, j is 2 Beta(b, b) - 1 with b = eta + (d - 2 - j) / 2.

    Lewandowski, Kurowicka & Joe (2009), section 2.4.
    """
    from scipy.special import betaln

    b = np.array([prior.eta + 0.5 * (d - 2 - j) for i in range(1, d) for j in range(i)])
    return -float(np.sum((2.0 * b - 1.0) * np.log(2.0) + betaln(b, b)))
