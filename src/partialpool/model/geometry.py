"""The sampler's coordinates: their positions, and the record of where they are centred and how scaled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partialpool.model.spec import ModelSpec
from partialpool.priors.base import Prior

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Link:
    """A term whose groups each lie in one group of another term of the same predictor.

    Attributes
    ----------
    inner, outer
        Numbers of the two terms.
    group
        (J,) the outer group of each inner group.
    cross
        (J, d, outer d) cross curvature of the two groups' effects.
    """

    inner: int
    outer: int
    group: NDArray[np.int64]
    cross: Floats


@dataclass(frozen=True)
class Geometry:
    """The sampler's coordinates: where they are centred, how they are scaled, and each group's centring.

    Shapes: K coefficients, Q coordinates; a term has J groups of d coefficients, its predictor K_p.

    Attributes
    ----------
    coef_centre, coef_scale
        (K,), (K, K): unconstrained coefficients = centre + scale @ coordinates.
    coef_expansion
        (K,) coefficients at the centre, as predictors use them.
    hyper_centre, hyper_scale
        (Q,): the same for sds and correlations, one by one.
    information, pull, cross
        One array a term, (J, d, d), (J, d), (J, d, K_p): see `kernels.centring` and `kernels.pulls`.
    effects
        One array a term, (J, d): effects where the quadratics were taken.
    links
        Which terms' groups lie in which; empty for effects that do not follow each other.
    evidence
        One array a term, (d,): how many groups' worth of evidence there is of each sd.
    """

    coef_centre: Floats
    coef_scale: Floats
    coef_expansion: Floats
    hyper_centre: Floats
    hyper_scale: Floats
    information: tuple[Floats, ...]
    pull: tuple[Floats, ...]
    cross: tuple[Floats, ...]
    effects: tuple[Floats, ...]
    links: tuple[Link, ...] = ()
    evidence: tuple[Floats, ...] = ()


@dataclass(frozen=True)
class Coordinates:
    """Positions in the sampler's vector: coefficients first, then each term's sds, correlations, effects."""

    n_coef: int
    sd: tuple[tuple[int, ...], ...]
    corr: tuple[int, ...]
    effect: tuple[int, ...]
    n_dim: int


def coordinates(spec: ModelSpec) -> Coordinates:
    """Lay out the sampler's vector."""
    n_coef = position = len(spec.parameters.coefficients)
    sds, corrs, effects = [], [], []
    for _, block in spec.parameters.blocks:
        own = []
        for coefficient in block.coefficients:
            own.append(position if isinstance(coefficient.sd, Prior) else -1)
            position += isinstance(coefficient.sd, Prior)
        sds.append(tuple(own))
        d = len(block.coefficients)
        corrs.append(position if block.corr else -1)
        position += d * (d - 1) // 2 if block.corr else 0
        effects.append(position)
        position += d * len(block.term.grouping.labels)
    return Coordinates(n_coef, tuple(sds), tuple(corrs), tuple(effects), position)


def plain_geometry(spec: ModelSpec) -> Geometry:
    """Unscaled coordinates with non-centred effects: Stan's unconstrained space."""
    k, q = len(spec.parameters.coefficients), coordinates(spec).n_dim
    shapes = []
    for p, block in spec.parameters.blocks:
        own = len(spec.parameters.predictors[p].coefficients)
        shapes.append((len(block.term.grouping.labels), len(block.coefficients), own))
    return Geometry(
        np.zeros(k),
        np.eye(k),
        np.zeros(k),
        np.zeros(q),
        np.ones(q),
        tuple(np.zeros((j, d, d)) for j, d, _ in shapes),
        tuple(np.zeros((j, d)) for j, d, _ in shapes),
        tuple(np.zeros((j, d, own)) for j, d, own in shapes),
        tuple(np.zeros((j, d)) for j, d, _ in shapes),
    )
