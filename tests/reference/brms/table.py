"""Prints how far our posteriors are from the references, as docs have it: ``python tests/reference/brms/table.py``."""

from __future__ import annotations

import sys
from typing import Any

from models import HERE, MODELS

import partialpool as pp

sys.path.insert(0, str(HERE.parents[2]))

from tests.inference.agreement import compare, read_reference

METHODS: dict[str, dict[str, Any]] = {"nuts": {"progress": False}, "laplace": {}}
HEAD = ("brms' formula", "values", *(f"{method}: {what}" for method in METHODS for what in ("mean, sd", "sd", "z")))


def line(name: str, draws: int = 5000, seed: int = 1) -> list[str]:
    """The formula, how many values, and for each method the largest shift, change of an sd, and z."""
    found, cells = MODELS[name], []
    model = pp.Model(
        found.formula, found.table(), found.family, found.priors, covariances=found.covariances or None
    )
    for method, options in METHODS.items():
        table = compare(
            model.fit(method=method, draws=draws, seed=seed, **options).posterior, read_reference(name, HERE)
        )
        z = max((table[figure] / table[f"{figure}_error"]).abs().max() for figure in ("mean", "sd"))
        cells += [f"{table['mean'].abs().max():.3f}", f"{table['sd'].abs().max():.1%}", f"{z:.1f}"]
    return [f"`{found.brms}`", str(len(table)), *cells]


if __name__ == "__main__":
    print(f"| {' | '.join(HEAD)} |\n|{'---|' * len(HEAD)}")
    for name in sys.argv[1:] or MODELS:
        print(f"| {' | '.join(line(name))} |".replace("1 | ", r"1 \| "), flush=True)
