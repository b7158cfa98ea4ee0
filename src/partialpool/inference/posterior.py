"""Draws from a model's posterior, by the method that the options are of."""

from __future__ import annotations

from dataclasses import replace

from partialpool.inference.draws import Draws
from partialpool.inference.laplace.approximate import approximate
from partialpool.inference.nuts.resume import Store
from partialpool.inference.nuts.sample import sample
from partialpool.inference.options import WARMUP, LaplaceOptions, NutsOptions, Progress
from partialpool.model.spec import ModelSpec

Options = NutsOptions | LaplaceOptions


def draw_posterior(
    spec: ModelSpec, options: Options, progress: Progress | None = None, store: Store | None = None
) -> Draws:
    """Draw from the posterior of a model: with NUTS, or from its nested Laplace approximation.

    Parameters
    ----------
    options
        Their kind says which method.
    progress, store
        As `nuts.sample` takes them; nested Laplace is done before a bar would be read.

    Raises
    ------
    FitError
        As `nuts.sample` and `approximate`.
    """
    if isinstance(options, LaplaceOptions):
        draws = approximate(spec, options)
    else:
        draws = sample(spec, options, progress, store)
    return replace(draws, values=spec.as_written(draws.values))


def options_of(draws: Draws, cores: int) -> Options:
    """Give the options that make draws as these were made, with another number of cores."""
    n_chains, n_draws, _ = draws.values.shape
    if draws.method == "laplace":
        return LaplaceOptions(n_draws, n_chains, draws.seed, cores)
    return NutsOptions(n_draws, n_chains, WARMUP, draws.seed, cores, draws.target_accept)
