"""Shrinkage as an interactive chart: from no to partial pooling, by rows of the group."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from partialpool.pooling.population import Estimate
from partialpool.report.chart_parts import (
    POINTED,
    SILENT,
    Spec,
    assemble,
    band_layer,
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

SHRINKAGE_KEY = (
    ("no-pooling", "no pooling"),
    ("partial-pooling", "partial pooling"),
    ("population", "population's line and interval"),
)

_HEIGHT = 440
_MARGIN = 1.25  # of the axis of sizes, as a factor
_EDGE = {"filled": False, "fill": "var(--page)", "strokeWidth": 1.2}
_NO: Spec = {"type": "square", "color": "var(--no-pooling)", "opacity": 1, "clip": True, **_EDGE}
_PARTIAL: Spec = {"type": "circle", "color": "var(--partial-pooling)", "opacity": 1, "clip": True}


def shrinkage_spec(table: pd.DataFrame, line: Estimate, suffix: str, titles: tuple[str, str]) -> Spec:
    """Draw a line from each group's estimate without pooling to that with partial pooling, by its rows.

    Parameters
    ----------
    table
        A pooling table, a row a group.
    line
        The population, on the same scale.
    suffix
        ``""`` for the link's scale, ``"_outcome"`` for the outcome's: the ending of the table's columns.
    titles
        Of the horizontal and the vertical axis.

    Returns
    -------
    A Vega-Lite specification. ``row`` of its data is the group's place in `table`, the tooltip's value.
    """
    data = _moves(table, suffix)
    size, thin = _look(len(data))
    ends = [line.lower, line.upper, *(item[pooling] for item in data for pooling in ("no", "partial"))]
    look = {"scale": {"domain": padded(ends), "nice": False, "zero": False}, "title": titles[1]}

    def y(field: str, until: str | None = None) -> Spec:
        at = {"y": {"field": field, "type": "quantitative", **look}}
        return at if until is None else at | {"y2": {"field": until}}

    def interval(pooling: str, aside: int) -> Spec:
        mark = {"type": "rule", "color": f"var(--{pooling}-pooling)", "strokeWidth": 2, "clip": True}
        mark |= {"xOffset": aside, **SILENT}
        return {**POINTED, "mark": mark, "encoding": y(f"{pooling}_lower", f"{pooling}_upper")}

    move = {"type": "rule", "color": "var(--move)", "clip": True, **SILENT, **thin}
    layers = [
        band_layer(line.lower, line.upper, "y"),
        line_layer(line.mean, "y"),
        {"name": "moves", "mark": move, "encoding": y("no", "partial")},
        interval("no", -2),
        interval("partial", 2),
        {"name": "before", "mark": _NO | SILENT | size, "encoding": y("no")},
        pointing("after", _PARTIAL | size, y("partial"), "x", len(data)),
        named(y("no")),
        {**POINTED, "mark": _NO | SILENT | {"size": 110, "strokeWidth": 2}, "encoding": y("no")},
        {**POINTED, "mark": _PARTIAL | SILENT | {"size": 110}, "encoding": y("partial")},
    ]
    return assemble(data, _HEIGHT, {"x": _sizes(table["n"], titles[0])}, layers) | {"transform": _spread()}


def _look(n_groups: int) -> tuple[Spec, Spec]:
    """Choose the size of points and the width of lines by how crowded the chart is."""
    if n_groups <= 100:
        return {"size": 34}, {"strokeWidth": 1}
    return ({"size": 14}, {"strokeWidth": 0.7}) if n_groups <= 1000 else ({"size": 6}, {"strokeWidth": 0.25})


def _moves(table: pd.DataFrame, suffix: str) -> list[Spec]:
    """Collect what each group's marks need, the largest move first."""
    fields = {
        f"{pooling}{end}": table[f"{pooling}_pooling_{figure}{suffix}"].tolist()
        for pooling in ("no", "partial")
        for end, figure in (("", "mean"), ("_lower", "lower"), ("_upper", "upper"))
    }
    sizes, labels = table["n"].tolist(), [group_label(label) for label in table["group"]]
    order = sorted(range(len(table)), key=lambda i: -abs(fields["partial"][i] - fields["no"][i]))
    return [
        {
            "row": i,
            "n": sizes[i],
            **{name: brief(values[i]) for name, values in fields.items()},
            **told(place, labels[i], len(table)),
        }
        for place, i in enumerate(order)
    ]


def _sizes(sizes: pd.Series[Any], title: str) -> Spec:
    """Make the axis of sizes, with ticks at 1, 2, 5, 10, ... unless fewer than three of them are on it."""
    known = sizes[sizes > 0]
    low, high = float(known.min()) / _MARGIN, float(known.max()) * _MARGIN
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [first * 10.0**power for power in powers for first in (1, 2, 5)]
    ticks = [tick for tick in ticks if low <= tick <= high]
    axis: Spec = {"format": "~r"} | ({"values": ticks} if len(ticks) >= 3 else {"tickCount": 4})
    scale = {"type": "log", "domain": [brief(low), brief(high)], "nice": False}
    return {"field": "x", "type": "quantitative", "title": title, "axis": axis, "scale": scale}


def _spread() -> list[Spec]:
    """Move groups of the same size slightly apart."""
    ties = {"joinaggregate": [{"op": "count", "as": "ties"}], "groupby": ["n"]}
    most = {"joinaggregate": [{"op": "max", "field": "ties", "as": "most"}]}
    turn = {"window": [{"op": "row_number", "as": "turn"}], "groupby": ["n"], "sort": [{"field": "row"}]}
    step = "0.025 * min(1, 10 / datum.most) * (datum.turn - (datum.ties + 1) / 2)"
    return [ties, most, turn, {"calculate": f"datum.n * exp({step})", "as": "x"}]
