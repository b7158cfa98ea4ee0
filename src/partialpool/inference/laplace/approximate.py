"""Nested Laplace for a model: an engine chosen, its marginal density explored, draws made and checked."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from partialpool.inference.compiling import load
from partialpool.inference.draws import Approximation, Draws
from partialpool.inference.laplace.constants import log_constant
from partialpool.inference.laplace.importance import Explored, allot, explore
from partialpool.inference.laplace.marginal import Marginal
from partialpool.inference.laplace.quadrature import Quadrature
from partialpool.inference.options import LaplaceOptions
from partialpool.model.spec import ModelSpec

Floats = NDArray[np.float64]

METHOD = "laplace"


def approximate(spec: ModelSpec, options: LaplaceOptions) -> Draws:
    """Draw from an approximation of the posterior, in milliseconds where NUTS takes seconds.

    Group effects are integrated out given the outer parameters, these are integrated by importance sampling,
    and draws of both are made: in the spirit of integrated nested Laplace approximations (Rue, Martino &
    Chopin 2009).

    Returns
    -------
    Independent draws, shared out to chains, with `approximation` saying how good they are.

    Raises
    ------
    FitError
        When the density of the data is finite nowhere.
    """
    load(spec.family)
    started = time.perf_counter()
    rng = np.random.default_rng(options.seed)
    marginal = _engine(spec, options.cores)
    explored = explore(marginal, marginal.affordable(), rng)
    n_draws = options.chains * options.draws
    values = marginal.draw(explored.points, allot(explored.weights, n_draws, rng), rng)
    return Draws(
        values=values.reshape(options.chains, options.draws, -1),
        stats={},
        method=METHOD,
        seed=options.seed,
        warmup=0,
        seconds=time.perf_counter() - started,
        attempts=(_sentence(marginal, explored),),
        interrupted=False,
        asked=options.draws,
        approximation=_judged(spec, marginal, explored, values),
    )


def _engine(spec: ModelSpec, cores: int) -> Marginal:
    return Quadrature(spec, cores)


def _judged(spec: ModelSpec, marginal: Marginal, explored: Explored, values: Floats) -> Approximation:
    acceptance, groups = marginal.check(explored.points, explored.weights, values)
    return Approximation(
        exact=marginal.exact,
        outer=explored.points.shape[1],
        points=len(explored.points),
        ess=explored.ess,
        pareto_k=explored.pareto_k,
        log_marginal_likelihood=explored.log_evidence + log_constant(spec),
        log_marginal_likelihood_se=explored.log_evidence_se,
        acceptance=acceptance,
        groups=groups,
    )


def _sentence(marginal: Marginal, explored: Explored) -> str:
    how = "exactly" if marginal.exact else "given them"
    n, q = len(explored.points), explored.points.shape[1]
    return f"{n} points of {q} outer parameter{'' if q == 1 else 's'}; everything else integrated out {how}"
