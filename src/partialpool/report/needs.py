"""What a fit and a comparison must offer for a page to be made of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from partialpool.formula.records import Design
from partialpool.inference.draws import Draws
from partialpool.model.layout import Layout

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr
    from matplotlib.figure import Figure

    from partialpool.pooling.explain import Explanation
    from partialpool.results.findings import Diagnosis


class StanProgramLike(Protocol):
    """A model as Stan code."""

    @property
    def code(self) -> str:
        """The program."""

    @property
    def data(self) -> Mapping[str, Any]:
        """The data block's values, by name."""


class ModelLike(Protocol):
    """A formula, a table, a family and priors, checked."""

    @property
    def design(self) -> Design:
        """The formula and the table, met."""

    @property
    def layout(self) -> Layout:
        """The named parameters."""

    def equations(self) -> str:
        """Return the model as text, one line an equation."""

    def to_stan(self) -> StanProgramLike:
        """Return the same model as Stan code and data."""


class FitLike(Protocol):
    """A model and its draws."""

    @property
    def model(self) -> ModelLike:
        """What was fitted."""

    @property
    def draws(self) -> Draws:
        """The draws, and how they came about."""

    def summary(self, prob: float = 0.89) -> pd.DataFrame:
        """Return one row a parameter, its name in the index."""

    def diagnose(self) -> Diagnosis:
        """Return what is wrong, and what was tried."""

    def to_datatree(self) -> xr.DataTree:
        """Return the labelled draws in ArviZ's schema."""


class PoolsLike(Protocol):
    """The same data under three poolings."""

    @property
    def no_pooling(self) -> FitLike:
        """Independent groups."""

    @property
    def partial_pooling(self) -> FitLike:
        """Groups with an adaptive prior."""

    @property
    def complete_pooling(self) -> FitLike:
        """No groups."""

    @property
    def prob(self) -> float:
        """Probability that every interval holds."""

    def table(self) -> pd.DataFrame:
        """Return one row a group."""

    def explain(self, n: int = 5) -> Explanation:
        """Return the most extreme disagreements; ``str()`` of it is the words."""

    def plot_forest(self) -> Figure:
        """Draw each group under no pooling."""

    def plot_forests(self) -> Figure:
        """Draw no and partial pooling side by side."""

    def plot_sd(self) -> Figure:
        """Draw the sd of each group under either pooling."""

    def plot_predictions(self) -> Figure:
        """Draw the predicted mean of each group under either pooling."""

    def plot_shrinkage(self) -> Figure:
        """Draw how far each group moved."""


def poolings(pools: PoolsLike) -> dict[str, FitLike]:
    """Return the three fits by name, in the order in which they are told."""
    return {
        "no pooling": pools.no_pooling,
        "partial pooling": pools.partial_pooling,
        "complete pooling": pools.complete_pooling,
    }
