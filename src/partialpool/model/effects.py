"""Group effects, once: a block of J groups by d coordinates with one prior, and the slots that use it.

A slot says where one coordinate goes: predictor[i] += column[i] x effects[index[i], coordinate]. Coordinates
of one block may go into several predictors, and one coordinate into several slots, where a row belongs to
several groups. The prior of a group's d effects is a normal with covariance D R D, D = diag(sds) and R the
correlations. Groups are independent, or have a known covariance A: then the J x d effects are matrix normal,
the covariance of effects (j, a) and (k, b) is A_jk (D R D)_ab.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.formula.group_records import Grouping
from partialpool.formula.known_covariances import KnownCovariance
from partialpool.formula.records import GroupTerm, Term
from partialpool.priors.base import Prior
from partialpool.priors.lkj import LKJ
from partialpool.priors.normal import Normal

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class GroupCoefficient:
    """One coordinate of a group's effects.

    Attributes
    ----------
    name
        ``"1|district"``.
    prior
        Of its effects, as the user writes it: ``Normal(0, Exponential(1))``.
    value
        Position in a draw of its first group's effect; the others follow.
    sd_value
        Position of its sd, or -1.
    """

    name: str
    prior: Prior
    value: int
    sd_value: int

    @property
    def sd(self) -> Prior | float | None:
        """The sd's prior when it is learnt, the sd when it is given, None when the prior has another form."""
        return normal_sd(self.prior)

    @property
    def learnt(self) -> bool:
        """Whether the sd is a parameter of the model."""
        return isinstance(self.sd, Prior)

    @property
    def fixed_sd(self) -> float:
        """The sd where it is no parameter: as given, or the scale of a prior that is not a normal.

        For a learnt sd the scale of its prior, as a first guess.
        """
        if isinstance(self.sd, Prior):
            return self.sd.scale
        return self.prior.scale if self.sd is None else float(self.sd)

    @property
    def prior_mean(self) -> float:
        """Mean of the effects: zero but for a fixed prior around another number."""
        return float(getattr(self.prior, "mean", 0.0)) if self.sd is None else 0.0


def normal_sd(prior: Prior) -> Prior | float | None:
    """The sd of a group-level coefficient's normal prior around zero, if it is one."""
    if isinstance(prior, Normal) and (prior.hierarchical or prior.mean == 0):
        return prior.sd
    return None


@dataclass(frozen=True)
class EffectsTerm:
    """A term of the formula whose coefficients are coordinates of a block.

    Attributes
    ----------
    predictor
        Number of the linear predictor that the term is part of.
    term
        The term of the formula.
    first
        The block's coordinate that the first of its coefficients is; the others follow.
    columns
        Which of the term's coefficients: all, or one where each has a block of its own.
    """

    predictor: int
    term: GroupTerm
    first: int
    columns: range

    @property
    def coordinates(self) -> range:
        """Its coordinates in the block."""
        return range(self.first, self.first + len(self.columns))

    @property
    def names(self) -> tuple[str, ...]:
        """Of its coefficients: ``"1"``, ``"x"``, ``"cat[b]"``."""
        return tuple(self.term.names[i] for i in self.columns)

    @property
    def terms(self) -> tuple[Term, ...]:
        """The terms that its coefficients are columns of; each by itself where they are not all."""
        if len(self.columns) == len(self.term.names):
            return self.term.terms
        return tuple(Term(name, slice(i, i + 1), None) for i, name in enumerate(self.names))


@dataclass(frozen=True)
class Slot:
    """predictor[i] += column[i] x effects[index[i], coordinate], for each of n rows."""

    coordinate: int
    predictor: int
    column: Floats
    index: Integers


@dataclass(frozen=True)
class Effects:
    """A block of J groups by d coordinates with one prior.

    Attributes
    ----------
    coefficients
        d coordinates.
    terms
        The terms of the formula that its coordinates come from.
    corr
        Prior of the correlations of a group's effects; None where they are independent.
    corr_name, corr_value
        What results call the correlation matrix, and position in a draw of its (d, d) numbers, or -1.
    """

    coefficients: tuple[GroupCoefficient, ...]
    terms: tuple[EffectsTerm, ...]
    corr: LKJ | None = None
    corr_name: str = ""
    corr_value: int = -1

    @property
    def grouping(self) -> Grouping:
        """The grouping factor, of the fitted combinations."""
        return self.terms[0].term.grouping

    @property
    def factor(self) -> str:
        """Name of the grouping factor."""
        return self.grouping.name

    @property
    def labels(self) -> NDArray[Any]:
        """(J,) the groups' labels."""
        return self.grouping.labels

    @property
    def covariance(self) -> KnownCovariance | None:
        """What is known of the covariance between groups."""
        return self.terms[0].term.covariance

    @property
    def between(self) -> Floats | None:
        """(J, J) known covariance between groups, by which that of a group's effects is multiplied."""
        return self.terms[0].term.between

    @property
    def size(self) -> int:
        """J."""
        return len(self.labels)

    @property
    def width(self) -> int:
        """d."""
        return len(self.coefficients)

    @cached_property
    def slots(self) -> tuple[Slot, ...]:
        """Where its coordinates go, term by term."""
        return tuple(
            Slot(at, part.predictor, matrix[:, column], member.index)
            for part in self.terms
            for member, matrix in part.term.shares()
            for at, column in zip(part.coordinates, part.columns, strict=True)
        )

    @property
    def predictors(self) -> tuple[int, ...]:
        """Numbers of the linear predictors that it goes into, ascending."""
        return tuple(sorted({part.predictor for part in self.terms}))

    @property
    def learnt(self) -> NDArray[np.bool_]:
        """(d,) which sds are learnt."""
        return np.array([c.learnt for c in self.coefficients], bool)

    @property
    def fixed(self) -> bool:
        """Whether its effects have a prior that is not a normal around zero; then d is 1."""
        return self.coefficients[0].sd is None

    @property
    def names(self) -> tuple[str, ...]:
        """d names as the terms have them: ``"1"``, ``"x"``."""
        return tuple(name for part in self.terms for name in part.names)

    @cached_property
    def places(self) -> Integers:
        """(d, J) position of each effect in a draw."""
        return np.array([[c.value] for c in self.coefficients]) + np.arange(self.size)

    def sds(self, values: Floats) -> Floats:
        """(..., d) sds of the effects in (..., n_values) draws."""
        own = [
            values[..., c.sd_value] if c.sd_value >= 0 else np.full(values.shape[:-1], c.fixed_sd)
            for c in self.coefficients
        ]
        return np.stack(own, axis=-1)

    def correlations(self, values: Floats) -> Floats:
        """(..., d, d) correlation matrices of the effects in (..., n_values) draws."""
        d = self.width
        if self.corr_value < 0:
            return np.broadcast_to(np.eye(d), (*values.shape[:-1], d, d))
        return values[..., self.corr_value : self.corr_value + d * d].reshape(*values.shape[:-1], d, d)
