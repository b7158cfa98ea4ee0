"""How well draws agree with a reference posterior: shifts of means in posterior sds, ratios of sds."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from partialpool.inference.convergence import convergence
from partialpool.results.summaries import value_labels

GALLERY = Path(__file__).parents[1] / "reference" / "gallery"


@dataclass(frozen=True)
class Reference:
    """A long run of another sampler.

    Attributes
    ----------
    values
        A row a value, under the name that `Fit.summary` has for it: ``mean``, ``sd``, ``q5``, ``q50``,
        ``q95``, their Monte Carlo standard errors (``mcse_mean`` and so on), and ``ess``, the smaller of bulk
        and tail.
    quality
        What is known about the run: largest R-hat, smallest ESS, divergences.
    """

    values: pd.DataFrame
    quality: dict[str, Any]


def read_reference(name: str, folder: Path = GALLERY) -> Reference:
    """Read what a folder's `make.py` wrote."""
    record = json.loads((folder / f"{name}.json").read_text("utf-8"))
    values = pd.DataFrame.from_dict(record["values"], orient="index", columns=record["figures"])
    return Reference(values, record["quality"])


def compare(posterior: xr.Dataset, reference: Reference) -> pd.DataFrame:
    """Set draws beside a reference.

    Returns
    -------
    A row a value of the reference. ``mean``, ``q5``, ``q50`` and ``q95`` are differences in units of the
    reference's sd, ``sd`` is the ratio to it less one. ``mean_error`` and ``sd_error`` are the Monte Carlo
    standard errors of those figures, both runs' together.
    """
    theirs, ours = reference.values, _figures(posterior)
    missing = theirs.index.difference(ours.index)
    assert missing.empty, f"the draws have no value named {missing[0]!r}"
    ours = ours.loc[theirs.index]
    table = pd.DataFrame(index=theirs.index)
    for figure in ("mean", "q5", "q50", "q95"):
        table[figure] = (ours[figure] - theirs[figure]) / theirs["sd"]
    table["sd"] = ours["sd"] / theirs["sd"] - 1
    for figure in ("mean", "sd"):
        table[f"{figure}_error"] = np.hypot(ours[f"mcse_{figure}"], theirs[f"mcse_{figure}"]) / theirs["sd"]
    return table


def _figures(posterior: xr.Dataset) -> pd.DataFrame:
    """The same figures of draws, errors of sds from the squares as in `make.py`."""
    size = posterior.sizes["chain"], posterior.sizes["draw"], -1
    draws = [v.transpose("chain", "draw", ...).to_numpy().reshape(size) for v in posterior.values()]
    values = np.concatenate(draws, axis=-1)
    means, squares = convergence(values), convergence((values - values.mean(axis=(0, 1))) ** 2)
    sd_error = squares.mcse_mean / (2 * np.where(means.sd > 0, means.sd, 1.0))
    figures = {"mean": means.mean, "sd": means.sd, "mcse_mean": means.mcse_mean, "mcse_sd": sd_error}
    quantiles = np.quantile(values, [0.05, 0.5, 0.95], axis=(0, 1))
    figures |= dict(zip(("q5", "q50", "q95"), quantiles, strict=True))
    return pd.DataFrame(figures, index=value_labels(posterior))
