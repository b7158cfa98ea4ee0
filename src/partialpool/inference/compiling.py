"""Compile everything there is to compile, once per machine, and say so while it happens."""

from __future__ import annotations

import subprocess
import sys
from functools import cache

from partialpool.families.base import Family
from partialpool.families.registry import FAMILIES
from partialpool.kernels.blocks import family_blocks, prior_block, unit_block
from partialpool.kernels.compiling import cache_folder
from partialpool.kernels.density import native_density, native_draw
from partialpool.kernels.expansion import native_expand
from partialpool.kernels.group_draws import native_sample
from partialpool.kernels.group_elimination import native_eliminate, native_learn
from partialpool.kernels.likelihood import native_share
from partialpool.kernels.marginal import native_integrate
from partialpool.kernels.nuts import native_advance
from partialpool.kernels.team import native_close, native_help
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
    message = (
        f"partialpool: compiling its kernels into {cache_folder()} (once per machine, about a minute) ..."
    )
    print(message, file=sys.stderr, flush=True)
    # About half of the work each; what the other process did not do is done here after all.
    other = _in_another_process()
    _compile_models()
    if other is not None:
        other.wait()
    compile_rest()
    done.touch()


def _in_another_process() -> subprocess.Popen[bytes] | None:
    """Start compiling what `compile_rest` does into the same cache."""
    if getattr(sys, "frozen", False) or not sys.executable:
        return None  # the executable is an application, not Python
    code = f"from {__name__} import compile_rest; compile_rest()"
    nowhere = subprocess.DEVNULL
    try:
        return subprocess.Popen([sys.executable, "-c", code], stdout=nowhere, stderr=nowhere)
    except OSError:
        return None


def _every_model() -> None:
    """Compile, or load, what models of every family need: density and quick fit."""
    native_density()
    native_share()
    native_draw()
    native_expand()
    native_eliminate()
    native_learn()


def _compile_models() -> None:
    """Compile density, quick fit and families."""
    _every_model()
    for family in FAMILIES.values():
        for cell in family.cells.values():
            family_blocks(cell, len(family.parameters))
        for cell in family.unit_cells.values():
            unit_block(cell)


def compile_rest() -> None:
    """Compile sampler, nested Laplace and priors, or load them from the cache."""
    native_advance()
    native_help()
    native_close()
    native_integrate()
    native_sample()
    for prior in PRIORS.values():
        if prior.kernel is not None:
            prior_block(prior.kernel)


def load(family: Family) -> None:
    """Have what a family's models need in memory, before any clock starts."""
    ensure_compiled()
    _every_model()
    native_advance()
    family.blocks()
