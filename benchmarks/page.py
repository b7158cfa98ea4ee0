"""docs/benchmarks.md: the bars, a table a problem, what was left out, figures: all made from the records."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from statistics import median
from typing import Any

from agreement import Agreement
from bars import BARS, Results
from figures_of import building, ess, judged, kind, measured, rate, sampling, whole
from problems import PROBLEMS

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "benchmarks.md"
NOTES = HERE / "notes"
HEAD = (
    "program",
    "model s",
    "draws s",
    "cold s",
    "min ESS bulk",
    "tail",
    "bulk/s",
    "tail/s",
    "peak MiB",
    "agrees",
)


def write(results: Results, page: Path = PAGE, figures: Iterable[tuple[str, str]] = ()) -> None:
    """Make the page anew."""
    parts = [note("head"), setting(results), "## What must hold\n", bar_table(results), note("bars")]
    if figures:
        parts += ["## Figures\n", *(f"![{words}](figures/{name})\n" for name, words in figures)]
    parts += ["## Every problem\n", note("problems")]
    for name, problem in PROBLEMS.items():
        if name in results:
            parts += [f"### {problem.title}\n", f"`{problem.formula}`, {problem.family}\n"]
            parts += [table(results[name]), note(name)]
    parts.append(note("tail"))
    page.write_text("\n".join(part for part in parts if part).rstrip() + "\n", "utf-8")


def note(name: str) -> str:
    """A text written by hand, `notes/<name>.md`; empty without one."""
    path = NOTES / f"{name}.md"
    return path.read_text("utf-8").rstrip() + "\n" if path.exists() else ""


def setting(results: Results) -> str:
    """Dates, machines and versions of all records."""
    records = [record for group in results.values() for record in group.values()]
    machines = sorted({record["machine"] for record in records})
    dates = sorted({record["date"] for record in records})
    versions: dict[str, set[str]] = {}
    for record in records:
        for package, version in record.get("versions", {}).items():
            versions.setdefault(package, set()).add(version)
    told = ", ".join(f"{package} {'/'.join(sorted(found))}" for package, found in sorted(versions.items()))
    when = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
    return f"Measured {when} on: {'; '.join(machines)}.\n\nVersions: {told}.\n"


def bar_table(results: Results) -> str:
    """Each bar with what was measured."""
    lines = ["| work | figure | bar | measured | |", "|---|---|---|---|---|"]
    for bar in BARS:
        figure = bar.measure(results)
        verdict = "not measured" if figure is None else "reached" if bar.holds(figure) else "**not reached**"
        sign = "≥" if bar.at_least else "≤"
        found = "" if figure is None else number(figure)
        lines.append(f"| {bar.work} | {bar.text} | {sign} {number(bar.limit)} | {found} | {verdict} |")
    return "\n".join(lines) + "\n"


def table(records: dict[str, dict[str, Any]]) -> str:
    """One problem: a line a program, quickest first; then what has no line, and why."""
    shown = sorted((n for n, r in records.items() if measured(r)), key=lambda n: whole(records[n]))
    lines = [f"| {' | '.join(HEAD)} |", "|---" + "|---:" * (len(HEAD) - 2) + "|---|"]
    other = elsewhere(records)

    def mark(name: str) -> str:
        return " †" if name in other else ""

    for name in shown:
        cells = row(records, name)
        lines.append(f"| {' | '.join([cells[0] + mark(name), *cells[1:]])} |")
    notes = [f"* {name}: {effort(records[name])}" for name in shown if effort(records[name])]
    notes += [
        f"* {n}{mark(n)}: {r['status']} ({r['why']})" for n, r in sorted(records.items()) if not measured(r)
    ]
    notes += [
        f"* † on another machine, whose times are not those of this one: {m}"
        for m in sorted({*other.values()})
    ]
    return "\n".join([*lines, "", *notes]) + "\n"


def elsewhere(records: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Date and machine of the records that are not of the newest one's machine."""
    here = max(records.values(), key=lambda record: record["date"])["machine"]
    return {n: f"{r['date']}, {r['machine']}" for n, r in records.items() if r["machine"] != here}


def row(records: dict[str, dict[str, Any]], name: str) -> list[str]:
    """The figures of one program; times are left out where the posterior is another one."""
    record, found = records[name], judged(records, name)
    if name == "floor":
        return [name, "", "", number(median(record["cold"])), "", "", "", "", f"{record['peak_mib']:.0f}", ""]
    size = [number(ess(record, part)) for part in ("ess_bulk", "ess_tail")]
    if found is not None and not found.agrees:
        return [name, "", "", "", *size, "", "", "", verdict(name, record, found)]
    seconds = whole(record)
    rates = [number(rate(record, seconds, part)) for part in ("ess_bulk", "ess_tail")]
    times = [number(building(record)), number(sampling(record)), number(median(record["cold"]))]
    return [name, *times, *size, *rates, f"{record['peak_mib']:.0f}", verdict(name, record, found)]


def verdict(name: str, record: dict[str, Any], found: Agreement | None) -> str:
    """How far the posterior is from the reference's."""
    if found is None:
        return {"point": "point estimate"}.get(kind(name, record), "")
    gap = f"{found.mean_gap:.2f} sd"
    return gap if found.agrees else f"**no**: {gap}, sds by {found.sd_gap:.0%}"


def effort(record: dict[str, Any]) -> str:
    """Draws and repeats where they are not the usual ones."""
    usual = record["draws"] == 1000 and record["chains"] == 4 and record["warmup"] is None
    parts = [] if usual else [f"{record['chains']} x {record['draws']:,} draws"]
    if record["warmup"] is not None:
        parts.append(f"after {record['warmup']:,} of warm-up")
    if not record["sample"]:
        parts.append("the first fit, for lack of time for a second")
    return ", ".join(parts)


def number(value: float | None) -> str:
    """Three figures, with commas."""
    if value is None:
        return ""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"
