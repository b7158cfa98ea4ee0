"""A model and the draws from its posterior: the input of all rooms after inference."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partialpool.inference.draws import Draws
from partialpool.model.spec import ModelSpec


@dataclass(frozen=True)
class Fitted:
    """One fitted model.

    Attributes
    ----------
    model
        What was asked, checked and frozen: design, family, layout, priors.
    draws
        Draws from its posterior, flat vectors in the order of ``model.layout``.
    """

    model: ModelSpec
    draws: Draws

    @property
    def values(self) -> NDArray[np.float64]:
        """All draws, chains one after another: (S, n_values)."""
        values = self.draws.values
        return values.reshape(-1, values.shape[-1])

    def require_rows(self, what: str) -> None:
        """Raise DataError if the fit was saved without its rows; `what` names what needs them."""
        self.model.design.require_rows(what)
