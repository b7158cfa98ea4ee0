"""Models from a formula and a table, in one line, for the tests of fits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from partialpool.families.registry import get_family
from partialpool.formula.design import build_design
from partialpool.formula.formula import Formula
from partialpool.model.spec import ModelSpec, build_spec
from partialpool.priors.base import Prior


def model(
    formula: str | Formula,
    table: Mapping[str, Any] | pd.DataFrame,
    family: str = "gaussian",
    priors: Mapping[str, Prior] | None = None,
    covariances: Mapping[str, Any] | None = None,
) -> ModelSpec:
    design, _ = build_design(formula, pd.DataFrame(table), covariances=covariances)
    return build_spec(design, get_family(family), priors)
