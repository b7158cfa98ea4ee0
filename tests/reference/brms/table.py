"""Prints the table of docs/mathematics/agreement.md: ``python tests/reference/brms/table.py NAME...``."""

from __future__ import annotations

import sys
from typing import Any

import pandas as pd
from models import HERE, MODELS

import partialpool as pp

sys.path.insert(0, str(HERE.parents[2]))

from tests.inference.agreement import compare, read_reference

METHODS: dict[str, dict[str, Any]] = {"nuts": {"progress": False}, "laplace": {}}
DRAWS, SEED = 5000, 1  # draws of each of four chains
HEAD = ["model in brms", "values", "NUTS: mean", "sd", "5%, 95%", "z", "Laplace: mean", "sd", "5%, 95%"]


def compared(name: str, method: str) -> pd.DataFrame:
    """Our posterior of one model beside its reference."""
    found = MODELS[name]
    known = found.covariances or None
    model = pp.Model(found.formula, found.table(), found.family, found.priors, covariances=known)
    fit = model.fit(method=method, draws=DRAWS, seed=SEED, **METHODS[method])
    return compare(fit.posterior, read_reference(name, HERE))


def largest(table: pd.DataFrame) -> list[str]:
    """The largest difference of means and of quantiles, in sds, and of sds."""
    size = table.abs().max()
    return [f"{size['mean']:.3f}", f"{size['sd']:.1%}", f"{max(size['q5'], size['q95']):.2f}"]


def largest_z(table: pd.DataFrame) -> str:
    """The largest difference of a mean or an sd in Monte Carlo standard errors of both runs."""
    return f"{max((table[f] / table[f'{f}_error']).abs().max() for f in ('mean', 'sd')):.1f}"


def line(name: str) -> list[str]:
    """A row of the table."""
    nuts, laplace = (compared(name, method) for method in METHODS)
    model = MODELS[name].brms.replace("|", r"\|")
    return [f"`{model}`", str(len(nuts)), *largest(nuts), largest_z(nuts), *largest(laplace)]


if __name__ == "__main__":
    rows = [HEAD, ["---"] * len(HEAD), *map(line, sys.argv[1:] or MODELS)]
    print("\n".join(f"| {' | '.join(row)} |" for row in rows))
