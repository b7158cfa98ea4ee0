"""A fit: draws with their model, summarised, checked and labelled."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from partialpool.api.checking import Checking
from partialpool.api.keeping import Keeping
from partialpool.api.predicting import Predicting
from partialpool.api.scoring import Scoring
from partialpool.api.versions import versions
from partialpool.plots.caterpillar import draw_effects, effects_data
from partialpool.plots.plot import Plot
from partialpool.predict.log_likelihood import log_likelihood
from partialpool.report.page import write_fit_page
from partialpool.results.diagnostics import diagnose
from partialpool.results.evidence import log_marginal_likelihood
from partialpool.results.findings import Diagnosis
from partialpool.results.group_effects import group_table
from partialpool.results.summaries import DEFAULT_PROB, summary
from partialpool.results.tree import to_datatree

if TYPE_CHECKING:
    import xarray as xr


class Fit(Predicting, Checking, Scoring, Keeping):
    """Draws from a model's posterior.

    Attributes
    ----------
    model
        What was fitted.
    draws
        The draws as flat vectors, the sampler's statistics, and how they were made.
    """

    def summary(self, prob: float = DEFAULT_PROB, var_names: Iterable[str] | None = None) -> pd.DataFrame:
        """Return mean, sd, HDI, MCSE, ESS and R-hat of every parameter, not rounded.

        Draws of ``method="laplace"`` are independent: their ESS is about their number and their R-hat about
        1. Neither measures the accuracy of the approximation; :meth:`diagnose` does.

        Parameters
        ----------
        prob
            Probability of the highest density interval.
        var_names
            Only these variables.
        """
        known = (lambda _: self._convergence) if var_names is None else None
        return summary(self.posterior, prob, var_names, known)

    def diagnose(self) -> Diagnosis:
        """Return problems of the draws, what was tried, and what to do; printing it gives a text."""
        return diagnose(self.fitted, self.posterior, lambda _: self._convergence)

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

    def group_effects(self, prob: float = DEFAULT_PROB, parameter: str | None = None) -> pd.DataFrame:
        """Return each group's deviations from the population, with intervals."""
        return group_table(self.fitted, parameter, prob=prob)

    def group_coefficients(self, prob: float = DEFAULT_PROB, parameter: str | None = None) -> pd.DataFrame:
        """Return each group's own coefficients, population plus deviation, with intervals."""
        return group_table(self.fitted, parameter, totals=True, prob=prob)

    def plot_effects(
        self,
        parameter: str | None = None,
        group: str | None = None,
        *,
        totals: bool = False,
        prob: float = DEFAULT_PROB,
        sort: str | None = None,
    ) -> Plot:
        """Draw each group's deviations from the population, or its coefficients, with intervals.

        Parameters
        ----------
        parameter
            Another parameter that has a formula, such as ``"sigma"``; None for the mean.
        group
            The grouping factor; may be None when there is only one.
        totals
            False for deviations, True for coefficients (population plus deviation).
        prob
            Probability of the intervals.
        sort
            ``"label"``, ``"mean"`` (of the first coefficient) or ``"n"``; None is the order of labels up to
            100 groups, and of means beyond.

        Returns
        -------
        The figure and its data, a row a coefficient and group: ``factor``, ``group``, ``label``, ``row`` (0
        is the top), ``n``, ``coefficient``, ``mean``, ``sd``, ``lower``, ``upper``, and ``population``, where
        a group without a deviation is.

        Raises
        ------
        OptionError
            When there is nothing to draw, several factors and no `group`, or an option is unknown.
        """
        effects = self.group_effects(prob, parameter)
        sums = self.group_coefficients(prob, parameter) if totals else None
        data = effects_data(effects, sums, group, sort)
        return Plot(
            draw_effects(data, self.model.family.effect_scale(parameter or self.model.family.main), prob),
            data,
        )

    def report(
        self,
        path: str | os.PathLike[str],
        question: str | None = None,
        source: str | None = None,
        prob: float = DEFAULT_PROB,
    ) -> Path:
        """Write everything about the fit as one HTML file, which opens offline and prints well.

        Parameters
        ----------
        path
            The file; an existing one is replaced when the new one is complete.
        question
            The title; made of the formula when None.
        source
            Where the data come from: a bundled data set's name or a table's path, which the page's Python
            then reads, or words.
        prob
            Probability of every interval.

        Returns
        -------
        The path.

        Raises
        ------
        OptionError
            When `prob` is not between 0 and 1.
        FileError
            When the file cannot be written; an earlier file is then unchanged.
        """
        return write_fit_page(self, path, question=question, source=source, prob=prob, versions=versions())

    @property
    def log_marginal_likelihood(self) -> float:
        """Natural log of the probability of the data under the model, all parameters integrated out.

        A fit with ``method="laplace"`` computes it; its Monte Carlo standard error is
        ``draws.approximation.log_marginal_likelihood_se``. It is an average over the *prior*: a prior that is
        ten times as wide lowers it by up to 2.3 for each parameter, although the posterior hardly changes.
        Use it only to compare models of the same rows with informative priors. :meth:`loo` and
        :meth:`kfold` measure predictive accuracy.

        Raises
        ------
        FitError
            When the draws are of another method, or a prior is improper (Flat).
        """
        return log_marginal_likelihood(self.fitted)

    def __repr__(self) -> str:
        state = ", interrupted" if self.draws.interrupted else ""
        return f"Fit of {self.model!r}: {self._counted} in {self.draws.seconds:.2f} s{state}"

    @property
    def _counted(self) -> str:
        chains, draws, _ = self.draws.values.shape
        if self.draws.method == "laplace":
            return f"{chains * draws} draws by nested Laplace"
        return f"{chains} chain{'s' * (chains != 1)} x {draws} draws"
