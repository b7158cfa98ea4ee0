"""One run of NUTS: chains in threads, chunk by chunk, with progress and interruption."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import FitError, build
from partialpool.inference.nuts.chain import N_STATS, Chain, Target, start_chain
from partialpool.inference.nuts.longer import MOST_TRANSITIONS, Wanted
from partialpool.inference.nuts.metric import Metric
from partialpool.inference.nuts.resume import Beginning, Part, Past, Store, require_same_density, resuming
from partialpool.inference.nuts.warmup import Tuning, warm_up
from partialpool.inference.options import NutsOptions, Progress
from partialpool.kernels.sampler.leapfrog import AT_MAX_DEPTH, DIVERGING, LP, N_STEPS

Floats = NDArray[np.float64]

CHUNK_SECONDS = 0.5
FIRST_CHUNK = 10  # transitions, where nothing is known of how long one takes
GLANCE_SECONDS = 0.1  # how often progress is told
NOTHING = np.zeros((0, 0))
# In the order of `kernels.sampler.leapfrog.DIVERGING` and after.
STATS: dict[str, type] = {
    "diverging": bool,
    "tree_depth": np.int64,
    "n_steps": np.int64,
    "energy": np.float64,
    "lp": np.float64,
    "step_size": np.float64,
    "acceptance_rate": np.float64,
    "reached_max_treedepth": bool,
}


@dataclass(frozen=True)
class Run:
    """The result of one run.

    Attributes
    ----------
    values
        (chains, draws, n_values).
    stats
        As in `Draws`.
    warmup
        Warm-up draws that each chain made.
    interrupted
        Whether a person stopped it.
    spacing
        Transitions for each draw.
    """

    values: Floats
    stats: dict[str, NDArray[Any]]
    warmup: int
    interrupted: bool
    spacing: int = 1


class _StoppedError(Exception):
    """A person stopped the run before its draws began."""


def run(
    target: Target,
    options: NutsOptions,
    progress: Progress | None,
    *,
    low_rank: bool,
    store: Store | None = None,
    past: Past | None = None,
    wanted: Wanted | None = None,
) -> Run:
    """Run the chains once.

    Parameters
    ----------
    target
        What to draw from.
    low_rank
        Learn during warm-up a metric of scales and a few directions, in place of scales.
    store
        Takes the draws while they are made.
    past
        What the store has of this run: the run goes on from there.
    wanted
        What draws have to be like for the chains not to go on.

    Raises
    ------
    FitError
        When no chain can start.
    FileError
        When the store's draws are of another density.
    """
    chains = [start_chain(target, options.seed, number) for number in range(options.chains)]
    with _Crew(chains, options, progress) as crew:
        try:
            tuning = crew.warm_up(low_rank) if store is None or past is None else crew.go_on(past, store)
        except (_StoppedError, KeyboardInterrupt):
            crew.stop[0] = 1
            return _collect(crew, 0)
        if store is not None and past is None:
            positions, rng = np.stack([c.position for c in chains]), np.stack([c.rng for c in chains])
            log_density = np.concatenate([c.log_density for c in chains])
            store.begin(Beginning(tuning, positions, rng, log_density))
        crew.draw(tuning, store)
        spacing = 1 if wanted is None else crew.go_further(tuning, wanted)
    return _collect(crew, tuning.transitions, spacing)


class _Crew:
    """The chains of a run and the threads that move them."""

    def __init__(self, chains: list[Chain], options: NutsOptions, progress: Progress | None) -> None:
        self.chains, self.options, self.progress = chains, options, progress
        self.stop = np.zeros(1, np.int64)
        self.done = np.zeros(len(chains), np.int64)  # draws of each chain
        shape = len(chains), options.draws
        self.values = np.empty((*shape, chains[0].target.n_values))
        self.stats = np.empty((*shape, N_STATS))
        self.before, self.total = 0, len(chains) * (options.warmup + options.draws)
        self.divergences = 0
        self.seconds = CHUNK_SECONDS / FIRST_CHUNK  # of one transition, until one has been timed
        self.threads = ThreadPoolExecutor(min(options.cores, len(chains)), "partialpool")

    def __enter__(self) -> _Crew:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop[0] = 1
        self.threads.shutdown()

    def warm_up(self, low_rank: bool) -> Tuning:
        """Learn metric and step size; the progress's total then knows how long that took."""
        options = self.options
        tuning = warm_up(self.chains, self._round, options.warmup, options.target_accept or 0.0, low_rank)
        self.total = len(self.chains) * (tuning.transitions + options.draws)
        return tuning

    def go_on(self, past: Past, store: Store) -> Tuning:
        """Set every chain to its state after its last part."""
        target, begun = self.chains[0].target, past.beginning
        states = dict(enumerate(zip(begun.positions, begun.rng, begun.log_density, strict=True)))
        for part in past.parts:
            i = part.chain
            new = slice(self.done[i], self.done[i] + len(part.values))
            self.values[i, new], self.stats[i, new] = part.values, part.stats
            self.done[i], states[i] = new.stop, (part.position, part.rng, part.stats[-1, LP])
        self.chains[:] = [Chain(target, position.copy(), rng.copy()) for position, rng, _ in states.values()]
        now = [float(chain.log_density[0]) for chain in self.chains]
        require_same_density(store.path, [float(before) for _, _, before in states.values()], now)
        self.before = int(np.sum(self.done)) + len(self.chains) * begun.tuning.transitions
        self.total = len(self.chains) * (begun.tuning.transitions + self.options.draws)
        return begun.tuning

    def _move(self, i: int, metric: Metric, stats: Floats, values: Floats, trace: Floats) -> None:
        """Advance a chain and note how long a transition takes."""
        started = time.perf_counter()
        made = self.chains[i].advance(metric, self.stop, stats, values, trace)
        self.seconds = max(time.perf_counter() - started, 1e-9) / max(made, 1)

    def _round(self, length: int, metric: Metric) -> Floats:
        """Move every chain; return their traces."""
        traces = self._lend((len(self.chains), length, 2 * self.chains[0].target.n_dim))

        def move(i: int) -> None:
            self._move(i, metric, np.empty((length, N_STATS)), NOTHING, traces[i])

        self._all(move, lambda _: False, range(len(self.chains)))
        if self.stop[0]:
            raise _StoppedError
        self.before += length * len(self.chains)
        self._forget_counts()
        return traces

    def _lend(self, shape: tuple[int, ...]) -> Floats:
        """Working memory: that of the draws, of which there are none yet, where it is enough."""
        size = int(np.prod(shape))
        return np.empty(shape) if size > self.values.size else self.values.reshape(-1)[:size].reshape(shape)

    def go_further(self, tuning: Tuning, wanted: Wanted) -> int:
        """While the draws are not as wanted, make as many again and keep every second of all.

        Returns how many transitions there are for each draw. The store has the draws before; from them
        another process goes further in the same way.
        """
        spacing, draws = 1, self.options.draws
        while spacing < MOST_TRANSITIONS and not self.stop[0]:
            # Where a transition diverged smaller steps come first.
            if np.any(self.stats[..., DIVERGING]) or not wanted.more(self.values, self.stats[..., N_STEPS]):
                break
            before, spacing = (self.values, self.stats), 2 * spacing
            kept = self.values[:, draws % 2 + 1 :: 2], _grouped(self.stats, 2)
            shape = len(self.chains), spacing * (draws - draws // 2)
            self.values, self.stats = np.empty((*shape, self.values.shape[2])), np.empty((*shape, N_STATS))
            self.done[:] = 0
            self.total += shape[0] * shape[1]
            self.draw(tuning, None)
            if self.stop[0]:
                (self.values, self.stats), self.done[:] = before, draws
                return spacing // 2
            new = self.values[:, spacing - 1 :: spacing], _grouped(self.stats, spacing)
            self.values, self.stats = (np.concatenate(pair, axis=1) for pair in zip(kept, new, strict=True))
            self.done[:] = draws
        return spacing

    def draw(self, tuning: Tuning, store: Store | None) -> None:
        """Make the draws, chunk by chunk, all chains about as far as each other."""
        draws = self.values.shape[1]
        for chain in self.chains:
            chain.set_step(tuning.step_size)

        def move(i: int) -> None:
            chunk = max(1, int(CHUNK_SECONDS / self.seconds))
            part = slice(self.done[i], min(self.done[i] + chunk, draws))
            self._move(i, tuning.metric, self.stats[i, part], self.values[i, part], NOTHING)

        def finished(i: int) -> bool:
            chain, (made, divergences) = self.chains[i], self.chains[i].counts
            part = slice(self.done[i], self.done[i] + made)
            if store is not None and made:
                state = chain.position.copy(), chain.rng.copy()
                store.append(Part(i, self.values[i, part], self.stats[i, part], *state))
            self.done[i] += made
            self.before += int(made)
            self.divergences += int(divergences)
            chain.counts[:] = 0
            return bool(self.done[i] < draws)

        self._all(move, finished, [i for i in range(len(self.chains)) if self.done[i] < draws])

    def _all(self, move: Callable[[int], None], again: Callable[[int], bool], who: Iterable[int]) -> None:
        """Move chains, and those again that want it, until none does or a person stops it."""
        pending: dict[Future[None], int] = {}

        def submit(numbers: Iterable[int]) -> None:
            for i in numbers:
                pending[self.threads.submit(move, i)] = i

        submit(who)
        while pending:
            try:
                ready, _ = wait(pending, timeout=GLANCE_SECONDS, return_when=FIRST_COMPLETED)
                numbers = [pending.pop(future) for future in ready]
                for future in ready:
                    future.result()
                more = [i for i in numbers if again(i)]
                if not self.stop[0]:
                    submit(more)
                self._tell()
            except KeyboardInterrupt:
                self.stop[0] = 1  # a chain that is moving ends its transition

    def _tell(self) -> None:
        if self.progress is not None:
            moving = sum(int(chain.counts[0]) for chain in self.chains)
            self.progress(self.before + moving, self.total, self.divergences)

    def _forget_counts(self) -> None:
        for chain in self.chains:
            chain.counts[:] = 0


def _grouped(stats: Floats, times: int) -> Floats:
    """(C, D // times, 8) statistics of so many transitions: of the last, all gradients, any divergence."""
    n = stats.shape[1] // times
    groups = stats[:, stats.shape[1] - n * times :].reshape(len(stats), n, times, stats.shape[2])
    found = groups[:, :, -1].copy()
    found[..., N_STEPS] = np.sum(groups[..., N_STEPS], axis=2)
    for k in (DIVERGING, AT_MAX_DEPTH):
        found[..., k] = np.max(groups[..., k], axis=2)
    return found


def _collect(crew: _Crew, warmup: int, spacing: int = 1) -> Run:
    """Cut the chains to one length: where they were stopped at different points, what keeps most draws."""
    done = crew.done
    n = max(done.tolist(), key=lambda k: k * np.sum(done >= k), default=0)
    chains = np.flatnonzero(done >= n)
    complete = n == crew.options.draws and len(chains) == len(done)
    values = crew.values if complete else crew.values[chains, :n]
    stats = crew.stats[chains, :n]
    named: dict[str, NDArray[Any]] = {
        name: stats[..., k].astype(kind) for k, (name, kind) in enumerate(STATS.items())
    }
    return Run(values, named, warmup, interrupted=bool(crew.stop[0]) and not complete, spacing=spacing)


def no_draws(interrupted: bool, warmup: int, store: Store | None) -> FitError:
    """Make the error for a run that has no draws to keep.

    Parameters
    ----------
    warmup
        Warm-up draws that each chain made; 0 where warm-up was not finished.
    """
    hint = "let it run longer, or ask for fewer warm-up draws with warmup="
    if not interrupted:
        return build(FitError, "The chains returned no draws.", hint=hint)
    when = "right after the warm-up" if warmup else "before every chain had finished its warm-up"
    if store is not None:
        what = "the warm-up" if warmup else "the model and no draws, so the warm-up begins again"
        hint = f"{resuming(store.path)} (the file has {what})"
    return build(FitError, f"Sampling was stopped {when}: there are no draws to keep.", hint=hint)
