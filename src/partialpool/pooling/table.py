"""The pooling table: one row for each group, with its estimates by pooling and its pooling factor."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from partialpool.errors import OptionError, build
from partialpool.families.support import row_weights
from partialpool.formula.group_records import Grouping
from partialpool.formula.records import Outcome
from partialpool.model.poolings import grouping_factor
from partialpool.pooling.group_outcomes import group_outcomes, known_outcome
from partialpool.pooling.population import (
    coefficient_draws,
    coefficients_of,
    estimate,
    group_sd_draws,
    raw_means,
    varying,
)
from partialpool.results.fitted import Fitted
from partialpool.results.group_effects import effect_figures, population_share
from partialpool.results.sizes import group_sizes, whole
from partialpool.results.summaries import DEFAULT_PROB, check_prob, hdi

Floats = NDArray[np.float64]

POOLINGS = ("no_pooling", "partial_pooling", "complete_pooling")
FIGURES = ("mean", "sd", "lower", "upper")


def pooling_table(
    no: Fitted,
    partial: Fitted,
    complete: Fitted,
    group: str | None = None,
    coefficient: str = "1",
    prob: float = DEFAULT_PROB,
) -> pd.DataFrame:
    """Tabulate the estimates of each group under the three poolings.

    Parameters
    ----------
    no, partial, complete
        The same rows fitted with each pooling.
    group
        The grouping factor; may be None when there is only one.
    coefficient
        The coefficient of its group-level terms: ``"1"`` (the intercept), ``"x"``, ``"cat[b]"``.
    prob
        Probability of the highest density intervals.

    Returns
    -------
    A row a group, in the order of the labels: ``group``, ``position``, ``n`` (rows, counting frequency
    weights), ``trials`` (where the outcome has them), ``raw`` (the outcome's mean over the group's own
    rows; per unit of exposure where a log link has an offset); for each pooling ``no_pooling_mean``,
    ``_sd``, ``_lower``, ``_upper`` of the group's coefficient (population plus deviation, on the link's
    scale) and ``no_pooling_mean_outcome``, ``_sd_outcome``, ``_lower_outcome``, ``_upper_outcome`` of the
    expected outcome averaged over the group's own rows in the same way; and ``pooling_factor`` (see
    `pooling_factors`).

    Raises
    ------
    OptionError
        The factor or the coefficient is unknown, `prob` is not between 0 and 1, or the fits have
        different numbers of rows.
    """
    check_prob(prob)
    design = partial.model.design
    grouping = grouping_factor(design, group)
    varying(partial.model, grouping.name, coefficient)
    _check_rows(no, partial, complete)
    index, n_groups = grouping.index, len(grouping.labels)
    outcome = known_outcome(design)
    columns: dict[str, Any] = {"group": grouping.labels, "position": np.arange(n_groups)}
    columns |= _sizes(outcome, grouping)
    columns["raw"] = raw_means(partial, index, n_groups)
    for name, fitted in zip(POOLINGS, (no, partial, complete), strict=True):
        on_link = _on_link(fitted, grouping.name, coefficient, n_groups, prob)
        on_outcome = _on_outcome(fitted, index, n_groups, prob)
        columns |= {f"{name}_{figure}": on_link[figure] for figure in FIGURES}
        columns |= {f"{name}_{figure}_outcome": on_outcome[figure] for figure in FIGURES}
    table = pd.DataFrame(columns)
    table["pooling_factor"] = pooling_factors(
        partial, table["partial_pooling_sd"].to_numpy(), grouping.name, coefficient
    )
    return table


def pooling_factors(partial: Fitted, sd: Floats, group: str, coefficient: str) -> Floats:
    """Compute each group's pooling factor, from 0 (no pooling) to 1 (complete pooling).

    The share of the uncertainty about a group never seen that is still there once the group's own
    rows are known:

        Var(alpha_j | y) / (E(sigma^2 | y) + Var(mu | y)),

    where alpha_j = mu + b_j is the group's coefficient. In the normal model with known mu, sigma and
    residual sd s this is (s^2 / n_j) / (sigma^2 + s^2 / n_j): the weight that the estimate gives to
    the population in place of the group's own mean, Gelman and Hill (2007), "Data Analysis Using
    Regression and Multilevel/Hierarchical Models", section 21.6, after Gelman and Pardoe (2006),
    "Bayesian measures of explained variance and pooling", Technometrics 48(2). A ratio of
    variances, unlike the ratio of the distances moved, is defined for a group on the population's
    line, does not depend on the prior of no pooling, and falls as a group's rows grow. Where the covariance A
    between groups is known, E(sigma^2 | y) is multiplied by A_jj; what relatives' rows say of a group then
    counts as its own rows do.

    Parameters
    ----------
    partial
        The fit with partial pooling.
    sd
        (J,) posterior sds of the groups' coefficients in that fit.
    group, coefficient
        The grouping factor and its coefficient.

    Returns
    -------
    (J,) in [0, 1]; NaN when the model fixes the groups' sd instead of estimating it.
    """
    own = varying(partial.model, group, coefficient)
    sigma, between = group_sd_draws(partial, own), own.effects.between
    if sigma is None:
        return np.full(len(sd), np.nan)
    variances = 1.0 if between is None else np.diag(between)
    unseen = variances * np.mean(sigma**2) + np.var(coefficient_draws(partial, coefficient))
    return np.clip(sd**2 / unseen, 0.0, 1.0)


def _check_rows(*fits: Fitted) -> None:
    counts = [fitted.model.design.n_rows for fitted in fits]
    if len(set(counts)) > 1:
        raise build(
            OptionError,
            f"The fits have {', '.join(map(str, counts))} rows; poolings are compared on the same rows.",
            hint="fit all three to the same table",
        )


def _sizes(outcome: Outcome, grouping: Grouping) -> dict[str, NDArray[Any]]:
    """Count each group's rows, and its trials where the outcome has them."""
    sizes = {"n": group_sizes(outcome, grouping)}
    if outcome.trials is not None:
        trials = row_weights(outcome) * outcome.trials
        sizes["trials"] = whole(np.bincount(grouping.index, trials, len(grouping.labels)))
    return sizes


def _on_link(fitted: Fitted, group: str, coefficient: str, n_groups: int, prob: float) -> pd.DataFrame:
    """Summarise each group's coefficient; without terms of the factor it is the population's for all."""
    own = coefficients_of(fitted.model, group).get(coefficient)
    if own is None:
        return pd.DataFrame([estimate(coefficient_draws(fitted, coefficient), prob)] * n_groups)
    share = population_share(fitted.values, fitted.model.parameters.predictors[0], coefficient)
    figures = effect_figures(fitted.values, own.places, share, prob)
    return pd.DataFrame(figures.T, columns=list(FIGURES))


def _on_outcome(fitted: Fitted, index: NDArray[np.int64], n_groups: int, prob: float) -> pd.DataFrame:
    """Summarise each group's expected outcome, a block of groups at a time."""
    blocks = []
    for _, draws in group_outcomes(fitted, index, n_groups):
        ends = hdi(draws.T, prob)
        blocks.append(np.column_stack([draws.mean(axis=0), draws.std(axis=0), ends]))
    return pd.DataFrame(np.concatenate(blocks), columns=list(FIGURES))
