"""The page that tells a comparison of poolings, in Markdown, and the texts that stand beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from partialpool.report.needs import FitLike, PoolsLike, poolings
from partialpool.report.tables import group_table, population_summary
from partialpool.report.words import about_data, about_draws, about_time

if TYPE_CHECKING:
    import pandas as pd

HEAD = 10


def diagnostics_text(fit: FitLike) -> str:
    """Say how the draws came about and what is wrong with them."""
    return f"{about_draws(fit.draws)}, {about_time(fit.draws)}\n\n{fit.diagnose()}"


def text_for_each(pools: PoolsLike, text: Callable[[FitLike], str]) -> str:
    """Write one text for each pooling, under its name."""
    return "\n\n".join(f"{name.capitalize()}\n\n{text(fit)}" for name, fit in poolings(pools).items())


def pools_page(
    pools: PoolsLike,
    *,
    question: str,
    source: str,
    table: pd.DataFrame,
    summaries: Mapping[str, pd.DataFrame],
    explanation: str,
    figures: Mapping[str, str],
    versions: Mapping[str, str],
) -> str:
    """Write the page of a comparison.

    Parameters
    ----------
    pools
        The three fits.
    question
        The title.
    source
        Where the data come from.
    table
        A row a group.
    summaries
        By pooling.
    explanation
        The most extreme disagreements, in words.
    figures
        Relative paths of images by caption.
    versions
        Of everything that mattered.

    Returns
    -------
    Markdown.
    """
    fits = poolings(pools)
    blocks = [
        f"# {question}",
        "## Data",
        _bullets([source, *about_data(pools.partial_pooling.model.design)]),
        "## Models",
        *(f"### {name.capitalize()}\n\n{_fenced(fit.model.equations())}" for name, fit in fits.items()),
        "## Estimates",
        *(_estimates(name, fit, summaries[name], pools.prob) for name, fit in fits.items()),
        "## Checks",
        *(f"### {name.capitalize()}\n\n{_fenced(diagnostics_text(fit))}" for name, fit in fits.items()),
        "## Figures",
        *(f"![{caption}]({path})\n\n*{caption}.*" for caption, path in figures.items()),
        "## Groups",
        group_table(table, pools.prob, HEAD).markdown(),
        f"All {len(table):,} groups, with every pooling on both scales: [table.csv](table.csv).",
        "## The most extreme disagreements",
        explanation,
        "## How to get the same again",
        f"Seed {pools.partial_pooling.draws.seed}, with",
        _bullets([f"{name} {version}" for name, version in versions.items()]),
    ]
    return "\n\n".join(blocks)


def _estimates(name: str, fit: FitLike, summary: pd.DataFrame, prob: float) -> str:
    grid = population_summary(summary, fit.model.layout, prob, HEAD)
    file = f"summary_{name.replace(' ', '_')}.csv"
    rest = f"; {grid.left_out:,} more rows" if grid.left_out else ""
    return f"### {name.capitalize()}\n\n{grid.markdown()}\n\nAll digits{rest}: [{file}]({file})."


def _bullets(lines: list[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _fenced(text: str) -> str:
    return f"```text\n{text}\n```"
