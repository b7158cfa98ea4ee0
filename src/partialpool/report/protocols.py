"""The interfaces of a fit and of a comparison that pages need."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from partialpool.families.base import Family
from partialpool.formula.formula import Formula
from partialpool.formula.records import Design
from partialpool.inference.draws import Draws
from partialpool.model.layout import Layout
from partialpool.model.spec import ModelSpec
from partialpool.plots.plot import Plot
from partialpool.pooling.population import PopulationLine
from partialpool.priors.base import Prior

if TYPE_CHECKING:
    import pandas as pd

    from partialpool.checking.report import Check
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
    def formula(self) -> Formula:
        """The formula as given."""

    @property
    def family(self) -> Family:
        """The outcome's distribution."""

    @property
    def priors(self) -> Mapping[str, Prior]:
        """The prior of every coefficient, keyed as results name it."""

    @property
    def design(self) -> Design:
        """The design of the fitted rows."""

    @property
    def spec(self) -> ModelSpec:
        """Its specification, with coefficients and blocks of effects."""

    @property
    def layout(self) -> Layout:
        """The named parameters."""

    @property
    def size(self) -> str:
        """Rows and cells, in words."""

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
        """The draws, and how they were made."""

    def summary(self, prob: float = 0.89) -> pd.DataFrame:
        """Return one row a parameter, its name in the index."""

    def group_coefficients(self, prob: float = 0.89, parameter: str | None = None) -> pd.DataFrame:
        """Return one row a group and coefficient, population plus deviation."""

    def diagnose(self) -> Diagnosis:
        """Return problems of the draws, and what was tried."""

    def save(self, path: Path) -> Path:
        """Keep the fit in a file."""


class CheckedLike(Protocol):
    """A fit whose checks can be drawn."""

    def plot_check(
        self,
        show: Literal["statistics", "groups", "distribution"] = "statistics",
        check: Check | None = None,
        *,
        factor: str | None = None,
    ) -> Plot:
        """Draw a predictive check."""

    def plot_residuals(self, *, seed: int | None = None) -> Plot:
        """Draw quantile residuals."""


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
    def group(self) -> str:
        """The grouping factor that is compared."""

    @property
    def prob(self) -> float:
        """Probability that every interval holds."""

    def table(self, coefficient: str = "1") -> pd.DataFrame:
        """Return one row a group."""

    def population(self, coefficient: str = "1") -> PopulationLine:
        """Return the estimates of the population of groups."""

    def explain(self, n: int = 5, coefficient: str = "1") -> Explanation:
        """Return the most extreme disagreements; ``str()`` of it is the words."""

    def plot_forest(self, coefficient: str = "1") -> Plot:
        """Draw each group under no pooling."""

    def plot_forests(self, coefficient: str = "1") -> Plot:
        """Draw no and partial pooling side by side."""

    def plot_sd(self, coefficient: str = "1") -> Plot:
        """Draw the sd of each group under either pooling."""

    def plot_predictions(self, coefficient: str = "1") -> Plot:
        """Draw the predicted mean of each group under either pooling."""

    def plot_shrinkage(self, coefficient: str = "1") -> Plot:
        """Draw how far each group moved."""


def poolings(pools: PoolsLike) -> dict[str, FitLike]:
    """Return the three fits by name, in the order of the page."""
    return {
        "no pooling": pools.no_pooling,
        "partial pooling": pools.partial_pooling,
        "complete pooling": pools.complete_pooling,
    }


def coefficients(pools: PoolsLike) -> tuple[str, ...]:
    """Name the coefficients of the mean that vary by the compared factor, the intercept first."""
    terms = pools.partial_pooling.model.design.main.groups
    return tuple(name for term in terms if term.grouping.name == pools.group for name in term.names)
