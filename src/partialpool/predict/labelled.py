"""Predictions as a labelled tree in ArviZ's schema."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from partialpool.formula.group_records import Grouping
from partialpool.formula.outcome import OutcomeRecipe
from partialpool.model.names import ROWS, SAMPLES
from partialpool.predict.asked import Asked
from partialpool.predict.sources import Source
from partialpool.results.file_names import file_name
from partialpool.results.fitted import Fitted
from partialpool.results.tree import member_dims

if TYPE_CHECKING:
    import xarray as xr

Floats = NDArray[np.float64]


def labelled(
    fitted: Fitted,
    asked: Asked,
    source: Source,
    values: Floats,
    axis: Sequence[str],
    outcome: OutcomeRecipe,
    are_fitted: bool,
) -> xr.DataTree:
    """Label the draws of every row.

    Parameters
    ----------
    source
        The rows; their labels become coordinates.
    values
        (S, n), or (S, n, C).
    axis
        (C,) categories; empty where there are none.
    outcome
        Its name, and the labels of 0 and 1 where it has any.
    are_fitted
        True when the rows are the fitted ones.

    Returns
    -------
    Outcomes of the fitted rows are a tree with ``posterior_predictive`` (of draws from the prior
    ``prior_predictive``), ``observed_data`` and ``constant_data``; everything else has ``predictions`` and
    ``predictions_constant_data``. The variable is called after the outcome, ``"mean"`` or ``"linear"``;
    constant data are the labels of the rows' groups, by factor, and the numbers of trials where outcomes were
    drawn. Categories are along a dimension called after the outcome, ``"y_dim"`` (of linear predictors, which
    the first one lacks, ``"y_reduced_dim"``). A slash in a name becomes a division slash, as
    `results.tree.to_datatree` has it.
    """
    import xarray as xr

    n_chains, n_draws, _ = fitted.draws.values.shape
    coords = {ROWS: _row_labels(source.labels)}
    constants = _constants(asked, source)
    members = member_dims(fitted.model.design)
    samples = {"chain": np.arange(n_chains), "draw": np.arange(n_draws)}
    are_outcomes, levels = asked.kind == "outcome", outcome.levels
    about = {"levels": list(levels)} if are_outcomes and levels is not None else {}
    name = file_name(outcome.value.name) if are_outcomes else asked.kind
    category = f"{file_name(outcome.value.name)}_{'dim' if asked.kind == 'mean' else 'reduced_dim'}"
    dims = (*SAMPLES, ROWS, category) if len(axis) else (*SAMPLES, ROWS)
    draws = {name: (dims, values.reshape(n_chains, n_draws, *values.shape[1:]), about)}
    every = samples | coords | ({category: np.array(axis, dtype=object)} if len(axis) else {})
    attrs = {"kind": asked.kind, "groups": _words(asked), "new_groups": asked.new_groups, "seed": asked.seed}
    predictive = are_fitted and are_outcomes
    drawn = "prior" if fitted.draws.method == "prior" else "posterior"
    groups = {
        f"{drawn}_predictive" if predictive else "predictions": xr.Dataset(draws, every, attrs),
        "constant_data" if predictive else "predictions_constant_data": xr.Dataset(
            {
                column: ((ROWS, f"{column}__member_dim") if content.ndim > 1 else ROWS, content)
                for column, content in constants.items()
            },
            coords
            | {d: labels for d, labels in members.items() if d.removesuffix("__member_dim") in constants},
        ),
    }
    observed = fitted.model.design.outcome
    if predictive and observed is not None:
        groups["observed_data"] = xr.Dataset({name: (ROWS, observed.values, about)}, coords)
    return xr.DataTree.from_dict({name: group for name, group in groups.items() if group.data_vars})


def _words(asked: Asked) -> str:
    return "average" if asked.average else ", ".join(asked.factors) or "none"


def _row_labels(labels: pd.Index) -> NDArray[Any]:
    """Give rows one label each; those with several are numbered, since a coordinate holds one."""
    return np.arange(len(labels)) if isinstance(labels, pd.MultiIndex) else np.asarray(labels)


def _constants(asked: Asked, source: Source) -> dict[str, NDArray[Any]]:
    parts: dict[str, list[NDArray[Any]]] = {}
    for _, rows in source.pieces():
        found: dict[str, NDArray[Any]] = dict(rows.additions) if asked.kind == "outcome" else {}
        if not asked.average:
            found |= {file_name(name): _group_labels(rows.groupings[name]) for name in asked.factors}
        for name, piece in found.items():
            parts.setdefault(name, []).append(piece)
    return {name: np.concatenate(pieces) for name, pieces in parts.items()}


def _group_labels(grouping: Grouping) -> NDArray[Any]:
    """Name the group of each row, (n,); where rows have several groups each of them, (n, memberships)."""
    if grouping.members:
        return np.stack([_group_labels(grouping.alone(m)) for m in grouping.members], axis=1)
    if grouping.unseen is None:
        return grouping.labels[grouping.index]
    both = np.concatenate([grouping.labels, grouping.unseen.labels])
    return both[np.where(grouping.index < 0, len(grouping.labels) + grouping.unseen.index, grouping.index)]
