"""Group effects (deviations), group coefficients (population plus deviation), and both as tidy tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from partialpool.errors import OptionError, unknown_name
from partialpool.formula.group_records import Grouping
from partialpool.formula.records import Design, GroupTerm, Predictor
from partialpool.inference.draws import Draws
from partialpool.model.layout import Layout
from partialpool.model.names import SAMPLES
from partialpool.results.positions import Positions, effect_names, effect_positions, population_positions
from partialpool.results.sizes import group_sizes
from partialpool.results.summaries import DEFAULT_PROB, hdi, interval_names

if TYPE_CHECKING:
    import xarray as xr

Floats = NDArray[np.float64]

_BLOCK_VALUES = 2**20


def group_effects(draws: Draws, layout: Layout, design: Design, parameter: str | None = None) -> xr.Dataset:
    """Collect the deviations of groups from the population, of every group-level term of one predictor.

    Parameters
    ----------
    draws, layout
        The posterior and the names of its values.
    design
        The formula's terms.
    parameter
        Another parameter that has a formula, such as ``"sigma"``; None for the mean.

    Returns
    -------
    Variables such as ``"1|district"`` with dimensions ``chain``, ``draw``, the labels of a categorical term
    (``cat__expr_dim``) where it has them, and ``district__factor_dim``, on the scale of the link.

    Raises
    ------
    OptionError
        When the parameter has no formula.
    """
    predictor = _predictor(design, parameter)
    nothing: dict[str, Floats | float] = {
        name: 0.0 for group in predictor.groups for name in effect_names(predictor, group)
    }
    return _dataset(draws, layout, nothing)


def group_coefficients(
    draws: Draws, layout: Layout, design: Design, parameter: str | None = None
) -> xr.Dataset:
    """Add the population's coefficient to each group's deviation from it.

    The population's ``Intercept`` goes to a group's ``1``, any other coefficient to the one of the same name.
    Where the population has no such coefficient the total is the deviation alone. With several factors,
    nested ones too, each factor's total leaves out what the other factors add, as lme4's ``coef`` does.

    Parameters and errors are those of `group_effects`, and so are the names and dimensions returned.
    """
    predictor = _predictor(design, parameter)
    totals: dict[str, Floats | float] = {}
    for group in predictor.groups:
        shares = _population_share(draws, layout, predictor, group)
        for term, name in zip(group.terms, effect_names(predictor, group), strict=True):
            share = shares[..., term.columns]
            totals[name] = share if term.levels is None else share[..., np.newaxis]
    return _dataset(draws, layout, totals)


def group_table(
    draws: Draws,
    layout: Layout,
    design: Design,
    parameter: str | None = None,
    *,
    totals: bool = False,
    prob: float = DEFAULT_PROB,
) -> pd.DataFrame:
    """Lay the group effects, or the totals, out as a tidy table.

    Parameters
    ----------
    draws, layout, design, parameter
        As in `group_effects`.
    totals
        False for effects, True for coefficients (population plus effect).
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
    predictor = _predictor(design, parameter)
    values = draws.values.reshape(-1, layout.n_values)
    tables = [pd.DataFrame(columns=columns)] if not predictor.groups else []
    for group in predictor.groups:
        grouping = group.grouping
        n_rows = _sizes(design.groupings[grouping.name], design)
        shares = _population_share(draws, layout, predictor, group).reshape(len(values), -1)
        for k, positions in enumerate(effect_positions(predictor, group, layout)):
            figures = _figures(values, positions, shares[:, k] if totals else np.zeros(1), prob)
            content = (grouping.name, grouping.labels, group.names[k], n_rows, *figures)
            tables.append(pd.DataFrame(dict(zip(columns, content, strict=True))))
    return pd.concat(tables, ignore_index=True)


def _sizes(grouping: Grouping, design: Design) -> pd.Series:
    """Count the observations of each group; unknown in a fit that was saved without its rows."""
    n_groups = len(grouping.labels)
    if not design.n_rows:
        return pd.Series(pd.NA, range(n_groups), "Int64")
    assert design.outcome is not None, "fits have an outcome"
    return pd.Series(group_sizes(design.outcome, grouping))


def _figures(values: Floats, positions: Positions, added: Floats, prob: float) -> Floats:
    """Compute mean, sd and interval of J effects plus an (S,) share, a few at a time: (4, J)."""
    figures = np.empty((4, len(positions)))
    step = max(1, _BLOCK_VALUES // len(values))
    for start in range(0, len(positions), step):
        block = slice(start, start + step)
        effects = values[:, positions[block]].T + added
        figures[0, block], figures[1, block] = effects.mean(axis=1), effects.std(axis=1)
        figures[2:, block] = hdi(effects, prob).T
    return figures


def _population_share(draws: Draws, layout: Layout, predictor: Predictor, group: GroupTerm) -> Floats:
    """Take the population-level coefficients of a term's, (chains, draws, d); zero where there is none."""
    names = predictor.population.names
    positions = population_positions(predictor, layout)
    share = np.zeros((*draws.values.shape[:2], len(group.names)))
    for k, name in enumerate(group.names):
        wanted = "Intercept" if name == "1" else name
        if wanted in names:
            share[..., k] = draws.values[..., positions[names.index(wanted)]]
    return share


def _dataset(draws: Draws, layout: Layout, added: Mapping[str, Floats | float]) -> xr.Dataset:
    """Label the named effects after adding something that is the same for all groups."""
    import xarray as xr

    variables = [layout[name] for name in added]
    data = {v.name: ((*SAMPLES, *v.dims), v.take(draws.values) + added[v.name]) for v in variables}
    coords = {dim: labels for v in variables for dim, labels in v.coords.items()}
    n_chains, n_draws, _ = draws.values.shape
    return xr.Dataset(data, coords | {"chain": np.arange(n_chains), "draw": np.arange(n_draws)})


def _predictor(design: Design, parameter: str | None) -> Predictor:
    if parameter is None:
        return design.main
    if parameter not in design.predictors:
        raise unknown_name(OptionError, "parameter with a formula called", parameter, design.predictors)
    return design.predictors[parameter]
