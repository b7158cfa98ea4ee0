"""Coefficients of groups as an interactive chart, ordered by their means."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from partialpool.plots.labels import shorten
from partialpool.report.chart_parts import (
    POINTED,
    SILENT,
    Spec,
    assemble,
    brief,
    line_layer,
    named,
    padded,
    pointing,
    told,
)
from partialpool.report.html_tables import group_label

if TYPE_CHECKING:
    import pandas as pd

COEFFICIENTS_KEY = (("partial-pooling", "mean and interval"), ("line", "population's coefficient"))

_MOST_ROWS = 60  # groups that each have a row with a name
_ROW, _LOWEST, _HEIGHT = 17, 120, 640  # pixels
_NARROWEST = 310  # pixels of a chart on a phone
_RULE: Spec = {"type": "rule", "color": "var(--partial-pooling)", **SILENT}
_POINT: Spec = {"type": "circle", "color": "var(--partial-pooling)", "opacity": 1}


def coefficients_spec(
    table: pd.DataFrame, ends: tuple[str, str], line: float | None, title: tuple[str, ...]
) -> Spec:
    """Draw each group's coefficient with its interval, the lowest below.

    Parameters
    ----------
    table
        A row a group: ``group``, ``mean`` and the two ends of the interval.
    ends
        The names of their columns.
    line
        The population's coefficient; None where there is none.
    title
        Of the axis, a text a line.

    Returns
    -------
    A Vega-Lite specification. ``row`` of its data is the group's place in `table`, the tooltip's value.
    """
    data, few = _ranked(table, ends), len(table) <= _MOST_ROWS
    reach = padded(item[end] for item in data for end in ("lower", "upper"))
    # Names of groups push the axis to the right: its title ends where it ends, to have room on a phone.
    axis = {"title": list(title), "titleAnchor": "end", "titleLimit": _NARROWEST}
    look = {"type": "quantitative", "axis": axis, "scale": {"domain": reach, "nice": False, "zero": False}}
    mean = {"x": {"field": "mean", **look}}
    interval = {"x": {"field": "lower", **look}, "x2": {"field": "upper"}}
    rule = {"strokeWidth": 1.4, "opacity": 1} if few else {"strokeWidth": 0.7, "opacity": 0.35}
    layers = [
        *([] if line is None else [line_layer(line, "x")]),
        {"mark": _RULE | rule, "encoding": interval},
        pointing("after", _POINT | {"size": 40 if few else 12}, mean, "y", len(data)),
        *([] if few else [named(mean)]),
        {**POINTED, "mark": _RULE | {"strokeWidth": 3}, "encoding": interval},
        {**POINTED, "mark": _POINT | SILENT | {"size": 110}, "encoding": mean},
    ]
    height = max(_LOWEST, _ROW * len(data)) if few else _HEIGHT
    return assemble(data, height, {"y": _rows(table, data, few)}, layers)


def _ranked(table: pd.DataFrame, ends: tuple[str, str]) -> list[Spec]:
    """Collect what each group's marks need, the extremes first."""
    means, labels = table["mean"].tolist(), [group_label(label) for label in table["group"]]
    lower, upper = (table[end].tolist() for end in ends)
    ranks = {i: rank for rank, i in enumerate(sorted(range(len(table)), key=means.__getitem__))}
    order = sorted(ranks, key=lambda i: min(ranks[i], len(table) - 1 - ranks[i]))
    return [
        {
            "row": i,
            "rank": ranks[i],
            "mean": brief(means[i]),
            "lower": brief(lower[i]),
            "upper": brief(upper[i]),
            **told(place, labels[i], len(table)),
        }
        for place, i in enumerate(order)
    ]


def _rows(table: pd.DataFrame, data: list[Spec], few: bool) -> Spec:
    """Make the axis of groups; with a name each where there is room."""
    axis: Spec = {"values": [], "grid": False, "title": None}
    if few:
        labels = {item["rank"]: shorten(group_label(table["group"].iloc[item["row"]])) for item in data}
        # A list in Vega's language, whose texts are JSON's.
        names = json.dumps([labels[rank] for rank in range(len(labels))])
        axis |= {"values": sorted(labels), "grid": True, "labelExpr": f"({names})[datum.value]"}
        axis |= {"labelLimit": 150, "labelOverlap": False, "ticks": False, "domain": False}
    scale = {"domain": [-0.7, len(data) - 0.3], "nice": False, "zero": False}
    return {"field": "rank", "type": "quantitative", "axis": axis, "scale": scale}
