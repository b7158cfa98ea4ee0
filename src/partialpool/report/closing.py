"""The last sections of every page: the meaning of the numbers, and how to reproduce them."""

from __future__ import annotations

from collections.abc import Mapping

from partialpool.inference.draws import Draws
from partialpool.inference.prior import METHOD as PRIOR
from partialpool.pooling.pooling_words import percent
from partialpool.report.page_blocks import Block, Code, Facts, Prose, Section
from partialpool.report.phrases import about_draws, drawn_from, listed
from partialpool.report.protocols import FitLike
from partialpool.report.python_text import covariance_names, knows_data


def meaning_section(prob: float, draws: Draws, *, poolings: bool) -> Section:
    """Explain the columns of the tables.

    Parameters
    ----------
    prob
        Probability of every interval.
    draws
        How the draws were made.
    poolings
        Whether the page compares poolings.
    """
    shown, source = percent(prob), drawn_from(draws)
    given = "the model and its priors" if source == PRIOR else "the model, its priors and the data"
    of_poolings = (
        ("raw", "The mean of the group's own rows, before any model."),
        (
            "pooling factor",
            "How much of the uncertainty about a group never seen is still there once the group's own rows "
            "are known: near 0 the group speaks for itself (no pooling), near 1 it says little and stands "
            "where the population is (complete pooling).",
        ),
    )
    terms = (
        ("mean", f"The average of the draws from the {source}: the estimate."),
        ("sd", f"The {source}'s standard deviation: how uncertain the estimate is."),
        (
            f"{shown} HDI, {shown} interval",
            f"The shortest interval that holds {shown} of the {source}: given {given}, the value lies in it "
            f"with probability {shown}.",
        ),
        ("mcse", "How much the mean would change if the draws were made again with another seed."),
        *(_of_laplace() if draws.method == "laplace" else _of_chains(source)),
        *(of_poolings if poolings else ()),
    )
    return Section("meaning", "What the numbers mean", (Facts(terms),))


def _of_chains(source: str) -> tuple[tuple[str, str], ...]:
    """Explain the diagnostics of draws of a sampler."""
    return (
        (
            "ess_bulk, ess_tail",
            "Effective sample sizes: how many independent draws these are worth for the middle of the "
            f"{source}, and for the ends of intervals. A few hundred are enough to report.",
        ),
        (
            "r_hat",
            "Compares the spread between chains with that within them. Close to 1, at most 1.01, they agree.",
        ),
        (
            "divergence",
            f"A draw at which the sampler could not follow the {source}'s shape. One is a reason to look.",
        ),
    )


def _of_laplace() -> tuple[tuple[str, str], ...]:
    """Explain the diagnostics of draws of a nested Laplace approximation."""
    return (
        (
            "nested Laplace",
            "Group effects are integrated out given the outer parameters (standard deviations, correlations "
            "and what else all groups share), and these are drawn by importance sampling from many points. "
            "Draws are independent of each other, so there are no chains that would have to agree.",
        ),
        (
            "Pareto k",
            "How heavy the tail of the points' weights is. Below 0.7 the points stand for the posterior.",
        ),
    )


def again_section(script: str, fit: FitLike, source: str | None, versions: Mapping[str, str]) -> Section:
    """Give the Python code and the versions that reproduce the numbers.

    Parameters
    ----------
    script
        The Python.
    fit
        The fit, or of a comparison that of partial pooling.
    source
        Where the data come from, as the caller says.
    versions
        Of everything that mattered.
    """
    draws = fit.draws
    same = f"These are {about_draws(draws)}. The same versions, data and seed give the same draws"
    same += ", and those after them that the interruption left out." if draws.interrupted else "."
    blocks: list[Block] = [Prose(same)]
    if not knows_data(source):
        table = "In place of ... in the third line comes the table: a data frame, or pp.read_table(path)."
        blocks.append(Prose(table))
    names = covariance_names(fit.model)
    if names:
        after = f"In place of ... after {listed(names)} comes the known covariance between groups."
        blocks.append(Prose(after))
    blocks.append(Code(script, "Python that makes this again"))
    blocks.append(Facts(tuple(versions.items())))
    return Section("again", "How to get the same again", tuple(blocks))
