"""What every way of fitting returns: draws of the flat vector, and how they came about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Draws:
    """Draws from a posterior.

    Attributes
    ----------
    values
        (chains, draws, n_values), flat vectors in the order of the model's layout.
    stats
        By ArviZ's names, each (chains, draws): ``diverging`` (bool), ``tree_depth``, ``n_steps``,
        ``energy``, ``lp``, ``step_size``, ``acceptance_rate``, ``reached_max_treedepth`` (bool).
    method
        ``"nuts"``, or ``"prior"`` for draws from the prior.
    seed
        The seed that reproduces them.
    warmup
        Warm-up draws that each chain made, not kept.
    seconds
        Wall time of the sampling, all runs together.
    attempts
        One sentence for each run that was needed, the last one the run kept.
    interrupted
        True when the user stopped the run; then there are fewer draws than were asked for.
    asked
        Draws of each chain that were asked for.
    target_accept
        The acceptance rate that was asked for; None when it was left to the program.
    """

    values: NDArray[np.float64]
    stats: Mapping[str, NDArray[np.generic]]
    method: str
    seed: int
    warmup: int
    seconds: float
    attempts: tuple[str, ...]
    interrupted: bool
    asked: int
    target_accept: float | None = None
