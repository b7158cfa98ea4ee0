"""The tables of the problems: made or read once, kept as plain columns under benchmarks/.data.

A table is a folder with one file of little-endian doubles a column, which numpy and R read alike and fast.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np

Table = dict[str, np.ndarray]

HERE = Path(__file__).parent
CACHE = HERE / ".data"


def folder(name: str) -> Path:
    """Where the columns of a table are; made first if they are not there."""
    kept = CACHE / name
    if not kept.exists():
        _keep(kept, _maker(name)())
    return kept


def read(name: str) -> Table:
    """The columns of a table, by name."""
    return {path.stem: np.fromfile(path, "<f8") for path in sorted(folder(name).glob("*.f64"))}


def groups(table: Table, column: str) -> tuple[np.ndarray, int]:
    """Group of each row, from 0, and how many groups there are."""
    index = table[column].astype(np.int64)
    return index, int(index.max()) + 1


def _keep(kept: Path, table: Table) -> None:
    part = kept.with_name(kept.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    for column, values in table.items():
        np.asarray(values, "<f8").tofile(part / f"{column}.f64")
    part.rename(kept)


def _maker(name: str) -> Callable[[], Table]:
    kind, _, size = name.partition("-")
    makers: dict[str, Callable[[], Table]] = {
        "bangladesh": _bangladesh,
        "insteval": _insteval,
        "million": lambda: _logistic(1_000_000, 10_000, 4),
        "poisson": lambda: _poisson(int(size)),
        "ladder": lambda: _logistic(int(size), int(size) // 100, 1),
    }
    return makers[kind]


def _bangladesh() -> Table:
    """1,934 women in 60 districts, the survey that partialpool bundles; age in decades."""
    import partialpool as pp

    women = pp.load_dataset("bangladesh")
    district = np.unique(women["district"], return_inverse=True)[1]
    return {
        "y": women["use.contraception"].to_numpy(),
        "urban": women["urban"].to_numpy(),
        "age": women["age.centered"].to_numpy() / 10,
        "g": district,
    }


def _insteval() -> Table:
    """73,421 ratings of lecturers by students of ETH Zurich: InstEval of R's package lme4 (GPL)."""
    if shutil.which("Rscript") is None:
        raise FileNotFoundError("InstEval is read out of R's package lme4, and there is no Rscript")
    part = CACHE / "insteval.part"
    part.mkdir(parents=True, exist_ok=True)
    code = """data(InstEval, package = "lme4")
    columns <- list(y = InstEval$y, service = InstEval$service == "1", s = as.integer(InstEval$s) - 1,
                    d = as.integer(InstEval$d) - 1, dept = as.integer(InstEval$dept) - 1)
    for (n in names(columns)) writeBin(as.double(columns[[n]]), paste0(n, ".f64"), endian = "little")"""
    subprocess.run(["Rscript", "-e", code], cwd=part, check=True)
    return {path.stem: np.fromfile(path, "<f8") for path in part.glob("*.f64")}


def _logistic(n_rows: int, n_groups: int, n_columns: int) -> Table:
    """Made: slopes 0.5, -0.5, ..., an sd of 0.7 between groups of unequal sizes."""
    rng = np.random.default_rng([n_rows, n_columns])
    group = np.sort(rng.choice(n_groups, n_rows, p=rng.dirichlet(np.full(n_groups, 5.0))))
    group = np.unique(group, return_inverse=True)[1]
    x = rng.normal(size=(n_columns, n_rows))
    slopes = 0.5 * (-1.0) ** np.arange(n_columns)
    eta = -0.5 + slopes @ x + 0.7 * rng.normal(size=n_groups)[group]
    names = [f"x{k + 1}" for k in range(n_columns)] if n_columns > 1 else ["x"]
    return {"y": rng.random(n_rows) < 1 / (1 + np.exp(-eta)), **dict(zip(names, x, strict=True)), "g": group}


def _poisson(n: int) -> Table:
    """Made: counts with log mean 1 + 0.5 x and an effect of sd 0.6 for each observation."""
    rng = np.random.default_rng(n)
    x = rng.normal(size=n)
    y = rng.poisson(np.exp(1 + 0.5 * x + 0.6 * rng.normal(size=n)))
    return {"y": y, "x": x, "g": np.arange(n)}
