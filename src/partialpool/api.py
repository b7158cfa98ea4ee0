"""The front door: a model, its fit, and three poolings compared. Methods only delegate."""

from __future__ import annotations

import importlib.metadata
import platform
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pandas as pd

from partialpool.data.checks import Missing
from partialpool.data.tables import read_table
from partialpool.families.base import Family
from partialpool.families.registry import get_family
from partialpool.formula.asked import Formula
from partialpool.formula.design import Recipe, build_design
from partialpool.formula.records import Design
from partialpool.inference.draws import Draws
from partialpool.inference.nuts import WARMUP, NutsOptions, available_cores, sample
from partialpool.inference.progress import progress_bar
from partialpool.model.equations import equations
from partialpool.model.layout import Layout
from partialpool.model.spec import ModelSpec, build_spec
from partialpool.model.stan import StanProgram, to_stan
from partialpool.plots.forest import draw_forest, forest_data
from partialpool.plots.outcomes import draw_outcomes, outcomes_data
from partialpool.plots.sd import draw_sd, sd_data
from partialpool.plots.shrinkage import draw_shrinkage, shrinkage_data
from partialpool.pooling.designs import grouping_factor
from partialpool.pooling.explain import Explanation, explain
from partialpool.pooling.fits import fit_three
from partialpool.pooling.population import PopulationLine, population_line
from partialpool.pooling.table import pooling_table
from partialpool.predict.log_likelihood import log_likelihood
from partialpool.priors.base import Prior
from partialpool.results.diagnostics import diagnose
from partialpool.results.effects import group_table
from partialpool.results.findings import Diagnosis
from partialpool.results.fitted import Fitted
from partialpool.results.summaries import DEFAULT_PROB, check_prob, summary
from partialpool.results.tree import posterior_dataset, to_datatree
from partialpool.version import __version__

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

LIBRARIES = ("numpy", "numba", "nutpie", "formulae", "pandas", "xarray", "arviz-stats", "matplotlib")


class ModelView:
    """A checked model, however it came about: what can be asked of it before and after fitting.

    Parameters
    ----------
    spec
        Design, family, priors, parameters, cells.
    name
        What it is, in words.
    """

    def __init__(self, spec: ModelSpec, name: str) -> None:
        self.spec = spec
        self.name = name

    @property
    def design(self) -> Design:
        """Names, matrices and labels, a row an observation."""
        return self.spec.design

    @property
    def family(self) -> Family:
        """The outcome's distribution."""
        return self.spec.family

    @property
    def layout(self) -> Layout:
        """Every variable of the posterior with its shape and labels."""
        return self.spec.layout

    @property
    def priors(self) -> Mapping[str, Prior]:
        """The prior of every coefficient, given or default, keyed as results name it."""
        return self.spec.priors

    def equations(self) -> str:
        """Return the model as text equations."""
        return equations(self.spec)

    def to_stan(self) -> StanProgram:
        """Return the same model as readable Stan code, with its data."""
        return to_stan(self.spec)

    def __repr__(self) -> str:
        rows, cells = self.design.n_rows, self.spec.cells.index.n_cells
        return f"Model of {self.name}, family {self.family.name!r}: {rows:,} rows in {cells:,} cells"


class Model(ModelView):
    """A formula, a table, a family and priors: checked, collapsed into cells, ready to fit.

    Parameters
    ----------
    formula
        lme4's meaning: ``"y ~ x + (1 + x | g)"``; a :class:`Formula` for several parameters.
    data
        A pandas, Polars or Arrow table, a dict of columns, or a path: CSV, TSV, Parquet or Arrow.
    family
        ``"gaussian"``, ``"bernoulli"``, ``"binomial"``, ``"poisson"``, ``"negative_binomial"``, with a link
        as in ``"bernoulli(probit)"``, or a family such as ``Bernoulli(link="probit")``.
    priors
        By the names results have; defaults stand where there is none. See :attr:`priors`.
    missing
        ``"error"``, or ``"drop"`` to leave out rows that lack a value that the formula uses.

    Raises
    ------
    DataError, FormulaError, FamilyError, PriorError
        When something cannot be used as given: the message names it and says what to do.

    Examples
    --------
    >>> import partialpool as pp
    >>> women = pp.load_dataset("bangladesh")
    >>> model = pp.Model("`use.contraception` ~ 1 + (1 | district)", women, family="bernoulli")
    >>> for name, prior in model.priors.items():
    ...     print(name, "~", prior)
    Intercept ~ Normal(0, 2.5)
    1|district ~ Normal(0, Exponential(1))
    """

    def __init__(
        self,
        formula: str | Formula,
        data: Any,
        family: str | Family = "gaussian",
        priors: Mapping[str, Prior] | None = None,
        missing: Missing = "error",
    ) -> None:
        design, recipe = build_design(formula, read_table(data), missing)
        self.formula = formula if isinstance(formula, Formula) else Formula(formula)
        self.recipe: Recipe = recipe
        super().__init__(build_spec(design, get_family(family), priors), self.formula.text)

    def fit(
        self,
        draws: int = 1000,
        chains: int = 4,
        seed: int | None = None,
        *,
        warmup: int | None = None,
        cores: int | None = None,
        target_accept: float | None = None,
        progress: bool = True,
    ) -> Fit:
        """Draw from the posterior with NUTS.

        Parameters
        ----------
        draws, chains
            Draws kept of each chain, and chains.
        seed
            The same seed gives the same draws, whatever the number of cores. None takes a random one, which
            the fit remembers.
        warmup
            Warm-up draws of each chain; None for 400, enough in coordinates chosen by a quick fit.
        cores
            Chains run at once; None for all that this process may use.
        target_accept
            Acceptance rate the step size is tuned for; None chooses. Rarely worth changing: when transitions
            diverge, the chains run again with smaller steps by themselves.
        progress
            Show a progress bar.

        Returns
        -------
        The fit. Ctrl-C ends sampling early: the fit then has what all chains have drawn.

        Raises
        ------
        OptionError
            When a number is impossible.
        FitError
            When sampling cannot start.
        """
        options = _options(draws, chains, seed, warmup, cores, target_accept)
        return Fit(self, _sampled(self.spec, options, "sampling", progress))

    def __repr__(self) -> str:
        cells = self.spec.cells.index.n_cells
        text = f"{self.formula!r}, family={self.family.name!r}"
        return f"Model({text}): {self.design.n_rows:,} rows in {cells:,} cells"


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
        return diagnose(self.draws, self.posterior, self.model.layout)

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


@dataclass(frozen=True, eq=False)
class Pools:
    """The same rows under no, partial and complete pooling.

    Attributes
    ----------
    no_pooling, partial_pooling, complete_pooling
        The three fits.
    group
        The grouping factor that is compared.
    prob
        Probability of every interval.
    """

    no_pooling: Fit
    partial_pooling: Fit
    complete_pooling: Fit
    group: str
    prob: float = DEFAULT_PROB
    _tables: dict[str, tuple[pd.DataFrame, PopulationLine]] = field(default_factory=dict, repr=False)

    def table(self, coefficient: str = "1") -> pd.DataFrame:
        """Return one row a group: n, raw mean, each pooling's estimate on both scales, pooling factor.

        Parameters
        ----------
        coefficient
            Which coefficient of the group-level term: ``"1"`` for the intercept.
        """
        return self._table(coefficient)[0].copy()

    def population(self, coefficient: str = "1") -> PopulationLine:
        """Return what partial pooling says of the population of groups."""
        return self._table(coefficient)[1]

    def _table(self, coefficient: str) -> tuple[pd.DataFrame, PopulationLine]:
        if coefficient not in self._tables:
            fits = (self.no_pooling.fitted, self.partial_pooling.fitted, self.complete_pooling.fitted)
            table = pooling_table(*fits, self.group, coefficient, self.prob)
            line = population_line(fits[1], self.group, coefficient, self.prob)
            self._tables[coefficient] = table, line
        return self._tables[coefficient]

    def explain(self, n: int = 5, coefficient: str = "1") -> Explanation:
        """Return the n most extreme disagreements in words: print it to read it."""
        return explain(*self._table(coefficient), n)

    def plot_forest(self, coefficient: str = "1", scale: str = "link", sort: str | None = None) -> Figure:
        """Draw each group under no pooling."""
        table, line = self._table(coefficient)
        return draw_forest(forest_data(table, ("no_pooling",), scale, sort), line, scale)

    def plot_forests(self, coefficient: str = "1", scale: str = "link", sort: str | None = None) -> Figure:
        """Draw no and partial pooling side by side on shared axes."""
        table, line = self._table(coefficient)
        return draw_forest(forest_data(table, ("no_pooling", "partial_pooling"), scale, sort), line, scale)

    def plot_sd(self, coefficient: str = "1") -> Figure:
        """Draw each group's sd under partial pooling against no pooling, sized by its rows."""
        table, line = self._table(coefficient)
        return draw_sd(sd_data(table), line)

    def plot_predictions(self, coefficient: str = "1", sort: str | None = None) -> Figure:
        """Draw each group's expected outcome under both poolings, with the population's line."""
        table, line = self._table(coefficient)
        return draw_outcomes(outcomes_data(table, sort), line)

    def plot_shrinkage(self, coefficient: str = "1", scale: str = "link") -> Figure:
        """Draw how far each group moved, against its number of rows."""
        table, line = self._table(coefficient)
        return draw_shrinkage(shrinkage_data(table, scale), line, scale)


def compare_pooling(
    formula: str | Formula,
    data: Any,
    family: str | Family = "gaussian",
    priors: Mapping[str, Prior] | None = None,
    *,
    group: str | None = None,
    draws: int = 1000,
    chains: int = 4,
    seed: int | None = None,
    warmup: int | None = None,
    cores: int | None = None,
    target_accept: float | None = None,
    prob: float = DEFAULT_PROB,
    missing: Missing = "error",
    progress: bool = True,
) -> Pools:
    """Fit no, partial and complete pooling of the same model, to put them side by side.

    Parameters
    ----------
    formula, data, family, priors, missing
        As :class:`Model`. The model is partial pooling's. No pooling gives each group its own coefficients,
        with the prior of the population-level coefficient they replace; complete pooling leaves the
        group-level terms out.
    group
        The grouping factor to compare, when the formula has several.
    draws, chains, seed, warmup, cores, target_accept, progress
        As :meth:`Model.fit`.
    prob
        Probability of every interval.

    Raises
    ------
    OptionError, FormulaError
        When there is no such factor, or a group-level coefficient has no population-level one.
    """
    check_prob(prob)
    options = _options(draws, chains, seed, warmup, cores, target_accept)
    model = Model(formula, data, family, priors, missing)
    factor = grouping_factor(model.design, group).name

    def fit(spec: ModelSpec, label: str) -> Fitted:
        return Fitted(spec, _sampled(spec, options, label, progress))

    three = fit_three(model.spec, fit, factor)
    return Pools(
        Fit(ModelView(three.no.model, "no pooling"), three.no.draws),
        Fit(model, three.partial.draws),
        Fit(ModelView(three.complete.model, "complete pooling"), three.complete.draws),
        factor,
        prob,
    )


def versions() -> dict[str, str]:
    """Return the versions of everything that matters to the numbers.

    Examples
    --------
    >>> sorted(versions())[:3]
    ['Python', 'arviz-stats', 'formulae']
    """
    found = {"partialpool": __version__, "Python": platform.python_version()}
    return found | {name: importlib.metadata.version(name) for name in LIBRARIES}


def _options(
    draws: int,
    chains: int,
    seed: int | None,
    warmup: int | None,
    cores: int | None,
    target_accept: float | None,
) -> NutsOptions:
    return NutsOptions(
        draws,
        chains,
        WARMUP if warmup is None else warmup,
        secrets.randbelow(2**31) if seed is None else seed,
        available_cores() if cores is None else cores,
        target_accept,
    )


def _sampled(spec: ModelSpec, options: NutsOptions, label: str, progress: bool) -> Draws:
    with progress_bar(label, progress) as report:
        return sample(spec, options, report)
