"""Makes the figures of the documentation, docs/figures/, from the fit that `partialpool demo` makes.

Run it from the repository root: ``.venv/bin/python scripts/make_docs_figures.py``. The seed is the demo's,
and files hold no dates, so the same versions of everything give the same bytes.
"""

from __future__ import annotations

from pathlib import Path

import partialpool as pp
from partialpool.plots.plot import Plot

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


def figures() -> dict[str, Plot]:
    """Draw every figure that the pages show, by the name of its file."""
    pools = demo()
    return {
        "forest_no_pooling": pools.plot_forest(),
        "forests": pools.plot_forests(),
        "sd": pools.plot_sd(),
        "predictions": pools.plot_predictions(),
        "shrinkage": pools.plot_shrinkage(),
        "slopes_shrinkage": slopes().plot_shrinkage("urban"),
    }


def main() -> None:
    """Write the files; figures of an earlier run are replaced."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, plot in figures().items():
        plot.save(FOLDER / f"{name}.png")


if __name__ == "__main__":
    main()
