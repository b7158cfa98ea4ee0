"""Link functions on arrays: from a mean to its linear predictor and back."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

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
    stan
        The inverse in Stan's words, ``"inv_logit"``; empty for the identity.
    text
        How equations write the link of p, ``"logit"``; empty for the identity.
    """

    name: str
    inverse: Callable[[Array], Array]
    forward: Callable[[float], float]
    stan: str
    text: str


def _identity(eta: Array) -> Array:
    return np.asarray(eta, float)


def _expit(eta: Array) -> Array:
    with np.errstate(over="ignore"):  # far below zero, where the mean is zero
        return np.asarray(1.0 / (1.0 + np.exp(-np.asarray(eta, float))))


def _normal_cdf(eta: Array) -> Array:
    from scipy.special import ndtr

    return np.asarray(ndtr(eta))


def _cloglog(eta: Array) -> Array:
    return -np.expm1(-np.exp(eta))


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
        Link("identity", _identity, lambda m: m, "", ""),
        Link("log", np.exp, math.log, "exp", "log"),
        Link("logit", _expit, lambda m: math.log(m) - math.log1p(-m), "inv_logit", "logit"),
        Link("probit", _normal_cdf, lambda m: NormalDist().inv_cdf(m), "Phi", "probit"),
        Link("cloglog", _cloglog, lambda m: math.log(-math.log1p(-m)), "inv_cloglog", "cloglog"),
    )
}
