"""Time functions inside one process, after a warm-up, and print what was found as JSON."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import numpy as np
from problems import minimum_ess

Solve = Callable[[int], np.ndarray]


def measure(peer: str, version: str, problems: dict[str, Solve], repeats: int) -> None:
    """Run each problem once to warm up, then `repeats` times in turn; print one JSON line."""
    for solve in problems.values():
        solve(0)
    found: dict[str, dict[str, list[object]]] = {name: {"seconds": [], "ess": []} for name in problems}
    moments = {}
    for repeat in range(repeats):
        for name, solve in problems.items():
            started = time.perf_counter()
            draws = solve(repeat + 1)
            found[name]["seconds"].append(time.perf_counter() - started)
            found[name]["ess"].append(minimum_ess(draws))
            flat = draws.reshape(-1, draws.shape[-1])
            moments[name] = {"mean": flat.mean(axis=0).tolist(), "sd": flat.std(axis=0).tolist()}
    print(json.dumps({"peer": peer, "version": version, "problems": found, "moments": moments}))
