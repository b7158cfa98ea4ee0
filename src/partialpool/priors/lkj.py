"""The LKJ prior of a correlation matrix."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partialpool.priors.base import Prior, number, require_positive


@dataclass(frozen=True)
class LKJ(Prior):
    """LKJ(eta): density of a correlation matrix proportional to det(R)^(eta - 1).

    Lewandowski, Kurowicka & Joe (2009). eta = 1 is uniform over correlation matrices; larger values
    favour weak correlations.

    Parameters
    ----------
    eta
        Positive.

    Examples
    --------
    >>> print(LKJ(2))
    LKJ(2)
    """

    eta: float
    support = "correlation"

    def __post_init__(self) -> None:
        require_positive("LKJ", "eta", self.eta)

    def sample_matrix(self, rng: np.random.Generator, d: int) -> NDArray[np.float64]:
        """Draw a (d, d) correlation matrix by the vine method (their section 2.4)."""
        factor = np.eye(d)
        for i in range(1, d):
            left = 1.0
            for j in range(i):
                beta = self.eta + 0.5 * (d - 2 - j)
                z = 2.0 * rng.beta(beta, beta) - 1.0
                factor[i, j] = z * np.sqrt(left)
                left *= 1.0 - z**2
            factor[i, i] = np.sqrt(left)
        return factor @ factor.T

    @property
    def stan(self) -> str:
        """Stan's form for a Cholesky factor."""
        return f"lkj_corr_cholesky({number(self.eta)})"
