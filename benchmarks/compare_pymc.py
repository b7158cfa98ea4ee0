"""What `partialpool compare` does, as a PyMC user writes it: three poolings, their table, files and figures.

python benchmarks/compare_pymc.py FOLDER
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import arviz as az
import matplotlib as mpl
import numpy as np
import pandas as pd
import pymc as pm
from datasets import groups, read

mpl.use("Agg")


def models() -> dict[str, pm.Model]:
    """No, partial and complete pooling of the survey."""
    table = read("bangladesh")
    district, n_districts = groups(table, "g")
    y = table["y"].astype(int)
    with pm.Model() as none:
        alpha = pm.Normal("alpha", 0, 1.5, shape=n_districts)
        pm.Bernoulli("y", logit_p=alpha[district], observed=y)
    with pm.Model() as partial:
        centre, sd = pm.Normal("Intercept", 0, 1.5), pm.Exponential("sigma", 1)
        alpha = pm.Normal("alpha", centre, sd, shape=n_districts)
        pm.Bernoulli("y", logit_p=alpha[district], observed=y)
    with pm.Model() as complete:
        centre = pm.Normal("Intercept", 0, 1.5)
        pm.Bernoulli("y", logit_p=centre, observed=y)
    return {"no_pooling": none, "partial_pooling": partial, "complete_pooling": complete}


def columns(posterior: Any, n_districts: int) -> dict[str, np.ndarray]:
    """Means and sds by district, on both scales."""
    name = "alpha" if "alpha" in posterior else "Intercept"
    draws = posterior[name].values.reshape(-1, posterior[name].values[0, 0].size)
    chance = 1 / (1 + np.exp(-draws))
    found = {
        "mean": draws.mean(0),
        "sd": draws.std(0),
        "mean_outcome": chance.mean(0),
        "sd_outcome": chance.std(0),
    }
    return {key: np.broadcast_to(values, n_districts) for key, values in found.items()}


def main(folder: Path) -> None:
    """Sample the three and write what the report of partialpool has, without its words."""
    folder.mkdir(parents=True, exist_ok=True)
    table = {}
    for name, model in models().items():
        result = pm.sample(chains=4, cores=os.cpu_count(), random_seed=19, progressbar=False, model=model)
        az.summary(result, hdi_prob=0.89).to_csv(folder / f"summary_{name}.csv")
        result.to_netcdf(folder / f"fit_{name}.nc")
        table |= {f"{name}_{key}": values for key, values in columns(result.posterior, 60).items()}
        az.plot_forest(result, combined=True, hdi_prob=0.89)[0].figure.savefig(folder / f"forest_{name}.png")
    frame = pd.DataFrame(table)
    frame.to_csv(folder / "table.csv")
    for kind in ("mean", "sd"):
        wanted = [f"{name}_pooling_{kind}" for name in ("no", "partial", "complete")]
        frame[wanted].plot(style="o").figure.savefig(folder / f"{kind}.png")
    print(frame.round(2).to_string())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
