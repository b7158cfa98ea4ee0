"""Shared parts of interactive charts; colours are named as in the style sheet."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from partialpool.plots.labels import shorten

Spec = dict[str, Any]

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
SILENT: Spec = {"tooltip": None, "aria": False}
POINTED: Spec = {"transform": [{"filter": {"param": "pointed", "empty": False}}]}

_NAMED = 8  # groups whose names are drawn in a chart without room for all
_NAME_LETTERS = 20
_MOST_SPOKEN = 200  # groups that a screen reader reads one by one
_FONT = "system-ui, 'Segoe UI', 'Helvetica Neue', Arial, 'Noto Sans', 'Noto Sans CJK SC', sans-serif"
_CONFIG: Spec = {
    "background": "transparent",
    "font": _FONT,
    "view": {"stroke": None},
    "legend": {"disable": True},
    "axis": {
        "labelColor": "var(--ink)",
        "titleColor": "var(--ink)",
        "labelFontSize": 12,
        "titleFontSize": 12.5,
        "titleFontWeight": "normal",
        "titlePadding": 10,
        "gridColor": "var(--rule)",
        "domainColor": "var(--axis)",
        "tickColor": "var(--axis)",
        "labelOverlap": "greedy",
        "labelSeparation": 6,
    },
}


def assemble(data: Sequence[Spec], height: int, shared: Spec, layers: Sequence[Spec]) -> Spec:
    """Put layers over the same groups together.

    Parameters
    ----------
    data
        A record a group, in the order in which they get their names.
    height
        In pixels; the width is the page's.
    shared
        The encoding that all layers have.
    layers
        From back to front. Names are beside the marks of the layer `named`, where there is one, and keep
        clear of the marks of layers that have a name.
    """
    clear_of = [f"{layer['name']}_marks" for layer in layers if "name" in layer]
    named_ones = [{"op": "add", "path": "/marks/-", "value": _name_marks(clear_of)}]
    return {
        "$schema": SCHEMA,
        "width": "container",
        "height": height,
        "data": {"name": "groups", "values": list(data)},
        "encoding": shared,
        "layer": list(layers),
        "config": _CONFIG,
        "usermeta": {"embedOptions": {"patch": named_ones if "named_marks" in clear_of else []}},
    }


def told(place: int, label: str, n_groups: int) -> Spec:
    """Add labels for screen readers, and names to draw, for the first few groups."""
    spoken = {"label": label} if n_groups <= _MOST_SPOKEN else {}
    return spoken | ({"name": shorten(label, _NAME_LETTERS), "place": place} if place < _NAMED else {})


def pointing(name: str, mark: Spec, encoding: Spec, axis: str, n_groups: int) -> Spec:
    """Draw the marks that react to the pointer along one axis; ``row`` is the tooltip's value."""
    select = {"type": "point", "on": "pointerover", "clear": "pointerout", "nearest": True}
    spoken = n_groups <= _MOST_SPOKEN
    return {
        "name": name,
        "params": [{"name": "pointed", "select": select | {"encodings": [axis]}}],
        "mark": mark | {"aria": spoken},
        "encoding": encoding
        | {"tooltip": {"field": "row", "type": "quantitative", "format": "d"}}
        | ({"description": {"field": "label"}} if spoken else {}),
    }


def named(encoding: Spec) -> Spec:
    """Add invisible marks at the groups with names."""
    mark = {"type": "point", "opacity": 0, "size": 30, **SILENT}
    groups = [{"filter": "isValid(datum.name)"}]
    return {"name": "named", "transform": groups, "mark": mark, "encoding": encoding}


def line_layer(value: float, axis: str) -> Spec:
    """Draw a dashed line through the whole chart."""
    mark = {"type": "rule", "color": "var(--axis)", "strokeDash": [5, 4], **SILENT}
    return {"data": {"values": [{}]}, "mark": mark, "encoding": _only(axis) | {axis: {"datum": brief(value)}}}


def band_layer(lower: float, upper: float, axis: str) -> Spec:
    """Draw a band through the whole chart."""
    mark = {"type": "rect", "color": "var(--band)", "opacity": 1, **SILENT}
    ends = {axis: {"datum": brief(lower)}, f"{axis}2": {"datum": brief(upper)}}
    return {"data": {"values": [{}]}, "mark": mark, "encoding": _only(axis) | ends}


def padded(values: Iterable[float | None]) -> list[float]:
    """Reach a little further than the smallest and the largest value."""
    known = [value for value in values if value is not None and math.isfinite(value)]
    low, high = min(known), max(known)
    room = 0.06 * (high - low) or 0.5
    return [low - room, high + room]


def brief(value: float) -> float | None:
    """Round to the digits that a chart can show; values that are not numbers give no mark."""
    return float(f"{value:.5g}") if math.isfinite(value) else None


def _only(axis: str) -> Spec:
    """Leave the other axis of a layer out, so that its mark runs through the whole chart."""
    return {"x" if axis == "y" else "y": None}


def _name_marks(clear_of: Sequence[str]) -> Spec:
    """Write names beside the marks of `named` where there is room: a layout that Vega has, Vega-Lite not."""
    place: Spec = {
        "type": "label",
        "size": {"signal": "[width, height]"},
        "anchor": ["right", "left", "top", "bottom", "top-right", "bottom-right", "top-left", "bottom-left"],
        "offset": [6],
        "sort": {"field": "datum.datum.place"},
        "avoidMarks": [name for name in clear_of if name != "named_marks"],
    }
    look = {"fill": {"value": "var(--ink)"}, "fontSize": {"value": 11.5}, "font": {"value": _FONT}}
    return {
        "type": "text",
        "name": "names",
        "aria": False,
        "interactive": False,
        "from": {"data": "named_marks"},
        "encode": {"enter": {"text": {"signal": "datum.datum.name"}, **look}},
        "transform": [place],
    }
