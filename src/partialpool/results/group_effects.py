"""Tidy tables of group effects (deviations) and of group coefficients (population plus deviation)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from partialpool.errors import OptionError, unknown_name
from partialpool.formula.group_records import Grouping
from partialpool.formula.records import Design, Predictor
from partialpool.model.parameters import PredictorParameters
from partialpool.results.fitted import Fitted
from partialpool.results.sizes import group_sizes
from partialpool.results.summaries import DEFAULT_PROB, hdi, interval_names

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_BLOCK_VALUES = 2**20


def group_table(
    fitted: Fitted,
    parameter: str | None = None,
    *,
    totals: bool = False,
    prob: float = DEFAULT_PROB,
) -> pd.DataFrame:
    """Lay the deviations of groups from the population, or the groups' own coefficients, out as a tidy table.

    The population's ``Intercept`` goes to a group's ``1``, any other coefficient to the one of the same name.
    Where the population has no such coefficient the total is the deviation alone. With several factors,
    nested ones too, each factor's total leaves out what the other factors add, as lme4's ``coef`` does.

    Parameters
    ----------
    parameter
        Another parameter that has a formula, such as ``"sigma"``; None for the mean.
    totals
        False for deviations, True for coefficients (population plus deviation).
    prob
        Probability of the highest density interval.

    Returns
    -------
    A row for each group and coefficient: ``factor``, ``group`` (the user's label), ``coefficient``, ``n``
    (rows of the group, counting frequency weights; missing in a fit that was saved without its rows),
    ``mean``, ``sd`` and the two ends of the interval, whose names follow `prob` (``hdi_5.5%`` and
    ``hdi_94.5%`` for 0.89).

    Raises
    ------
    OptionError
        When the parameter has no formula, or `prob` is not between 0 and 1.
    """
    columns = ("factor", "group", "coefficient", "n", "mean", "sd", *interval_names(prob))
    model, values = fitted.model, fitted.values
    design, predictor = model.design, _predictor(model.design, parameter)
    part = model.parameters.by_name[predictor.parameter]
    tables = [pd.DataFrame(columns=columns)] if not predictor.groups else []
    for term in predictor.groups:
        grouping = term.grouping
        n_rows = _sizes(design.groupings[grouping.name], design)
        for name, places in zip(term.names, model.parameters.places(part.parameter, term), strict=True):
            share = population_share(values, part, name) if totals else np.zeros(1)
            figures = effect_figures(values, places, share, prob)
            content = (grouping.name, grouping.labels, name, n_rows, *figures)
            tables.append(pd.DataFrame(dict(zip(columns, content, strict=True))))
    return pd.concat(tables, ignore_index=True)


def _predictor(design: Design, parameter: str | None) -> Predictor:
    if parameter is None:
        return design.main
    if parameter not in design.predictors:
        raise unknown_name(OptionError, "parameter with a formula called", parameter, design.predictors)
    return design.predictors[parameter]


def _sizes(grouping: Grouping, design: Design) -> pd.Series:
    """Count the observations of each group; unknown in a fit that was saved without its rows."""
    n_groups = len(grouping.labels)
    if not design.n_rows:
        return pd.Series(pd.NA, range(n_groups), "Int64")
    assert design.outcome is not None, "fits have an outcome"
    return pd.Series(group_sizes(design.outcome, grouping))


def effect_figures(values: Floats, places: Integers, added: Floats, prob: float) -> Floats:
    """Compute mean, sd and interval of J effects plus an (S,) share, a few at a time: (4, J).

    Parameters
    ----------
    values
        (S, n_values) draws.
    places
        (J,) positions of the effects in a draw.
    """
    figures = np.empty((4, len(places)))
    step = max(1, _BLOCK_VALUES // len(values))
    for start in range(0, len(places), step):
        block = slice(start, start + step)
        effects = values[:, places[block]].T + added
        figures[0, block], figures[1, block] = effects.mean(axis=1), effects.std(axis=1)
        figures[2:, block] = hdi(effects, prob).T
    return figures


def population_share(values: Floats, part: PredictorParameters, effect: str) -> Floats:
    """Draws of the population-level coefficient that a group-level one varies about: (S,), or (1,) zero."""
    found = part.about(effect)
    return np.zeros(1) if found is None else values[:, found.value]
