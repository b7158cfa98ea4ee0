"""Refits of a model without some of its observations, for cross-validation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from partialpool.errors import FitError, build
from partialpool.inference.blas import one_thread
from partialpool.inference.cores import available_cores
from partialpool.inference.draws import Draws
from partialpool.inference.kernel_loading import load
from partialpool.inference.options import NutsOptions
from partialpool.inference.posterior import Options, draw_posterior, options_of
from partialpool.model.spec import ModelSpec, with_weights
from partialpool.predict.log_likelihood import log_mean_likelihood, unit_blocks
from partialpool.results.convergence import convergence
from partialpool.results.fitted import Fitted

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]
RefitProgress = Callable[[int, int], None]


@dataclass(frozen=True)
class Job:
    """One refit.

    Attributes
    ----------
    weights
        (n,) how many observations of each row the refit sees.
    rows
        Rows to predict.
    """

    weights: Floats
    rows: Rows


@dataclass(frozen=True)
class Refit:
    """Results of a refit; its draws are not stored.

    Attributes
    ----------
    elpd
        Log density of one observation of each of the job's rows.
    trust
        By name, what says whether its draws can be trusted: of NUTS the number of ``divergences``, and the
        largest ``r_hat`` of coefficients, standard deviations and correlations; of nested Laplace
        ``pareto_k`` and ``ess`` of its points, and its ``acceptance``.
    """

    elpd: Floats
    draws: int
    trust: Mapping[str, float]
    seconds: float


def check_refitting(seed: int, cores: int | None) -> None:
    """Raise OptionError unless `seed` is a valid seed and `cores` a number of processors, or None for all."""
    NutsOptions(seed=seed, cores=1 if cores is None else cores)


def run_refits(
    fitted: Fitted, jobs: Sequence[Job], seed: int, cores: int | None, progress: RefitProgress | None
) -> list[Refit]:
    """Fit every job's model, side by side, by the full fit's method and with its numbers of draws and chains.

    Parameters
    ----------
    fitted
        The full fit.
    seed
        Each job has its own seed, made of this one and its number.
    cores
        Processors to use; None for all that this process may use.
    progress
        Called with (refits done, refits in all).

    Returns
    -------
    One a job, in their order: the same whatever the number of cores.

    Raises
    ------
    FitError
        When a refit fails, or the user interrupts: refits that have begun are then waited for.
    """
    load(fitted.model.family)
    cores = available_cores() if cores is None else cores
    at_once = max(1, min(cores, len(jobs)))
    seeds = np.random.SeedSequence(seed).generate_state(max(1, len(jobs)))
    options = options_of(fitted.draws, max(1, cores // at_once))
    # Set before the threads start: OpenBLAS must not change its number of threads while one computes.
    with one_thread(), ThreadPoolExecutor(at_once) as pool:
        futures = [
            pool.submit(_run, fitted.model, job, replace(options, seed=int(s)))
            for job, s in zip(jobs, seeds, strict=False)
        ]
        _wait(pool, futures, progress)
    return [future.result() for future in futures]


def _wait(pool: ThreadPoolExecutor, futures: list[Future[Refit]], progress: RefitProgress | None) -> None:
    done = 0
    try:
        for future in as_completed(futures):
            future.result()
            done += 1
            if progress is not None:
                progress(done, len(futures))
    except KeyboardInterrupt:
        raise build(
            FitError,
            f"Stopped after {done} of {len(futures)} refits: the rows that are left have no prediction.",
            hint="fewer folds (k=5), or fit.loo(), which refits nothing",
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


def _run(model: ModelSpec, job: Job, options: Options) -> Refit:
    draws = draw_posterior(with_weights(model, job.weights), options)
    return Refit(
        predictive_density(Fitted(model, draws), job.rows),
        draws.values.shape[0] * draws.values.shape[1],
        _trust(model, draws),
        draws.seconds,
    )


def predictive_density(fitted: Fitted, rows: Rows) -> Floats:
    """Log of the mean over draws of the likelihood of one observation of each of some rows: (n_rows,)."""
    out = np.empty(len(rows))
    for block, values in unit_blocks(fitted, rows):
        out[block] = log_mean_likelihood(values)
    return out


def _trust(model: ModelSpec, draws: Draws) -> dict[str, float]:
    """Collect the diagnostics of the refit's draws."""
    found = draws.approximation
    if found is not None:
        return {"pareto_k": found.pareto_k, "ess": found.ess, "acceptance": found.acceptance}
    return {"divergences": int(np.sum(draws.stats["diverging"])), "r_hat": _largest_r_hat(model, draws)}


def _largest_r_hat(model: ModelSpec, draws: Draws) -> float:
    """Largest R-hat of shared parameters, or of group effects if there are no shared parameters."""
    shared = model.layout.roles("population", "auxiliary", "group_sd", "group_corr") or model.layout.variables
    columns = np.concatenate([np.arange(v.columns.start, v.columns.stop) for v in shared])
    found = convergence(draws.values[..., columns]).r_hat
    return float(np.max(found, initial=1.0, where=np.isfinite(found)))


def refit_table(refits: Sequence[Refit], **columns: object) -> pd.DataFrame:
    """Table the refits, numbered from 1; further columns come first."""
    figures = {
        "draws": [r.draws for r in refits],
        **{name: [r.trust[name] for r in refits] for name in refits[0].trust},
        "seconds": [r.seconds for r in refits],
    }
    return pd.DataFrame(columns | figures, index=pd.RangeIndex(1, len(refits) + 1, name="refit"))
