"""A folder with the results of a fit or of three poolings; each file is written completely or not at all."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from partialpool.checking.report import Check
from partialpool.report.document import page_html
from partialpool.report.page import EXPLAINED, fit_page, pools_page
from partialpool.report.phrases import about_draws, about_time
from partialpool.report.protocols import CheckedLike, FitLike, PoolsLike, poolings
from partialpool.report.sections_pools import draw_figures
from partialpool.storage import files

FIGURES = "figures"
PAGE = "report.html"


def write_fit(
    fit: FitLike,
    folder: str | os.PathLike[str],
    *,
    question: str | None,
    source: str | None,
    prob: float,
    versions: Mapping[str, str],
) -> tuple[Path, ...]:
    """Write one fit's page, summary, diagnostics, equations, Stan program, and the fit itself.

    A file of the same name is replaced once its successor is complete; other files are left alone.

    Parameters
    ----------
    fit
        The fit.
    folder
        Made when it does not exist.
    question, source, prob, versions
        As in `fit_page`.

    Returns
    -------
    The files in reading order; ``report.html`` first.

    Raises
    ------
    FileError
        When the folder or a file cannot be written.
    """
    place = files.make_folder(folder)
    page = fit_page(fit, question=question, source=source, prob=prob, versions=versions)
    stan = fit.model.to_stan()
    return (
        files.write_text(place / PAGE, page_html(page)),
        files.write_csv(place / "summary.csv", fit.summary(prob=prob), index_name="parameter"),
        files.write_text(place / "diagnostics.txt", diagnostics_text(fit)),
        files.write_text(place / "equations.txt", fit.model.equations()),
        fit.save(place / "fit.nc"),
        files.write_text(place / "model.stan", stan.code),
        files.write_json(place / "model.data.json", stan.data),
        files.write_json(place / "versions.json", versions),
    )


def write_pools(
    pools: PoolsLike,
    folder: str | os.PathLike[str],
    *,
    question: str | None,
    source: str | None,
    versions: Mapping[str, str],
) -> tuple[Path, ...]:
    """Write a comparison of poolings: a page, tables, figures, explanations, and the fits themselves.

    A file of the same name is replaced once its successor is complete; other files are left alone.

    Parameters
    ----------
    pools
        The three fits and what is made of them.
    folder
        Made when it does not exist.
    question, source, versions
        As in `fit_page`.

    Returns
    -------
    The files in reading order; ``report.html`` first.

    Raises
    ------
    FileError
        When the folder or a file cannot be written.
    """
    place = files.make_folder(folder)
    pictures = files.make_folder(place / FIGURES)
    figures = draw_figures(pools)
    page = pools_page(pools, question=question, source=source, versions=versions, figures=figures)
    summaries = {name: fit.summary(prob=pools.prob) for name, fit in poolings(pools).items()}
    return (
        files.write_text(place / PAGE, page_html(page)),
        files.write_csv(place / "table.csv", pools.table()),
        files.write_text(place / "explanation.txt", str(pools.explain(EXPLAINED))),
        *(_write_png(pictures / f"{name}.png", figure.png) for name, figure in figures.items()),
        *(
            files.write_csv(place / f"summary_{_slug(name)}.csv", summary, index_name="parameter")
            for name, summary in summaries.items()
        ),
        files.write_text(place / "diagnostics.txt", _text_for_each(pools, diagnostics_text)),
        files.write_text(place / "equations.txt", _text_for_each(pools, lambda fit: fit.model.equations())),
        *(fit.save(place / f"fit_{_slug(name)}.nc") for name, fit in poolings(pools).items()),
        files.write_json(place / "versions.json", versions),
    )


def write_check(fit: CheckedLike, check: Check, folder: str | os.PathLike[str]) -> tuple[Path, ...]:
    """Write a predictive check: its text, tables and figures, and the figure of residuals.

    Parameters
    ----------
    fit
        The fit.
    check
        What its check found.
    folder
        Made when it does not exist.

    Returns
    -------
    The files.

    Raises
    ------
    FileError
        When the folder or a file cannot be written.
    """
    place = files.make_folder(folder)
    figures = {
        "statistics": fit.plot_check("statistics", check),
        "distribution": fit.plot_check("distribution", check),
        **{f"groups_{_slug(name)}": fit.plot_check("groups", check, factor=name) for name in check.tables},
        "residuals": fit.plot_residuals(seed=check.seed),
    }
    return (
        files.write_text(place / "check.txt", str(check)),
        files.write_csv(place / "check_statistics.csv", check.statistics),
        *(
            files.write_csv(place / f"check_groups_{_slug(name)}.csv", table)
            for name, table in check.tables.items()
        ),
        *(figure.save(place / f"check_{name}.png") for name, figure in figures.items()),
    )


def diagnostics_text(fit: FitLike) -> str:
    """Describe how the draws were made, and their problems."""
    return f"{about_draws(fit.draws)}, {about_time(fit.draws)}\n\n{fit.diagnose()}"


def _text_for_each(pools: PoolsLike, text: Callable[[FitLike], str]) -> str:
    """Write one text for each pooling, under its name."""
    return "\n\n".join(f"{name.capitalize()}\n\n{text(fit)}" for name, fit in poolings(pools).items())


def _write_png(path: Path, png: bytes) -> Path:
    with files.replacing(path) as temporary:
        temporary.write_bytes(png)
    return path


def _slug(name: str) -> str:
    """Turn any name into a part of a file name."""
    return re.sub(r"[^\w.-]+", "_", name)
