"""Whether draws are enough, or their chains should go on: sampling a little longer in place of saying so.

Chains that mix slowly in some parameter are given more transitions, and every second or fourth draw of all is
kept. What decides is the draws and the work alone, never the clock: the same seed gives the same draws.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partialpool.inference.convergence import MIN_ESS_PER_CHAIN, convergence, disagreeing

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

# Chains that are much worse have not found the posterior: more of the same would not mend that.
HOPELESS_ESS, HOPELESS_R_HAT = 0.15, 1.1  # the first as a share of what is needed
MIN_DRAWS = 400  # of a chain: with fewer a person wanted a quick look
MOST_TRANSITIONS = 4  # for each draw
MOST_WORK = 2e9  # gradients of a cell, made so far: about ten seconds
# Correlation of draws so far apart, from which effective sample sizes may be few: four standard errors of
# 4,000 independent draws. It is looked at first, in a hundredth of the time of effective sample sizes.
LAG, SLOW = 5, 0.064


@dataclass(frozen=True)
class Wanted:
    """What draws are judged by.

    Attributes
    ----------
    columns
        Positions in a draw of population-level coefficients, other parameters, sds and correlations: group
        effects, of which there may be many, mix better than these.
    size
        Of a gradient, in cells.
    """

    columns: Integers
    size: int

    def more(self, values: Floats, n_steps: Floats) -> bool:
        """Say whether chains should go on.

        Parameters
        ----------
        values
            (C, D, n_values) draws.
        n_steps
            Gradients that each transition took.
        """
        n_chains, n_draws, _ = values.shape
        if n_chains < 2 or n_draws < MIN_DRAWS or float(np.sum(n_steps)) * self.size > MOST_WORK:
            return False
        x = values[:, :, self.columns]
        x = x[:, :, _slow(x)]
        if not x.shape[2]:
            return False
        figures, needed = convergence(x), MIN_ESS_PER_CHAIN * n_chains
        known = ~np.isnan(figures.r_hat)  # a constant has none
        if not known.any():
            return False
        ess = float(np.min(np.minimum(figures.ess_bulk, figures.ess_tail)[known]))
        r_hat = float(np.max(figures.r_hat[known]))
        if ess < HOPELESS_ESS * needed or r_hat > HOPELESS_R_HAT:
            return False
        return ess < needed or bool(np.any(disagreeing(figures, n_chains, n_draws)))


def _slow(x: Floats) -> NDArray[np.bool_]:
    """(V,) whether draws (C, D, V) are correlated for long."""
    z = x - x.mean(axis=(0, 1))
    square = np.einsum("cdv,cdv->v", z, z)
    return np.asarray(np.einsum("cdv,cdv->v", z[:, LAG:], z[:, :-LAG]) > SLOW * square)
