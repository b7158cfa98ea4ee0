"""The fitted population of groups: in every draw, the distribution that a group's effects come from."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import OptionError, build
from partialpool.formula.known_covariances import KnownCovariance
from partialpool.formula.records import GroupTerm
from partialpool.model.effects import Effects, EffectsTerm
from partialpool.predict.relatives import Relatives, relatives
from partialpool.predict.streams import Streams
from partialpool.priors.base import Prior
from partialpool.results.fitted import Fitted

Floats = NDArray[np.float64]

_SINGULAR = 1e-8  # below this, what is left of a correlation matrix's pivot is rounding


@dataclass(frozen=True)
class GroupPopulation:
    """Where the effects of one group-level term come from: b = C u, with independent u.

    Attributes
    ----------
    parameter, factor
        Its linear predictor and its grouping factor.
    names
        d coefficients as the design names them: ``"1"``, ``"x"``.
    places
        (d, J) where their effects stand in a draw.
    full_names
        The D coefficients of the block that the term is part of, as results name them: those of the term, and
        those of terms that share a name with it, ``"sigma_x|district"``.
    factors
        (S, d, D) C of every draw, C C' the covariance matrix of the effects.
    prior
        The distribution of u where effects have a fixed prior that is not a normal around zero (then D and C
        are 1); None for standard normals.
    shared
        Whether the block goes into other linear predictors, too.
    covariance
        What is known of the covariance between groups; None where they are independent.
    """

    parameter: str
    factor: str
    names: tuple[str, ...]
    places: NDArray[np.int64]
    full_names: tuple[str, ...]
    factors: Floats
    prior: Prior | None
    shared: bool = False
    covariance: KnownCovariance | None = None

    @cached_property
    def relatives(self) -> Relatives | None:
        """New groups that a known covariance covers; None where groups are independent."""
        return None if self.covariance is None else relatives(self.covariance)

    @property
    def scale(self) -> float:
        """How many times the sd of a group is that which is learnt, averaged over variances of groups."""
        return 1.0 if self.covariance is None else math.sqrt(self.covariance.mean_variance)

    def is_of(self, parameter: str, term: GroupTerm) -> bool:
        """Say whether these are coefficients of a term of some design."""
        return (parameter, term.grouping.name) == (self.parameter, self.factor) and set(self.names) <= set(
            term.names
        )

    def columns(self, term: GroupTerm, matrix: Floats) -> Floats:
        """Take from the columns of a term's coefficients those of these coefficients, (n_rows, d)."""
        return matrix[:, [term.names.index(name) for name in self.names]]

    def draw(self, k: int, hashes: NDArray[np.uint64], seed: int) -> Floats:
        """Draw the k-th u of some groups, one for each posterior draw: (S, groups).

        A group's numbers depend on the seed, the coefficient and the hash of the group's label alone.
        """
        streams, n_draws = Streams(seed, self.full_names[k]), len(self.factors)
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
                f"The effects {self.full_names[0]!r} have the fixed prior {self.prior}: there is no fitted "
                "population of groups to average over.",
                allowed="averages over effects whose prior is a normal around zero",
                hint="groups=None, or new groups in the data with groups='all'",
            )
        for k in range(len(self.full_names)):
            yield self.scale * (self.factors[:, :, k] @ weights.T)


def group_populations(fitted: Fitted) -> tuple[GroupPopulation, ...]:
    """Collect the population behind every group-level term of a fit."""
    parameters, values = fitted.model.parameters, fitted.values
    return tuple(
        _population(parameters.predictors[own.predictor].parameter, effects, own, values)
        for effects in parameters.effects
        for own in effects.terms
    )


def _population(parameter: str, effects: Effects, own: EffectsTerm, values: Floats) -> GroupPopulation:
    prior = effects.coefficients[0].prior if effects.fixed else None
    factors = np.ones((len(values), 1, 1)) if prior is not None else _factors(effects, values)
    first = np.array([effects.coefficients[i].value for i in own.coordinates])
    return GroupPopulation(
        parameter,
        effects.factor,
        own.term.names,
        first[:, np.newaxis] + np.arange(effects.size),
        tuple(c.name for c in effects.coefficients),
        factors[:, own.first : own.first + len(own.term.names)],
        prior,
        len(effects.predictors) > 1,
        effects.covariance,
    )


def _factors(effects: Effects, values: Floats) -> Floats:
    """Compute the Cholesky factor of the effects' covariance matrix in every draw, (S, d, d)."""
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
