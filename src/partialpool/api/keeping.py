"""Methods of a fit for output: files and tables of draws."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from partialpool.api.fit_view import FitView
from partialpool.results.tidy import Shape, to_arrow, to_pandas, to_polars
from partialpool.storage.fit_file import save_fit
from partialpool.storage.fit_records import KeptFit

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa


class Keeping(FitView):
    """Saving a fit, and exporting its draws."""

    def save(self, path: str | os.PathLike[str], *, rows: bool = True) -> Path:
        """Save the fit to one netCDF file, which :func:`partialpool.load_fit` and ArviZ open.

        Parameters
        ----------
        path
            The file; one that is there is replaced when the new one is complete.
        rows
            False keeps no row of the table, for data that may not leave or are too large. Names and labels
            stay, and what terms have learnt (means, knots; up to 2,000 values of a predictor inside
            ``tp()``). What needs rows then says so.

        Returns
        -------
        The path.

        Raises
        ------
        FileError
            When the file cannot be written, or the fit contains something that cannot be saved.
        """
        model = self.model
        return save_fit(path, KeptFit(self.fitted, model.name, model.formula, model.recipe), rows)

    def to_pandas(self, var_names: Iterable[str] | None = None, shape: Shape = "wide") -> pd.DataFrame:
        """Return the draws as a pandas table.

        Parameters
        ----------
        var_names
            Only these variables.
        shape
            ``"wide"``: a row a draw, with ``chain``, ``draw`` and a column a value, named as
            :meth:`summary` names them. ``"long"``: a row a draw and value, with the labels of the value
            in columns named as the posterior's dimensions.

        Raises
        ------
        OptionError
            When a variable or the shape is unknown.
        """
        return to_pandas(self.posterior, var_names, shape)

    def to_polars(self, var_names: Iterable[str] | None = None, shape: Shape = "wide") -> pl.DataFrame:
        """Return the draws as a Polars table; otherwise as :meth:`to_pandas`."""
        return to_polars(self.posterior, var_names, shape)

    def to_arrow(self, var_names: Iterable[str] | None = None, shape: Shape = "wide") -> pa.Table:
        """Return the draws as an Arrow table; otherwise as :meth:`to_pandas`."""
        return to_arrow(self.posterior, var_names, shape)
