"""Categories without an order: a linear predictor for each but the first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from partialpool.families.base import MAIN, Array
from partialpool.families.categories import CategoryFamily
from partialpool.families.support import OutcomeLike
from partialpool.kernels.math.vectorised import exponential, logarithm
from partialpool.kernels.native.compiling import inlined


@inlined
def logit_cell(stats, i, eta, first, second):
    """Log likelihood of n_k rows of category k: sum of n_k eta_k - n log(1 + sum of exp(eta_k))."""
    n, largest, total = stats[0, i], 0.0, 0.0
    for p in range(eta.shape[0]):
        largest = max(largest, eta[p, i])
        total += stats[2 + p, i] * eta[p, i]
    parts = exponential(-largest)
    for p in range(eta.shape[0]):
        parts += exponential(eta[p, i] - largest)
    for p in range(first.shape[0]):
        expected = n * exponential(eta[p, i] - largest) / parts
        first[p, i] = stats[2 + p, i] - expected
        if second.shape[0] > 0:
            pair = p * (p + 1) // 2
            for q in range(p):
                second[pair + q, i] = -expected * exponential(eta[q, i] - largest) / parts
            second[pair + p, i] = expected * (1.0 - exponential(eta[p, i] - largest) / parts)
    return total - n * (largest + logarithm(parts))


@dataclass(frozen=True)
class Categorical(CategoryFamily):
    """Categories without an order: log P(y = k) / P(y = first category) = mu_k.

    The right side of a formula is that of every predictor, each with coefficients and group effects of its
    own (``mu_<label>_...``); a formula of its own, ``Formula(..., mu_<label>="...")``, takes its place. The
    first category is the reference: that of the smallest number, or the first label.

    Parameters
    ----------
    link
        ``"logit"``.

    Examples
    --------
    >>> Categorical(names=("car", "bus", "bicycle"), codes=(0.0, 1.0, 2.0)).parameters
    ('mu_bus', 'mu_bicycle')
    """

    name = "categorical"
    cells = {"logit": logit_cell}  # noqa: RUF012

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "parameters", tuple(f"{MAIN}_{name}" for name in self.names[1:]) or (MAIN,))

    @property
    def mains(self) -> tuple[str, ...]:
        """All: each category has the formula's right side."""
        return self.parameters

    @property
    def links(self) -> dict[str, str]:
        """Predictors are logs of ratios of probabilities."""
        return dict.fromkeys(self.parameters, "identity")

    def typical(self, outcome: OutcomeLike, offset: Array | None) -> dict[str, float]:
        """Logs of the categories' shares by the first one's."""
        shares = self.shares(outcome)
        return dict(zip(self.parameters, np.log(shares[1:] / shares[0]).tolist(), strict=True))

    def log_probability(self, k: int, linear: Mapping[str, Array]) -> Array:
        """Log of the softmax of zero and the predictors, at category k."""
        own = linear[self.parameters[k - 1]] if k else np.zeros(1)
        return np.asarray(own - self._log_total(linear))

    def log_probabilities(self, linear: Mapping[str, Array]) -> Array:
        """Log of the softmax of zero and the predictors."""
        etas = np.broadcast_arrays(np.zeros(1), *(linear[p] for p in self.parameters))
        return np.stack(etas, axis=-1) - self._log_total(linear)[..., np.newaxis]

    def _log_total(self, linear: Mapping[str, Array]) -> Array:
        """Log of one and the sum of the predictors' exponentials."""
        total: Array = np.zeros(1)
        for parameter in self.parameters:
            total = np.logaddexp(total, linear[parameter])
        return total

    def group_figure(self, values: Array) -> Array:
        """Whether an outcome is of the first category: the numbers of unordered ones have no mean."""
        return np.asarray(values == self.codes[0], float)

    @property
    def group_word(self) -> str:
        """Share of the first category."""
        return f"share of {self.names[0]}"

    def subject(self, parameter: str) -> str:
        """Log of the ratio of two probabilities."""
        name = self.names[1 + self.parameters.index(parameter)]
        return f"the log of its probability of {name} by that of {self.names[0]}"

    @property
    def stan(self) -> str:
        """``categorical_logit``, of the predictors of one row."""
        return "categorical_logit([0, {mu}]')"

    @property
    def equation(self) -> str:
        """``Categorical(softmax(0, mu_b, mu_c))``."""
        return f"Categorical(softmax(0, {', '.join(self.parameters)}))"
