"""Compile everything there is to compile, once per machine, and say so while it happens."""

from __future__ import annotations

import sys
from functools import cache

from partialpool.families.base import Family
from partialpool.families.registry import FAMILIES
from partialpool.kernels.blocks import family_blocks, prior_block
from partialpool.kernels.compiling import cache_folder
from partialpool.kernels.density import native_density, native_draw
from partialpool.priors.registry import PRIORS


@cache
def ensure_compiled() -> None:
    """Compile the kernels, every family and every prior, unless this machine's cache has them.

    All at once, so that no later model, family or prior has to wait. After that each is loaded from the cache
    when it is first used.
    """
    done = cache_folder() / "complete"
    if done.exists():
        return
    message = f"partialpool: compiling its kernels into {cache_folder()} (once per machine, under 30 s) ..."
    print(message, file=sys.stderr, flush=True)
    native_density()
    native_draw()
    for family in FAMILIES.values():
        for cell in family.cells.values():
            family_blocks(cell, len(family.parameters))
    for prior in PRIORS.values():
        if prior.kernel is not None:
            prior_block(prior.kernel)
    done.touch()


def load(family: Family) -> None:
    """Have what a family's models need in memory, before any clock starts."""
    ensure_compiled()
    native_density()
    native_draw()
    family.blocks()
