"""The output of commands: a fit, a comparison of poolings, the bundled data."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from partialpool.cli.screen import BAD, GOOD, QUIET, Screen
from partialpool.report.html_tables import Grid, brief_summary, for_draws, population_summary
from partialpool.report.phrases import about_data, about_draws, about_time
from partialpool.report.protocols import FitLike, ModelLike, PoolsLike, poolings

if TYPE_CHECKING:
    import pandas as pd

    from partialpool.data.datasets import Dataset

FIT_ROWS = 15
POOL_ROWS = 4
TABLE_ROWS = 12
INDENT = "  "
NUMBERED = re.compile(r"\d+\. ")


def tell_data(screen: Screen, source: str, model: ModelLike) -> None:
    """Print the numbers of rows and groups."""
    screen.text(f"{source}: {'; '.join(about_data(model.design))}")


def tell_model(screen: Screen, model: ModelLike) -> None:
    """Show the equations of one model."""
    screen.heading("Model")
    _tell_equations(screen, model)


def tell_fit(screen: Screen, fit: FitLike, prob: float) -> None:
    """Show the estimates and the checks of one fit."""
    screen.heading("Estimates")
    screen.text(f"{about_draws(fit.draws)}; {about_time(fit.draws)}", style=QUIET)
    grid = brief_summary(fit.summary(prob=prob), fit.model.layout, prob, FIT_ROWS)
    screen.grids({"": for_draws(grid, fit.draws)})
    screen.heading("Checks")
    _tell_checks(screen, "Fit", fit)


def tell_pools(screen: Screen, pools: PoolsLike, n_explained: int) -> None:
    """Print the models, estimates and checks of three fits, and the largest differences."""
    fits = poolings(pools)
    screen.heading("Models")
    screen.text(about_draws(pools.partial_pooling.draws), style=QUIET)
    for name, fit in fits.items():
        screen.text(f"{name.capitalize()} ({about_time(fit.draws)})", style="bold")
        _tell_equations(screen, fit.model)
    screen.heading("Estimates")
    screen.grids({name.capitalize(): _brief(fit, pools.prob) for name, fit in fits.items()})
    screen.heading("Checks")
    for name, fit in fits.items():
        _tell_checks(screen, name.capitalize(), fit)
    screen.heading("The most extreme disagreements")
    for paragraph in str(pools.explain(n_explained)).splitlines():
        screen.text(paragraph, rest="   " if NUMBERED.match(paragraph) else "")


def tell_files(screen: Screen, folder: Path, files: Iterable[Path]) -> None:
    """Print where the files were written."""
    screen.heading("Files")
    screen.verbatim(str(folder.resolve()))
    screen.text(", ".join(str(file.relative_to(folder)) for file in files), first=INDENT, rest=INDENT)


def tell_file(screen: Screen, file: Path) -> None:
    """Print where one file was written."""
    screen.verbatim(f"Written: {file.resolve()}")


def tell_table(screen: Screen, table: pd.DataFrame, limit: int = TABLE_ROWS) -> None:
    """Print the first rows of a table, with four significant digits."""
    screen.verbatim(table.head(limit).to_string(float_format=lambda number: f"{number:.4g}"))
    if len(table) > limit:
        screen.text(f"{len(table) - limit:,} more", style=QUIET)


def tell_versions(screen: Screen, versions: Mapping[str, str]) -> None:
    """Print the versions with which the numbers were made."""
    screen.text(", ".join(f"{name} {version}" for name, version in versions.items()), style=QUIET)


def tell_datasets(screen: Screen, datasets: Iterable[Dataset]) -> None:
    """List the bundled data sets with their sources."""
    for dataset in datasets:
        screen.title(f"{dataset.name}, {dataset.rows:,} rows: {', '.join(dataset.columns)}")
        screen.text(dataset.description, first=INDENT, rest=INDENT)
        screen.text(f"Source: {dataset.source}", first=INDENT, rest=INDENT, style=QUIET)


def _brief(fit: FitLike, prob: float) -> Grid:
    grid = population_summary(fit.summary(prob=prob), fit.model.layout, prob, POOL_ROWS)
    return for_draws(grid, fit.draws)


def _tell_equations(screen: Screen, model: ModelLike) -> None:
    for line in model.equations().splitlines():
        screen.verbatim(INDENT + line)


def _tell_checks(screen: Screen, name: str, fit: FitLike) -> None:
    """Print two lines if there are no problems, or all problems."""
    diagnosis = fit.diagnose()
    mark, style = ("✓", GOOD) if diagnosis.ok else ("✗", BAD)
    verdict = "no problems found" if diagnosis.ok else "do not rely on this fit as it is"
    screen.text(f"{mark} {name}: {verdict}", style=style)
    for finding in diagnosis.findings:
        words = f"{finding.title}: {finding.what} {finding.advice}"
        screen.text(words, first=INDENT, rest=INDENT, style=BAD)
    screen.text(" ".join(diagnosis.passed), first=INDENT, rest=INDENT, style=QUIET)
