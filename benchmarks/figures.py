"""Figures of docs/benchmarks.md: speed on the survey, and how cost grows with size."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from figures_of import believed, kind, rate, whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FOLDER = Path(__file__).parent.parent / "docs" / "figures"
Results = dict[str, dict[str, Any]]
OURS, OTHERS, POINT = "#c44e00", "#5b6f86", "#93a0ad"


def draw(results: Results, folder: Path = FOLDER) -> list[tuple[str, str]]:
    """Draw what there are records for; (file, words) of each figure."""
    wanted: list[tuple[str, str, Callable[[Results], Figure | None]]] = [
        (
            "benchmark_survey.svg",
            "Seconds and effective draws a second on the survey's partial pooling",
            _survey,
        ),
        ("benchmark_ladder.svg", "Seconds by number of rows, a group for 100 rows", _ladder),
        ("benchmark_poisson.svg", "Seconds by number of observations, one effect each", _poisson),
    ]
    made = []
    for name, words, make in wanted:
        figure = make(results)
        if figure is not None:
            folder.mkdir(parents=True, exist_ok=True)
            figure.savefig(folder / name, bbox_inches="tight", metadata={"Date": None})
            made.append((name, words))
    return made


def _survey(results: Results) -> Figure | None:
    """Two panels of bars, a line a program, on a log scale."""
    records = results.get("partial-pooling", {})
    names = [n for n in records if n != "floor" and believed(records, n)]
    if not names:
        return None
    names.sort(key=lambda n: -whole(records[n]))
    figure, (left, right) = _panels(2, height=0.9 + 0.27 * len(names))
    colours = [_colour(n, records[n]) for n in names]
    _bars(left, names, [whole(records[n]) for n in names], colours, "seconds, warm: model and draws")
    rates = [rate(records[n], whole(records[n])) or float("nan") for n in names]
    _bars(right, names, rates, colours, "smallest bulk ESS a second")
    right.set_yticklabels([])
    return figure


def _ladder(results: Results) -> Figure | None:
    return _growth(results, "ladder", "rows")


def _poisson(results: Results) -> Figure | None:
    return _growth(results, "poisson", "observations")


def _growth(results: Results, family: str, things: str) -> Figure | None:
    """A line a program over sizes, both axes logarithmic, the name at the last point."""
    sizes = {int(name.split("-")[1]): name for name in results if name.startswith(f"{family}-")}
    labels = sorted({label for name in sizes.values() for label in results[name]} - {"floor"})
    figure, (axes,) = _panels(1, height=4.6)
    ends: list[tuple[float, float, str, str]] = []
    for label in labels:
        points = [(n, results[name]) for n, name in sorted(sizes.items()) if believed(results[name], label)]
        if len(points) < 2:
            continue
        seconds = [whole(records[label]) for _, records in points]
        colour = _colour(label, points[0][1][label])
        style = "--" if "laplace" in label else "-"
        axes.loglog([n for n, _ in points], seconds, style, marker="o", markersize=4, color=colour)
        ends.append((points[-1][0], seconds[-1], label, colour))
    if not ends:
        return None
    for x, y, label, colour in _spread(ends):
        text = axes.annotate(
            label, (x, y), (6, 0), textcoords="offset points", va="center", fontsize=8, color=colour
        )
        # Lines pass below.
        text.set_bbox({"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 0.5})
    axes.set(xlabel=things, ylabel="seconds, warm: model and draws")
    axes.set_xlim(0.6 * min(sizes), 60 * max(x for x, *_ in ends))  # room for the names
    axes.grid(alpha=0.25)
    return figure


def _spread(ends: list[tuple[float, float, str, str]]) -> list[tuple[float, float, str, str]]:
    """Move labels that share a last size apart, by a quarter of a decade at least."""
    placed: list[tuple[float, float, str, str]] = []
    for x, y, label, colour in sorted(ends):
        below = [other for at, other, _, _ in placed if at == x]
        placed.append((x, max([y, *(1.6 * other for other in below)]), label, colour))
    return placed


def _panels(n: int, height: float) -> tuple[Figure, list[Axes]]:
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    mpl.rcParams |= {"svg.hashsalt": "partialpool", "svg.fonttype": "none", "font.family": "sans-serif"}
    figure, axes = plt.subplots(1, n, figsize=(9, height), squeeze=False, layout="constrained")
    for own in axes[0]:
        own.spines[["top", "right"]].set_visible(False)
    return figure, list(axes[0])


def _bars(axes: Axes, names: list[str], values: list[float], colours: list[str], words: str) -> None:
    axes.barh(range(len(names)), values, color=colours)
    axes.set(xscale="log", xlabel=words)
    axes.set_yticks(range(len(names)), names, fontsize=8)
    for at, value in enumerate(values):
        if value == value:
            text = f"{value:,.3g}" if value < 100 else f"{value:,.0f}"
            axes.annotate(text, (value, at), (3, 0), textcoords="offset points", va="center", fontsize=7)
    axes.margins(x=0.12)


def _colour(label: str, record: dict[str, Any]) -> str:
    if label.startswith("partialpool"):
        return OURS
    return POINT if kind(label, record) == "point" else OTHERS
