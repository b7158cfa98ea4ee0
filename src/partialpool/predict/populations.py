"""The fitted population of groups: in every draw, the distribution that a group's effects come from."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import OptionError, build
from partialpool.model.effects import Effects, EffectsTerm
from partialpool.model.parameters import TermKey
from partialpool.predict.relatives import Relatives, relatives
from partialpool.predict.streams import Streams
from partialpool.priors.base import Prior
from partialpool.results.fitted import Fitted

Floats = NDArray[np.float64]

_SINGULAR = 1e-8  # below this, what is left of a correlation matrix's pivot is rounding


@dataclass(frozen=True)
class GroupPopulation:
    """Where the effects of a group-level term come from: b = C u, with independent u.

    Attributes
    ----------
    effects
        The block of D coordinates that the term is part of, maybe with terms that share a name with it.
    own
        The d of them that are the term's.
    factors
        (S, d, D) C of every draw, C C' the covariance matrix of the effects.
    """

    effects: Effects
    own: EffectsTerm
    factors: Floats

    @property
    def prior(self) -> Prior | None:
        """The distribution of u where it is fixed, with D = C = 1; None for standard normals."""
        return self.effects.coefficients[0].prior if self.effects.fixed else None

    @property
    def names(self) -> tuple[str, ...]:
        """D names, as results have them: ``"sigma_x|district"``."""
        return tuple(c.name for c in self.effects.coefficients)

    @property
    def places(self) -> NDArray[np.int64]:
        """(d, J) where its effects stand in a draw."""
        return self.effects.places[self.own.coordinates]

    @property
    def shared(self) -> bool:
        """Whether the block goes into other linear predictors, too."""
        return len(self.effects.predictors) > 1

    @cached_property
    def relatives(self) -> Relatives | None:
        """New groups that a known covariance covers; None where groups are independent."""
        known = self.effects.covariance
        return None if known is None else relatives(known)

    @property
    def scale(self) -> float:
        """How many times the sd of a group is that which is learnt, averaged over variances of groups."""
        known = self.effects.covariance
        return 1.0 if known is None else math.sqrt(known.mean_variance)

    def columns(self, matrix: Floats) -> Floats:
        """Take from the columns of the term's coefficients those of these coefficients, (n_rows, d)."""
        return matrix[:, self.own.columns]

    def draw(self, k: int, hashes: NDArray[np.uint64], seed: int) -> Floats:
        """Draw the k-th u of some groups, one for each posterior draw: (S, groups).

        A group's numbers depend on the seed, the coefficient and the hash of the group's label alone.
        """
        streams, n_draws = Streams(seed, self.names[k]), len(self.factors)
        drawn = np.empty((len(hashes), n_draws))
        for row, key in zip(drawn, hashes.tolist(), strict=True):
            generator = streams.at(key)
            if self.prior is None:
                generator.standard_normal(out=row)
            else:
                row[:] = self.prior.sample(generator, n_draws)
        return drawn.T

    def variance(self, weights: Floats) -> Floats:
        """Compute the variance that the term adds to rows' linear predictors, (S, n): |C'z|^2.

        Where the covariance between groups is known, groups' own variances differ: theirs are averaged.

        Raises
        ------
        OptionError
            When the effects have a fixed prior that is not a normal around zero.
        """
        return np.sum([part**2 for part in self.parts(weights)], axis=0)

    def parts(self, weights: Floats) -> Iterator[Floats]:
        """Yield what each u of a group of average variance is multiplied by in rows' predictors, (S, n).

        Raises
        ------
        OptionError
            When the effects have a fixed prior that is not a normal around zero.
        """
        if self.prior is not None:
            raise build(
                OptionError,
                f"The effects {self.names[0]!r} have the fixed prior {self.prior}: there is no fitted "
                "population of groups to average over.",
                allowed="averages over effects whose prior is a normal around zero",
                hint="groups=None, or new groups in the data with groups='all'",
            )
        for k in range(len(self.names)):
            yield self.scale * (self.factors[:, :, k] @ weights.T)


# By a term's parameter and key; several where each of its coefficients has a block of its own.
Populations = Mapping[TermKey, tuple[GroupPopulation, ...]]


def group_populations(fitted: Fitted) -> Populations:
    """Collect the population behind every group-level term of a fit."""
    values = fitted.values
    factors = {id(effects): _factors(effects, values) for effects in fitted.model.parameters.effects}

    def population(effects: Effects, own: EffectsTerm) -> GroupPopulation:
        stop = own.first + len(own.columns)
        return GroupPopulation(effects, own, factors[id(effects)][:, own.first : stop])

    blocks = fitted.model.parameters.blocks
    return {key: tuple(population(*block) for block in own) for key, own in blocks.items()}


def _factors(effects: Effects, values: Floats) -> Floats:
    """Compute the Cholesky factor of the effects' covariance matrix in every draw, (S, d, d)."""
    if effects.fixed:
        return np.ones((len(values), 1, 1))
    sds = effects.sds(values)
    if effects.corr is None:
        return sds[:, :, np.newaxis] * np.eye(effects.width)
    return sds[:, :, np.newaxis] * _cholesky(effects.correlations(values))


def _cholesky(corr: Floats) -> Floats:
    """Factorise (S, d, d) correlation matrices; rounding may have made one singular, which is no error."""
    factor = np.zeros_like(corr)
    for j in range(corr.shape[1]):
        known = factor[:, j:, :j]
        column = corr[:, j:, j] - np.einsum("sik,sk->si", known, factor[:, j, :j])
        pivot = np.sqrt(np.maximum(column[:, :1], 0.0))
        factor[:, j:, j] = np.divide(column, pivot, out=np.zeros_like(column), where=pivot > _SINGULAR)
    return factor
