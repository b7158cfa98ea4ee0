"""A model's log density: its arrays, bound to the compiled kernels by address."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.kernels.density.inputs import NOT_JOINT, DensityInputs, address_table
from partialpool.kernels.density.joint import native_joint, native_joint_back
from partialpool.kernels.density.log_density import native_density, native_draw
from partialpool.model.data_inputs import data_inputs, integers
from partialpool.model.geometry import Geometry, JointMap, Nesting, coordinates
from partialpool.model.parameter_inputs import parameter_inputs
from partialpool.model.shares import cut
from partialpool.model.spec import ModelSpec

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
        Threads that take shares of an evaluation, see `kernels.native.thread_team`; they change no result.

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
        """(n_values,) a draw, of columns less their origins, from (n_dim,) coordinates."""
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


def _inputs(spec: ModelSpec, geometry: Geometry, team: NDArray[np.int64] | None) -> DensityInputs:
    effects, position = spec.parameters.effects, coordinates(spec)
    coordinates_of = [c for block in effects for c in block.coefficients]
    fixed = [c.prior if c.sd is None else None for c in coordinates_of]
    links = sorted(geometry.links, key=lambda link: link.inner)
    scale_coef, scale_power = _information_scales(spec)
    cells = spec.cells
    grouped = [(e, [cells.group_index[i] for i in cells.indices(t)]) for t, e in enumerate(effects)]
    shares = cut(cells.index.n_cells, len(spec.parameters.coefficients), grouped)
    return DensityInputs(
        **data_inputs(spec, links),
        **parameter_inputs(spec),
        coef_centre=geometry.coef_centre,
        coef_scale=geometry.coef_scale,
        coef_expansion=geometry.coef_expansion,
        hyper_centre=np.ascontiguousarray(geometry.hyper_centre[: position.n_free]),
        hyper_scale=np.ascontiguousarray(geometry.hyper_scale[: position.n_free]),
        scale_coef=integers(scale_coef),
        scale_power=np.array(scale_power, float),
        effect_prior=integers([0 if prior is None else prior.address for prior in fixed]),
        effect_prior_parameters=np.array(
            [[*(() if p is None else p.parameters), *[0.0] * 4][:4] for p in fixed], float
        ).reshape(-1, 4),
        effect_value=integers([c.value for c in coordinates_of]),
        effect_position=integers(position.effect),
        corr_value=integers([block.corr_value for block in effects]),
        information=_flat(_information(geometry)),
        pull=_flat(geometry.pull),
        cross=_flat(geometry.cross),
        effect_expansion=_flat(geometry.effects),
        rotation_place=integers(_rotation_places(geometry, len(effects))),
        rotation=_flat(geometry.rotations),
        term_order=_order(len(effects), geometry.links),
        link_cross=_flat(tuple(link.cross for link in links)),
        **_joint(spec, geometry.joint),
        share_start=shares.start,
        share_place=shares.place,
        share_term=shares.term,
        team=integers([]) if team is None else team,
    )


def _information(geometry: Geometry) -> tuple[Floats, ...]:
    """Each block's information; of the largest of a joint map, the map's."""
    found = list(geometry.information)
    for joint in geometry.joint:
        found[joint.blocks[0]] = joint.information
    return tuple(found)


def _joint(spec: ModelSpec, maps: tuple[JointMap, ...]) -> dict[str, NDArray[Any]]:
    """Arrays of a joint map, empty without one."""
    if not maps:
        nothing = np.zeros((0, 0))
        arrays = dict.fromkeys(("curvature", "cross", "pull", "prior"), nothing)
        return {"joint": integers([]), **{f"joint_{name}": a for name, a in arrays.items()}}
    (joint,), forward, backward = maps, native_joint(), native_joint_back()
    blocks, places = spec.parameters.effects, [NOT_JOINT] * len(spec.parameters.effects)
    sizes = [blocks[t].size * blocks[t].width for t in joint.blocks[1:]]
    for t, place in zip(joint.blocks[1:], accumulate([0, *sizes]), strict=False):
        places[t] = place
    places[joint.blocks[0]] = len(joint.curvature)
    head = [forward.address, backward.address, *joint.coefficients, joint.blocks[0], len(joint.curvature)]
    return {
        "joint": integers([*head, *places]),
        "joint_curvature": joint.curvature,
        "joint_cross": joint.cross,
        "joint_pull": joint.pull,
        "joint_prior": joint.prior,
    }


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
    chosen = [scale if e.predictors == (0,) else (-1, 0.0) for e in spec.parameters.effects]
    return [k for k, _ in chosen], [power for _, power in chosen]


def _rotation_places(geometry: Geometry, n_effects: int) -> list[int]:
    """Where each block's rotation starts among all; -1 for a block without one."""
    starts = [0, *accumulate(matrix.size for matrix in geometry.rotations)]
    found = [start if m.size else -1 for start, m in zip(starts, geometry.rotations, strict=False)]
    return found or [-1] * n_effects


def _order(n_terms: int, links: tuple[Nesting, ...]) -> NDArray[np.int64]:
    """Terms in an order where each comes after the terms that its groups lie in."""
    order: list[int] = []
    while len(order) < n_terms:
        ready = [t for t in range(n_terms) if t not in order]
        order += [t for t in ready if all(k.outer in order for k in links if k.inner == t)]
    return integers(order)


def _flat(arrays: tuple[Floats, ...]) -> Floats:
    return np.concatenate([a.ravel() for a in arrays]) if arrays else np.zeros(0)
