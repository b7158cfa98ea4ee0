"""From the user's arguments to draws."""

from __future__ import annotations

from typing import get_args

from partialpool.errors import OptionError, build, unknown_name
from partialpool.inference.cores import available_cores
from partialpool.inference.draws import Draws
from partialpool.inference.options import (
    WARMUP,
    LaplaceOptions,
    Method,
    NutsOptions,
    chosen_seed,
)
from partialpool.inference.posterior import Options, draw_posterior
from partialpool.inference.progress import progress_bar
from partialpool.model.spec import ModelSpec
from partialpool.storage.draw_store import DrawStore
from partialpool.storage.fit_records import KeptFit


def chosen_options(
    method: Method,
    draws: int,
    chains: int,
    seed: int | None,
    warmup: int | None,
    cores: int | None,
    target_accept: float | None,
    store: object = None,
) -> Options:
    """Combine the user's arguments, with defaults in place of None.

    Raises
    ------
    OptionError
        When there is no such method, a number is impossible, or an argument is of another method.
    """
    if method not in get_args(Method):
        raise unknown_name(OptionError, "method", str(method), get_args(Method))
    seed, cores = chosen_seed(seed), available_cores() if cores is None else cores
    if method == "laplace":
        _refuse_for_laplace(warmup=warmup, target_accept=target_accept, store=store)
        return LaplaceOptions(draws, chains, seed, cores)
    return NutsOptions(draws, chains, WARMUP if warmup is None else warmup, seed, cores, target_accept)


def _refuse_for_laplace(**given: object) -> None:
    """Raise OptionError when an argument of NUTS is given for nested Laplace."""
    wrong = [f"{name}={value!r}" for name, value in given.items() if value is not None]
    if wrong:
        raise build(
            OptionError,
            f'{" and ".join(wrong)}: method="laplace" draws at once, with nothing to tune or to resume.',
            hint=f'leave {"it" if len(wrong) == 1 else "them"} out, or method="nuts"',
        )


def draw(
    spec: ModelSpec, options: Options, label: str, progress: bool, store: DrawStore | None = None
) -> Draws:
    """Draw from a model's posterior, with a progress bar if it is wanted, into a store if there is one."""
    with progress_bar(label, progress) as report:
        return draw_posterior(spec, options, report, store)


def draw_into(store: DrawStore, progress: bool) -> KeptFit:
    """Continue sampling a store's model; the store then becomes the file of the fit."""
    return store.finish(draw(store.kept.fitted.model, store.options, "sampling", progress, store))
