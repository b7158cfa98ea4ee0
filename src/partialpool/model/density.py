"""A model's log density: its arrays, bound to the compiled kernels by address."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from partialpool.kernels.density import native_density, native_draw
from partialpool.kernels.inputs import DensityInputs, address_table
from partialpool.kernels.transforms import EXPONENTIAL, IDENTITY, INTERVAL
from partialpool.model.data_inputs import data_inputs, integers
from partialpool.model.geometry import Geometry, Link, coordinates
from partialpool.model.parameters import GroupCoefficient
from partialpool.model.shares import GroupedCells, cut
from partialpool.model.spec import ModelSpec
from partialpool.priors.base import AtMeans, Prior, unwrapped

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Density:
    """Log density of a model in one choice of coordinates.

    Parameters
    ----------
    spec
        The model.
    geometry
        The coordinates.
    team
        Threads that take shares of an evaluation, as `kernels.team` describes them; they change no result.

    Notes
    -----
    The compiled functions read the arrays of `inputs` by address; keep the object alive while they run.
    """

    spec: ModelSpec
    geometry: Geometry
    team: NDArray[np.int64] | None = None
    inputs: DensityInputs = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "inputs", _inputs(self.spec, self.geometry, self.team))

    @cached_property
    def table(self) -> NDArray[np.int64]:
        """Addresses of the inputs, for the compiled functions."""
        return address_table(self.inputs)

    @property
    def n_dim(self) -> int:
        """Length of the sampler's vector."""
        return len(self.geometry.hyper_centre)

    @cached_property
    def n_values(self) -> int:
        """Length of a draw."""
        return self.spec.layout.n_values

    @property
    def addresses(self) -> tuple[int, int]:
        """Addresses of the compiled density and of what makes a draw of a point."""
        return native_density().address, native_draw().address

    def __call__(self, x: Floats) -> tuple[float, Floats]:
        """Log density and gradient at (n_dim,) coordinates."""
        return call_density(self.n_dim, x, self.table)

    def draw(self, x: Floats) -> Floats:
        """(n_values,) a draw as a person reads it, from (n_dim,) coordinates."""
        return call_draw(self.n_values, x, self.table)


def call_density(n_dim: int, x: Floats, table: NDArray[np.int64]) -> tuple[float, Floats]:
    """Log density and gradient of the model that a table of addresses describes."""
    x, gradient, value = np.ascontiguousarray(x, float), np.empty(n_dim), np.empty(1)
    native_density().ctypes(n_dim, _pointer(x), _pointer(gradient), _pointer(value), table.ctypes.data)
    return float(value[0]), gradient


def call_draw(n_values: int, x: Floats, table: NDArray[np.int64]) -> Floats:
    """(n_values,) a draw as a person reads it, by the model that a table of addresses describes."""
    x, values = np.ascontiguousarray(x, float), np.zeros(n_values)
    native_draw().ctypes(len(x), n_values, _pointer(x), _pointer(values), table.ctypes.data)
    return values


def _pointer(array: Floats) -> ctypes._Pointer[ctypes.c_double]:
    return array.ctypes.data_as(ctypes.POINTER(ctypes.c_double))


def transform_of(prior: Prior, positive: bool) -> int:
    """How a parameter with this prior is made of an unconstrained number."""
    if prior.support == "interval":
        return INTERVAL
    return EXPONENTIAL if positive or prior.support == "positive" else IDENTITY


def _prior_row(prior: Prior) -> tuple[int, list[float]]:
    plain = unwrapped(prior)
    return plain.address, [*plain.parameters, 0.0, 0.0, 0.0, 0.0][:4]


def _inputs(spec: ModelSpec, geometry: Geometry, team: NDArray[np.int64] | None) -> DensityInputs:
    blocks, position = spec.parameters.blocks, coordinates(spec)
    coefs = spec.parameters.coefficients
    effects = [c for _, block in blocks for c in block.coefficients]
    coef_priors = [_prior_row(c.prior) for c in coefs]
    sd_rows = [_sd_row(c) for c in effects]
    fixed_rows = [_prior_row(c.prior) if c.sd is None else (0, [0.0] * 4) for c in effects]
    anchor, weights = _anchors(spec)
    links = sorted(geometry.links, key=lambda link: link.inner)
    scale_coef, scale_power = _information_scales(spec)
    shares = cut(spec.cells.index.n_cells, len(coefs), _grouped(spec))
    return DensityInputs(
        **data_inputs(spec, links),
        coef_logged=integers([c.logged for c in coefs]),
        coef_transform=integers([transform_of(c.prior, c.logged) for c in coefs]),
        coef_bounds=_floats([unwrapped(c.prior).bounds for c in coefs], 2),
        coef_prior=integers([address for address, _ in coef_priors]),
        coef_prior_parameters=_floats([p for _, p in coef_priors], 4),
        coef_value=integers([c.value for c in coefs]),
        coef_centre=geometry.coef_centre,
        coef_scale=geometry.coef_scale,
        coef_expansion=geometry.coef_expansion,
        anchor=anchor,
        anchor_weights=weights,
        scale_coef=integers(scale_coef),
        scale_power=np.array(scale_power, float),
        effect_prior=integers([address for address, _ in fixed_rows]),
        effect_prior_parameters=_floats([p for _, p in fixed_rows], 4),
        effect_value=integers([c.value for c in effects]),
        effect_position=integers(position.effect),
        sd_position=integers([p for own in position.sd for p in own]),
        sd_fixed=np.array([row[0] for row in sd_rows]),
        sd_transform=integers([row[1] for row in sd_rows]),
        sd_bounds=_floats([row[2] for row in sd_rows], 2),
        sd_prior=integers([row[3][0] for row in sd_rows]),
        sd_prior_parameters=_floats([row[3][1] for row in sd_rows], 4),
        sd_value=integers([c.sd_value for c in effects]),
        corr_position=integers(position.corr),
        corr_value=integers([b.corr_value for _, b in blocks]),
        corr_eta=np.array([b.corr.eta if b.corr else 1.0 for _, b in blocks], float),
        hyper_centre=geometry.hyper_centre,
        hyper_scale=geometry.hyper_scale,
        information=_flat(geometry.information),
        pull=_flat(geometry.pull),
        cross=_flat(geometry.cross),
        effect_expansion=_flat(geometry.effects),
        term_order=_order(len(blocks), geometry.links),
        link_cross=_flat(tuple(link.cross for link in links)),
        share_start=shares.start,
        share_place=shares.place,
        share_term=shares.term,
        team=integers([]) if team is None else team,
    )


def _grouped(spec: ModelSpec) -> list[GroupedCells]:
    blocks = [block for _, block in spec.parameters.blocks]
    return [
        GroupedCells(groups, end, len(block.term.grouping.labels), len(block.coefficients))
        for groups, (end, _), block in zip(spec.cells.group_index, spec.cells.runs, blocks, strict=True)
    ]


def fixed_scale(coefficient: GroupCoefficient) -> float:
    """The sd of effects that have no learnt one: of their prior, or its scale where it is not a normal."""
    if isinstance(coefficient.sd, Prior):
        return coefficient.sd.scale
    return coefficient.prior.scale if coefficient.sd is None else float(coefficient.sd)


def _sd_row(
    coefficient: GroupCoefficient,
) -> tuple[float, int, tuple[float, float], tuple[int, list[float]]]:
    if isinstance(coefficient.sd, Prior):
        prior = coefficient.sd
        return 1.0, transform_of(prior, True), prior.bounds, _prior_row(prior)
    return fixed_scale(coefficient), EXPONENTIAL, (0.0, 0.0), (0, [0.0] * 4)


def _information_scales(spec: ModelSpec) -> tuple[list[int], list[float]]:
    """Which coefficient scales each term's information, and its power; -1 and 0 where none does."""
    parts = spec.parameters.predictors
    scale: tuple[int, float] = (-1, 0.0)
    start = 0
    for part in parts:
        # A parameter with a formula differs from row to row: no one number scales a group's information.
        if part.predictor is None and part.parameter in spec.family.information_powers:
            scale = start, spec.family.information_powers[part.parameter]
        start += len(part.coefficients)
    chosen = [scale if parts[p].parameter == "mu" else (-1, 0.0) for p, _ in spec.parameters.blocks]
    return [k for k, _ in chosen], [power for _, power in chosen]


def _anchors(spec: ModelSpec) -> tuple[NDArray[np.int64], Floats]:
    """Which coefficient of each predictor has a prior at the predictors' means, and those means."""
    anchor, weights, start = [], [], 0
    for part in spec.parameters.predictors:
        own = [0.0] * len(part.coefficients)
        found = [i for i, c in enumerate(part.coefficients) if isinstance(c.prior, AtMeans)]
        if found and part.predictor is not None:
            own = spec.anchors.means[part.parameter].tolist()
            own[found[0]] = 0.0
        anchor.append(start + found[0] if found else -1)
        weights += own
        start += len(own)
    return integers(anchor), np.array(weights, float)


def _floats(rows: list[object], width: int) -> Floats:
    return np.array(rows, float).reshape(-1, width)


def _order(n_terms: int, links: tuple[Link, ...]) -> NDArray[np.int64]:
    """Terms in an order where each comes after the terms that its groups lie in."""
    order: list[int] = []
    while len(order) < n_terms:
        ready = [t for t in range(n_terms) if t not in order]
        order += [t for t in ready if all(k.outer in order for k in links if k.inner == t)]
    return integers(order)


def _flat(arrays: tuple[Floats, ...]) -> Floats:
    return np.concatenate([a.ravel() for a in arrays]) if arrays else np.zeros(0)
