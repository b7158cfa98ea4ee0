"""Methods of a fit for predictive checks and residuals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

import pandas as pd

from partialpool.api.fit_view import FitView
from partialpool.checking.check import check
from partialpool.checking.factors import Labels
from partialpool.checking.replicated import DRAWS
from partialpool.checking.report import Check
from partialpool.checking.residuals import quantile_residuals
from partialpool.checking.statistics import Function
from partialpool.errors import OptionError, unknown_name
from partialpool.inference.options import chosen_seed
from partialpool.plots.check_distribution import check_distribution_data, draw_check_distribution
from partialpool.plots.check_groups import check_groups_data, draw_check_groups
from partialpool.plots.check_statistics import check_statistics_data, draw_check_statistics
from partialpool.plots.plot import Plot
from partialpool.plots.residual_plot import (
    draw_residual_groups,
    draw_residuals,
    residual_groups_data,
    residuals_data,
)
from partialpool.predict.log_likelihood import outcome_of
from partialpool.results.summaries import DEFAULT_PROB, check_prob

Shown = Literal["statistics", "groups", "distribution"]


class Checking(FitView):
    """Predictive checks and residuals of a fit."""

    def check(
        self,
        group: str | Labels | None = None,
        statistics: Mapping[str, Function] | None = None,
        seed: int | None = None,
        *,
        prob: float = DEFAULT_PROB,
        draws: int = DRAWS,
    ) -> Check:
        """Compare the observed outcomes with outcomes of the same rows replicated from the draws.

        A posterior predictive check, or a prior one for draws from the prior: proportions of zeros, largest
        values, sds between groups and others, each observed and replicated, with advice about misfits.

        Parameters
        ----------
        group
            Check this factor's groups only; a column of labels checks groups that are not in the model.
        statistics
            More figures, by name: functions from the array of outcomes to one number.
        seed
            The same seed gives the same check; None takes a random seed, which the check stores.
        prob
            Probability of the intervals.
        draws
            Replicated data sets at most.

        Returns
        -------
        Print it to read it; ``.statistics`` and ``.groups()`` are tables.

        Raises
        ------
        DataError
            When the fit was saved without its rows, or weights are not whole numbers.
        OptionError
            When an argument cannot be used.

        Examples
        --------
        >>> import partialpool as pp
        >>> women = pp.load_dataset("bangladesh")
        >>> fit = pp.Model("`use.contraception` ~ 1", women, family="bernoulli").fit(seed=19, progress=False)
        >>> found = fit.check(group=women["district"], seed=1)
        >>> print(found.statistics[["statistic", "verdict"]].to_string(index=False))
                         statistic            verdict
                              mean               fits
         sd between district means observed is higher
             largest district mean               fits
            smallest district mean               fits
        """
        return check(self.fitted, chosen_seed(seed), group, statistics, prob, draws)

    def residuals(self, seed: int | None = None, *, draws: int = DRAWS) -> pd.DataFrame:
        """Return randomised quantile residuals, which are standard normal if the model is right.

        The same rows were used for the fit, so residuals are slightly too small. ArviZ's ``loo_pit`` avoids
        this at a higher cost.

        Parameters
        ----------
        seed
            Of the randomisation of discrete outcomes.
        draws
            Posterior draws to average over, at most.

        Returns
        -------
        A row a row: each factor's label, ``observed``, ``expected``, ``pit`` (uniform) and ``residual``.

        Raises
        ------
        DataError
            When the fit was saved without its rows.
        """
        return quantile_residuals(self.fitted, chosen_seed(seed), draws)

    def plot_check(
        self,
        show: Shown = "statistics",
        check: Check | None = None,
        *,
        factor: str | None = None,
        sort: str | None = None,
        seed: int | None = None,
    ) -> Plot:
        """Draw a predictive check: its statistics, its groups, or the distribution of outcomes.

        Parameters
        ----------
        show
            Which figure.
        check
            A check that has been made; None makes one.
        factor
            Which groups, when several factors are checked.
        sort
            Order of groups: ``"label"``, ``"estimate"``, ``"n"`` or ``"p"``; None chooses.
        seed
            Of a check that is made.

        Raises
        ------
        OptionError
            When there is no such figure, factor or order.
        """
        if show not in get_args(Shown):
            raise unknown_name(OptionError, "figure of a check called", show, get_args(Shown))
        found = self.check(seed=seed) if check is None else check
        if show == "groups":
            data = check_groups_data(found, factor, sort)
            return Plot(draw_check_groups(data, found, factor), data)
        if show == "distribution":
            data = check_distribution_data(found)
            return Plot(draw_check_distribution(data, found), data)
        data = check_statistics_data(found)
        return Plot(draw_check_statistics(data, found), data)

    def plot_residuals(
        self,
        group: str | None = None,
        *,
        sort: str | None = None,
        seed: int | None = None,
        prob: float = DEFAULT_PROB,
    ) -> Plot:
        """Draw quantile residuals against the normal distribution and what was expected, or by group.

        Parameters
        ----------
        group
            A grouping factor, for the mean residual of each of its groups.
        sort
            Order of groups: ``"label"``, ``"estimate"`` or ``"n"``; None chooses.
        seed
            Of the randomisation of discrete outcomes.
        prob
            Probability of the intervals.
        """
        check_prob(prob)
        residuals = self.residuals(seed)
        if group is not None:
            data = residual_groups_data(residuals, group, prob, sort)
            return Plot(draw_residual_groups(data, group, prob), data)
        data, spec = residuals_data(residuals, prob), self.model.spec
        return Plot(draw_residuals(data, outcome_of(spec).name, spec.family.mean_word, prob), data)
