"""The fitted population of groups: in every draw, the distribution that a group's effects come from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import OptionError, build
from partialpool.formula.records import GroupTerm
from partialpool.model.effects import Effects, EffectsTerm
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
    full_names
        The same as results name them: ``"sigma_x|district"``.
    factors
        (S, d, d) C of every draw, lower triangular, C C' the covariance matrix of the effects.
    prior
        The distribution of u where effects have a fixed prior that is not a normal around zero (then d and C
        are 1); None for standard normals.
    """

    parameter: str
    factor: str
    names: tuple[str, ...]
    full_names: tuple[str, ...]
    factors: Floats
    prior: Prior | None

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

        A group's numbers hang on the seed, the coefficient and the hash of the group's label alone.
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
        columns = range(len(self.names))
        return np.sum([(self.factors[:, :, k] @ weights.T) ** 2 for k in columns], axis=0)


def group_populations(fitted: Fitted) -> tuple[GroupPopulation, ...]:
    """Collect the population behind every group-level term of a fit."""
    parameters, values = fitted.model.parameters, fitted.values
    return tuple(
        _population(parameters.predictors[own.predictor].parameter, effects, own, values)
        for effects in parameters.effects
        for own in effects.terms
    )


def _population(parameter: str, effects: Effects, own: EffectsTerm, values: Floats) -> GroupPopulation:
    full_names = tuple(effects.coefficients[i].name for i in own.coordinates)
    prior = effects.coefficients[0].prior if effects.fixed else None
    factors = np.ones((len(values), 1, 1)) if prior is not None else _factors(effects, values)
    return GroupPopulation(parameter, effects.factor, own.term.names, full_names, factors, prior)


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
