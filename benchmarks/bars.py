"""What must hold: each bar, and what was measured against it, computed from the records alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from figures_of import OURS, OURS_LAPLACE, believed, rate, sampling, whole

Results = dict[str, dict[str, Any]]
PUBLISHED_INLA = 167.0  # seconds of R-INLA for 100,000 observations, as the bar quotes it


@dataclass(frozen=True)
class Bar:
    """One thing that must hold: `measure` gives a figure, None where it was not measured."""

    work: str
    text: str
    limit: float
    measure: Callable[[Results], float | None]
    at_least: bool = False

    def holds(self, figure: float) -> bool:
        """Whether a figure reaches the bar."""
        return figure >= self.limit if self.at_least else figure <= self.limit


def best(
    results: Results, problem: str, labels: Iterable[str], of: Callable[[Any], float | None]
) -> float | None:
    """Smallest figure over the records that are believed."""
    records = results.get(problem, {})
    found = [of(records[label]) for label in labels if believed(records, label)]
    return min((value for value in found if value is not None), default=None)


def ratio(one: float | None, other: float | None) -> float | None:
    """One to the other, None without either."""
    return None if one is None or other is None else one / other


OURS_FEW = "partialpool (laplace, 100 draws)"
BANGLADESH = "partial-pooling"
CELLS = ("stanli (cells, centred)", "stanli (cells, non-centred)")
ROWS = ("stanli (rows, centred)", "stanli (rows, non-centred)")
NUTPIE = ("pymc_nutpie (centred)", "pymc_nutpie (non-centred)")


def _time(others: tuple[str, ...], of: Callable[[Any], float]) -> Callable[[Results], float | None]:
    return lambda r: ratio(best(r, BANGLADESH, [OURS], of), best(r, BANGLADESH, others, of))


def _rate(others: tuple[str, ...], of: Callable[[Any], float]) -> Callable[[Results], float | None]:
    def inverse(record: Any) -> float | None:
        return ratio(1.0, rate(record, of(record)))

    return lambda r: ratio(best(r, BANGLADESH, others, inverse), best(r, BANGLADESH, [OURS], inverse))


def _value(measure: str, *path: str) -> Callable[[Results], float | None]:
    def find(results: Results) -> float | None:
        value: Any = results.get(measure, {}).get("all", {})
        for step in path:
            value = value.get(step, {}) if isinstance(value, dict) else {}
        return value if isinstance(value, int | float) else None

    return find


def _compare(results: Results) -> float | None:
    seconds = results.get("compare", {}).get("all", {}).get("seconds")
    return None if not seconds else float(np.median(seconds["partialpool"]) / np.median(seconds["pymc"]))


def _gradient(other: str) -> Callable[[Results], float | None]:
    own, theirs = _value("gradient", "milliseconds", "gradient"), _value("gradient", "milliseconds", other)
    return lambda r: ratio(own(r), theirs(r))


def _million(results: Results) -> float | None:
    def inverse(record: Any) -> float | None:
        return ratio(1.0, rate(record, sampling(record)))

    others = [n for n in results.get("million", {}) if not n.startswith(("partialpool", "floor"))]
    return ratio(best(results, "million", others, inverse), best(results, "million", [OURS], inverse))


def _laplace(problem: str, label: str = OURS_LAPLACE) -> Callable[[Results], float | None]:
    return lambda r: best(r, problem, [label], whole)


def _growth(results: Results) -> float | None:
    """Slope of log time by log size from 1,000 to 1,000,000, by least squares."""
    sizes = [1_000, 10_000, 100_000, 1_000_000]
    times = [_laplace(f"poisson-{n}", OURS_FEW)(results) for n in sizes]
    if None in times:
        return None
    return float(np.polyfit(np.log(sizes), np.log(np.array(times, float)), 1)[0])


_PARTIAL = "Bangladesh, partial pooling, 4 x 1,000 draws"
_LAPLACE = "Bangladesh, nested Laplace, 4,000 draws"
_GRADIENT = "Gradient, a million Bernoulli rows"
_POISSON = "Poisson, one effect an observation, nested Laplace"
BARS = (
    Bar(_PARTIAL, "model and draws / stanli's on cells", 1 / 3, _time(CELLS, whole)),
    Bar(_PARTIAL, "model and draws / stanli's on rows", 1 / 15, _time(ROWS, whole)),
    Bar(
        _PARTIAL, "model and draws / PyMC + nutpie's, its compilation included", 1 / 60, _time(NUTPIE, whole)
    ),
    Bar(_PARTIAL, "draws / PyMC + nutpie's, compiled before", 1 / 60, _time(NUTPIE, sampling)),
    Bar(_PARTIAL, "ESS/s / stanli's on cells", 4.0, _rate(CELLS, whole), True),
    Bar(_PARTIAL, "ESS/s / stanli's on rows", 25.0, _rate(ROWS, whole), True),
    Bar(_PARTIAL, "ESS/s / PyMC + nutpie's, its compilation included", 100.0, _rate(NUTPIE, whole), True),
    Bar(_PARTIAL, "ESS/s / PyMC + nutpie's, compiled before", 100.0, _rate(NUTPIE, sampling), True),
    Bar("Three poolings compared, cold", "`partialpool compare` / a PyMC script", 1 / 4, _compare),
    Bar(
        _LAPLACE,
        "model and draws / `glmer`'s point estimate on rows",
        1 / 5,
        lambda r: ratio(_laplace(BANGLADESH)(r), best(r, BANGLADESH, ["lme4 (rows)"], whole)),
    ),
    Bar(
        _LAPLACE,
        "means of 95% of parameters, sds from long NUTS",
        0.03,
        _value("laplace", BANGLADESH, "mean_95%"),
    ),
    Bar(
        _LAPLACE,
        "means of all parameters, sds from long NUTS",
        0.08,
        _value("laplace", BANGLADESH, "mean_max"),
    ),
    Bar(
        _LAPLACE,
        "sds of all parameters, relative to long NUTS",
        0.05,
        _value("laplace", BANGLADESH, "sd_max"),
    ),
    Bar(_GRADIENT, "/ one pass over its data", 2.0, _gradient("pass")),
    Bar(_GRADIENT, "/ one pass over the same numbers in 64 bits", 2.0, _gradient("pass, doubles")),
    Bar(_GRADIENT, "/ stanli's", 0.4, _gradient("stanli")),
    Bar(_GRADIENT, "/ JAX's", 0.4, _gradient("jax")),
    Bar("NUTS, a million Bernoulli rows", "ESS/s / the best peer's", 3.0, _million, True),
    Bar(
        _POISSON,
        f"seconds for 100,000 (R-INLA published: {PUBLISHED_INLA:.0f})",
        3.0,
        _laplace("poisson-100000"),
    ),
    Bar(_POISSON, "power of n from 1,000 to 1,000,000 (1 is linear)", 1.1, _growth),
    Bar(
        "InstEval, three crossed factors, full posterior",
        "model and draws / `lmer`'s point estimate",
        1.0,
        lambda r: ratio(_laplace("insteval")(r), best(r, "insteval", ["lme4 (rows)"], whole)),
    ),
    Bar(
        "Memory, NUTS, a million rows",
        "peak beyond draws / size of cells",
        1.5,
        _value("memory", "nuts", "ratio"),
    ),
    Bar(
        "Memory, nested Laplace",
        "peak beyond draws / size of cells",
        1.5,
        _value("memory", "laplace", "ratio"),
    ),
)

# Which peers the bars need on which problem.
NEEDED = {
    BANGLADESH: ("floor", "partialpool", "stanli", "pymc_nutpie", "lme4"),
    "million": ("partialpool", "pymc_nutpie"),
    "poisson-1000": ("partialpool",),
    "poisson-10000": ("partialpool",),
    "poisson-100000": ("partialpool",),
    "poisson-1000000": ("partialpool",),
    "insteval": ("partialpool", "lme4"),
}
