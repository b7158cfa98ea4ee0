"""NUTS for a model: coordinates chosen, sampled, and sampled again with smaller steps where it diverged."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from partialpool.inference.blas import one_thread
from partialpool.inference.chosen_geometry import choose_geometry, little_known
from partialpool.inference.draws import Draws
from partialpool.inference.kernel_loading import load, load_joint
from partialpool.inference.nuts.engine import Run, no_draws, run
from partialpool.inference.nuts.helpers import team
from partialpool.inference.nuts.longer import Wanted
from partialpool.inference.nuts.resume import Store
from partialpool.inference.options import NutsOptions, Progress
from partialpool.inference.quickfit.joint_map import crossed_parts
from partialpool.model.density import Density
from partialpool.model.geometry import Geometry
from partialpool.model.shares import most_shares
from partialpool.model.spec import ModelSpec

TARGET_ACCEPT = 0.8
# A learnt sd of few groups has a long tail, and steps that suit its middle diverge there: of 20 seeds on the
# first three districts of Bangladesh 11 had divergences at 0.9, 1 at 0.95, none at 0.98. Many groups of which
# each tells little are like few.
FEW_GROUPS_TARGET_ACCEPT = 0.98
# With a joint map no divergence was seen at 0.8 either; smaller steps explore the tails of sds better.
JOINT_TARGET_ACCEPT = 0.9
SECOND_TARGET_ACCEPT = 0.995
MAP = 8  # cells' worth of time that an entry of a group's matrices takes


def sample(
    spec: ModelSpec, options: NutsOptions, progress: Progress | None = None, store: Store | None = None
) -> Draws:
    """Draw from the posterior of a model, whose columns are less their origins: see `ModelSpec.as_written`.

    Coordinates come from a quick fit. When transitions diverge, the chains are run once more with smaller
    steps, and what remains is reported, never hidden.

    Parameters
    ----------
    progress
        Called now and then with (draws done, draws in all, divergences), warm-up included.
    store
        Takes the draws while they are made, and has those of an earlier process, from which the chains go on.

    Returns
    -------
    Draws with `attempts` saying what was run. After Ctrl-C what was drawn, the chains cut to one length.

    Raises
    ------
    FitError
        When no chain can start, or a chain fails.
    FileError
        When the store cannot be written, or its draws are of another density.
    """
    asked = options.target_accept
    load(spec.family)
    started = time.perf_counter()
    geometry = _coordinates(spec, store)
    if geometry.joint:
        load_joint()
    options = replace(options, target_accept=asked or _usual_target(spec, geometry))
    with team(_helpers(spec, options), options.chains) as members:
        density = Density(spec, geometry, members)
        low_rank = bool(crossed_parts(spec, geometry.links)) and not geometry.joint
        kept, attempts, interrupted = _runs(density, options, progress, store, low_rank)
    if not kept.values.shape[1]:
        raise no_draws(interrupted, kept.warmup, store)
    return Draws(
        values=kept.values,
        stats=kept.stats,
        method="nuts",
        seed=options.seed,
        warmup=kept.warmup,
        seconds=time.perf_counter() - started,
        attempts=attempts,
        interrupted=interrupted,
        asked=options.draws,
        target_accept=asked,
        store=str(store.path) if store is not None and interrupted else None,
    )


def _coordinates(spec: ModelSpec, store: Store | None) -> Geometry:
    """Take the coordinates that the store's positions are in, or choose some and keep them there."""
    if store is not None and store.geometry is not None:
        return store.geometry
    with one_thread():  # the last digits of coordinates, and so all draws, depend on the number of threads
        geometry = choose_geometry(spec)
    if store is not None:
        store.settle(geometry)
    return geometry


def _helpers(spec: ModelSpec, options: NutsOptions) -> int:
    """How many threads help the chains: one a spare core, where there are shares for all of them."""
    n_shares = most_shares(spec.cells.index.n_cells)
    return min(options.cores - options.chains, options.chains * (n_shares - 1))


def _runs(
    density: Density, options: NutsOptions, progress: Progress | None, store: Store | None, low_rank: bool
) -> tuple[Run, tuple[str, ...], bool]:
    """Run once, or twice if transitions diverge: the run to keep, what was run, whether it was stopped."""
    past = [] if store is None else store.past
    first, last = (past[k] if len(past) > k else None for k in range(2))
    wanted = _wanted(density.spec)
    kept = run(density, options, progress, low_rank=low_rank, store=store, past=first, wanted=wanted)
    attempts, diverged = [_attempt(options, kept)], int(np.sum(kept.stats["diverging"]))
    if not diverged or kept.interrupted or (options.target_accept or 0.0) >= SECOND_TARGET_ACCEPT:
        return kept, tuple(attempts), kept.interrupted
    second = replace(options, warmup=2 * options.warmup, target_accept=SECOND_TARGET_ACCEPT)
    again = run(density, second, progress, low_rank=low_rank, store=store, past=last, wanted=wanted)
    attempts.append(_attempt(second, again))
    if again.interrupted:
        return kept, (*attempts, "the first run was kept: the second was interrupted"), True
    if int(np.sum(again.stats["diverging"])) > diverged:
        return kept, (*attempts, "the first run was kept: the second had more divergences"), False
    return again, tuple(attempts), False


def _wanted(spec: ModelSpec) -> Wanted:
    """What draws are judged by: everything but group effects."""
    judged = np.ones(spec.layout.n_values, bool)
    for variable in spec.layout.roles("group_effect"):
        judged[variable.columns] = False
    maps = sum(effects.size * effects.width**2 for effects in spec.parameters.effects)
    return Wanted(np.flatnonzero(judged), spec.cells.index.n_cells + MAP * maps)


def _usual_target(spec: ModelSpec, geometry: Geometry) -> float:
    """Acceptance rate where none is asked for: a higher one where little is known of an sd that is learnt."""
    for effects, evidence in zip(spec.parameters.effects, geometry.evidence, strict=True):
        if little_known(effects, evidence):
            return JOINT_TARGET_ACCEPT if geometry.joint else FEW_GROUPS_TARGET_ACCEPT
    return TARGET_ACCEPT


def _attempt(options: NutsOptions, run: Run) -> str:
    n = int(np.sum(run.stats["diverging"]))
    every = {1: "", 2: f"every second of {2 * options.draws:,} draws, "}
    kept = every.get(run.spacing, f"every fourth of {4 * options.draws:,} draws, ")
    return (
        f"{options.chains} chains, {run.warmup} warm-up draws, {kept}target acceptance "
        f"{options.target_accept:g}: {n} divergent transition{'' if n == 1 else 's'}"
    )
