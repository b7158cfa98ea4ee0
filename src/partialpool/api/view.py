"""The parts of a checked model that do not depend on how it was made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from partialpool.errors import DataError, build
from partialpool.families.base import Family
from partialpool.formula.formula import Formula
from partialpool.formula.recipe import Recipe
from partialpool.formula.records import Design
from partialpool.model.equations import equations
from partialpool.model.layout import Layout
from partialpool.model.spec import ModelSpec
from partialpool.model.stan import StanProgram, to_stan
from partialpool.priors.base import Prior

if TYPE_CHECKING:
    import pandas as pd


class ModelView:
    """A checked model: its properties before and after fitting.

    Parameters
    ----------
    spec
        Design, family, priors, parameters, cells.
    name
        What it is, in words.
    formula
        What was asked.
    recipe
        How new rows become a design with the formula's terms.
    """

    def __init__(self, spec: ModelSpec, name: str, formula: Formula, recipe: Recipe) -> None:
        self.spec = spec
        self.name = name
        self.formula = formula
        self.recipe = recipe

    @property
    def design(self) -> Design:
        """Names, matrices and labels, a row an observation."""
        return self.spec.design

    @property
    def data(self) -> pd.DataFrame:
        """The columns of the table that the formula uses, of the rows that were fitted, numbered from 0.

        Numbers are int64 or float64, text is of pandas' own type, and days are dates at midnight.

        Raises
        ------
        DataError
            When the fit was saved without its rows, or by a version that did not keep the table's columns.
        """
        self.design.require_rows("The table")
        if self.design.frame is None:
            raise build(
                DataError,
                "The file has the matrices of the formula, and not the columns of the table.",
                hint="fit again and save: files are then of a format that has them",
            )
        return self.design.frame.rows

    @property
    def family(self) -> Family:
        """The outcome's distribution."""
        return self.spec.family

    @property
    def layout(self) -> Layout:
        """Every variable of the posterior with its shape and labels."""
        return self.spec.layout

    @property
    def priors(self) -> Mapping[str, Prior]:
        """The prior of every coefficient, given or default, keyed as results name it."""
        return self.spec.priors

    def equations(self) -> str:
        """Return the model as text equations."""
        return equations(self.spec)

    def to_stan(self) -> StanProgram:
        """Return the same model as readable Stan code, with its data."""
        return to_stan(self.spec)

    def __repr__(self) -> str:
        return f"Model of {self.name}, family={self.family.name!r}: {self.size}"

    @property
    def size(self) -> str:
        """Rows and cells, in words."""
        rows, cells = self.design.n_rows, self.spec.cells.index.n_cells
        if not rows:
            return "kept without its rows"
        return f"{rows:,} row{'s' * (rows != 1)} in {cells:,} cell{'s' * (cells != 1)}"
