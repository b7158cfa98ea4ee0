"""Independent draws of all parameters from the prior."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from partialpool.constraints.base import Constraint
from partialpool.constraints.ordered import Ordered
from partialpool.constraints.positive import Positive
from partialpool.errors import PriorError, build
from partialpool.inference.draws import Draws
from partialpool.inference.options import NutsOptions
from partialpool.model.effects import Effects, GroupCoefficient
from partialpool.model.priors import default_priors
from partialpool.model.spec import ModelSpec
from partialpool.priors.base import REAL, AtMeans, Prior, unwrapped

Floats = NDArray[np.float64]

METHOD = "prior"
_MOST_ROUNDS = 1000


def sample_prior(spec: ModelSpec, draws: int, seed: int) -> Draws:
    """Draw every parameter from its prior: coefficients, sds, correlations, and group effects given them.

    Parameters
    ----------
    spec
        A model; of its outcome only what default priors were made from is used.
    draws
        How many.
    seed
        The same seed gives the same draws.

    Returns
    -------
    One chain of independent draws, without a sampler's statistics.

    Raises
    ------
    PriorError
        When a prior is improper, or a positive parameter's prior has next to nothing above zero.
    OptionError
        When `draws` or `seed` is not a whole number, from 1 or from 0 on.
    """
    options = NutsOptions(draws=draws, chains=1, seed=seed)  # which checks the numbers
    start, rng = time.perf_counter(), np.random.default_rng(seed)
    values = np.full((options.draws, spec.layout.n_values), np.nan)
    for number in range(len(spec.parameters.predictors)):
        _draw_coefficients(spec, number, values, rng)
    _put_in_order(spec, values, rng)
    for effects in spec.parameters.effects:
        _draw_effects(spec, effects, values, rng)
    return Draws(
        values=spec.as_written(values)[np.newaxis],
        stats={},
        method=METHOD,
        seed=options.seed,
        warmup=0,
        seconds=time.perf_counter() - start,
        attempts=("Independent draws from the prior.",),
        interrupted=False,
        asked=options.draws,
    )


def _draw_coefficients(spec: ModelSpec, number: int, values: Floats, rng: np.random.Generator) -> None:
    every, own = spec.parameters.coefficients, spec.parameters.predictors[number].coefficients
    for c in own:
        values[:, c.value] = _sample(spec, c.name, c.prior, rng, (len(values),), c.scale)
    for i, c in enumerate(own):
        if isinstance(c.prior, AtMeans):
            # What was drawn is the predictor at the columns' means; the rest is what the slopes leave of it.
            weights = spec.anchor(number, i)
            others = [k for k in np.flatnonzero(weights) if every[k] is not c]
            places = np.array([every[k].value for k in others], np.int64)
            values[:, c.value] -= values[:, places] @ weights[others]


def _put_in_order(spec: ModelSpec, values: Floats, rng: np.random.Generator) -> None:
    """Draw values that have to ascend until they do; where their priors are equal, sort them."""
    for block in spec.blocks.blocks:
        if not isinstance(block.constraint, Ordered):
            continue
        places = np.array(block.places, np.int64)
        parts = spec.parameters.predictors
        numbers = [n for n, p in enumerate(parts) if any(c.value in places for c in p.coefficients)]
        if len({parts[n].coefficients[0].prior for n in numbers}) == 1:
            values[:, places] = np.sort(values[:, places], axis=1)
            continue
        for _ in range(_MOST_ROUNDS):
            wrong = np.flatnonzero(np.any(np.diff(values[:, places], axis=1) <= 0, axis=1))
            if not len(wrong):
                break
            again = values[wrong]
            for n in numbers:
                _draw_coefficients(spec, n, again, rng)
            values[wrong] = again
        else:
            names = ", ".join(parts[n].parameter for n in numbers)
            raise build(PriorError, f"Draws from the priors of {names} next to never ascend.")


def _draw_effects(spec: ModelSpec, block: Effects, values: Floats, rng: np.random.Generator) -> None:
    """Draw sds, correlations R = L L', and effects b = sd * L z of one block, z correlated between groups."""
    n_draws, d, n_groups = len(values), block.width, block.size
    factors = np.broadcast_to(np.eye(d), (n_draws, d, d))
    if block.corr is not None:
        corr = np.array([block.corr.sample_matrix(rng, d) for _ in range(n_draws)])
        values[:, block.corr_value : block.corr_value + d * d] = corr.reshape(n_draws, -1)
        factors = np.linalg.cholesky(corr)
    z = rng.normal(size=(n_draws, n_groups, d))
    if block.between is not None:
        z = np.einsum("gh,shd->sgd", np.linalg.cholesky(block.between), z)
    for i, c in enumerate(block.coefficients):
        sd = _draw_sd(spec, c, values, rng)
        if c.sd is None:
            effects = _sample(spec, c.name, c.prior, rng, (n_draws, n_groups))
        else:
            effects = sd[:, np.newaxis] * np.einsum("sgd,sd->sg", z, factors[:, i])
        values[:, c.value : c.value + n_groups] = effects


def _draw_sd(spec: ModelSpec, c: GroupCoefficient, values: Floats, rng: np.random.Generator) -> Floats:
    """Draw the (S,) sds of a coefficient's effects, or repeat the one that is given; into their place.

    A given one has a place beside learnt ones of the same term; of a prior that is no normal it is the scale.
    """
    size = (len(values),)
    if isinstance(c.sd, Prior):
        sd = _sample(spec, c.name, c.sd, rng, size, Positive())
    else:
        sd = np.full(size, c.fixed_sd)
    if c.sd_value >= 0:
        values[:, c.sd_value] = sd
    return sd


def _sample(
    spec: ModelSpec,
    name: str,
    prior: Prior,
    rng: np.random.Generator,
    size: tuple[int, ...],
    within: Constraint = REAL,
) -> Floats:
    """Draw from a prior, or from its part where the parameter can be."""
    proper, (lower, upper) = unwrapped(prior), within.bounds
    try:
        drawn = np.asarray(proper.sample(rng, size), np.float64)
        rounds = 0
        while np.any(outside := (drawn <= lower) | (drawn >= upper)):
            drawn[outside] = proper.sample(rng, int(outside.sum()))
            rounds += 1
            if rounds > _MOST_ROUNDS:
                raise build(PriorError, f"{prior} has next to nothing {_where(within)}.")
    except PriorError as error:
        default = default_priors(spec.design, spec.family)[name]
        raise build(
            PriorError,
            f"The prior of {name!r} is {spec.priors[name]}: {str(error).splitlines()[0]}",
            hint=f"priors={{{name!r}: {default}}}, the default, or another proper prior",
        ) from error
    return drawn


def _where(within: Constraint) -> str:
    lower, upper = within.bounds
    return f"between {lower:g} and {upper:g}" if np.isfinite(upper) else "above zero"
