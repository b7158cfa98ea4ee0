"""From the arguments a person gives to draws."""

from __future__ import annotations

from partialpool.inference.draws import Draws
from partialpool.inference.nuts import sample
from partialpool.inference.options import WARMUP, NutsOptions, available_cores, chosen_seed
from partialpool.inference.progress import progress_bar
from partialpool.model.spec import ModelSpec
from partialpool.storage.draw_store import DrawStore
from partialpool.storage.records import KeptFit


def nuts_options(
    draws: int,
    chains: int,
    seed: int | None,
    warmup: int | None,
    cores: int | None,
    target_accept: float | None,
) -> NutsOptions:
    """Put a person's arguments together, with what stands for None."""
    return NutsOptions(
        draws,
        chains,
        WARMUP if warmup is None else warmup,
        chosen_seed(seed),
        available_cores() if cores is None else cores,
        target_accept,
    )


def draw(
    spec: ModelSpec, options: NutsOptions, label: str, progress: bool, store: DrawStore | None = None
) -> Draws:
    """Sample a model, with a progress bar if it is wanted, into a store if there is one."""
    with progress_bar(label, progress) as report:
        return sample(spec, options, report, store)


def draw_into(store: DrawStore, progress: bool) -> KeptFit:
    """Sample a store's model from where the store is; the store then becomes the file of the fit."""
    return store.finish(draw(store.kept.fitted.model, store.options, "sampling", progress, store))
