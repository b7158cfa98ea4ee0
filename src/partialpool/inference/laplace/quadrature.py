"""Models of one grouping factor: group effects integrated out by quadrature, drawn from exact conditionals.

Given the outer parameters the groups are independent, so that coefficients, sds, correlations and dispersion
have an almost exact marginal density: one small integral a group, in coordinates in which its integrand is
close to a standard normal density (adaptive quadrature: Naylor & Smith 1982; Pinheiro & Bates 1995, section
2.4). Draws of the effects are proposed with the moments of that density and corrected by Metropolis steps.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from partialpool.inference.chosen_geometry import choose_geometry
from partialpool.inference.draws import GroupCheck
from partialpool.inference.laplace.climb import climb
from partialpool.inference.laplace.effect_chains import stretched_normals, to_and_fro, walks
from partialpool.inference.laplace.engines import Proposal
from partialpool.inference.laplace.nodes import Nodes, finer_nodes, grid, nodes
from partialpool.kernels.density.inputs import DensityInputs, address_table
from partialpool.kernels.quadrature import group_integrals as kernels
from partialpool.kernels.quadrature.group_draws import native_sample
from partialpool.model.density import Density
from partialpool.model.geometry import coordinates
from partialpool.model.outer import OuterParameters
from partialpool.model.spec import ModelSpec

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

STREAMS = 4  # parts that points are divided into, whatever the number of cores
WORTH_THREADS = 300_000  # evaluations of a cell, below which starting threads takes longer than the work
WORK = 1e8  # evaluations of a cell that a round of exploring may take
LEAST_POINTS, MOST_POINTS = 64, 2048
# Where a group accepts less, so many steps lead to each draw, if that takes no more evaluations of a cell.
WELL_ACCEPTED, STEPS, STEPS_WORK = 0.92, 5, 2e7
CHECKED_DRAWS = 500  # from which the most extreme group is told
FINE = grid(1, step=0.6, radius=6.6)
# Pairs of outer points at which nodes are compared with finer ones; sd of the error that is allowed.
COMPARED, MOST_ERROR = 16, 0.05
NEGLIGIBLE = 1e-3  # weight of an outer point, by the largest, that is not worth finer quadrature
T = TypeVar("T")
U = TypeVar("U")


def one_factor(spec: ModelSpec) -> bool:
    """Whether all effects of a model are of the groups of one factor, which are independent a priori."""
    known = any(effects.between is not None for effects in spec.parameters.effects)
    return len(spec.cells.group_index) <= 1 and not known


class Quadrature:
    """The marginal density of a model of one grouping factor, or of none.

    Parameters
    ----------
    spec
        The model; `one_factor` must hold.
    cores
        Threads.

    Attributes
    ----------
    geometry
        Coordinates, by the quick fit.
    """

    exact = False

    def __init__(self, spec: ModelSpec, cores: int = 1) -> None:
        self.spec, self.cores = spec, cores
        blocks = spec.parameters.effects
        self.n_groups = blocks[0].size if blocks else 0
        self.n_effects = sum(block.width for block in blocks)
        self.rule = nodes(self.n_effects) if blocks else nodes(1)
        self.geometry = choose_geometry(spec)
        self.outer = OuterParameters(spec, self.geometry)
        self.inputs: DensityInputs = self.outer.whole
        self.sds = np.array([p for own in coordinates(spec).sd for p in own if p >= 0], np.int64)
        self.table = address_table(self.inputs)
        # Points are in the quick fit's coordinates; the marginal likelihood integrates over unscaled ones.
        self.log_volume = float(
            np.sum(np.log(np.diag(self.geometry.coef_scale)))
            + np.sum(np.log(self.inputs.hyper_scale[len(self.geometry.coef_scale) :]))
        )
        self.acceptance = np.ones(self.n_groups)
        # Where nodes are tried first, at every point: from point to point it hardly changes.
        start = np.concatenate([np.zeros(self.n_effects), np.eye(self.n_effects).ravel()])
        self.centres = np.repeat(start[:, None], self.n_groups, axis=1)
        index = self.inputs.group_index[0] if blocks else np.zeros(0, np.int32)
        is_outer = np.ones(spec.layout.n_values, bool)
        for coefficient in (c for block in blocks for c in block.coefficients):
            is_outer[coefficient.value : coefficient.value + self.n_groups] = False
        self.outer_values = np.flatnonzero(is_outer)
        self.group_starts = np.searchsorted(index, np.arange(self.n_groups + 1)).astype(np.int64)

    def proposal(self) -> Proposal:
        """The mode and the curvature there, from where the quick fit ended."""
        self._settle(np.zeros(self.outer.n_dim))
        found = climb(self.log_density, self.outer.n_dim)
        self._settle(found.centre)
        self.rule = self._fine_enough(found)
        return found

    def _fine_enough(self, found: Proposal) -> Nodes:
        """Finer nodes where the usual ones err by what differs from point to point, which is what matters."""
        finer = finer_nodes(self.n_effects) if self.n_groups else None
        if finer is None:
            return self.rule
        steps = np.random.default_rng(0).standard_normal((COMPARED, len(found.centre)))
        points = found.centre + np.concatenate([steps, -steps]) @ found.scale.T
        error = self._integrate(points, finer) - self._integrate(points)
        return self.rule if np.std(error) < MOST_ERROR else finer

    def log_density(self, points: Floats) -> Floats:
        """Log of p(data, outer parameters) at (N, Q) points."""
        points = np.ascontiguousarray(points)
        if not self.n_groups:
            density = Density(self.spec, self.geometry)
            return self.log_volume + np.array([density(point)[0] for point in points])
        parts = [part for part in np.array_split(points, STREAMS) if len(part)]
        return self.log_volume + np.concatenate(
            self._in_threads(self._integrate, parts, len(points) * len(self.rule.points))
        )

    def _in_threads(self, function: Callable[[T], U], parts: list[T], passes: int) -> list[U]:
        """Call a function that leaves the interpreter for each of some parts.

        passes says how often it goes over the cells.
        """
        if self.cores == 1 or passes * self.spec.cells.index.n_cells < WORTH_THREADS:
            return [function(part) for part in parts]
        with ThreadPoolExecutor(self.cores) as pool:
            return list(pool.map(function, parts))

    def _settle(self, point: Floats) -> None:
        """Start later searches for nodes from their positions at this point."""
        if self.n_groups:
            self._integrate(point[None], keep=True)

    def draw(self, points: Floats, counts: Integers, rng: np.random.Generator) -> Floats:
        """Draws of everything: outer parameters as they are, effects from their conditionals."""
        n_draws = int(np.sum(counts))
        self._settle(counts @ points / n_draws)
        chosen = np.flatnonzero(counts)
        chosen = chosen[to_and_fro(points[chosen][:, self.sds])]
        points, counts = points[chosen], counts[chosen]
        draws = np.empty((n_draws, self.spec.layout.n_values))
        rows = rng.permutation(n_draws)
        self.acceptance = self._sample(points, counts, rows, draws, rng)
        work = STEPS * n_draws * self.spec.cells.index.n_cells
        if self.n_groups and np.min(self.acceptance) < WELL_ACCEPTED and work < STEPS_WORK:
            # Steps to one draw follow each other in its row, where the last one stays.
            self._sample(points, STEPS * counts, np.repeat(rows, STEPS), draws, rng)
        return draws

    def _sample(
        self, points: Floats, counts: Integers, rows: Integers, draws: Floats, rng: np.random.Generator
    ) -> Floats:
        """Write values into their rows of draws; return the (J,) mean probabilities of acceptance."""
        n_draws = len(rows)
        proposals = stretched_normals(n_draws, rng)
        places = walks(n_draws, self.n_effects, self.n_groups, rng)
        common = {
            kernels.N_DRAWS: n_draws,
            kernels.PROPOSALS: proposals.ctypes.data,
            kernels.WALKS: places.ctypes.data,
            kernels.PLACES_OF_DRAWS: rows.ctypes.data,
            kernels.DRAWS: draws.ctypes.data,
            kernels.N_VALUES: draws.shape[1],
            kernels.OUTER_VALUES: self.outer_values.ctypes.data,
            kernels.N_OUTER_VALUES: len(self.outer_values),
        }

        def part(share: tuple[Integers, int]) -> Floats:
            own, first = share
            acceptance = np.zeros(self.n_groups)
            own_points, own_counts = np.ascontiguousarray(points[own]), np.ascontiguousarray(counts[own])
            self._call(
                native_sample(),
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
        shares = [(own, int(before[own[0]])) for own in owns if len(own)]
        return np.asarray(np.sum(self._in_threads(part, shares, n_draws), axis=0)) / n_draws

    def _integrate(
        self,
        points: Floats,
        rule: Nodes | None = None,
        groups: tuple[int, int] | None = None,
        logs: Floats | None = None,
        effects: Floats | None = None,
        keep: bool = False,
    ) -> Floats:
        """(N,) log marginal densities; of some groups, with their integrands and effects, where asked for."""
        out, points, rule = np.empty(len(points)), np.ascontiguousarray(points), rule or self.rule
        first, last = groups or (0, self.n_groups)
        self._call(
            kernels.native_integrate(),
            points,
            {
                kernels.N_NODES: len(rule.points),
                kernels.NODES: rule.points.ctypes.data,
                kernels.LOG_WEIGHTS: rule.log_weights.ctypes.data,
                kernels.FIRST_GROUP: first,
                kernels.LAST_GROUP: last,
                kernels.OUT: out.ctypes.data,
                kernels.LOGS: 0 if logs is None else logs.ctypes.data,
                kernels.EFFECTS: 0 if effects is None else effects.ctypes.data,
                kernels.KEEP: int(keep),
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
            kernels.CENTRES: self.centres.ctypes.data,
            kernels.N_GROUPS: self.n_groups,
            kernels.N_OUTER: self.outer.n_dim,
            kernels.N_POINTS: len(points),
            kernels.POINTS: points.ctypes.data,
        }
        for slot, value in (general | own).items():
            arguments[slot] = value
        function.ctypes(arguments.ctypes.data_as(ctypes.POINTER(ctypes.c_int64)))

    def affordable(self) -> int:
        """Twice as many points for each outer parameter more, but not more than their cost allows."""
        work = max(self.spec.cells.index.n_cells * len(self.rule.points), 1)
        wanted = min(64 * 2.0**self.outer.n_dim, MOST_POINTS)
        return 1 << int(np.log2(np.clip(WORK / work, LEAST_POINTS, wanted)))

    def check(self, points: Floats, weights: Floats, draws: Floats) -> tuple[float, tuple[GroupCheck, ...]]:
        """Moments of draws against the same by finer quadrature over the effect and all outer points."""
        if not self.n_groups:
            return 1.0, ()
        kept = weights > NEGLIGIBLE * np.max(weights)
        points, weights = points[kept], weights[kept] / np.sum(weights[kept])
        chosen = [int(j) for j in self._handful(draws)]
        passes = len(chosen) * len(points) * len(FINE.points) // self.n_groups  # each over one group's cells
        found = self._in_threads(lambda j: self._check(j, points, weights, draws), chosen, passes)
        return float(np.min(self.acceptance)), tuple(one for own in found for one in own)

    def _handful(self, draws: Floats) -> Integers:
        """Groups with most and fewest cells, the most extreme one, and the one refused most often."""
        first = self.spec.parameters.effects[0].coefficients[0].value
        sizes = np.diff(self.group_starts)
        extreme = np.argmax(np.abs(np.mean(draws[:CHECKED_DRAWS, first : first + self.n_groups], axis=0)))
        return np.unique([np.argmax(sizes), np.argmin(sizes), extreme, np.argmin(self.acceptance)])

    def _check(self, j: int, points: Floats, weights: Floats, draws: Floats) -> list[GroupCheck]:
        rule = FINE if self.n_effects == 1 else self.rule
        shape = (len(points), 1, len(rule.points))
        logs, effects = np.empty(shape), np.empty((*shape, self.n_effects))
        self._integrate(points, rule, (j, j + 1), logs, effects)
        own = logs[:, 0] + rule.log_weights
        own = np.exp(own - np.max(own, axis=1, keepdims=True))
        own *= (weights / np.sum(own, axis=1))[:, None]
        checks, e = [], 0
        for block in self.spec.parameters.effects:
            for c in block.coefficients:
                values, drawn = effects[:, 0, :, e], draws[:, c.value + j]
                mean = float(np.sum(own * values))
                sd = float(np.sqrt(np.sum(own * (values - mean) ** 2)))
                shift, ratio = (np.mean(drawn) - mean) / sd, np.std(drawn) / sd
                label = str(block.labels[j])
                checks.append(GroupCheck(c.name, label, float(shift), float(ratio)))
                e += 1
        return checks
