"""Summaries of a posterior: one row for each value, with the user's labels."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from partialpool.errors import FitError, OptionError, build, unknown_name
from partialpool.inference.convergence import Convergence, convergence

if TYPE_CHECKING:
    import xarray as xr

Floats = NDArray[np.float64]

DEFAULT_PROB = 0.89
_BLOCK_VALUES = 2**20

Measure = Callable[["xr.Dataset"], Convergence]


def summary(
    posterior: xr.Dataset,
    prob: float = DEFAULT_PROB,
    var_names: Iterable[str] | None = None,
    measure: Measure | None = None,
) -> pd.DataFrame:
    """Summarise every value of a posterior.

    Parameters
    ----------
    posterior
        Variables with dimensions ``chain``, ``draw`` and any others.
    prob
        Probability of the highest density interval.
    var_names
        Exact names of variables; all when None.
    measure
        Gives precision and convergence; `measured` when None. A fit passes what it has computed already.

    Returns
    -------
    A row a value, such as ``"1|district[3]"``, with ``mean``, ``sd``, ``hdi_5.5%``, ``hdi_94.5%`` (the names
    follow `prob`), ``mcse_mean``, ``mcse_sd``, ``ess_bulk``, ``ess_tail`` and ``r_hat``, not rounded; see
    `Convergence` for what they mean. A constant, such as the diagonal of a correlation matrix, has Monte
    Carlo errors of zero and no R-hat (NaN).

    Raises
    ------
    OptionError
        When `prob` is not between 0 and 1, or a name is not a variable of the posterior.
    FitError
        When there is no draw.
    """
    lower, upper = interval_names(prob)
    chosen = posterior[chosen_names(posterior, var_names)]
    if chosen.sizes["chain"] * chosen.sizes["draw"] == 0:
        raise build(FitError, "The posterior has no draws to summarise.", hint="run the fit again for longer")
    bounds = [_intervals(variable, prob) for variable in chosen.values()]
    figures = pd.DataFrame(asdict((measure or measured)(chosen)), index=value_labels(chosen))
    low, high = np.concatenate(bounds).T
    figures.insert(2, lower, low)
    figures.insert(3, upper, high)
    return figures


def measured(posterior: xr.Dataset) -> Convergence:
    """Measure the precision and the convergence of every value, in the order of `value_labels`."""
    size = posterior.sizes["chain"], posterior.sizes["draw"], -1
    values = [v.transpose("chain", "draw", ...).to_numpy().reshape(size) for v in posterior.values()]
    return convergence(np.concatenate(values, axis=-1))


def value_labels(posterior: xr.Dataset) -> list[str]:
    """Name every value of a posterior as ArviZ does, last dimension fastest.

    Examples
    --------
    >>> import xarray as xr
    >>> dims, coords = ("chain", "draw", "g__factor_dim"), {"g__factor_dim": [3, 61]}
    >>> value_labels(xr.Dataset({"1|g": (dims, [[[0.1, 0.2]]])}, coords=coords))
    ['1|g[3]', '1|g[61]']
    """
    return list(itertools.chain.from_iterable(_labels_of(variable) for variable in posterior.values()))


def interval_names(prob: float) -> tuple[str, str]:
    """Name the columns of the two ends of an interval by the probability below each.

    Raises
    ------
    OptionError
        When `prob` is not between 0 and 1.

    Examples
    --------
    >>> interval_names(0.89)
    ('hdi_5.5%', 'hdi_94.5%')
    """
    check_prob(prob)
    tail = 50 * (1 - prob)
    return f"hdi_{tail:g}%", f"hdi_{100 - tail:g}%"


def check_prob(prob: float) -> None:
    """Raise an OptionError unless `prob` is a probability strictly between 0 and 1."""
    if not 0 < prob < 1:
        problem = f"The interval's probability is prob={prob!r}."
        hint = f"prob={prob / 100:g}" if 1 < prob < 100 else f"prob={DEFAULT_PROB}"
        raise build(OptionError, problem, allowed="a number between 0 and 1, both excluded", hint=hint)


def hdi(values: Floats, prob: float = DEFAULT_PROB) -> Floats:
    """Find the narrowest interval that contains a share of the draws, as ``arviz_stats.hdi`` does.

    Parameters
    ----------
    values
        (..., S) draws.
    prob
        The share, between 0 and 1.

    Returns
    -------
    (..., 2) lower and upper ends; NaN where a draw is NaN.

    Raises
    ------
    OptionError
        When `prob` is not between 0 and 1.

    Examples
    --------
    >>> hdi(np.array([0.0, 1.0, 1.1, 1.2, 9.0]), prob=0.5)
    array([1. , 1.2])
    """
    check_prob(prob)
    ordered = np.sort(values, axis=-1)
    n_draws = ordered.shape[-1]
    inside = int(np.floor(prob * n_draws))
    with np.errstate(invalid="ignore"):
        widths = ordered[..., inside:] - ordered[..., : n_draws - inside]
    first = np.argmin(widths, axis=-1)[..., np.newaxis]
    ends = np.take_along_axis(ordered, np.concatenate([first, first + inside], axis=-1), axis=-1)
    bounds: Floats = np.where(np.isnan(ordered[..., -1:]), np.nan, ends)
    return bounds


def chosen_names(posterior: xr.Dataset, var_names: Iterable[str] | None) -> list[str]:
    """List the variables that are asked for, all when None; raise an OptionError for a name that is none."""
    valid = [str(name) for name in posterior.data_vars]
    if var_names is None:
        return valid
    chosen = [var_names] if isinstance(var_names, str) else list(var_names)
    if not chosen:
        raise build(OptionError, "var_names is empty.", allowed="names of variables, or None for all")
    for name in chosen:
        if name not in valid:
            raise unknown_name(OptionError, "variable", str(name), valid)
    return chosen


def _intervals(variable: xr.DataArray, prob: float) -> Floats:
    """Find the interval of each value of a variable, (V, 2), a few at a time to keep memory small."""
    n_draws = variable.sizes["chain"] * variable.sizes["draw"]
    values = variable.transpose("chain", "draw", ...).to_numpy().reshape(n_draws, -1)
    step = max(1, _BLOCK_VALUES // n_draws)
    blocks = [hdi(values[:, start : start + step].T, prob) for start in range(0, values.shape[1], step)]
    return np.concatenate(blocks)


def _labels_of(variable: xr.DataArray) -> Iterable[str]:
    dims = [dim for dim in variable.dims if dim not in ("chain", "draw")]
    if not dims:
        return [str(variable.name)]
    labels = itertools.product(*(variable.get_index(dim) for dim in dims))
    return [f"{variable.name}[{', '.join(map(str, label))}]" for label in labels]
