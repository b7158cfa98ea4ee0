"""Methods of a fit for predictions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from partialpool.api.fit_view import FitView
from partialpool.data.checks import Missing
from partialpool.predict.asked import Groups
from partialpool.predict.predictions import predict
from partialpool.results.summaries import DEFAULT_PROB

if TYPE_CHECKING:
    import xarray as xr


class Predicting(FitView):
    """Predictions of a fit."""

    def predict(
        self,
        data: Any = None,
        kind: str = "mean",
        *,
        groups: Groups = "all",
        new_groups: str = "population",
        summary: bool = False,
        prob: float = DEFAULT_PROB,
        seed: int | None = None,
        missing: Missing = "error",
    ) -> xr.DataTree | pd.DataFrame:
        """Predict with every posterior draw, for the fitted rows or for new ones.

        Parameters
        ----------
        data
            The rows: anything that `Model` takes as a table. It needs no outcome, and of the other columns
            only those that are used. None takes the fitted rows, numbered from 0.
        kind
            ``"mean"``: the expected outcome, with trials the probability of one trial (as Bambi has it; brms'
            ``posterior_epred`` multiplies by the trials). ``"linear"``: the linear predictor of the mean,
            offset included. ``"outcome"``: outcomes drawn from their distribution; with trials numbers of
            successes, for which the table needs its trials.
        groups
            Which group effects are included, in the predictors of all parameters. ``"all"``; None for none
            (the typical group); a list of grouping factors, without the others; or ``"average"``: the mean
            over the population of groups, for which no group is read from the table. With a nonlinear link
            the average and the typical group differ. With ``kind="outcome"`` each row of an average gets a
            new group; with ``kind="linear"`` the average equals None. (A fit without pooling estimates no
            population: None and ``"average"`` are then computed from its priors.)
        new_groups
            Effects of groups that were not in the data. ``"population"``: in every posterior draw, effects
            drawn from the fitted population of groups (from the prior, where that is fixed), with its
            correlations; rows of a group share them, and different new groups have different effects. In
            ``(1 | a/b)`` a new b of a known a keeps the effect of that a. ``"existing"``: in every draw, the
            effects of one observed group, the same group for all terms; for a new b of a known a, one of the
            groups of that a, and likewise for any factor whose fitted groups are nested in those of another
            included factor. ``"zero"``: effects of zero, without the uncertainty about them. ``"error"``:
            raise an error.
        summary
            False for all draws (8 bytes for each draw and row); True for a table, computed in blocks.
        prob
            Probability of the highest density intervals of the summary.
        seed
            Of outcomes and new groups. A new group has the same effects in every call with this seed,
            whatever other rows there are. None takes a random seed.
        missing
            ``"error"``, or ``"drop"`` to leave out rows that lack a value; the labels of the rows that are
            returned say which are there.

        Returns
        -------
        With `summary`, a row for each row of the table and with its index: ``mean``, ``sd`` and the ends of
        the interval, such as ``hdi_5.5%``. Otherwise a tree for ArviZ: ``predictions``, a variable called
        ``"mean"``, ``"linear"`` or after the outcome with dimensions ``chain``, ``draw`` and ``__obs__`` (the
        table's own row labels), and ``predictions_constant_data`` with the group of each row. Outcomes of
        the fitted rows are called ``posterior_predictive``, with draws from the prior ``prior_predictive``,
        and come with ``observed_data`` and ``constant_data``.

        Raises
        ------
        OptionError
            When an option has a value that is not allowed, or effects whose fixed prior is not a normal
            around zero are to be averaged.
        DataError
            When the table lacks a column or a value, has a level that a population-level term does not know,
            or a new group where none may be; when there is no table and the fit was saved without its rows.

        Examples
        --------
        >>> import partialpool as pp
        >>> women = pp.load_dataset("bangladesh")
        >>> model = pp.Model("`use.contraception` ~ urban + (1 | district)", women, family="bernoulli")
        >>> fit = model.fit(seed=19, progress=False)
        >>> new = {"urban": [0, 0], "district": [1, 54]}  # district 54 is not in the survey
        >>> print(fit.predict(new, summary=True, seed=1)[["mean", "sd"]].round(1))
           mean   sd
        0   0.2  0.0
        1   0.3  0.1
        """
        return predict(
            self.fitted,
            self.model.recipe,
            data,
            kind,
            groups=groups,
            new_groups=new_groups,
            summary=summary,
            prob=prob,
            seed=seed,
            missing=missing,
        )
