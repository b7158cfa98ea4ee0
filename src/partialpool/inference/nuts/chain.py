"""One chain: its state, and how the compiled sampler advances it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import FitError, build
from partialpool.inference.nuts.metric import Metric
from partialpool.kernels.density.inputs import address_table
from partialpool.kernels.sampler.leapfrog import ChainArrays
from partialpool.kernels.sampler.transitions import ANCHOR, LOG_AVERAGE, STEP, TARGET, native_advance

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

N_STATS = 8
START_SPREAD = 0.5  # sd of the chains' starts, in coordinates where the posterior's is about 1
START_TRIALS = 100


class Target(Protocol):
    """A log density that compiled code can call."""

    @property
    def n_dim(self) -> int:
        """Length of a position."""

    @property
    def n_values(self) -> int:
        """Length of a draw."""

    @property
    def addresses(self) -> tuple[int, int]:
        """Addresses of the compiled density and of what makes a draw of a position."""

    @property
    def table(self) -> Integers:
        """What the compiled functions read."""

    def __call__(self, x: Floats) -> tuple[float, Floats]:
        """Log density and gradient."""


@dataclass
class Chain:
    """The state of a chain. Compiled code writes into its arrays.

    Attributes
    ----------
    target
        What it draws from.
    position, gradient
        (n_dim,) in sampler coordinates, and the gradient of the log density there.
    log_density
        (1,) at the position.
    rng
        (4,) state of its random numbers.
    step
        (6,) step size and what adapts it, as `kernels.sampler.transitions.STEP` and after say.
    counts
        (2,) transitions done and divergences, while they happen.
    """

    target: Target
    position: Floats
    rng: NDArray[np.uint64]
    gradient: Floats = field(init=False)
    log_density: Floats = field(init=False)
    step: Floats = field(default_factory=lambda: np.zeros(6))
    counts: Integers = field(default_factory=lambda: np.zeros(2, np.int64))

    def __post_init__(self) -> None:
        value, self.gradient = self.target(self.position)
        self.log_density = np.array([value])

    def set_step(self, size: float, target_accept: float = 0.0) -> None:
        """Give the step size, to be adapted from there on to an acceptance rate, or to stay."""
        self.step[:] = 0.0
        self.step[[STEP, LOG_AVERAGE, ANCHOR, TARGET]] = size, np.log(size), np.log(size), target_accept

    @property
    def log_step(self) -> float:
        """Log of the step size, averaged while it was adapted."""
        return float(self.step[LOG_AVERAGE])

    def advance(self, metric: Metric, stop: Integers, stats: Floats, values: Floats, trace: Floats) -> int:
        """Make transitions until the statistics are full or the run is stopped; return how many.

        Parameters
        ----------
        metric
            How momenta move positions.
        stop
            (1,), not zero when the run is to end.
        stats
            (transitions, 8), written.
        values
            (transitions, n_values) draws, written; of no rows when they are not wanted.
        trace
            (transitions, 2 n_dim) positions and gradients, written; of no rows when they are not wanted.
        """
        self.counts[:] = 0
        density, draw = self.target.addresses
        model = [self.target.n_dim, self.target.n_values, density, draw, self.target.table.ctypes.data]
        arrays = ChainArrays(
            np.array(model), self.position, self.gradient, self.log_density, self.rng, metric.scale,
            metric.directions, metric.stretch, self.step, values, trace, stats, self.counts, stop,
        )  # fmt: skip
        table = address_table(arrays)
        native_advance().ctypes(table.ctypes.data)
        return int(self.counts[0])


def start_chain(target: Target, seed: int, number: int) -> Chain:
    """Begin a chain near the centre of the coordinates, with random numbers of its own.

    Raises
    ------
    FitError
        When no point near the centre has a density.
    """
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(number,)))
    state = rng.integers(0, 2**64, 4, dtype=np.uint64)
    for _ in range(START_TRIALS):
        chain = Chain(target, rng.normal(0.0, START_SPREAD, target.n_dim), state)
        if np.isfinite(chain.log_density[0]) and np.all(np.isfinite(chain.gradient)):
            return chain
    value, gradient = target(np.zeros(target.n_dim))
    where = f"At the starting point the log density is {value:g}" + (
        "." if np.all(np.isfinite(gradient)) else ", and its gradient is not finite."
    )
    raise build(
        FitError,
        f"The sampler cannot start. {where}",
        hint="look for extreme values in the predictors, and for priors that exclude the data",
    )
