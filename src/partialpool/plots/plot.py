"""What every figure function of the front door returns: the figure, and what is plotted in it."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from partialpool.storage.files import write_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False)
class Plot:
    """A figure and its data; a notebook shows it by itself.

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

    def _repr_png_(self) -> bytes:
        png = io.BytesIO()
        self.figure.savefig(png, format="png", bbox_inches="tight")
        return png.getvalue()
