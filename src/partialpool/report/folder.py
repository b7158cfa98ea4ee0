"""A folder with everything about a fit, or about three poolings, each file written whole."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from partialpool.report.needs import FitLike, PoolsLike, poolings
from partialpool.report.page import diagnostics_text, pools_page, text_for_each
from partialpool.storage import files

FIGURES = "figures"


def write_fit(
    fit: FitLike, folder: str | os.PathLike[str], *, prob: float, versions: Mapping[str, str]
) -> tuple[Path, ...]:
    """Write one fit's summary, diagnostics, equations, draws and Stan program.

    A file of the same name is replaced once its successor is complete; other files are left alone.

    Parameters
    ----------
    fit
        The fit.
    folder
        Made when it does not exist.
    prob
        Probability that the summary's intervals hold.
    versions
        Of everything that mattered.

    Returns
    -------
    The files, in the order in which a reader wants them.

    Raises
    ------
    FileError
        When the folder or a file cannot be written.
    """
    place = files.make_folder(folder)
    stan = fit.model.to_stan()
    return (
        files.write_csv(place / "summary.csv", fit.summary(prob=prob), index_name="parameter"),
        files.write_text(place / "diagnostics.txt", diagnostics_text(fit)),
        files.write_text(place / "equations.txt", fit.model.equations()),
        files.write_tree(place / "draws.nc", fit.to_datatree()),
        files.write_text(place / "model.stan", stan.code),
        files.write_json(place / "model.data.json", stan.data),
        files.write_json(place / "versions.json", versions),
    )


def write_pools(
    pools: PoolsLike,
    folder: str | os.PathLike[str],
    *,
    question: str,
    source: str,
    versions: Mapping[str, str],
    n_explained: int = 5,
) -> tuple[Path, ...]:
    """Write a comparison of poolings: a page, tables, figures, draws and explanations.

    A file of the same name is replaced once its successor is complete; other files are left alone.

    Parameters
    ----------
    pools
        The three fits and what is made of them.
    folder
        Made when it does not exist.
    question
        The page's title.
    source
        Where the data come from.
    versions
        Of everything that mattered.
    n_explained
        How many disagreements to explain.

    Returns
    -------
    The files, in the order in which a reader wants them; ``report.md`` first.

    Raises
    ------
    FileError
        When the folder or a file cannot be written.
    """
    place = files.make_folder(folder)
    figures = _write_figures(pools, files.make_folder(place / FIGURES))
    table, explanation = pools.table(), str(pools.explain(n_explained))
    summaries = {name: fit.summary(prob=pools.prob) for name, fit in poolings(pools).items()}
    page = pools_page(
        pools,
        question=question,
        source=source,
        table=table,
        summaries=summaries,
        explanation=explanation,
        figures={caption: f"{FIGURES}/{path.name}" for caption, path in figures.items()},
        versions=versions,
    )
    return (
        files.write_text(place / "report.md", page),
        files.write_csv(place / "table.csv", table),
        files.write_text(place / "explanation.txt", explanation),
        *figures.values(),
        *(
            files.write_csv(place / f"summary_{_slug(name)}.csv", summary, index_name="parameter")
            for name, summary in summaries.items()
        ),
        files.write_text(place / "diagnostics.txt", text_for_each(pools, diagnostics_text)),
        files.write_text(place / "equations.txt", text_for_each(pools, lambda fit: fit.model.equations())),
        *(
            files.write_tree(place / f"draws_{_slug(name)}.nc", fit.to_datatree())
            for name, fit in poolings(pools).items()
        ),
        files.write_json(place / "versions.json", versions),
    )


def _write_figures(pools: PoolsLike, place: Path) -> dict[str, Path]:
    """Draw and write one figure after another, so that only one is held in memory."""
    drawings = {
        "Each group under no pooling": ("forest_no_pooling", pools.plot_forest),
        "No and partial pooling side by side": ("forests_side_by_side", pools.plot_forests),
        "Predicted mean of each group": ("predictions", pools.plot_predictions),
        "How far each group moved": ("shrinkage", pools.plot_shrinkage),
        "Standard deviation of each group under either pooling": ("sd", pools.plot_sd),
    }
    return {
        caption: files.write_figure(place / f"{name}.png", draw())
        for caption, (name, draw) in drawings.items()
    }


def _slug(name: str) -> str:
    return name.replace(" ", "_")
