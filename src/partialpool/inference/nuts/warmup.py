"""Warm-up: step size and metric are learnt in rounds, from all chains together, until they have settled."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partialpool.inference.blas import one_thread
from partialpool.inference.nuts.chain import Chain
from partialpool.inference.nuts.metric import (
    NEGLIGIBLE,
    Metric,
    in_blocks,
    learn_metric,
    scales_within,
    unit_metric,
    variances_between,
)

Floats = NDArray[np.float64]

# Transitions of the rounds. What the first ones see on the way from the start is soon forgotten; the third is
# the first after which warm-up may end.
FIRST_ROUNDS = (25, 25, 50)
MAX_ROUND = 400
MAX_CHANGE = 1.4  # of any coordinate's scale, between the metric in use and the one the round would give
MAX_R_HAT = 1.1  # of any coordinate in a round: chains that have not met are not at the end of their way

Advance = Callable[[int, Metric], Floats]


@dataclass(frozen=True)
class Tuning:
    """What warm-up found.

    Attributes
    ----------
    metric
        Common to all chains.
    step_size
        Common to all chains.
    transitions
        How many of each chain it took.
    """

    metric: Metric
    step_size: float
    transitions: int


def warm_up(
    chains: Sequence[Chain], advance: Advance, limit: int, target_accept: float, low_rank: bool
) -> Tuning:
    """Move chains to where the posterior is and learn how to move them from there on.

    Parameters
    ----------
    chains
        Their step sizes are set here.
    advance
        Called with a number m of transitions and a metric; moves all chains and returns the (chains, m, 2 n)
        trace of their positions and gradients.
    limit
        Transitions of each chain at most.
    target_accept
        Acceptance rate that the step size is to give.
    low_rank
        Whether the metric may have directions besides its scales.
    """
    n = chains[0].target.n_dim
    metric, step, done = unit_metric(n), max(n, 1) ** -0.25, 0
    for length in _rounds(limit):
        for chain in chains:
            chain.set_step(step, target_accept)
        traces = advance(length, metric)
        step = float(np.exp(np.mean([chain.log_step for chain in chains])))
        done += length
        if done == limit:
            break
        with one_thread():  # the last digits of the metric, and so all draws, depend on the number of threads
            learnt = learn_metric(*_parts(traces), low_rank, metric)
            if length >= FIRST_ROUNDS[-1] and _settled(metric, learnt, traces):
                break
        metric = learnt
    return Tuning(metric, step, done)


def _rounds(limit: int) -> Iterator[int]:
    """Lengths of rounds that sum to the limit; from the third on each is as long as all before it."""
    done = 0
    while done < limit:
        planned = next((n for k, n in enumerate(FIRST_ROUNDS) if done == sum(FIRST_ROUNDS[:k])), done)
        yield min(planned, MAX_ROUND, limit - done)
        done += min(planned, MAX_ROUND, limit - done)


def _parts(traces: Floats) -> tuple[Floats, Floats]:
    """Views of the (draws of all chains, n) positions and gradients."""
    flat = traces.reshape(-1, traces.shape[-1])
    n = flat.shape[-1] // 2
    return flat[:, :n], flat[:, n:]


def _settled(metric: Metric, learnt: Metric, traces: Floats) -> bool:
    """Say whether the chains agree, and the metric learnt from them is much the same as the one in use."""
    if np.max(in_blocks(_r_hat, traces[..., : traces.shape[-1] // 2]), initial=1.0) > MAX_R_HAT:
        return False
    change = scales_within(metric, *_parts(traces))
    if np.max(np.abs(np.log(change)), initial=0.0) > np.log(MAX_CHANGE):
        return False
    variances = variances_between(metric, learnt)
    # One that the metric in use lacks is new by as much as counts at all.
    return bool(np.max(np.abs(np.log(variances)), initial=0.0) < np.log(NEGLIGIBLE * MAX_CHANGE))


def _r_hat(positions: Floats) -> Floats:
    """Split R-hat of each coordinate of (chains, m, n) positions (Gelman et al. 2013, section 11.4)."""
    chains, m, n = positions.shape
    half = m // 2
    halves = positions[:, : 2 * half].reshape(2 * chains, half, n)
    within = np.maximum(halves.var(axis=1, ddof=1).mean(axis=0), np.finfo(float).tiny)
    between = halves.mean(axis=1).var(axis=0, ddof=1)
    return np.asarray(np.sqrt((half - 1) / half + between / within))
