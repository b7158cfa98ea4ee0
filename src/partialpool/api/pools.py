"""Three poolings of the same rows, side by side."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from partialpool.api.fit import Fit
from partialpool.api.fittable import Fittable
from partialpool.api.model import Model
from partialpool.api.sampling import chosen_options, draw
from partialpool.api.versions import versions
from partialpool.data.checks import Missing
from partialpool.families.base import Family
from partialpool.formula.formula import Formula
from partialpool.inference.options import Method
from partialpool.model.poolings import complete_pooling, grouping_factor, no_pooling, require_one_expectation
from partialpool.model.variation import require_variation
from partialpool.plots.expected_outcomes import draw_outcomes, outcomes_data
from partialpool.plots.forest import draw_forest, forest_data
from partialpool.plots.plot import Plot, with_population
from partialpool.plots.sd import draw_sd, sd_data
from partialpool.plots.shrinkage import draw_shrinkage, shrinkage_data
from partialpool.pooling.explain import Explanation, explain
from partialpool.pooling.population import PopulationLine, population_line
from partialpool.pooling.table import pooling_table
from partialpool.priors.base import Prior
from partialpool.report.page import write_pools_page
from partialpool.results.summaries import DEFAULT_PROB, check_prob


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

    def __repr__(self) -> str:
        return f"Pools by {self.group!r} of {self.partial_pooling!r}"

    def table(self, coefficient: str = "1") -> pd.DataFrame:
        """Return one row a group: n, raw mean, each pooling's estimate on both scales, pooling factor.

        Parameters
        ----------
        coefficient
            Which coefficient of the group-level term: ``"1"`` for the intercept.
        """
        return self._table(coefficient)[0].copy()

    def population(self, coefficient: str = "1") -> PopulationLine:
        """Return the estimates of the population of groups."""
        return self._table(coefficient)[1]

    def _table(self, coefficient: str) -> tuple[pd.DataFrame, PopulationLine]:
        if coefficient not in self._tables:
            fits = (self.no_pooling.fitted, self.partial_pooling.fitted, self.complete_pooling.fitted)
            table = pooling_table(*fits, self.group, coefficient, self.prob)
            line = population_line(fits[1], self.group, coefficient, self.prob)
            self._tables[coefficient] = table, line
        return self._tables[coefficient]

    def explain(self, n: int = 5, coefficient: str = "1") -> Explanation:
        """Return the n largest differences in words; printing it gives a text."""
        return explain(*self._table(coefficient), n)

    def plot_forest(self, coefficient: str = "1", scale: str = "link", sort: str | None = None) -> Plot:
        """Draw each group under no pooling, with the population's line.

        Parameters
        ----------
        coefficient
            Which coefficient of the group-level term: ``"1"`` for the intercept.
        scale
            ``"link"`` for coefficients, ``"outcome"`` for expected outcomes.
        sort
            ``"label"``, ``"estimate"`` or ``"n"``; None is the order of labels up to 100 groups, and of
            partial pooling's estimates beyond.

        Returns
        -------
        The figure and its data, a row a group from the top: ``group``, ``label`` (what the figure calls
        it), ``row`` (0 is the top), ``n``, ``raw``, ``pooling``, ``mean``, ``lower``, ``upper``, and the
        line's ``population_mean``, ``population_lower`` and ``population_upper``.
        """
        return self._forest(("no_pooling",), coefficient, scale, sort)

    def plot_forests(self, coefficient: str = "1", scale: str = "link", sort: str | None = None) -> Plot:
        """Draw no and partial pooling side by side on shared axes.

        Parameters and data are those of `plot_forest`, with a row for each pooling and group.
        """
        return self._forest(("no_pooling", "partial_pooling"), coefficient, scale, sort)

    def _forest(self, poolings: tuple[str, ...], coefficient: str, scale: str, sort: str | None) -> Plot:
        table, line = self._table(coefficient)
        data = forest_data(table, poolings, scale, sort)
        return Plot(draw_forest(data, line, scale), with_population(data, line, scale))

    def plot_sd(self, coefficient: str = "1") -> Plot:
        """Draw each group's sd under partial pooling against no pooling, sized by its rows.

        Returns
        -------
        The figure and its data, a row a group, the one whose sd falls most first: ``group``, ``label``,
        ``n``, ``no_pooling_sd`` and ``partial_pooling_sd``, on the link's scale.
        """
        table, line = self._table(coefficient)
        data = sd_data(table)
        return Plot(draw_sd(data, line), data)

    def plot_predictions(self, coefficient: str = "1", sort: str | None = None) -> Plot:
        """Draw each group's expected outcome under both poolings, with the population's line.

        Parameters and data are those of `plot_forests` on the outcome's scale; ``population_raw`` is the
        mean of all rows, which is drawn as well.
        """
        table, line = self._table(coefficient)
        data = outcomes_data(table, sort)
        return Plot(draw_outcomes(data, line), with_population(data, line, "outcome", raw=True))

    def plot_shrinkage(self, coefficient: str = "1", scale: str = "link") -> Plot:
        """Draw the change of each group's estimate against its number of rows.

        Parameters
        ----------
        coefficient
            Which coefficient of the group-level term: ``"1"`` for the intercept.
        scale
            ``"link"`` for coefficients, ``"outcome"`` for expected outcomes.

        Returns
        -------
        The figure and its data, a row a group, the one that moves most first: ``group``, ``label``, ``n``,
        ``no_pooling``, ``partial_pooling``, and the line's ``population_mean``, ``population_lower`` and
        ``population_upper``.
        """
        table, line = self._table(coefficient)
        data = shrinkage_data(table, scale)
        return Plot(draw_shrinkage(data, line, scale), with_population(data, line, scale))

    def report(
        self, path: str | os.PathLike[str], question: str | None = None, source: str | None = None
    ) -> Path:
        """Write the comparison as one HTML file, which opens offline and prints well.

        Parameters
        ----------
        path
            The file; an existing one is replaced when the new one is complete.
        question
            The title; made of the formula when None.
        source
            Where the data come from: a bundled data set's name or a table's path, which the page's Python
            then reads, or words.

        Returns
        -------
        The path.

        Raises
        ------
        FileError
            When the file cannot be written; an earlier file is then unchanged.
        """
        return write_pools_page(self, path, question=question, source=source, versions=versions())


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
    method: Method = "nuts",
    warmup: int | None = None,
    cores: int | None = None,
    target_accept: float | None = None,
    prob: float = DEFAULT_PROB,
    missing: Missing = "error",
    covariances: Mapping[str, Any] | None = None,
    progress: bool = True,
) -> Pools:
    """Fit no, partial and complete pooling of the same model, and compare them.

    Parameters
    ----------
    formula, data, family, priors, missing, covariances
        As :class:`Model`. The model is partial pooling's. No pooling gives each group its own coefficients,
        with the prior of the population-level coefficient they replace; complete pooling leaves the
        group-level terms out.
    group
        The grouping factor to compare, when the formula has several.
    draws, chains, seed, method, warmup, cores, target_accept, progress
        As :meth:`Model.fit`, for all three.
    prob
        Probability of every interval.

    Raises
    ------
    OptionError, FormulaError
        When there is no such factor or method, or a group-level coefficient has no population-level one.
    FamilyError
        As :meth:`Model.fit`; when outcomes are categories, of which there is no one expected value.
    """
    check_prob(prob)
    model = Model(formula, data, family, priors, missing, covariances)
    require_one_expectation(model.family)
    factor = grouping_factor(model.design, group).name
    require_variation(model.spec)
    no = Fittable(no_pooling(model.spec, factor), "no pooling", model.formula, model.recipe)
    complete = Fittable(complete_pooling(model.spec, factor), "complete pooling", model.formula, model.recipe)
    options = chosen_options(method, draws, chains, seed, warmup, cores, target_accept)

    def fit(pooled: Fittable, name: str) -> Fit:
        return Fit(pooled, draw(pooled.spec, options, name, progress))

    fits = fit(no, no.name), fit(model, "partial pooling"), fit(complete, complete.name)
    return Pools(*fits, factor, prob)
