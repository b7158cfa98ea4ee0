"""What the two versions of a comparison are asked beyond the public interface: the only file that knows how.

A version that keeps these things elsewhere gets its way here, beside the older one's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import partialpool as pp


def gradient_of(model: pp.Model) -> Callable[[], object]:
    """A call that computes log density and gradient at one point, always the same."""
    from partialpool.model.density import Density
    from partialpool.model.geometry import plain_geometry

    density = Density(model.spec, plain_geometry(model.spec))
    x = 0.1 * np.random.default_rng(2).normal(size=density.n_dim)
    return lambda: density(x)


def leapfrogs(fit: Any) -> float:
    """Leapfrog steps of a NUTS fit: its draws', and for warm-up as many a transition as for a draw."""
    steps = fit.draws.stats["n_steps"]
    return float(steps.sum() + fit.draws.warmup * steps.mean(axis=1).sum())
