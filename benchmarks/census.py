"""Published models at defaults: partialpool's NUTS and nested Laplace, and stanli on the exported program.

python benchmarks/census.py FOLDER [--only TEXT] [--programs nuts,laplace,stanli] [--limit SECONDS]
                            [--out FILE.json] [--page FILE.md]

FOLDER has `census.csv`, which says the table of each published model, and `data/TABLE.parquet`. Models are
written in `census_models.csv` as partialpool's formulas. Every fit is a process of its own with a time limit,
4 x 1,000 draws and two cores; times are of the fit alone, in a process whose kernels are compiled. Results
are added to the file after each fit: what it has already is not measured again.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

HERE = Path(__file__).resolve().parent
MODELS, NOTE = HERE / "census_models.csv", HERE / "notes" / "census.md"
PROGRAMS = ("nuts", "laplace", "stanli")
DRAWS, CHAINS = 1000, 4


def main() -> None:
    """Measure what the file of results lacks; write the page."""
    asked = _arguments()
    if asked.one:
        print(json.dumps(_measure(Path(asked.folder), asked.one, asked.programs)))
        return
    out = Path(asked.out)
    found: dict[str, dict[str, Any]] = json.loads(out.read_text()) if out.exists() else {}
    for row in _models():
        for program in asked.programs.split(","):
            key = f"{row['id']} {program}"
            if key in found or asked.only not in f"{row['id']} {row['formula']}":
                continue
            found[key] = _in_process(asked, row["id"], program)
            out.write_text(json.dumps(found, indent=0))
            print(key, found[key], flush=True)
    if asked.page:
        Path(asked.page).write_text(page(found))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--only", default="")
    parser.add_argument("--programs", default=",".join(PROGRAMS))
    parser.add_argument("--limit", type=float, default=60.0)
    parser.add_argument("--out", default=str(HERE / "results" / "census.json"))
    parser.add_argument("--page", default="")
    parser.add_argument("--one", default="", help=argparse.SUPPRESS)
    return parser.parse_args()


def _models() -> list[dict[str, str]]:
    with MODELS.open(newline="") as file:
        return list(csv.DictReader(file))


def _in_process(asked: argparse.Namespace, name: str, program: str) -> dict[str, Any]:
    command = [sys.executable, __file__, asked.folder, "--one", name, "--programs", program]
    try:
        # Imports and loading kernels are not the fit's.
        done = subprocess.run(command, capture_output=True, text=True, timeout=asked.limit + 15, check=False)
    except subprocess.TimeoutExpired:
        return {"status": f"over {asked.limit:.0f} s"}
    if done.returncode:
        return {"status": (done.stderr.strip().splitlines() or ["failed"])[-1][:200]}
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def _measure(folder: Path, name: str, program: str) -> dict[str, Any]:
    """Fit one model by one program."""
    import partialpool as pp

    row = next(row for row in _models() if row["id"] == name)
    census = pd.read_csv(folder / "census.csv").set_index("id")
    table = pd.read_parquet(folder / "data" / f"{census.loc[name, 'table']}.parquet")
    if "male_g" in table and "male" in table:  # coded -0.5 and 0.5, and a grouping factor
        table["male"] = np.where(table["male"] > 0, "m", "f")
    others = dict(part.split(" ", 1) for part in row["others"].split("; ") if part)
    formula = pp.Formula(row["formula"], **others)
    model = pp.Model(formula, table, family=row["family"], missing="drop")
    if program == "stanli":
        return _stanli(model)
    small = {"warmup": 50} if program == "nuts" else {}
    model.fit(method=program, draws=4, chains=1, seed=1, progress=False, **small)  # loads kernels
    started = time.perf_counter()
    fit = model.fit(method=program, draws=DRAWS, chains=CHAINS, seed=1, cores=2, progress=False)
    seconds = time.perf_counter() - started
    diverging = fit.draws.stats.get("diverging")
    figures = fit.summary()
    return {
        "status": "fine" if fit.diagnose().ok else "flagged",
        "seconds": round(seconds, 3),
        "bulk": round(float(figures["ess_bulk"].min())),
        "tail": round(float(figures["ess_tail"].min())),
        "r_hat": round(float(figures["r_hat"].max()), 4),
        "diverging": 0 if diverging is None else int(np.sum(diverging)),
    }


def _stanli(model: Any) -> dict[str, Any]:
    """Stan's NUTS on the program that partialpool exports; judged by its sampled parameters."""
    import stanli

    from partialpool.inference.convergence import convergence

    program = model.to_stan()
    built = stanli.Model(stan_code=program.code, data=dict(program.data))
    started = time.perf_counter()
    result = built.sample(chains=CHAINS, samples=DRAWS, seed=1, refresh=0)
    seconds = time.perf_counter() - started
    values = [np.asarray(result[v], float).reshape(CHAINS, DRAWS, -1) for v in result.keys()]  # noqa: SIM118
    figures = convergence(np.concatenate(values, axis=2))
    bulk, tail = float(np.nanmin(figures.ess_bulk)), float(np.nanmin(figures.ess_tail))
    r_hat = float(np.nanmax(figures.r_hat))
    fine = r_hat <= 1.01 and min(bulk, tail) >= 100 * CHAINS
    return {
        "status": "fine" if fine else "flagged",
        "seconds": round(seconds, 3),
        "bulk": round(bulk),
        "tail": round(tail),
        "r_hat": round(r_hat, 4),
    }


def page(found: dict[str, dict[str, Any]]) -> str:
    """The results as a page: what holds for how many, and every model."""
    models = {row["id"]: row for row in _models()}
    lines = ["# Published models at defaults", "", NOTE.read_text()]
    lines += ["| | " + " | ".join(PROGRAMS) + " |", "|---|---|---|---|"]
    by = {p: {k.split()[0]: v for k, v in found.items() if k.endswith(f" {p}")} for p in PROGRAMS}
    lines.append("| models tried | " + " | ".join(str(len(by[p])) for p in PROGRAMS) + " |")
    for word in ("fine", "flagged"):
        counts = (str(sum(v["status"] == word for v in by[p].values())) for p in PROGRAMS)
        lines.append(f"| {word} | " + " | ".join(counts) + " |")
    counts = (str(sum("seconds" not in v for v in by[p].values())) for p in PROGRAMS)
    lines.append("| over the limit, or failed | " + " | ".join(counts) + " |")
    for word, figure in (("median", np.median), ("largest", np.max)):
        times = ([v["seconds"] for v in by[p].values() if "seconds" in v] for p in PROGRAMS)
        shown = (f"{figure(own):.2f}" if own else "" for own in times)
        lines.append(f"| {word} seconds | " + " | ".join(shown) + " |")
    many, median, least = _ratios(by, models)
    lines += [
        "",
        f"{many} models with group-level terms finish by NUTS and by stanli. The smallest bulk ESS a second",
    ]
    lines += [
        f"of NUTS is {median} times stanli's in the median, {least} times at least.",
        "",
        "## Every model",
        "",
    ]
    lines += ["| model | nuts: s | smallest ESS bulk, tail | | laplace: s | | stanli: s | ESS bulk, tail | |"]
    lines += ["|---|---|---|---|---|---|---|---|---|"]
    for name, row in models.items():
        nuts, laplace, stan = (by[p].get(name, {}) for p in PROGRAMS)
        text = f"{row['formula']}, {row['family']}" + (f", {row['others']}" if row["others"] else "")
        cells = [_seconds(nuts), _sizes(nuts), _status(nuts), _seconds(laplace), _status(laplace)]
        cells += [_seconds(stan), _sizes(stan), _status(stan)]
        lines.append(f"| {name} `{text.replace('|', chr(92) + '|')}` | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _ratios(by: dict[str, dict[str, Any]], models: dict[str, Any]) -> tuple[str, ...]:
    """Smallest ESS a second, NUTS' over stanli's, of models with group terms: how many, median, least."""
    both = [
        (nuts["bulk"] / nuts["seconds"]) / (stan["bulk"] / stan["seconds"])
        for name, nuts in by["nuts"].items()
        if "seconds" in nuts
        and "seconds" in (stan := by["stanli"].get(name, {}))
        and "|" in _right(models[name])
    ]
    return (str(len(both)), f"{np.median(both):.0f}", f"{np.min(both):.1f}") if both else ("0", "", "")


def _right(row: dict[str, str]) -> str:
    return row["formula"].partition("~")[2] + row["others"]


def _seconds(one: dict[str, Any]) -> str:
    return f"{one['seconds']:.2f}" if "seconds" in one else ""


def _sizes(one: dict[str, Any]) -> str:
    return f"{one['bulk']:,}, {one['tail']:,}" if "seconds" in one else ""


def _status(one: dict[str, Any]) -> str:
    return str(one.get("status", "not tried"))


if __name__ == "__main__":
    main()
