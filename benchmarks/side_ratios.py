"""From figures of two versions, pair by pair, to ratios, a table and a record."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from typing import Any

SLOWER = 1.05
FEWEST = 3  # pairs that a verdict needs
HEAD = ("measurement", "base", "new", "new/base", "least", "most", "")


@dataclass(frozen=True)
class Measurement:
    """One thing measured in both versions, a figure a pair; its name ends with its unit."""

    name: str
    base: list[float] = field(default_factory=list)
    new: list[float] = field(default_factory=list)

    @property
    def ratios(self) -> list[float]:
        """New to base of each pair of processes, which took turns."""
        return [n / b if b else 1.0 for b, n in zip(self.base, self.new, strict=True)]

    @property
    def ratio(self) -> float:
        """Their median, which a slow hour does not move."""
        return median(self.ratios)

    @property
    def verdict(self) -> str:
        """Empty up to `SLOWER`; with a question mark where a pair contradicts it or pairs are too few."""
        if self.ratio <= SLOWER:
            return ""
        return "SLOWER" if min(self.ratios) > 1 and len(self.ratios) >= FEWEST else "slower?"

    def record(self) -> dict[str, Any]:
        """All of it in plain values."""
        ends = {"least": min(self.ratios), "most": max(self.ratios)}
        medians = {"median_base": median(self.base), "median_new": median(self.new)}
        figures = {"base": self.base, "new": self.new, "ratio": self.ratio, "verdict": self.verdict}
        return figures | medians | ends


def smallest(steps: list[dict[str, float]]) -> dict[str, float]:
    """Smallest of each figure."""
    return {name: min(figures[name] for figures in steps) for name in steps[0]}


def gathered(pairs: list[tuple[dict[str, float], dict[str, float]]]) -> list[Measurement]:
    """Measurements of a task from its pairs of (base, new) figures by name."""
    names = [name for name in pairs[0][0] if name in pairs[0][1]] if pairs else []
    return [Measurement(n, [base[n] for base, _ in pairs], [new[n] for _, new in pairs]) for n in names]


def row(found: Measurement) -> list[str]:
    """A measurement's cells."""
    medians = [f"{median(values):,.4g}" for values in (found.base, found.new)]
    ratios = [f"{value:.3f}" for value in (found.ratio, min(found.ratios), max(found.ratios))]
    return [found.name, *medians, *ratios, found.verdict]


def table(measurements: list[Measurement]) -> str:
    """Aligned text, names to the left and figures to the right."""
    rows = [list(HEAD), *(row(found) for found in measurements)]
    widths = [max(len(cells[k]) for cells in rows) for k in range(len(HEAD))]
    return "\n".join(_line(cells, widths) for cells in rows)


def _line(cells: list[str], widths: list[int]) -> str:
    figures = [cell.rjust(width) for cell, width in zip(cells[1:-1], widths[1:-1], strict=True)]
    return "  ".join([cells[0].ljust(widths[0]), *figures, cells[-1]]).rstrip()
