"""What a model's density leaves out: the constants that its log marginal likelihood has."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from partialpool.constraints.base import Constraint
from partialpool.constraints.ordered import Ordered
from partialpool.constraints.positive import Positive
from partialpool.families.support import row_weights
from partialpool.kernels.density.packed_rows import widened
from partialpool.model.effects import Effects
from partialpool.model.spec import ModelSpec
from partialpool.priors.base import REAL, Prior, unwrapped
from partialpool.priors.lkj import LKJ
from partialpool.priors.uniform import Flat

Floats = NDArray[np.float64]

BLOCK = 1 << 16
GRID = 20_000  # points of integrals over the priors of ordered values


def log_constant(spec: ModelSpec) -> float:
    """Log of (likelihood times priors, normalised) over the density: a number that no parameter changes.

    NaN when a prior is improper: the marginal likelihood has then no meaning.
    """
    total = _likelihood(spec)
    for coefficient in spec.parameters.coefficients:
        total += _prior(coefficient.prior, coefficient.scale)
    total += _orders(spec)
    for effects in spec.parameters.effects:
        total += _effects(effects)
    return total


def _orders(spec: ModelSpec) -> float:
    """Minus the log probability that values which have to ascend do so in draws from their own priors.

    For priors with distribution functions F and densities f it is the last of G_1 = F_1 and
    G_k(x) = integral of f_k G_(k-1) up to x; of equal ones 1 / k!.
    """
    total = 0.0
    for block in spec.blocks.blocks:
        if not isinstance(block.constraint, Ordered):
            continue
        own = [unwrapped(c.prior) for c in spec.parameters.coefficients if c.value in block.places]
        if len(set(own)) == 1:
            total += float(np.sum(np.log(np.arange(1, len(own) + 1))))
            continue
        widest = max(prior.scale for prior in own)
        x = widest * np.tan(np.linspace(-0.5, 0.5, GRID + 2)[1:-1] * np.pi)
        below = np.ones(len(x))
        for prior in own:
            steps = 0.5 * np.diff(x) * _neighbours(np.exp(prior.logpdf(x)) * below)
            below = np.concatenate([[0.0], np.cumsum(steps)])
        total -= float(np.log(below[-1]))
    return total


def _neighbours(values: Floats) -> Floats:
    return np.asarray(values[1:] + values[:-1])


def _likelihood(spec: ModelSpec) -> float:
    """Log likelihood of rows less that of cells, at one value of every predictor."""
    outcome, family = spec.design.outcome, spec.family
    assert outcome is not None, "models are built from rows with an outcome"
    at = spec.anchors.outcome
    total = 0.0
    for rows in _blocks(len(outcome.values)):
        own = outcome.take(rows)
        linear = {p: np.full(len(own.values), eta) for p, eta in at.items()}
        total += float(np.sum(row_weights(own) * family.log_likelihood(own, linear)))
    for cells in _blocks(spec.cells.index.n_cells):
        stats = widened([r if len(r) == 1 else r[cells] for r in spec.cells.stats], cells.stop - cells.start)
        linear_rows = np.repeat(np.array(list(at.values()))[:, None], stats.shape[1], axis=1)
        total -= family.derivatives(stats, linear_rows)[0]
    return total


def _blocks(n: int) -> Iterator[slice]:
    """Parts of n rows whose numbers are few against all rows' own."""
    return (slice(start, min(start + BLOCK, n)) for start in range(0, n, BLOCK))


def _prior(prior: Prior, within: Constraint = REAL) -> float:
    """What normalises a prior; only those cut at an end are not normalised, and flat ones cannot be."""
    proper = unwrapped(prior)
    if isinstance(proper, Flat):
        return float("nan")
    lower, upper = within.bounds
    if proper.bounds[0] < lower or proper.bounds[1] > upper:
        from scipy.integrate import quad

        def density(x: float) -> float:
            return float(np.exp(proper.logpdf(np.array(x))))

        return -float(np.log(quad(density, max(lower, proper.bounds[0]), upper)[0]))
    return 0.0


def _effects(effects: Effects) -> float:
    """Priors of a block's sds and correlations, and its effects' normal densities without their constants."""
    total = 0.0
    for coefficient in effects.coefficients:
        if isinstance(coefficient.sd, Prior):
            total += _prior(coefficient.sd, Positive())
        if coefficient.sd is None:
            total += effects.size * _prior(coefficient.prior)
        else:
            total -= 0.5 * effects.size * float(np.log(2.0 * np.pi))
    return total + (_correlations(effects.corr, effects.width) if effects.corr else 0.0)


def _correlations(prior: LKJ, d: int) -> float:
    """Of LKJ(eta): partial correlation i, j is 2 Beta(b, b) - 1 with b = eta + (d - 2 - j) / 2.

    Lewandowski, Kurowicka & Joe (2009), section 2.4.
    """
    from scipy.special import betaln

    b = np.array([prior.eta + 0.5 * (d - 2 - j) for i in range(1, d) for j in range(i)])
    return -float(np.sum((2.0 * b - 1.0) * np.log(2.0) + betaln(b, b)))
