"""Figures of a record that tables and bars are made of: seconds, effective draws a second, agreement."""

from __future__ import annotations

from statistics import median
from typing import Any

from agreement import Agreement, agreement, moments

Record = dict[str, Any]
OURS, OURS_LAPLACE = "partialpool", "partialpool (laplace)"
APPROXIMATE = ("laplace", "variational")
LEAST_ESS = 25  # chains worth fewer draws than that have not found a posterior to compare others with


def measured(record: Record | None) -> bool:
    """Whether there is something to read."""
    return record is not None and record["status"] == "measured"


def sampling(record: Record) -> float:
    """Median seconds from a built model to draws, warm; the first one where there was no second."""
    return median(record["sample"] or record["first"])


def building(record: Record) -> float:
    """Median seconds from a table to a model, compiled where programs compile; warm if made twice."""
    return median(record["rebuild"] or record["build"])


def whole(record: Record) -> float:
    """Model and draws together."""
    return building(record) + sampling(record)


def ess(record: Record, part: str = "ess_bulk") -> float | None:
    """Median of the smallest effective sample size; None without draws."""
    return median(size[part] for size in record["sizes"]) if record["sizes"] else None


def rate(record: Record, seconds: float, part: str = "ess_bulk") -> float | None:
    """Effective draws a second."""
    size = ess(record, part)
    return None if size is None else size / seconds


def kind(label: str, record: Record) -> str:
    """Posterior, approximate, or a point estimate."""
    if any(word in label for word in APPROXIMATE):
        return "approximate"
    return "posterior" if record["sizes"] else "point"


def reference(records: dict[str, Record], label: str) -> str | None:
    """Whose posterior a program is compared with: partialpool's NUTS; it with the others' best-known one."""
    others = {
        name: ess(record) or 0.0
        for name, record in records.items()
        if name != label and measured(record) and kind(name, record) == "posterior" and name != "floor"
    }
    others = {name: size for name, size in others.items() if size >= LEAST_ESS}
    return OURS if OURS in others else max(others, key=lambda name: others[name], default=None)


def judged(records: dict[str, Record], label: str) -> Agreement | None:
    """Whether a program agrees with its reference; None where there is none, and for point estimates."""
    record, other = records[label], reference(records, label)
    if not measured(record) or other is None or label == "floor" or kind(label, record) == "point":
        return None
    return agreement(moments(record["moments"]), moments(records[other]["moments"]), kind(label, record))


def believed(records: dict[str, Record], label: str) -> bool:
    """Whether a program's times may be read: measured, and not another posterior."""
    if not measured(records.get(label)):
        return False
    found = judged(records, label)
    return found is None or found.agrees
