"""The section of a single fit: the coefficients of its groups."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from partialpool.model.names import group_name, population_name, prefix
from partialpool.pooling.pooling_words import percent, scale_of_link
from partialpool.report.coefficients_chart import COEFFICIENTS_KEY, coefficients_spec
from partialpool.report.group_tables import coefficient_groups
from partialpool.report.page_blocks import Block, Chart, Heading, Section, View
from partialpool.report.protocols import FitLike
from partialpool.results.summaries import interval_names

if TYPE_CHECKING:
    import pandas as pd


def groups_section(fit: FitLike, prob: float) -> Section | None:
    """Show every group's coefficients, population plus deviation, as a chart and a table.

    Parameters
    ----------
    fit
        The fit.
    prob
        Probability of every interval.

    Returns
    -------
    None for a model without groups.
    """
    blocks: list[Block] = []
    means = {str(name): float(mean) for name, mean in fit.summary()["mean"].items()}
    for number, (parameter, part) in enumerate(_parts(fit, prob), start=1):
        coefficient = str(part["coefficient"].iloc[0])
        line = means.get(prefix(parameter) + population_name(coefficient))
        blocks += _blocks(fit, parameter, part.reset_index(drop=True), prob, line, f"groups-{number}")
    return Section("groups", "The groups", tuple(blocks)) if blocks else None


def _parts(fit: FitLike, prob: float) -> Iterator[tuple[str, pd.DataFrame]]:
    """Iterate over the groups' coefficients by factor and coefficient."""
    for parameter in fit.model.design.predictors:
        table = fit.group_coefficients(prob=prob, parameter=parameter)
        for _, part in table.groupby(["factor", "coefficient"], sort=False):
            yield parameter, part


def _blocks(
    fit: FitLike, parameter: str, table: pd.DataFrame, prob: float, line: float | None, name: str
) -> list[Block]:
    """Show one coefficient of one factor's groups, about the population's where it has one."""
    factor, coefficient = str(table["factor"].iloc[0]), str(table["coefficient"].iloc[0])
    word = "intercept" if coefficient == "1" else f"coefficient of {coefficient}"
    title = f"{group_name(parameter, coefficient, factor)}: {word} of each group of {factor}"
    ends, probability = interval_names(prob), percent(prob)
    alt = (
        f"The {word} of {len(table):,} groups of {factor} with {probability} intervals, ordered by the mean. "
        "The table below has the figures."
    )
    caption = (
        f"The {word} of each group of {factor}, population plus deviation, with its {probability} interval. "
        "Point at a group for its figures."
    )
    scale = scale_of_link(fit.model.family.effect_scale(parameter))
    axis = (f"{word} on the {scale}", f"mean and {probability} interval")
    spec = coefficients_spec(table, ends, line, axis)
    key = COEFFICIENTS_KEY if line is not None else COEFFICIENTS_KEY[:1]
    shown = coefficient_groups(
        table,
        ends,
        name,
        f"The {word} of each group of {factor}, with its {probability} interval",
        with_sizes=fit.model.design.n_rows > 0,
    )
    return [Heading(title), Chart(f"chart-{name}", (View("", spec),), key, name, caption, alt, None), shown]
