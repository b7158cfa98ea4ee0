"""Latent gaussian models: effects of any number of factors and coefficients integrated out as one normal.

Exact for gaussian outcomes; the Laplace approximation otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import FitError
from partialpool.inference.blas import one_thread
from partialpool.inference.chosen_geometry import choose_geometry
from partialpool.inference.draws import GroupCheck
from partialpool.inference.laplace.conditionals import check_effects
from partialpool.inference.laplace.correction import correction, correction_normals
from partialpool.inference.laplace.covariance import covariance
from partialpool.inference.laplace.engines import Proposal
from partialpool.inference.laplace.gradient import Shift, gradient, mean_shift, mode_slopes
from partialpool.inference.laplace.inner import Conditional, InnerProblem
from partialpool.inference.laplace.outer_mode import find_proposal
from partialpool.model.geometry import Geometry, coordinates
from partialpool.model.spec import ModelSpec
from partialpool.priors.normal import Normal

Floats = NDArray[np.float64]
Result = TypeVar("Result")

KEPT = 1 << 24  # numbers of factors kept between the density at a point and draws there: 128 MB
SIDE_BY_SIDE = 300  # rows of the dense part: below it Python's own work, one thread at a time, is most of it
MISSED = 2.0  # largest change, from the centre on, of what the Laplace approximation is believed to miss
WORK = 3e9  # operations that a round of exploring may take
LEAST_POINTS, MOST_POINTS = 64, 256
DIFFERENCE = 1e-3  # of an outer parameter's scale, where the gradient is by differences
# Precision of a prior of effects by what the cells of a group say, beyond which their digits are lost; and an
# sd that is as good as zero, by where it is expected.
MOST_PRIOR, LEAST_SD = 1e11, 1e-4


def is_latent_gaussian(spec: ModelSpec) -> bool:
    """Whether all effects have normal priors, as `LatentGaussian` requires."""
    effects = [c for block in spec.parameters.effects for c in block.coefficients]
    return all(c.sd is not None or isinstance(c.prior, Normal) for c in effects)


@dataclass
class _Kept:
    """A cache of limited size: inner parameters by point of the outer ones."""

    points: dict[bytes, Conditional] = field(default_factory=dict)
    numbers: int = 0

    def keep(self, x: Floats, at: Conditional) -> None:
        size = at.factor.n_numbers + at.eta.size + at.mode.size + at.given.values.size
        if self.numbers + size <= KEPT:
            self.points[x.tobytes()] = at
            self.numbers += size


class LatentGaussian:
    """The density of a model with its effects and its coefficients with normal priors integrated out.

    A `Marginal`. Outer parameters are sds, correlations, dispersions, and coefficients that are not inner.

    Parameters
    ----------
    spec
        The model; see `is_latent_gaussian`.
    cores
        Threads.

    Raises
    ------
    FitError
        When crossed factors have too many groups.
    """

    def __init__(self, spec: ModelSpec, cores: int = 1) -> None:
        self.spec, self.cores, self.problem = spec, cores, InnerProblem(spec)
        with one_thread():
            geometry = choose_geometry(spec)
        position = coordinates(spec)
        hyper = slice(position.n_coef, position.n_free)
        centre = np.concatenate([geometry.coef_centre, geometry.hyper_centre[hyper]])
        sds = np.sqrt(np.sum(geometry.coef_scale**2, axis=1))
        scale = np.concatenate([sds, geometry.hyper_scale[hyper]])
        self.centre = centre[self.problem.outer.positions]
        self.scale = scale[self.problem.outer.positions]
        self.problem.outer.least = self._least(geometry)
        self.start = self._start(geometry)
        self.slopes: Floats | None = None
        self.problem.refer(self.start, self.problem.outer(self.centre))
        self._kept = _Kept()
        corrected = not self.exact and len(self.problem.latent) == 1
        self._normals = correction_normals(self.problem) if corrected else None
        self._missed_at_centre = 0.0

    @property
    def exact(self) -> bool:
        """Whether the inner parameters are integrated out without an approximation."""
        return self.problem.exact

    def _least(self, geometry: Geometry) -> tuple[Floats, ...]:
        """For each term (d,) sds that are as good as zero; 0 where given, or where the cells say nothing."""
        values, least = self.problem.outer(self.centre).values, []
        for term, information in zip(self.spec.parameters.effects, geometry.information, strict=True):
            says = np.max(np.diagonal(information, axis1=1, axis2=2), axis=0)
            learnt = [values[c.sd_value] if c.sd_value >= 0 else 0.0 for c in term.coefficients]
            with np.errstate(divide="ignore"):
                least.append(np.minimum(1.0 / np.sqrt(MOST_PRIOR * says), LEAST_SD * np.array(learnt)))
        return tuple(least)

    def _start(self, geometry: Geometry) -> Floats:
        """(dim,) inner parameters where the quick fit ended."""
        v = np.empty(self.problem.dim)
        for f, block in enumerate(self.problem.blocks):
            if block.terms:
                self.problem.groups(v, f)[:] = np.hstack([geometry.effects[t] for t in block.terms])
            else:
                self.problem.groups(v, f)[0] = geometry.coef_expansion[self.problem.inner]
        return v

    def proposal(self) -> Proposal:
        """The mode of the marginal density, and the Cholesky factor of its inverse curvature."""
        with one_thread():
            return self._proposal()

    def _proposal(self) -> Proposal:
        found = find_proposal(self._density_and_gradient, self.centre, self.scale)
        self.centre = found.centre
        if len(self.centre):
            self.scale = np.sqrt(np.sum(found.scale**2, axis=1))
        if not self.exact:
            at = self._condition(self.centre)
            slopes = mode_slopes(self.problem, self.centre, at, self.scale)
            self.start, self.slopes = at.mode, slopes
            if self._normals is not None:
                self._missed_at_centre = self._missed(self.centre)
        return found

    def log_density(self, points: Floats) -> Floats:
        """Log of p(data, outer parameters), Jacobian included, at (N, Q) points; -inf where not finite."""
        return np.array(self._map(self._corrected, np.asarray(points, float)), float)

    def draw(self, points: Floats, counts: NDArray[np.int64], rng: np.random.Generator) -> Floats:
        """(sum of counts, n_values) draws of everything in random order, counts[i] of them given point i.

        Each point has a random stream of its own, so that the order in which they are drawn does not matter.
        """
        out = np.empty((int(np.sum(counts)), self.spec.layout.n_values))
        rows = np.split(rng.permutation(len(out)), np.cumsum(counts)[:-1])
        chosen = np.flatnonzero(counts)
        streams = rng.spawn(len(chosen))

        def one(i: int) -> None:
            self._draw(self._condition(points[chosen[i]]), out, rows[chosen[i]], streams[i])

        self._map(one, range(len(chosen)))
        return out

    def affordable(self) -> int:
        """Twice as many points for each outer parameter more, but not more than their cost allows."""
        dense = self.problem.dim - self.problem.starts[len(self.problem.pattern.crosses)]
        work = self.problem.dim + self.spec.cells.index.n_cells + dense**3 / 30
        wanted = min(32 * 2.0 ** len(self.centre), MOST_POINTS)
        return 1 << int(np.log2(np.clip(WORK / work, LEAST_POINTS, wanted)))

    def check(self, points: Floats, weights: Floats, draws: Floats) -> tuple[float, tuple[GroupCheck, ...]]:  # noqa: ARG002
        """Effects given everything else at the outer parameters' mean, by the approximation and on grids."""
        if self.exact:
            return 1.0, ()
        with one_thread():
            acceptance, groups = check_effects(self.problem, self._condition(weights @ points))
        return (np.nan if self._normals is None else acceptance), groups

    def _map(self, function: Callable[[Any], Result], items: Iterable[Any]) -> list[Result]:
        """Apply a function to all items, each in one thread; side by side where that pays."""
        with one_thread():
            dense = self.problem.dim - self.problem.starts[len(self.problem.pattern.crosses)]
            if self.cores == 1 or dense < SIDE_BY_SIDE:
                return [function(item) for item in items]
            with ThreadPoolExecutor(self.cores) as threads:
                return list(threads.map(function, items))

    def _condition(self, x: Floats) -> Conditional:
        """The inner parameters given (Q,) outer ones."""
        x = np.ascontiguousarray(x, float)
        found = self._kept.points.get(x.tobytes())
        if found is not None:
            return found
        start = self.start if self.slopes is None else self.start + self.slopes @ (x - self.centre)
        at = self.problem.condition(self.problem.outer(x), start)
        self._kept.keep(x, at)
        return at

    def _log_density(self, x: Floats) -> float:
        try:
            with np.errstate(all="ignore"):
                value = self._condition(x).log_density
        except (np.linalg.LinAlgError, FitError):
            return -np.inf
        return value if np.isfinite(value) else -np.inf

    def _corrected(self, x: Floats) -> float:
        """The log density, with what the Laplace approximation misses."""
        value = self._log_density(x)
        if self._normals is None or not np.isfinite(value):
            return value
        with np.errstate(all="ignore"):
            missed = self._missed(x) - self._missed_at_centre
        # Further out the expansion does not hold, and may promise anything.
        return value + self._missed_at_centre + float(np.clip(np.nan_to_num(missed), -MISSED, MISSED))

    def _missed(self, x: Floats) -> float:
        assert self._normals is not None
        at = self._condition(x)
        return correction(self.problem, at, self._shift(at), self._normals)

    def _density_and_gradient(self, x: Floats) -> tuple[float, Floats]:
        value = self._log_density(x)
        if not np.isfinite(value):
            return value, np.zeros_like(x)
        if len(self.problem.latent) > 1:
            return value, self._differences(x)
        at = self._condition(x)
        if not self.exact:
            self.start = at.mode
        return value, gradient(self.problem, x, at, self.scale)

    def _differences(self, x: Floats) -> Floats:
        """(Q,) gradient by central differences of the density."""
        steps = np.diag(DIFFERENCE * self.scale)
        up, down = ([self._log_density(y) for y in x + side * steps] for side in (1.0, -1.0))
        return (np.array(up) - np.array(down)) / (2.0 * DIFFERENCE * self.scale)

    def _draw(self, at: Conditional, out: Floats, rows: NDArray[np.int64], rng: np.random.Generator) -> None:
        """Write draws given one point into some rows."""
        mean = at.mode if self._normals is None else at.mode - self._shift(at).psi
        draws = mean[:, None] + at.factor.spread(rng.standard_normal((self.problem.dim, len(rows))))
        out[rows] = at.given.values
        for f, block in enumerate(self.problem.blocks):
            start, stop = self.problem.starts[f], self.problem.starts[f + 1]
            for a, value in enumerate(block.values):
                out[rows, value : value + block.size] = draws[start + a : stop : block.width].T

    def _shift(self, at: Conditional) -> Shift:
        return mean_shift(self.problem, at, covariance(at.factor, self.problem.parent))
