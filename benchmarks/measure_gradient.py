"""The Bernoulli row of `gradient.py` for the bars: a million rows, four covariates, 10,000 groups."""

from __future__ import annotations

import json
import os

import gradient
import gradient_rows

import partialpool as pp

ROWS, REPEATS = 1_000_000, 11


def main() -> None:
    """Print medians in milliseconds of the processor, on one core."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    rows = gradient_rows.table(ROWS, ROWS // 100)
    model = pp.Model(gradient_rows.formula("bernoulli"), rows, family="bernoulli")
    timed = gradient.ours(model) | gradient.stan(model) | gradient.jax_gradient(rows)
    found = gradient.measure(timed, REPEATS)
    print(json.dumps({"milliseconds": {name: 1000 * seconds for name, seconds in found.items()}}))


if __name__ == "__main__":
    main()
