"""Inner parameters by block: the effects of each grouping factor, and the coefficients with normal priors.

A linear predictor is linear in them, eta = offset + X beta + A v. A block is the part of v that shares an
index of groups: all effects of one factor, or the coefficients, which are a block of one group.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partialpool.model.parameters import PredictorParameters
from partialpool.model.spec import ModelSpec
from partialpool.priors.base import AtMeans, unwrapped
from partialpool.priors.normal import Normal
from partialpool.priors.uniform import Flat

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Block:
    """Inner parameters that share an index of groups: n cells, J groups of d numbers each.

    Attributes
    ----------
    name
        The factor's, or ``"coefficients"``.
    size
        J.
    groups
        (n,) group of each cell.
    columns
        (n, d) what each of a group's numbers is multiplied by in a cell.
    predictors
        (d,) the predictor that it is added to.
    values
        (d,) position in a draw of the first group's number; those of other groups follow.
    terms
        The model's terms in it, in order, as numbers; empty for coefficients.
    """

    name: str
    size: int
    groups: Integers
    columns: Floats
    predictors: Integers
    values: Integers
    terms: tuple[int, ...]

    @property
    def width(self) -> int:
        """d."""
        return self.columns.shape[1]


def latent_predictors(spec: ModelSpec) -> tuple[int, ...]:
    """Predictors whose coefficients may be inner: the mean's, and those with group-level terms."""
    return tuple(p for p, part in enumerate(spec.parameters.predictors) if p == 0 or part.blocks)


def is_exact(spec: ModelSpec) -> bool:
    """Whether inner parameters are normal given the outer ones and the data: those of a gaussian's mean."""
    return spec.family.quadratic and latent_predictors(spec) == (0,)


def inner_coefficients(spec: ModelSpec) -> NDArray[np.bool_]:
    """(K,) which coefficients are inner: of a latent predictor, with a normal or a flat prior."""
    latent, inner = latent_predictors(spec), []
    for p, part in enumerate(spec.parameters.predictors):
        # A prior that is not normal and holds at the predictors' means is one of all coefficients.
        usable = p in latent and all(
            _is_normal(c.prior) for c in part.coefficients if isinstance(c.prior, AtMeans)
        )
        inner += [usable and not c.logged and _is_normal(c.prior) for c in part.coefficients]
    return np.array(inner, bool)


def _is_normal(prior: object) -> bool:
    plain = unwrapped(prior) if isinstance(prior, AtMeans) else prior
    return isinstance(plain, Flat) or (isinstance(plain, Normal) and not plain.hierarchical)


def effect_blocks(spec: ModelSpec) -> list[Block]:
    """The effects by factor, most groups first."""
    factors: dict[str, list[int]] = {}
    for t, (_, block) in enumerate(spec.parameters.blocks):
        factors.setdefault(block.term.grouping.name, []).append(t)
    blocks = [_effect_block(spec, name, tuple(terms)) for name, terms in factors.items()]
    return sorted(blocks, key=lambda b: -b.size)


def _effect_block(spec: ModelSpec, name: str, terms: tuple[int, ...]) -> Block:
    everything = spec.parameters.blocks
    starts = np.cumsum([0, *(len(block.coefficients) for _, block in everything)])
    numbers = np.concatenate([spec.cells.effect_column[starts[t] : starts[t + 1]] for t in terms])
    predictors = [everything[t][0] for t in terms for _ in everything[t][1].coefficients]
    values = [c.value for t in terms for c in everything[t][1].coefficients]
    return Block(
        name,
        len(everything[terms[0]][1].term.grouping.labels),
        spec.cells.group_index[terms[0]].astype(np.int64),
        cell_columns(spec, numbers),
        np.array(predictors, np.int64),
        np.array(values, np.int64),
        terms,
    )


def coefficient_block(spec: ModelSpec, inner: NDArray[np.bool_]) -> Block:
    """The inner coefficients: one group."""
    n = spec.cells.index.n_cells
    return Block(
        "coefficients",
        1,
        np.zeros(n, np.int64),
        cell_columns(spec, spec.cells.coef_column[inner]),
        coefficient_predictors(spec)[inner],
        np.array([c.value for c in spec.parameters.coefficients], np.int64)[inner],
        (),
    )


def coefficient_predictors(spec: ModelSpec) -> Integers:
    """(K,) the predictor of each coefficient."""
    parts: tuple[PredictorParameters, ...] = spec.parameters.predictors
    return np.repeat(np.arange(len(parts)), [len(part.coefficients) for part in parts])


def cell_columns(spec: ModelSpec, numbers: Integers) -> Floats:
    """(n, k) covariates by their number in the cells, -1 for ones."""
    out = np.ones((spec.cells.index.n_cells, len(numbers)))
    for i, number in enumerate(numbers):
        if number >= 0:
            out[:, i] = spec.cells.columns[number]
    return out
