"""What was measured, kept as JSON: a file a problem or measure, a record a peer, changed one at a time."""

from __future__ import annotations

import json
import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
Record = dict[str, Any]


def read(folder: Path = RESULTS) -> dict[str, dict[str, Record]]:
    """All records: {problem or measure: {label: record}}."""
    return {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.json"))}


def keep(name: str, label: str, record: Record, folder: Path = RESULTS) -> None:
    """Put one record into its file, with the date and the machine; the others stay."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.json"
    known = json.loads(path.read_text("utf-8")) if path.exists() else {}
    known[label] = record | {"date": f"{datetime.now(UTC):%Y-%m-%d}", "machine": machine()}
    part = path.with_suffix(".part")
    part.write_text(json.dumps(known, sort_keys=True) + "\n", "utf-8")
    part.rename(path)


def machine() -> str:
    """Processor, cores, memory, system and Python in one line."""
    cores = len(os.sched_getaffinity(0))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    parts = [
        _processor(),
        f"{cores} cores",
        f"{memory:.0f} GiB",
        platform.system(),
        f"Python {platform.python_version()}",
    ]
    return ", ".join(parts)


def _processor() -> str:
    """What the processor calls itself, with its family and model where the name says little."""
    told: dict[str, str] = {}
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        told.setdefault(name.strip(), value.strip())
    name = told.get("model name", platform.machine())
    return f"{name} (family {told.get('cpu family')}, model {told.get('model')})"
