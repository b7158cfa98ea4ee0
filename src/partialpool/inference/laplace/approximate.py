"""Nested Laplace for a model: an engine chosen, its marginal density explored, draws made and checked."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import FitError, build
from partialpool.inference.blas import one_thread
from partialpool.inference.draws import Approximation, Draws
from partialpool.inference.kernel_loading import load_laplace
from partialpool.inference.laplace.constants import log_constant
from partialpool.inference.laplace.engines import Marginal
from partialpool.inference.laplace.importance import Explored, allot, explore
from partialpool.inference.laplace.inner_blocks import is_exact
from partialpool.inference.laplace.latent import LatentGaussian, is_latent_gaussian
from partialpool.inference.laplace.quadrature import Quadrature, one_factor
from partialpool.inference.options import LaplaceOptions
from partialpool.model.spec import ModelSpec

Floats = NDArray[np.float64]

METHOD = "laplace"


def approximate(spec: ModelSpec, options: LaplaceOptions) -> Draws:
    """Draw from an approximation of the posterior, without sampling, of columns less their origins.

    With one grouping factor and one effect a group that takes milliseconds; with slopes or crossed factors on
    small tables NUTS can be quicker.

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
    load_laplace(spec.family)
    started = time.perf_counter()
    rng = np.random.default_rng(options.seed)
    with one_thread():
        marginal = _engine(spec, options.cores)
        explored = explore(marginal, marginal.affordable(), rng)
        counts = allot(explored.weights, options.chains * options.draws, rng)
        values = marginal.draw(explored.points, counts, rng)
        approximation = _judged(spec, marginal, explored, values)
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
        approximation=approximation,
    )


def _engine(spec: ModelSpec, cores: int) -> Marginal:
    """Effects on gaussian means are integrated exactly; one factor's by quadrature; others by Laplace."""
    if is_latent_gaussian(spec) and (is_exact(spec) or not one_factor(spec)):
        return LatentGaussian(spec, cores)
    if one_factor(spec):
        return Quadrature(spec, cores)
    raise build(
        FitError,
        "Effects of several grouping factors have priors that are not normal: nothing integrates them out.",
        hint="normal priors of the group-level coefficients, or method='nuts'",
    )


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
