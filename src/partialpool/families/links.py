"""Link functions on arrays: from a mean to its linear predictor and back."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from partialpool.constraints.base import Constraint
from partialpool.constraints.interval import Interval
from partialpool.constraints.positive import Positive
from partialpool.constraints.real import Real
from partialpool.families.averages import Average

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Link:
    """A link: g and its inverse.

    Attributes
    ----------
    name
        ``"logit"``.
    inverse
        From the linear predictor to the mean, elementwise.
    forward
        From one mean to its linear predictor.
    average
        From means and sds of normal linear predictors, of one shape, to the averages of the mean: a formula
        where there is one, an `Average` otherwise.
    stan
        The inverse in Stan's words, ``"inv_logit"``; empty for the identity.
    text
        How equations write the link of p, ``"logit"``; empty for the identity.
    scale
        The constraint whose map is the inverse: the linear predictor is its free number. None for links that
        only a mean can have.
    """

    name: str
    inverse: Callable[[Array], Array]
    forward: Callable[[float], float]
    average: Callable[[Array, Array], Array]
    stan: str
    text: str
    scale: Constraint | None = None


def _identity(eta: Array) -> Array:
    return np.asarray(eta, float)


def _expit(eta: Array) -> Array:
    with np.errstate(over="ignore"):  # far below zero, where the mean is zero
        return np.asarray(1.0 / (1.0 + np.exp(-np.asarray(eta, float))))


def _normal_cdf(eta: Array) -> Array:
    from scipy.special import ndtr

    return np.asarray(ndtr(eta))


def _cloglog(eta: Array) -> Array:
    with np.errstate(over="ignore"):  # far above zero, where the mean is one
        return -np.expm1(-np.exp(eta))


def _expit_slope(eta: Array) -> Array:
    return _expit(eta) * _expit(-eta)


def _cloglog_slope(eta: Array) -> Array:
    return np.exp(eta - np.exp(eta))


def _identity_average(centre: Array, sd: Array) -> Array:
    return np.broadcast_arrays(np.asarray(centre, float), sd)[0].copy()


def _exp_average(centre: Array, sd: Array) -> Array:
    """Mean of a log-normal, infinite where it is beyond the largest number."""
    with np.errstate(over="ignore"):
        return np.asarray(np.exp(centre + 0.5 * sd**2))


def _normal_cdf_average(centre: Array, sd: Array) -> Array:
    return _normal_cdf(centre / np.sqrt(1.0 + sd**2))


def log_expits(eta: Array) -> tuple[Array, Array]:
    """Compute the log probabilities of yes and of no from log odds, to full precision on both sides.

    Examples
    --------
    >>> [float(log) for log in log_expits(np.array(800.0))]
    [0.0, -800.0]
    """
    rest = np.log1p(np.exp(-np.abs(eta)))
    return np.minimum(eta, 0.0) - rest, -np.maximum(eta, 0.0) - rest


LINKS: dict[str, Link] = {
    link.name: link
    for link in (
        Link("identity", _identity, lambda m: m, _identity_average, "", "", Real()),
        Link("log", np.exp, math.log, _exp_average, "exp", "log", Positive()),
        Link(
            "logit",
            _expit,
            lambda m: math.log(m) - math.log1p(-m),
            Average(_expit, _expit_slope, math.pi),
            "inv_logit",
            "logit",
            Interval(0.0, 1.0),
        ),
        Link("probit", _normal_cdf, lambda m: NormalDist().inv_cdf(m), _normal_cdf_average, "Phi", "probit"),
        Link(
            "cloglog",
            _cloglog,
            lambda m: math.log(-math.log1p(-m)),
            Average(_cloglog, _cloglog_slope, math.pi / 2),
            "inv_cloglog",
            "cloglog",
        ),
    )
}


def scale_of(link: str) -> Constraint:
    """Find the range of a parameter other than the mean by its link: identity, log or logit.

    Examples
    --------
    >>> scale_of("logit")
    Interval(lower=0.0, upper=1.0)
    """
    found = LINKS[link].scale
    assert found is not None, f"only a mean can have a {link} link"
    return found
