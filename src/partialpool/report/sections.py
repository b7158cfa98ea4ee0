"""Sections that a fit and a comparison of poolings share: data, models, priors, estimates, checks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import chain

from partialpool.data.datasets import datasets
from partialpool.inference.draws import Draws
from partialpool.pooling.pooling_words import percent
from partialpool.priors.base import AtMeans, unwrapped
from partialpool.report.html_tables import Grid, for_draws, minus, population_summary
from partialpool.report.page_blocks import Block, Bullets, Code, Facts, Heading, Notice, Prose, Section, Table
from partialpool.report.phrases import (
    about_data,
    about_groups,
    about_outcome,
    about_time,
    drawn_from,
    listed,
    model_in_words,
)
from partialpool.report.protocols import FitLike, ModelLike
from partialpool.results.findings import Diagnosis

MOST_ESTIMATES = 40
MOST_TOLD = 5
SHARED_BY_GROUPS = ("population", "auxiliary", "group_sd", "group_corr")

Fits = Mapping[str, FitLike]


def data_section(model: ModelLike, source: str | None) -> Section:
    """Describe the rows and how they were processed.

    Parameters
    ----------
    model
        The model whose rows they are.
    source
        Where they come from; a bundled data set's name brings its description.
    """
    known = {dataset.name: dataset for dataset in datasets()}
    facts = [("Formula", str(model.formula.text))]
    facts += [(f"Formula of {name}", text) for name, text in model.formula.parameters.items()]
    if source is not None:
        facts.append(("Source", f"{source}: {known[source].source}" if source in known else source))
    if source in known:
        facts.append(("Columns", known[source].description))
    design = model.design
    if design.n_rows == 0:
        facts += [("Groups", about_groups(grouping)) for grouping in design.groupings.values()]
        gone = (
            "This fit was kept without its rows, so their number, sizes of groups and outcomes are not here."
        )
        return Section("data", "The data", (Notice("note", "Without rows", gone), Facts(tuple(facts))))
    left_out = f"{design.n_dropped:,}, for missing values" if design.n_dropped else "none"
    facts += [("Rows used", model.size), ("Rows left out", left_out), ("Outcome", about_outcome(model))]
    facts += [("Groups", about_groups(grouping)) for grouping in design.groupings.values()]
    cells = (
        "A cell is all rows that agree in every variable of the model. The likelihood is computed once a "
        "cell; nothing is lost by it."
    )
    return Section("data", "The data", (Facts(tuple(facts)), Prose(cells)))


def model_section(models: Mapping[str, ModelLike], words: Mapping[str, str]) -> Section:
    """Write each model in words and in equations.

    Parameters
    ----------
    models
        By name; the name is left out where there is one only.
    words
        What to say of each before its equations; `model_in_words` where there is nothing.
    """
    blocks: list[Block] = []
    for name, model in models.items():
        if len(models) > 1:
            blocks.append(Heading(name.capitalize()))
        blocks.append(Prose(words[name]) if name in words else Bullets(tuple(model_in_words(model))))
        blocks.append(Code(model.equations(), f"Equations{f' of {name}' if len(models) > 1 else ''}"))
    return Section("model", "The models" if len(models) > 1 else "The model", tuple(blocks))


def priors_section(models: Mapping[str, ModelLike]) -> Section:
    """Put the priors in a table, a column for each model."""
    names = list(dict.fromkeys(chain.from_iterable(model.priors for model in models.values())))
    header = ("parameter", "what it is", *(models if len(models) > 1 else ("prior",)))
    rows = tuple(
        (name, _role(name, models.values()), *(_prior(model, name) for model in models.values()))
        for name in names
    )
    told = "A prior belongs to the coefficient as the formula writes it."
    if any(model.design.groupings for model in models.values()):
        told += (
            " Normal(0, Exponential(1)) of a coefficient that varies by group means: its standard deviation "
            "over groups is learnt, with the prior Exponential(1)."
        )
    caption = "Priors, given or by default"
    return Section("priors", "Priors", (Table(caption, Grid(header, rows, 0), numeric=False), Prose(told)))


def estimates_section(fits: Fits, prob: float) -> Section:
    """Show all estimates except the effects of single groups."""
    blocks: list[Block] = []
    for name, fit in fits.items():
        of = f", {name}" if len(fits) > 1 else ""
        if not fit.model.layout.roles(*SHARED_BY_GROUPS):
            text = f"{name.capitalize()} has no parameter but the groups' own, which are below."
            blocks.append(Prose(text))
            continue
        grid = population_summary(fit.summary(prob=prob), fit.model.layout, prob, MOST_ESTIMATES)
        grid = replace(for_draws(grid, fit.draws), left_out=0)
        blocks.append(Table(f"Estimates on the scale of the linear predictor{of}", grid))
    if any(fit.model.design.groupings for fit in fits.values()):
        blocks.append(Prose("What single groups add is below, with the groups."))
    return Section("estimates", "Estimates", tuple(blocks))


def estimates_in_words(fit: FitLike, prob: float) -> str:
    """Describe the number of rows and the first estimates with their intervals."""
    summary = fit.summary(prob=prob)
    rows = population_summary(summary, fit.model.layout, prob, MOST_TOLD).rows
    told = "; ".join(f"{name} {minus(mean)} {minus(interval)}" for name, mean, _, interval, *_ in rows)
    rows_and_groups = f"{'; '.join(about_data(fit.model.design))}. " if fit.model.design.n_rows else ""
    return (
        f"{rows_and_groups}{drawn_from(fit.draws).capitalize()} means with {percent(prob)} intervals: {told}."
    )


def checks_section(fits: Fits, found: Mapping[str, Diagnosis]) -> Section:
    """Describe how draws were made, whether they are reliable, and what to do if not.

    Parameters
    ----------
    fits
        By name.
    found
        What is wrong with each, by the same names.
    """
    blocks: list[Block] = []
    for name, fit in fits.items():
        diagnosis = found[name]
        if len(fits) > 1:
            blocks.append(Heading(name.capitalize()))
        if not diagnosis.findings:
            blocks.append(Notice("good", "No problems found", ""))
        for finding in diagnosis.findings:
            blocks.append(Notice(finding.severity, finding.title, f"{finding.what} {finding.advice}"))
        blocks.append(Prose(" ".join([*diagnosis.passed, _how_it_ran(fit.draws)])))
    return Section("checks", "Can the draws be trusted?", tuple(blocks))


def _how_it_ran(draws: Draws) -> str:
    """Say in a sentence what was run and for how long."""
    warmup = "" if draws.independent else f"{draws.warmup:,} draws of warm-up a chain, "
    ran = f"{warmup}seed {draws.seed}, {about_time(draws)} in all."
    return f"{ran[0].upper()}{ran[1:]}"


def verdict(found: Mapping[str, Diagnosis]) -> Notice:
    """Say in a line whether all draws are reliable."""
    problems = [name for name, diagnosis in found.items() if not diagnosis.ok]
    if problems:
        several = len(problems) > 1
        which = "this fit" if len(found) == 1 else f"the fit{'s' * several} with {listed(problems)}"
        title = f"Do not rely on {which} as {'they are' if several else 'it is'}"
        return Notice("problem", title, "The section on draws says why and what to do.")
    passed = "Its draws" if len(found) == 1 else "The draws of all fits"
    return Notice("good", f"{passed} passed every check", "")


def _role(name: str, models: Iterable[ModelLike]) -> str:
    """Name the parameter of a prior."""
    if "|" in name:
        return "coefficient of each group"
    names = name, name.partition("[")[0]  # of one value, and of a variable of several
    roles = {v.role for model in models for v in model.layout.variables if v.name in names}
    if "group_corr" in roles:
        return "correlations of group-level coefficients"
    return "parameter of the outcome's distribution" if "auxiliary" in roles else "coefficient"


def _prior(model: ModelLike, name: str) -> str:
    prior = model.priors.get(name)
    if prior is None:
        return "–"
    return f"{unwrapped(prior)}{', at the means of the predictors' if isinstance(prior, AtMeans) else ''}"
