"""Draws with their model: what every method of a fit reads."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from partialpool.api.view import ModelView
from partialpool.inference.draws import Draws
from partialpool.results.convergence import Convergence
from partialpool.results.fitted import Fitted
from partialpool.results.summaries import measured
from partialpool.results.tree import posterior_dataset

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True, eq=False)
class FitView:
    """Draws and their model.

    Attributes
    ----------
    model
        What was fitted.
    draws
        The draws as flat vectors, the sampler's statistics, and how they came about.
    """

    model: ModelView
    draws: Draws

    @property
    def fitted(self) -> Fitted:
        """Model and draws as the rooms behind this door read them."""
        return Fitted(self.model.spec, self.draws)

    @cached_property
    def posterior(self) -> xr.Dataset:
        """The draws of every variable, labelled."""
        return posterior_dataset(self.draws, self.model.layout)

    @cached_property
    def _convergence(self) -> Convergence:
        """Precision and convergence of every value: summary, diagnosis and report read the same."""
        return measured(self.posterior)
