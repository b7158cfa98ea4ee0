"""A model and the draws from its posterior: what everything after sampling reads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import DataError, build
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
        """Raise when the fit was kept without its rows.

        Parameters
        ----------
        what
            What needs them, as the subject of a sentence: ``"Leave-one-out cross-validation"``.

        Raises
        ------
        DataError
            When the design has no rows.
        """
        if self.model.design.n_rows == 0:
            raise build(
                DataError,
                f"{what} needs the rows of the table, and this fit was saved without them.",
                hint="save it with its rows: fit.save(path, rows=True)",
            )
