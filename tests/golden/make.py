"""Makes the golden set: ``python -m tests.golden.make``, from the repository root, package installed.

What stands beside it was made with version 0.1, by the commit that `index.json` names, and later code is
compared with it. It is only made again when a figure of 0.1 was wrong, and then by 0.1's code with that
mended; never because a later version differs. An argument, ``densities`` or ``posteriors``, makes that alone.

* `index.json`: the versions, a digest of each column of each table, and of each model the sizes of what
  `densities.npz` has, by variable.
* `densities.npz`: of each model P points, 20 or 3 for more than 160 free numbers: ``free`` (P, n) in 256ths,
  normal(0, 0.5) before they were rounded; ``draw`` (P, v) the draws they stand for; ``value`` (P,) and
  ``gradient`` (P, n) as `adapter` defines them.
* `posteriors.json`: of each fitted model and method, what `figures` defines. ``values`` and ``predictions``
  are of the first seed, and their errors at least the standard deviations over seeds; ``scores`` are means
  and standard deviations over seeds. Of 12 seeds, ``fits`` says with how many version 0.1 found its fit
  sound; the others are left out.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray
from tests.golden import adapter, figures
from tests.golden.models import MODELS
from tests.golden.tables import TABLES, digests

import partialpool as pp

HERE = Path(__file__).parent
INDEX, DENSITIES, POSTERIORS = HERE / "index.json", HERE / "densities.npz", HERE / "posteriors.json"

UNIT = 256  # parts of one that free numbers are rounded to, so that few bytes hold them exactly
MANY = 160
SEEDS = 12

Floats = NDArray[np.float64]


def split(columns: Floats, sizes: Mapping[str, int]) -> dict[str, Floats]:
    """(P, n) columns by variable."""
    ends = np.cumsum([0, *sizes.values()])
    return {name: columns[:, a:b] for name, a, b in zip(sizes, ends[:-1], ends[1:], strict=True)}


def joined(named: Mapping[str, Floats], names: Mapping[str, int]) -> Floats:
    """(P, n) columns of variables, in the order of names."""
    return np.concatenate([named[name] for name in names], axis=1)


def points(n: int, seed: int) -> NDArray[np.int16]:
    """(P, n) free numbers in 256ths."""
    rng = np.random.default_rng([2106, seed])
    drawn = rng.normal(0.0, 0.5, (20 if n <= MANY else 3, n))
    return np.round(UNIT * drawn).astype(np.int16)


def make_densities() -> None:
    """Write the densities and the index."""
    arrays: dict[str, Any] = {}
    sizes: dict[str, Any] = {}
    for seed, (name, golden) in enumerate(MODELS.items()):
        model = golden.build()
        of_free = adapter.free_sizes(model)
        raw = points(sum(of_free.values()), seed)
        free = split(raw / UNIT, of_free)
        value, gradient = adapter.log_posterior(model, free)
        draws = adapter.draws(model, free)
        of_draw = {variable: own.shape[1] for variable, own in draws.items()}
        sizes[name] = {"free": of_free, "draw": of_draw}
        arrays[f"{name}/free"], arrays[f"{name}/draw"] = raw, joined(draws, of_draw)
        arrays[f"{name}/value"], arrays[f"{name}/gradient"] = value, joined(gradient, of_free)
    np.savez_compressed(DENSITIES, **arrays)
    record = {"made_by": _made_by(), "tables": {name: digests(name) for name in TABLES}, "models": sizes}
    _write(INDEX, record)


def make_posteriors() -> None:
    """Write the figures of fits."""
    found = {}
    for name, methods in figures.FITTED.items():
        for method in methods:
            print(name, method, flush=True)
            found[f"{name}, {method}"] = _posterior(name, method)
    _write(POSTERIORS, found)


def _posterior(name: str, method: str) -> dict[str, Any]:
    every = [figures.fit(name, method, seed) for seed in range(1, SEEDS + 1)]
    fits = [fit for fit in every if fit.diagnose().ok]
    values, rows = [figures.values(fit) for fit in fits], [figures.predictions(fit) for fit in fits]
    scores = [figures.scores(fit) for fit in fits]
    by_score = {score: np.array([run[score] for run in scores]) for score in scores[0]}
    return {
        "fits": len(fits),
        "values": {label: _first(label, values) for label in figures.kept(values[0])},
        "predictions": {label: _first(label, rows) for label in rows[0]},
        "scores": {score: [float(np.mean(x)), float(np.std(x, ddof=1))] for score, x in by_score.items()},
    }


def _first(label: str, runs: list[dict[str, list[float]]]) -> list[float]:
    """Figures of the first run, each with its error there or its sd over runs, whichever is larger.

    Draws of nested Laplace are resampled: that they come from few points of the sds, their own errors miss.
    """
    own = np.array([run[label] for run in runs])
    errors = np.maximum(own[0, 1::2], np.std(own[:, ::2], axis=0, ddof=1))
    return np.column_stack([own[0, ::2], errors]).ravel().tolist()


def _made_by() -> dict[str, str]:
    git = ["git", "log", "-1", "--format=%h", "--", "src"]
    found = subprocess.run(git, cwd=HERE.parents[1], capture_output=True, text=True, check=True)
    return {
        "partialpool": pp.__version__,
        "last commit of src": found.stdout.strip(),
        "numpy": np.__version__,
        "numba": numba.__version__,
    }


def _write(path: Path, record: Mapping[str, Any]) -> None:
    """Write JSON, a line for each entry of the second level, digits as many as matter."""
    parts = []
    for name, inside in record.items():
        lines = [f"  {json.dumps(key)}: {json.dumps(_rounded(value))}" for key, value in inside.items()]
        parts.append(f"{json.dumps(name)}: {{\n" + ",\n".join(lines) + "\n }")
    path.write_text("{\n " + ",\n ".join(parts) + "\n}\n", "utf-8")


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.8g}")
    if isinstance(value, list):
        return [_rounded(entry) for entry in value]
    return {key: _rounded(entry) for key, entry in value.items()} if isinstance(value, dict) else value


if __name__ == "__main__":
    asked = sys.argv[1:] or ["densities", "posteriors"]
    for part in asked:
        {"densities": make_densities, "posteriors": make_posteriors}[part]()
