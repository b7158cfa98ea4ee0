"""Makes the figures of the documentation, docs/figures/, from the fit that `partialpool demo` makes.

Run it from the repository root: ``.venv/bin/python scripts/make_docs_figures.py``. The seed is the demo's,
and files hold no dates, so the same versions of everything give the same bytes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import partialpool as pp
from partialpool.plots.plot import Plot
from partialpool.plots.style import COLOURS, QUIET, RAW_COLOUR, new_figure, settle, styled

FOLDER = Path(__file__).parents[1] / "docs" / "figures"
SEED = 19


def demo() -> pp.Pools:
    """Fit what `partialpool demo` fits."""
    return pp.compare_pooling(
        "`use.contraception` ~ 1 + (1 | district)",
        pp.load_dataset("bangladesh"),
        family="bernoulli",
        priors={"Intercept": pp.Normal(0, 1.5), "1|district": pp.Normal(0, pp.Exponential(1))},
        seed=SEED,
        progress=False,
    )


def slopes() -> pp.Pools:
    """Fit the tutorial's model in which the difference between town and country varies by district."""
    return pp.compare_pooling(
        "`use.contraception` ~ 1 + urban + (1 + urban | district)",
        pp.load_dataset("bangladesh"),
        family="bernoulli",
        seed=SEED,
        progress=False,
    )


def check_by_district(pools: pp.Pools) -> Plot:
    """Draw which districts complete pooling misses."""
    fit = pools.complete_pooling
    districts = pp.load_dataset("bangladesh")["district"]
    return fit.plot_check("groups", fit.check(group=districts, seed=SEED))


def new_district(fit: pp.Fit) -> Plot:
    """Draw what is predicted for the countryside of a known district and of one that nobody visited."""
    asked = {
        "district 1, 117 women asked": (1, "population", COLOURS["partial_pooling"]),
        "district 54, nobody asked": (54, "population", RAW_COLOUR),
        "district 54, its effect left at zero": (54, "zero", QUIET),
    }
    drawn = {name: _probability(fit, district, new) for name, (district, new, _) in asked.items()}
    with styled():
        figure = new_figure(7.0, 3.4)
        ax = figure.add_subplot()
        for name, (_, _, colour) in asked.items():
            ax.hist(drawn[name], np.linspace(0, 0.9, 91), density=True, alpha=0.6, color=colour, label=name)
        ax.set(xlabel="probability of use.contraception in the countryside", yticks=[], xlim=(0, 0.9))
        return Plot(settle(figure), pd.DataFrame(drawn))


def _probability(fit: pp.Fit, district: int, new_groups: str) -> Any:
    tree: Any = fit.predict({"district": [district], "urban": [0]}, new_groups=new_groups, seed=SEED)
    return tree["predictions"]["mean"].to_numpy().ravel()


def figures() -> dict[str, Plot]:
    """Draw every figure that the pages show, by the name of its file."""
    pools, by_town = demo(), slopes()
    return {
        "forest_no_pooling": pools.plot_forest(),
        "forests": pools.plot_forests(),
        "sd": pools.plot_sd(),
        "predictions": pools.plot_predictions(),
        "shrinkage": pools.plot_shrinkage(),
        "check_complete_pooling": check_by_district(pools),
        "slopes_shrinkage": by_town.plot_shrinkage("urban"),
        "new_district": new_district(by_town.partial_pooling),
    }


def main() -> None:
    """Write the files; figures of an earlier run are replaced."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, plot in figures().items():
        plot.save(FOLDER / f"{name}.png")


if __name__ == "__main__":
    main()
