"""The marginal likelihood of a fit, where it was computed and the priors are proper."""

from __future__ import annotations

from dataclasses import fields

from partialpool.errors import FitError, build
from partialpool.priors.base import Prior
from partialpool.priors.uniform import Flat
from partialpool.results.fitted import Fitted


def log_marginal_likelihood(fitted: Fitted) -> float:
    """Give log p(y), all parameters integrated out over their priors.

    Raises
    ------
    FitError
        When the draws did not come from a nested Laplace approximation, or a prior is improper: p(y) then
        has an arbitrary factor.
    """
    approximation = fitted.draws.approximation
    if approximation is None:
        raise build(
            FitError,
            f"Draws of method {fitted.draws.method!r} say nothing about the marginal likelihood.",
            hint='model.fit(method="laplace"), which computes it',
        )
    improper = [name for name, prior in fitted.model.priors.items() if _improper(prior)]
    if improper:
        raise build(
            FitError,
            f"The prior of {', '.join(map(repr, improper))} is improper (Flat), so the marginal likelihood "
            "is known up to an arbitrary factor only.",
            hint="a proper prior, or fit.loo(), which needs none",
        )
    return approximation.log_marginal_likelihood


def _improper(prior: Prior) -> bool:
    """Say whether a prior, or one inside it, has no total probability."""
    inside = (getattr(prior, field.name) for field in fields(prior))
    return isinstance(prior, Flat) or any(isinstance(value, Prior) and _improper(value) for value in inside)
