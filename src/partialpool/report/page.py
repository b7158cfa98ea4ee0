"""The pages: one of a fit, one of a comparison of poolings, each written as one HTML file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from partialpool.inference.prior import METHOD as PRIOR
from partialpool.report.closing import again_section, meaning_section
from partialpool.report.document import page_html
from partialpool.report.page_blocks import Image, Notice, Page, Prose
from partialpool.report.phrases import question_of_fit, question_of_groups
from partialpool.report.protocols import FitLike, PoolsLike, coefficients, poolings
from partialpool.report.python_text import fit_script, pools_script
from partialpool.report.sections import (
    checks_section,
    data_section,
    estimates_in_words,
    estimates_section,
    model_section,
    priors_section,
    verdict,
)
from partialpool.report.sections_fit import groups_section
from partialpool.report.sections_pools import (
    POOLINGS_IN_WORDS,
    all_groups_section,
    draw_figures,
    figures_section,
    story_section,
)
from partialpool.storage import files

EXPLAINED = 5
UNSEEN = Notice("note", "Draws from the prior", "They have not seen the outcome.")


def write_fit_page(
    fit: FitLike,
    path: str | os.PathLike[str],
    *,
    question: str | None,
    source: str | None,
    prob: float,
    versions: Mapping[str, str],
) -> Path:
    """Write a fit as one self-contained HTML file; parameters are those of `fit_page`.

    Raises
    ------
    FileError
        When the file cannot be written; what was there before is then still there.
    """
    page = fit_page(fit, question=question, source=source, prob=prob, versions=versions)
    return files.write_text(Path(path).expanduser(), page_html(page))


def write_pools_page(
    pools: PoolsLike,
    path: str | os.PathLike[str],
    *,
    question: str | None,
    source: str | None,
    versions: Mapping[str, str],
) -> Path:
    """Write a comparison as one self-contained HTML file; parameters are those of `pools_page`.

    Raises
    ------
    FileError
        When the file cannot be written; what was there before is then still there.
    """
    figures = draw_figures(pools)
    page = pools_page(pools, question=question, source=source, versions=versions, figures=figures)
    return files.write_text(Path(path).expanduser(), page_html(page))


def fit_page(
    fit: FitLike, *, question: str | None, source: str | None, prob: float, versions: Mapping[str, str]
) -> Page:
    """Make the page of a fit.

    Parameters
    ----------
    fit
        The fit.
    question
        The title; made of the formula when None.
    source
        Where the data come from: the name of a bundled data set, a path, or words.
    prob
        Probability of every interval.
    versions
        Of everything that mattered.
    """
    model, fits = fit.model, {"the fit": fit}
    found = {name: each.diagnose() for name, each in fits.items()}
    groups = groups_section(fit, prob)
    return Page(
        title=question or question_of_fit(model),
        kind="A Bayesian multilevel model" if groups else "A Bayesian model",
        lead=(UNSEEN if fit.draws.method == PRIOR else verdict(found), Prose(estimates_in_words(fit, prob))),
        sections=(
            data_section(model, source),
            model_section({"": model}, {}),
            priors_section({"prior": model}),
            checks_section(fits, found),
            estimates_section(fits, prob),
            *([groups] if groups else []),
            meaning_section(prob, fit.draws, poolings=False),
            again_section(fit_script(fit, source, prob), fit, source, versions),
        ),
        footer=_footer(versions),
    )


def pools_page(
    pools: PoolsLike,
    *,
    question: str | None,
    source: str | None,
    versions: Mapping[str, str],
    figures: Mapping[str, Image],
) -> Page:
    """Make the page of a comparison of poolings.

    Parameters
    ----------
    pools
        The three fits and what is made of them.
    question, source, versions
        As in `fit_page`.
    figures
        From `draw_figures`.
    """
    fits = poolings(pools)
    models = {name: fit.model for name, fit in fits.items()}
    found = {name: fit.diagnose() for name, fit in fits.items()}
    model, first = pools.partial_pooling.model, coefficients(pools)[0]
    told = {name: words.format(group=pools.group) for name, words in POOLINGS_IN_WORDS.items()}
    return Page(
        title=question or question_of_groups(model, pools.group, first),
        kind="Three poolings of the same rows compared",
        lead=(verdict(found), Prose(pools.explain(1, first).opening)),
        sections=(
            data_section(model, source),
            model_section(models, told),
            priors_section(models),
            checks_section(fits, found),
            estimates_section(fits, pools.prob),
            story_section(pools, figures, EXPLAINED),
            all_groups_section(pools),
            figures_section(figures),
            meaning_section(pools.prob, pools.partial_pooling.draws, poolings=True),
            again_section(pools_script(pools, source), pools.partial_pooling, source, versions),
        ),
        footer=_footer(versions),
    )


def _footer(versions: Mapping[str, str]) -> str:
    version = versions["partialpool"]
    return f"Made with partialpool {version}. This page holds everything it shows and fetches nothing."
