"""Fits of one model with other weights of its rows, side by side, for cross-validation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import FitError, build
from partialpool.inference.blas import one_thread
from partialpool.inference.cores import available_cores
from partialpool.inference.draws import Draws
from partialpool.inference.kernel_loading import load
from partialpool.inference.options import NutsOptions
from partialpool.inference.posterior import draw_posterior, options_of
from partialpool.model.spec import ModelSpec, with_weights

T = TypeVar("T")
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Refits:
    """How to fit a model again: by the method of its fit, with the fit's numbers of draws and chains.

    Attributes
    ----------
    model, draws
        The full fit.
    seed
        Each refit has its own seed, made of this one and its number.
    cores
        Processors to use; None for all that this process may use.
    progress
        Called with (refits done, refits in all).

    Raises
    ------
    OptionError
        When seed or cores are impossible.
    """

    model: ModelSpec
    draws: Draws
    seed: int = 0
    cores: int | None = None
    progress: Callable[[int, int], None] | None = None

    def __post_init__(self) -> None:
        NutsOptions(seed=self.seed, cores=1 if self.cores is None else self.cores)

    def each(self, weights: Sequence[Floats], use: Callable[[int, ModelSpec, Draws], T]) -> list[T]:
        """Fit the model with each of several weights.

        Parameters
        ----------
        weights
            (n,) for each refit, how many observations of each row it sees.
        use
            Called with a refit's number, model and draws, which are not kept; several at the same time.

        Returns
        -------
        What `use` returns of each: the same whatever the number of cores.

        Raises
        ------
        FitError
            When a refit fails, or the user interrupts: refits that have begun are then waited for.
        """
        load(self.model.family)
        cores = available_cores() if self.cores is None else self.cores
        at_once = max(1, min(cores, len(weights)))
        seeds = np.random.SeedSequence(self.seed).generate_state(max(1, len(weights)))
        options = options_of(self.draws, max(1, cores // at_once))

        def run(number: int) -> T:
            model = with_weights(self.model, weights[number])
            return use(number, model, draw_posterior(model, replace(options, seed=int(seeds[number]))))

        # Set before the threads start: OpenBLAS must not change its number of threads while one computes.
        with one_thread(), ThreadPoolExecutor(at_once) as pool:
            futures = [pool.submit(run, number) for number in range(len(weights))]
            self._wait(pool, futures)
        return [future.result() for future in futures]

    def _wait(self, pool: ThreadPoolExecutor, futures: list[Future[Any]]) -> None:
        done = 0
        try:
            for future in as_completed(futures):
                future.result()
                done += 1
                if self.progress is not None:
                    self.progress(done, len(futures))
        except KeyboardInterrupt:
            raise build(
                FitError,
                f"Stopped after {done} of {len(futures)} refits: the rows that are left have no prediction.",
                hint="fewer folds (k=5), or fit.loo(), which refits nothing",
            ) from None
        finally:
            pool.shutdown(cancel_futures=True)
