"""The result of every plotting method: the figure and its data."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from partialpool.pooling.population import PopulationLine
from partialpool.storage.files import write_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False)
class Plot:
    """A figure and its data; notebooks display it.

    Attributes
    ----------
    figure
        A matplotlib figure that belongs to no window: change it, add to it.
    data
        What is plotted, a row a mark.
    """

    figure: Figure
    data: pd.DataFrame

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the figure; the ending of the name says as what: PNG, SVG or PDF.

        Raises
        ------
        FileError
            When the file cannot be written.
        OptionError
            When the ending is none of these.
        """
        return write_figure(Path(path), self.figure)

    def __repr__(self) -> str:
        return f"Plot of {len(self.data)} x {len(self.data.columns)} data: see .figure, .data, .save(path)"

    def _repr_png_(self) -> bytes:
        png = io.BytesIO()
        self.figure.savefig(png, format="png", bbox_inches="tight")
        return png.getvalue()


def with_population(
    data: pd.DataFrame, population: PopulationLine, scale: str, *, raw: bool = False
) -> pd.DataFrame:
    """Add the population's values, the same in each row.

    Parameters
    ----------
    data
        What else is drawn.
    population
        The population's line.
    scale
        ``"link"`` or ``"outcome"``.
    raw
        Add the mean of all rows, ``population_raw``.

    Returns
    -------
    The data with ``population_mean``, ``population_lower`` and ``population_upper``.
    """
    line = population.on_link if scale == "link" else population.on_outcome
    drawn = {f"population_{end}": getattr(line, end) for end in ("mean", "lower", "upper")}
    return data.assign(**drawn, **({"population_raw": population.raw} if raw else {}))
