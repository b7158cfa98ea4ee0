"""A fit: draws with their model, summarised, checked and labelled."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pandas as pd

from partialpool.api.view import ModelView
from partialpool.inference.draws import Draws
from partialpool.predict.log_likelihood import log_likelihood
from partialpool.predict.separation import separation
from partialpool.results.diagnostics import diagnose
from partialpool.results.effects import group_table
from partialpool.results.findings import Diagnosis
from partialpool.results.fitted import Fitted
from partialpool.results.summaries import DEFAULT_PROB, summary
from partialpool.results.tree import posterior_dataset, to_datatree

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True, eq=False)
class Fit:
    """Draws from a model's posterior.

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

    def summary(self, prob: float = DEFAULT_PROB, var_names: Iterable[str] | None = None) -> pd.DataFrame:
        """Return mean, sd, HDI, MCSE, ESS and R-hat of every parameter, not rounded.

        Parameters
        ----------
        prob
            Probability of the highest density interval.
        var_names
            Only these variables.
        """
        return summary(self.posterior, prob, var_names)

    def diagnose(self) -> Diagnosis:
        """Return what is wrong with the draws, what was tried, and what to do; print it to read it."""
        found = diagnose(self.draws, self.posterior, self.model.layout)
        note = separation(self.fitted)
        return found if note is None else replace(found, findings=(*found.findings, note))

    def to_datatree(self, *, log_likelihood: bool = False) -> xr.DataTree:
        """Return everything in ArviZ's schema.

        Parameters
        ----------
        log_likelihood
            Add the log likelihood of each row: draws x rows numbers.
        """
        return to_datatree(
            self.draws, self.model.layout, self.model.design, self._row_likelihood(log_likelihood)
        )

    def _row_likelihood(self, wanted: bool) -> Any:
        return log_likelihood(self.fitted) if wanted else None

    def group_effects(self, prob: float = DEFAULT_PROB, parameter: str = "mu") -> pd.DataFrame:
        """Return each group's deviations from the population, with intervals."""
        return group_table(self.draws, self.model.layout, self.model.design, parameter, prob=prob)

    def group_coefficients(self, prob: float = DEFAULT_PROB, parameter: str = "mu") -> pd.DataFrame:
        """Return each group's own coefficients, population plus deviation, with intervals."""
        return group_table(
            self.draws, self.model.layout, self.model.design, parameter, totals=True, prob=prob
        )

    def __repr__(self) -> str:
        chains, draws, _ = self.draws.values.shape
        state = ", interrupted" if self.draws.interrupted else ""
        return f"Fit of {self.model!r}: {chains} chains x {draws} draws in {self.draws.seconds:.2f} s{state}"
