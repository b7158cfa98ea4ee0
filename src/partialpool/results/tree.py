"""Draws, layout and design become one labelled tree in ArviZ's schema."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from partialpool.formula.group_records import Grouping
from partialpool.formula.records import Design
from partialpool.inference.draws import Approximation, Draws
from partialpool.model.layout import Layout
from partialpool.model.names import ROWS, SAMPLES, prefix
from partialpool.results.file_names import file_design, file_layout, file_name
from partialpool.version import __version__

if TYPE_CHECKING:
    import xarray as xr


# Standard deviations come before effects, so that the dimension of a categorical term (`cat__expr_dim`) comes
# before those of factors: ArviZ's tables take the dimensions in the order of their first appearance, and put
# the labels of variables with another order beside the wrong numbers.
ROLES = ("population", "auxiliary", "group_sd", "group_corr", "group_effect")


def to_datatree(
    draws: Draws, layout: Layout, design: Design, log_likelihood: NDArray[np.float64] | None = None
) -> xr.DataTree:
    """Label the results of a fit in ArviZ's schema.

    Parameters
    ----------
    draws
        The posterior's draws and how they were made.
    layout
        Names, dimensions and labels of the values.
    design
        The rows that were fitted.
    log_likelihood
        (chains, draws, n) of each row, for leave-one-out cross-validation; None leaves its group out.

    Returns
    -------
    Groups ``posterior`` (``prior`` for draws from the prior), ``sample_stats`` (where there are any),
    ``observed_data``, ``constant_data`` (trials, weights, offsets and the position of each row's group, as
    far as the model has them) and ``log_likelihood``. Attributes of the first two say how the draws came
    about, and what nested Laplace says of itself. Rows are numbered from 0 along ``__obs__``; other
    coordinates are the user's labels. The values are views of `draws`. A slash in a name, which would
    separate a group from what is in it, becomes a division slash.
    """
    import xarray as xr

    layout, design, origin = file_layout(layout), file_design(design), _origin()
    drawn = "prior" if draws.method == "prior" else "posterior"
    groups = {
        drawn: posterior_dataset(draws, layout).assign_attrs(origin | _sampling(draws)),
        "sample_stats": _sample_stats(draws).assign_attrs(origin | _sampling(draws)),
        "observed_data": _observed_data(design).assign_attrs(origin),
        "constant_data": _constant_data(design).assign_attrs(origin),
    }
    if log_likelihood is not None and design.outcome is not None:
        coords = _sample_coords(draws) | _row_coords(design)
        data = {design.outcome.name: ((*SAMPLES, ROWS), log_likelihood)}
        groups["log_likelihood"] = xr.Dataset(data, coords, attrs=origin)
    return xr.DataTree.from_dict({name: group for name, group in groups.items() if group.data_vars})


def posterior_dataset(draws: Draws, layout: Layout) -> xr.Dataset:
    """Label the draws of every variable: dimensions ``chain``, ``draw`` and the variable's own."""
    import xarray as xr

    variables = sorted(layout.variables, key=lambda variable: ROLES.index(variable.role))
    data = {v.name: ((*SAMPLES, *v.dims), v.take(draws.values)) for v in variables}
    coords = {dim: labels for v in variables for dim, labels in v.coords.items()}
    return xr.Dataset(data, coords | _sample_coords(draws))


def _sample_stats(draws: Draws) -> xr.Dataset:
    import xarray as xr

    data = {name: (SAMPLES, values) for name, values in draws.stats.items()}
    return xr.Dataset(data, _sample_coords(draws))


def _observed_data(design: Design) -> xr.Dataset:
    import xarray as xr

    if design.outcome is None or not design.n_rows:
        return xr.Dataset()
    attrs = {} if design.outcome.levels is None else {"levels": list(design.outcome.levels)}
    return xr.Dataset({design.outcome.name: (ROWS, design.outcome.values, attrs)}, _row_coords(design))


def _constant_data(design: Design) -> xr.Dataset:
    import xarray as xr

    if not design.n_rows:
        return xr.Dataset()
    columns: dict[str, Any] = {}
    labels: dict[str, Any] = {}
    if design.outcome is not None:
        columns |= {**design.outcome.additions, "weights": design.outcome.weights}
    for predictor in design.predictors.values():
        offset = None if predictor.offset is None else design.by_row(predictor.offset)
        columns[f"{prefix(predictor.parameter)}offset"] = offset
    columns |= _group_indices(design.groupings.values())
    labels |= {f"{name}__factor_dim": grouping.labels for name, grouping in design.groupings.items()}
    data: dict[str, Any] = {name: (ROWS, values) for name, values in columns.items() if values is not None}
    for grouping in design.groupings.values():
        data |= _memberships(grouping)
    return xr.Dataset(data, labels | member_dims(design) | _row_coords(design))


def _group_indices(groupings: Iterable[Grouping]) -> dict[str, NDArray[np.int64]]:
    """Give the position of each row's group along its ``__factor_dim``, by factor of one group a row."""
    return {
        f"{grouping.name}__factor_index": grouping.index for grouping in groupings if not grouping.members
    }


def _memberships(grouping: Grouping) -> dict[str, Any]:
    """Give the positions of each row's groups, and their weights, where rows have several groups."""
    if not grouping.members:
        return {}
    name, dims = grouping.name, (ROWS, f"{grouping.name}__member_dim")
    index = np.stack([member.index for member in grouping.members], axis=1)
    ones = np.ones(len(index))
    weights = [ones if member.weights is None else member.weights for member in grouping.members]
    return {
        f"{name}__factor_index": (dims, index),
        f"{name}__factor_weights": (dims, np.stack(weights, axis=1)),
    }


def member_dims(design: Design) -> dict[str, NDArray[Any]]:
    """Label the dimensions along which rows have several groups of a factor: by their columns."""
    several = [grouping for grouping in design.groupings.values() if grouping.members]
    return {f"{file_name(g.name)}__member_dim": np.array(g.columns, dtype=object) for g in several}


def _sample_coords(draws: Draws) -> dict[str, NDArray[np.int64]]:
    n_chains, n_draws, _ = draws.values.shape
    return {"chain": np.arange(n_chains), "draw": np.arange(n_draws)}


def _row_coords(design: Design) -> dict[str, NDArray[np.int64]]:
    return {ROWS: np.arange(design.n_rows)}


def _origin() -> dict[str, str]:
    """Name the software that made the tree; without a date, so that equal fits give equal trees."""
    return {"inference_library": "partialpool", "inference_library_version": __version__}


def _sampling(draws: Draws) -> dict[str, Any]:
    return {
        "method": draws.method,
        "seed": draws.seed,
        "tuning_steps": draws.warmup,
        "sampling_time": draws.seconds,
        "attempts": list(draws.attempts),
        **({} if draws.approximation is None else _approximation(draws.approximation)),
    }


def _approximation(found: Approximation) -> dict[str, Any]:
    """Diagnostics of nested Laplace as attributes that netCDF can store."""
    about = {
        "laplace_exact": int(found.exact),
        "laplace_outer": found.outer,
        "laplace_points": found.points,
        "laplace_ess": found.ess,
        "laplace_pareto_k": found.pareto_k,
        "laplace_acceptance": found.acceptance,
        "log_marginal_likelihood": found.log_marginal_likelihood,
        "log_marginal_likelihood_se": found.log_marginal_likelihood_se,
    }
    if not found.groups:
        return about
    return about | {
        "laplace_groups": [f"{group.coefficient}[{group.group}]" for group in found.groups],
        "laplace_mean_shift": [group.mean_shift for group in found.groups],
        "laplace_sd_ratio": [group.sd_ratio for group in found.groups],
    }
