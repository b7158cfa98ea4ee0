"""Models of one grouping factor: group effects integrated out by quadrature, drawn from exact conditionals.

Given the outer parameters the groups are independent, so that coefficients, sds, correlations and dispersion
have an almost exact marginal density: one small integral a group, in coordinates in which its integrand is close to a
standard normal density (adaptive quadrature: Naylor & Smith 1982; Pinheiro & Bates 1995, section 2.4). Draws of the
effects are proposed from that normal and corrected by Metropolis steps, one a draw.
"""

from __future__ import annotations

import ctypes
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.inference.draws import GroupCheck
from partialpool.inference.geometry import choose_geometry
from partialpool.inference.laplace.marginal import Proposal
from partialpool.inference.laplace.moments import matched, moments
from partialpool.inference.laplace.nodes import nodes
from partialpool.kernels import marginal as kernels
from partialpool.kernels.inputs import DensityInputs, address_table
from partialpool.model.density import Density
from partialpool.model.geometry import Geometry
from partialpool.model.outer import OuterParameters, outer_inputs
from partialpool.model.spec import ModelSpec

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

REFINEMENTS = 2  # of the coordinates, by the moments of the integrands
STREAMS = 4  # parts that points are divided into, whatever the number of cores
CHECKED_DRAWS = 2000


def suits(spec: ModelSpec) -> bool:
    """Whether all group-level terms of a model vary by the same factor."""
    groupings = [block.term.grouping for _, block in spec.parameters.blocks]
    return all(g.name == groupings[0].name for g in groupings)


class Quadrature:
    """The marginal density of a model of one grouping factor, or of none.

    Parameters
    ----------
    spec
        The model; `suits` must hold.
    cores
        Threads.

    Attributes
    ----------
    geometry
        Coordinates of the groups, at the end of `__init__` matched to the moments of their effects.
    """

    exact = False

    def __init__(self, spec: ModelSpec, cores: int = 1) -> None:
        self.spec, self.cores = spec, cores
        blocks = [block for _, block in spec.parameters.blocks]
        self.n_groups = len(blocks[0].term.grouping.labels) if blocks else 0
        self.n_effects = sum(len(block.coefficients) for block in blocks)
        self.rule = nodes(self.n_effects) if blocks else nodes(1)
        self._bind(choose_geometry(spec))
        self.acceptance = np.ones(self.n_groups)
        index = self.inputs.group_index[0] if blocks else np.zeros(0, np.int32)
        self.group_starts = np.searchsorted(index, np.arange(self.n_groups + 1)).astype(np.int64)
        if blocks:
            for _ in range(REFINEMENTS):
                self._refine()

    def _bind(self, geometry: Geometry) -> None:
        self.geometry = geometry
        self.outer = OuterParameters(self.spec, geometry)
        self.inputs: DensityInputs = outer_inputs(self.spec, geometry)
        self.table = address_table(self.inputs)

    def _refine(self) -> None:
        logs = np.empty((self.n_groups, len(self.rule.points)))
        self._integrate(np.zeros((1, self.outer.n_dim)), logs)
        mean, covariance = moments(logs, self.rule.log_weights, self.rule.points)
        self._bind(matched(self.geometry, self.outer, mean, covariance))

    def proposal(self) -> Proposal:
        """The coordinates are centred and scaled by the quick fit already."""
        return Proposal(np.zeros(self.outer.n_dim), np.eye(self.outer.n_dim))

    def log_density(self, points: Floats) -> Floats:
        """Log of p(data, outer parameters) at (N, Q) points."""
        points = np.ascontiguousarray(points)
        if not self.n_groups:
            density = Density(self.spec, self.geometry)
            return np.array([density(point)[0] for point in points])
        parts = np.array_split(points, min(self.cores, len(points)))
        with ThreadPoolExecutor(self.cores) as pool:
            return np.concatenate(list(pool.map(self._integrate, parts)))

    def draw(self, points: Floats, counts: Integers, rng: np.random.Generator) -> Floats:
        """Draws of everything: outer parameters as they are, effects from their conditionals."""
        n_draws = int(np.sum(counts))
        draws = np.empty((n_draws, self.spec.layout.n_values))
        rows = rng.permutation(n_draws)
        self.acceptance = self._sample(points, counts, rows, draws, rng) / n_draws
        return draws

    def _sample(
        self, points: Floats, counts: Integers, rows: Integers, draws: Floats, rng: np.random.Generator
    ) -> Floats:
        """Write the effects into their rows of draws; return the (J,) sums of acceptance probabilities."""
        from scipy.special import ndtri

        n_draws = len(rows)
        quantiles = ndtri((np.arange(n_draws) + rng.random(n_draws)) / n_draws)
        common = {
            kernels.N_DRAWS: n_draws,
            kernels.QUANTILES: quantiles.ctypes.data,
            kernels.ROWS: rows.ctypes.data,
            kernels.DRAWS: draws.ctypes.data,
            kernels.N_VALUES: draws.shape[1],
            kernels.SEED: int(rng.integers(2**62)),
        }

        def part(stream: tuple[Integers, int]) -> Floats:
            own, first = stream
            acceptance = np.zeros(self.n_groups)
            own_points, own_counts = np.ascontiguousarray(points[own]), np.ascontiguousarray(counts[own])
            self._call(
                kernels.native_sample(),
                own_points,
                common
                | {
                    kernels.COUNTS: own_counts.ctypes.data,
                    kernels.FIRST_DRAW: first,
                    kernels.ACCEPTANCE: acceptance.ctypes.data,
                },
            )
            return acceptance

        before = np.concatenate([[0], np.cumsum(counts)])
        owns = np.array_split(np.arange(len(points)), STREAMS)
        streams = [(own, int(before[own[0]])) for own in owns if len(own)]
        with ThreadPoolExecutor(self.cores) as pool:
            return np.sum(list(pool.map(part, streams)), axis=0)

    def _integrate(self, points: Floats, logs: Floats | None = None) -> Floats:
        out, points = np.empty(len(points)), np.ascontiguousarray(points)
        self._call(
            kernels.native_integrate(),
            points,
            {
                kernels.N_NODES: len(self.rule.points),
                kernels.NODES: self.rule.points.ctypes.data,
                kernels.LOG_WEIGHTS: self.rule.log_weights.ctypes.data,
                kernels.OUT: out.ctypes.data,
                kernels.LOGS: 0 if logs is None else logs.ctypes.data,
            },
        )
        return out

    def _call(self, function: Any, points: Floats, own: dict[int, int]) -> None:
        arguments = np.zeros(kernels.N_ARGUMENTS, np.int64)
        general = {
            kernels.TABLE: self.table.ctypes.data,
            kernels.OUTER_TABLE: self.outer.table.ctypes.data,
            kernels.VALUES_BLOCK: self.spec.family.blocks()[2].address,
            kernels.GROUP_STARTS: self.group_starts.ctypes.data,
            kernels.LAST_GROUP: self.n_groups,
            kernels.N_GROUPS: self.n_groups,
            kernels.N_OUTER: self.outer.n_dim,
            kernels.N_POINTS: len(points),
            kernels.POINTS: points.ctypes.data,
        }
        for slot, value in (general | own).items():
            arguments[slot] = value
        function.ctypes(arguments.ctypes.data_as(ctypes.POINTER(ctypes.c_int64)))

    def check(self, point: Floats, rng: np.random.Generator) -> tuple[float, tuple[GroupCheck, ...]]:
        """Smallest acceptance of the last draws."""
        return float(np.min(self.acceptance, initial=1.0)), ()
