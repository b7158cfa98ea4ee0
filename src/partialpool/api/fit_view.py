"""Draws with their model: the base of all methods of a fit."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from partialpool.api.view import ModelView
from partialpool.inference.convergence import Convergence
from partialpool.inference.draws import Draws
from partialpool.results.fitted import Fitted
from partialpool.results.summaries import measured
from partialpool.results.tree import posterior_dataset

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr


@dataclass(frozen=True, eq=False)
class FitView:
    """Draws and their model.

    Attributes
    ----------
    model
        What was fitted.
    draws
        The draws as flat vectors, the sampler's statistics, and how they were made.
    """

    model: ModelView
    draws: Draws

    @property
    def fitted(self) -> Fitted:
        """Specification and draws, as the other rooms take them."""
        return Fitted(self.model.spec, self.draws)

    @property
    def data(self) -> pd.DataFrame:
        """The columns of the table that the formula uses, of the rows that were fitted, numbered from 0.

        Numbers are int64 or float64, text is of pandas' own type, and days are dates at midnight.

        To predict for the same rows with something changed:
        ``fit.predict(fit.data.assign(x=lambda rows: rows.x + 1))``.

        Raises
        ------
        DataError
            When the fit was saved without its rows, or by a version that did not keep the table's columns.
        """
        return self.model.data

    @cached_property
    def posterior(self) -> xr.Dataset:
        """The draws of every variable, labelled."""
        return posterior_dataset(self.draws, self.model.layout)

    @cached_property
    def _convergence(self) -> Convergence:
        """Precision and convergence of every value, computed once for summary, diagnosis and report."""
        return measured(self.posterior)
