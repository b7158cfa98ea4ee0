"""Short sentences about data and draws, said the same way on every page."""

from __future__ import annotations

import numpy as np

from partialpool.formula.records import Design, Grouping
from partialpool.inference.draws import Draws


def about_data(design: Design) -> list[str]:
    """Say how many rows and groups a model has.

    Returns
    -------
    One line for the rows, then one for each grouping factor.
    """
    dropped = f" ({design.n_dropped:,} with missing values left out)" if design.n_dropped else ""
    factors = {
        term.grouping.name: term.grouping for part in design.predictors.values() for term in part.groups
    }
    return [f"{design.n_rows:,} rows{dropped}", *(_about_groups(grouping) for grouping in factors.values())]


def about_draws(draws: Draws) -> str:
    """Say how many draws were kept, and from which seed."""
    n_chains, n_draws, _ = draws.values.shape
    chains = "1 chain" if n_chains == 1 else f"{n_chains} chains"
    return f"{chains} of {n_draws:,} draws after {draws.warmup:,} of warm-up, seed {draws.seed}"


def about_time(draws: Draws) -> str:
    """Say how long the sampling took."""
    return f"{draws.seconds:.2f} s"


def _about_groups(grouping: Grouping) -> str:
    sizes = np.bincount(grouping.index, minlength=len(grouping.labels))
    groups, smallest, largest = f"{len(sizes):,} groups of {grouping.name}", sizes.min(), sizes.max()
    if smallest == largest:
        return f"{groups}, of {smallest:,} row{'' if smallest == 1 else 's'} each"
    return f"{groups}, of {smallest:,} to {largest:,} rows (median {np.median(sizes):g})"
