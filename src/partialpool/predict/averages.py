"""Means over the population of groups: one integral over a normal, however many terms there are."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from partialpool.families.base import Family

Floats = NDArray[np.float64]

N_NODES = 64
_REACH = 10.0


def average_mean(family: Family, linear: Mapping[str, Floats], sd: Floats) -> Floats:
    """Integrate the mean outcome over normal deviations of the mean's linear predictor.

    E h(eta + sd u), u standard normal, by the trapezoidal rule on 64 equidistant points within 10 standard
    deviations, which converges faster than Gauss-Hermite rules do where h saturates. Greatest relative error
    for predictors from -4 to 3 at an sd of 2 and of 5, here and by as many Gauss-Hermite points:

    ========  ===============  ===============
    logit     6e-13 and 1e-5   2e-10 and 2e-4
    probit    3e-16 and 6e-5   1e-12 and 1e-3
    cloglog   9e-8 and 9e-4    2e-6 and 3e-3
    log       4e-16 and 1e-7   6e-16 and 4e-15
    ========  ===============  ===============

    Parameters
    ----------
    linear
        By parameter, (S, n) linear predictors without group effects, or (S, 1).
    sd
        (S, n) standard deviation of the sum of the effects that a random group has.

    Returns
    -------
    (S, n) means of one unit. Group effects on other parameters do not change them.
    """
    total = np.zeros_like(linear["mu"])
    for node, weight in zip(*_rule(), strict=True):
        total += weight * family.mean({**linear, "mu": linear["mu"] + node * sd})
    return total


def _rule() -> tuple[Floats, Floats]:
    nodes = np.linspace(-_REACH, _REACH, N_NODES)
    density = np.exp(-0.5 * nodes**2)
    return nodes, density / density.sum()
