"""Compile what a method of inference needs, once per machine, and say so while it happens."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from functools import cache

from partialpool.constraints.registry import CONSTRAINTS
from partialpool.families.base import Family
from partialpool.families.registry import FAMILIES
from partialpool.kernels.density.joint import native_joint, native_joint_back
from partialpool.kernels.density.likelihood import native_share
from partialpool.kernels.density.linear_predictors import native_gather, native_predict
from partialpool.kernels.density.log_density import native_density, native_draw
from partialpool.kernels.native.compiling import cache_folder
from partialpool.kernels.native.constraint_functions import constraint_functions
from partialpool.kernels.native.family_loops import family_blocks, prior_block, unit_block
from partialpool.kernels.native.thread_team import native_close, native_help
from partialpool.kernels.quadrature.group_draws import native_sample
from partialpool.kernels.quadrature.group_integrals import native_integrate
from partialpool.kernels.quickfit.expansion import native_expand
from partialpool.kernels.quickfit.group_elimination import native_eliminate, native_learn
from partialpool.kernels.sampler.transitions import native_advance
from partialpool.priors.registry import PRIORS

_LOCK = threading.Lock()  # refits run in threads: one compiles, the others wait


def load(family: Family) -> None:
    """Have what NUTS needs for a family's models in memory, before any clock starts."""
    _ensure_models()
    compile_density()
    native_share()
    native_advance()
    family.blocks()


def load_joint() -> None:
    """Have the maps of crossed factors in memory."""
    _ensure_joint()
    native_joint()
    native_joint_back()


def load_laplace(family: Family) -> None:
    """Have what nested Laplace needs for a family's models in memory, before any clock starts."""
    load(family)
    _ensure_laplace()
    compile_integrals()
    compile_draws()


@cache
def _ensure_models() -> None:
    """Compile density, quick fit, sampler, every family and every prior, unless the cache has them.

    All at once, so that no later model, family or prior has to wait. After that each is loaded from the cache
    when it is first used.
    """
    _ensure("models", "its kernels", compile_density, compile_rest)


@cache
def _ensure_laplace() -> None:
    _ensure("laplace", "nested Laplace", compile_integrals, compile_draws)


@cache
def _ensure_joint() -> None:
    _ensure("joint", "maps of crossed factors", native_joint, native_joint_back)


def _ensure(part: str, what: str, here: Callable[[], object], beside: Callable[[], object]) -> None:
    """Do both halves of a part's work at a time, `beside` in a process of its own, unless they are done."""
    done = cache_folder() / part
    with _LOCK:
        if done.exists():
            return
        where = f"into {cache_folder()} (once per machine, about half a minute) ..."
        print(f"partialpool: compiling {what} {where}", file=sys.stderr, flush=True)
        other = _in_another_process(beside)
        here()
        if other is not None:
            other.wait()
        beside()  # loads what the other process compiled, and compiles what it did not
        done.touch()


def _in_another_process(function: Callable[[], object]) -> subprocess.Popen[bytes] | None:
    """Start a function of this file, whose results go into the same cache."""
    if getattr(sys, "frozen", False) or not sys.executable:
        return None  # the executable is an application, not Python
    name = function.__name__
    code = f"from {__name__} import {name}; {name}()"
    nowhere = subprocess.DEVNULL
    try:
        return subprocess.Popen([sys.executable, "-c", code], stdout=nowhere, stderr=nowhere)
    except OSError:
        return None


def compile_density() -> None:
    """Compile, or load, density and quick fit but for the share of a log likelihood."""
    native_density()
    native_draw()
    native_expand()
    native_eliminate()
    native_learn()


def compile_rest() -> None:
    """Compile shares of a log likelihood, sampler, families and priors."""
    native_share()
    native_advance()
    native_help()
    native_close()
    native_predict()
    for family in FAMILIES.values():
        for cell in family.cells.values():
            family_blocks(cell, None if family.any_number else len(family.parameters))
        for cell in family.unit_cells.values():
            unit_block(cell)
    for constraint in CONSTRAINTS:
        constraint_functions(constraint.forward_kernel, constraint.backward_kernel)
    for prior in PRIORS.values():
        if prior.kernel is not None:
            prior_block(prior.kernel)


def compile_integrals() -> None:
    """Compile, or load, integrals over group effects."""
    native_integrate()


def compile_draws() -> None:
    """Compile, or load, draws of group effects."""
    native_sample()
    native_predict()
    native_gather()
