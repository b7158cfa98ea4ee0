"""What nested Laplace may say of itself, without running it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from partialpool.inference.draws import Approximation, Draws, GroupCheck

GOOD = Approximation(
    exact=False,
    outer=2,
    points=2000,
    ess=1500.0,
    pareto_k=0.12,
    log_marginal_likelihood=-1273.25,
    log_marginal_likelihood_se=0.02,
    acceptance=0.93,
    groups=(GroupCheck("1|district", "3", 0.02, 1.01), GroupCheck("1|district", "61", -0.04, 0.98)),
)
EXACT = replace(GOOD, exact=True, acceptance=1.0, groups=())


def approximated(draws: Draws, approximation: Approximation = GOOD, **changes: Any) -> Draws:
    """Pass draws of a sampler off as those of nested Laplace."""
    fields: dict[str, Any] = {
        "stats": {},
        "method": "laplace",
        "warmup": 0,
        "attempts": ("Nested Laplace.",),
        "target_accept": None,
        "interrupted": False,
        "approximation": approximation,
    }
    return replace(draws, **(fields | changes))
