"""How many processors this process may use."""

from __future__ import annotations

import math
import os
from pathlib import Path

CONTROL_GROUP = Path("/sys/fs/cgroup")  # where a container sees its own limits
# Time of processors that a container may use in a period: control groups of the second kind, and the first.
QUOTAS = (("cpu.max",), ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us"))


def available_cores() -> int:
    """Processors that this process may use: by its affinity, and by the quota of the container it runs in."""
    mine = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(mine, _quota(CONTROL_GROUP)))


def _quota(folder: Path) -> int:
    """Processors that the quota allows, rounded up; without a quota, a very large number."""
    for names in QUOTAS:
        try:
            quota, period = " ".join((folder / name).read_text("ascii") for name in names).split()
            if int(quota) > 0:
                return math.ceil(int(quota) / int(period))
        except (OSError, ValueError):  # there is no such file, or it says "max"
            continue
    return 2**31
