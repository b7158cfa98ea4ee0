"""Designs as rows: what a formula makes of each row of a table, however rows were joined on the way."""

from __future__ import annotations

from typing import Any

from partialpool.formula import design as made
from partialpool.formula.design_rows import take_rows
from partialpool.formula.recipe import Recipe
from partialpool.formula.records import Design


def build_design(*args: Any, **options: Any) -> tuple[Design, Recipe]:
    """As `partialpool.formula.design.build_design`, with a combination for each row."""
    design, recipe = made.build_design(*args, **options)
    return take_rows(design), recipe
