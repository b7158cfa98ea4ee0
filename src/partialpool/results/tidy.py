"""Draws as tables: one column for each value (wide), or one row for each draw and value (long)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from partialpool.errors import OptionError, build
from partialpool.model.names import SAMPLES
from partialpool.results.summaries import chosen_names, value_labels

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa
    import xarray as xr

Shape = Literal["wide", "long"]


@dataclass(frozen=True)
class Labels:
    """A column of labels, most of them repeated.

    Attributes
    ----------
    codes
        (n,) positions in `labels`, -1 where there is none.
    labels
        The distinct ones.
    """

    codes: NDArray[np.int32]
    labels: NDArray[Any]


Column = NDArray[Any] | Labels


def to_pandas(
    posterior: xr.Dataset, var_names: Iterable[str] | None = None, shape: Shape = "wide"
) -> pd.DataFrame:
    """Lay draws out as a pandas table.

    Parameters
    ----------
    posterior
        Variables with dimensions ``chain``, ``draw`` and any others.
    var_names
        Exact names of variables; all when None.
    shape
        ``"wide"``: a row a draw; ``chain``, ``draw``, and a column a value, named as in summaries:
        ``"1|district[3]"``. ``"long"``: a row a draw and value; ``chain``, ``draw``, ``variable``, a column a
        dimension, such as ``district__factor_dim``, with the value's label (missing where the variable lacks
        the dimension), and ``value``. Columns of labels are categories.

    Raises
    ------
    OptionError
        When a name is not a variable, or the shape is neither.

    Examples
    --------
    >>> import xarray as xr
    >>> dims, coords = ("chain", "draw", "g__factor_dim"), {"g__factor_dim": [3, 61]}
    >>> effects = {"Intercept": (dims[:2], [[0.5]]), "1|g": (dims, [[[0.1, 0.2]]])}
    >>> posterior = xr.Dataset(effects, coords | {"chain": [0], "draw": [0]})
    >>> to_pandas(posterior)
       chain  draw  Intercept  1|g[3]  1|g[61]
    0      0     0        0.5     0.1      0.2
    >>> to_pandas(posterior, shape="long")
       chain  draw   variable g__factor_dim  value
    0      0     0  Intercept           NaN    0.5
    1      0     0        1|g             3    0.1
    2      0     0        1|g            61    0.2
    """
    columns = {name: _pandas_column(c) for name, c in tidy(posterior, var_names, shape).items()}
    # Wide columns are views of the draws and must be copied for the user; long columns are new arrays.
    return pd.DataFrame(columns, copy=shape == "wide")


def to_arrow(
    posterior: xr.Dataset, var_names: Iterable[str] | None = None, shape: Shape = "wide"
) -> pa.Table:
    """Lay draws out as an Arrow table; parameters are those of `to_pandas`.

    Columns of labels are dictionaries; labels that Arrow has no type for, such as intervals, become text.
    """
    import pyarrow as pa

    columns = tidy(posterior, var_names, shape)
    return pa.table({name: _arrow_column(column) for name, column in columns.items()})


def to_polars(
    posterior: xr.Dataset, var_names: Iterable[str] | None = None, shape: Shape = "wide"
) -> pl.DataFrame:
    """Lay draws out as a Polars table; parameters are those of `to_pandas`.

    Raises
    ------
    OptionError
        When Polars is not installed, a name is not a variable, or the shape is neither.
    """
    try:
        import polars as pl
    except ImportError as error:
        raise build(
            OptionError,
            "A Polars table needs Polars, which is not installed.",
            hint="pip install polars, or fit.to_pandas(), fit.to_arrow()",
        ) from error
    table = pl.from_arrow(to_arrow(posterior, var_names, shape))
    assert isinstance(table, pl.DataFrame), "a table of Arrow is a table of Polars"
    return table


def tidy(
    posterior: xr.Dataset, var_names: Iterable[str] | None = None, shape: Shape = "wide"
) -> Mapping[str, Column]:
    """Lay draws out as columns of one length, by name.

    Raises
    ------
    OptionError
        When a name is not a variable, or the shape is neither.
    """
    if shape not in ("wide", "long"):
        raise build(OptionError, f"shape={shape!r} is not an option.", allowed="'wide', 'long'")
    chosen = posterior[chosen_names(posterior, var_names)]
    return _wide(chosen) if shape == "wide" else _long(chosen)


def _wide(posterior: xr.Dataset) -> dict[str, Column]:
    n_draws = posterior.sizes["chain"] * posterior.sizes["draw"]
    values = [v.transpose(*SAMPLES, ...).to_numpy().reshape(n_draws, -1) for v in posterior.values()]
    by_value = (column for block in values for column in block.T)
    return {**_samples(posterior, 1), **dict(zip(value_labels(posterior), by_value, strict=True))}


def _long(posterior: xr.Dataset) -> dict[str, Column]:
    sizes = posterior.sizes
    n_draws = sizes["chain"] * sizes["draw"]
    variables = [v.transpose(..., *SAMPLES) for v in posterior.values()]
    counts = [v.size // n_draws for v in variables]
    names = np.array([str(name) for name in posterior.data_vars], dtype=object)
    codes = np.repeat(np.arange(len(names), dtype=np.int32), np.array(counts) * n_draws)
    columns: dict[str, Column] = {**_samples(posterior, sum(counts)), "variable": Labels(codes, names)}
    for dim in dict.fromkeys(str(dim) for v in variables for dim in v.dims[:-2]):
        positions = np.concatenate([_positions(v, dim) for v in variables])
        columns[dim] = Labels(np.repeat(positions, n_draws), posterior.get_index(dim).to_numpy())
    columns["value"] = np.concatenate([v.to_numpy().ravel() for v in variables])
    return columns


def _samples(posterior: xr.Dataset, repeats: int) -> dict[str, Column]:
    """Number the chain and the draw of each row; the sequence of all draws is repeated."""
    chains, draws = posterior["chain"].to_numpy(), posterior["draw"].to_numpy()
    return {
        "chain": np.tile(np.repeat(chains, len(draws)), repeats),
        "draw": np.tile(draws, len(chains) * repeats),
    }


def _positions(variable: xr.DataArray, dim: str) -> NDArray[np.int32]:
    """Position of each value of a variable along a dimension; -1 if the variable lacks the dimension."""
    dims, shape = variable.dims[:-2], variable.shape[:-2]
    if dim not in dims:
        return np.full(np.prod(shape, dtype=np.int64), -1, dtype=np.int32)
    positions = np.indices(shape, dtype=np.int32)[dims.index(dim)]
    return positions.ravel()


def _pandas_column(column: Column) -> Any:
    if isinstance(column, Labels):
        return pd.Categorical.from_codes(column.codes, categories=pd.Index(column.labels))
    return column


def _arrow_column(column: Column) -> Any:
    import pyarrow as pa

    if not isinstance(column, Labels):
        return pa.array(column)
    try:
        labels = pa.array(column.labels)
    except pa.ArrowException:
        labels = pa.array([str(label) for label in column.labels])
    codes = pa.array(column.codes, mask=column.codes < 0)
    return pa.DictionaryArray.from_arrays(codes, labels)
