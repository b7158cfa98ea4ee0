"""The sampler's coordinates: their positions, and the record of where they are centred and how scaled."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from partialpool.model.spec import ModelSpec

Floats = NDArray[np.float64]

NO_ROTATION: Floats = np.zeros((0, 0))


@dataclass(frozen=True)
class Nesting:
    """A block whose groups each lie in one group of another block of the same part.

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
class JointMap:
    """What maps the coefficients and effects of a part together: see `kernels.density.joint`.

    The rest are the effects of all blocks but the largest, block by block, and the coordinates of the k
    coefficients: r numbers. The largest block has J groups of d effects.

    Attributes
    ----------
    coefficients
        (2,) where the part's coefficients start and stop.
    blocks
        Numbers of its blocks, the largest first.
    curvature
        (r, r) of the log likelihood by the rest.
    information
        (J, d, d) of the log likelihood by the largest block's effects.
    cross
        (J d, r) of the log likelihood by the largest block's effects and the rest.
    pull
        (2, J d + r) of the likelihood, which is curvature times mode plus gradient, and of the priors.
    prior
        (k, k) precision of the prior of the coefficients' coordinates.
    """

    coefficients: NDArray[np.int64]
    blocks: NDArray[np.int64]
    curvature: Floats
    information: Floats
    cross: Floats
    pull: Floats
    prior: Floats


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
        (Q,): the same for sds and correlations, one by one; of other coordinates they are not used.
    information, pull, cross
        One array a term, (J, d, d), (J, d), (J, d, K_p): see `centring` and `pulls` in `kernels.density`.
    effects
        One array a term, (J, d): effects where the quadratics were taken.
    links
        Which terms' groups lie in which; empty for effects that do not follow each other.
    evidence
        One array a term, (d,): how many groups' worth of evidence there is of each sd.
    rotations
        One array a block, the (J, J) matrix of `kernels.density.rotations`, or of no rows where groups are
        independent. Information, pull and cross of a block with a rotation are of its independent effects.
    joint
        Of the coefficients and effects of a part that are mapped together, one at most; what the other fields
        say of how they follow each other is not used then.
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
    links: tuple[Nesting, ...] = ()
    evidence: tuple[Floats, ...] = ()
    rotations: tuple[Floats, ...] = ()
    joint: tuple[JointMap, ...] = ()


@dataclass(frozen=True)
class Coordinates:
    """Positions in the sampler's vector: coefficients first, then sds and correlations, then effects.

    Attributes
    ----------
    n_coef, n_free, n_dim
        How many coordinates coefficients have, all parameters but effects, and everything.
    sd, corr, effect
        For each block of effects the positions of its sds (-1 where one is given), of its first free
        correlation (-1 where there are none), and of its first effect.
    """

    n_coef: int
    n_free: int
    sd: tuple[tuple[int, ...], ...]
    corr: tuple[int, ...]
    effect: tuple[int, ...]
    n_dim: int


def coordinates(spec: ModelSpec) -> Coordinates:
    """Lay out the sampler's vector."""
    blocks, effects = spec.blocks, spec.parameters.effects
    free = blocks.free_of_place
    places = [0, *accumulate(block.size * block.width for block in effects)]
    return Coordinates(
        len(spec.parameters.coefficients),
        blocks.n_free,
        tuple(tuple(free.get(c.sd_value, -1) for c in block.coefficients) for block in effects),
        tuple(-1 if b is None else blocks.free_start[b] for b in blocks.correlations),
        tuple(blocks.n_free + place for place in places[:-1]),
        blocks.n_free + places[-1],
    )


def plain_geometry(spec: ModelSpec) -> Geometry:
    """Unscaled coordinates with non-centred effects: Stan's unconstrained space."""
    k, q = len(spec.parameters.coefficients), coordinates(spec).n_dim
    parts = [spec.parts[spec.part_of(block)] for block in spec.parameters.effects]
    shapes = [
        (block.size, block.width, spec.coef_start[part.stop] - spec.coef_start[part.start])
        for block, part in zip(spec.parameters.effects, parts, strict=True)
    ]
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
        rotations=tuple(
            NO_ROTATION if block.between is None else np.asarray(np.linalg.cholesky(block.between), float)
            for block in spec.parameters.effects
        ),
    )
