"""Every peer's file compiles and names its problems; problems, bars and Stan programs fit together."""

from __future__ import annotations

import py_compile
from pathlib import Path

import bars
import jobs
import numpy as np
import pytest
import stan_code
from problems import PROBLEMS

PEERS = jobs.peers()


@pytest.mark.parametrize("path", sorted(jobs.HERE.glob("*.py")), ids=lambda path: path.stem)
def test_it_compiles(path: Path, tmp_path: Path) -> None:
    py_compile.compile(str(path), str(tmp_path / "out.pyc"), doraise=True)


@pytest.mark.parametrize("peer", PEERS)
def test_it_names_problems_that_exist(peer: str) -> None:
    declared = jobs.declared(PEERS[peer])
    assert declared
    assert set(declared) <= set(PROBLEMS)
    assert all(set(effort) <= set(jobs.DEFAULTS) for of in declared.values() for effort in of.values())


def test_the_peers_of_the_contract_are_there() -> None:
    python = {
        "partialpool",
        "pymc",
        "pymc_nutpie",
        "bambi",
        "numpyro",
        "stanli",
        "stan",
        "statsmodels",
        "floor",
    }
    assert set(PEERS) == python | {"rstanarm", "brms", "lme4", "glmmTMB"}


def test_what_the_bars_need_is_declared() -> None:
    known = {(job.problem, job.peer) for job in jobs.all_jobs()}
    assert {(problem, peer) for problem, peers in bars.NEEDED.items() for peer in peers} <= known
    labels = {job.label for job in jobs.all_jobs() if job.problem == bars.BANGLADESH}
    assert {bars.OURS, bars.OURS_LAPLACE, *bars.CELLS, *bars.ROWS, *bars.NUTPIE, "lme4 (rows)"} <= labels


@pytest.mark.parametrize("name", ["no-pooling", "partial-pooling", "slopes", "poisson-1000", "insteval"])
@pytest.mark.parametrize("centred", [False, True])
def test_stan_programs_run(name: str, centred: bool) -> None:
    import stanli

    rng, problem = np.random.default_rng(1), PROBLEMS[name]
    columns = {column for column, _ in problem.terms} | {c for f in problem.factors for c in f.columns}
    table = {column: rng.normal(size=30) for column in columns - {"1"}}
    table |= {"y": rng.integers(0, 2, 30).astype(float)}
    table |= {factor.name: np.arange(30.0) // 5 for factor in problem.factors}
    code = stan_code.program(problem, cells=False, centred=centred)
    model = stanli.Model(stan_code=code, data=stan_code.data(problem, table, cells=False))
    draws = model.sample(chains=1, warmup=20, samples=5, refresh=0)

    def take(variable: str) -> np.ndarray:
        return np.array(draws[variable])[np.newaxis]

    values = stan_code.stacked(problem, take, centred)
    assert values.shape[:2] == (1, 5)
    assert np.isfinite(values).all()


def test_cells_by_hand_keep_every_trial_and_success() -> None:
    rng = np.random.default_rng(2)
    table = {"y": rng.integers(0, 2, 300).astype(float), "g": np.arange(300.0) % 7}
    table |= {"urban": rng.integers(0, 2, 300).astype(float), "age": rng.integers(0, 2, 300).astype(float)}
    data = stan_code.data(PROBLEMS["slopes"], table, cells=True)
    assert data["N"] <= 28
    assert data["trials"].sum() == 300
    assert data["y"].sum() == table["y"].sum()


def test_monitored_groups_are_spread_over_a_factor() -> None:
    million = PROBLEMS["million"]
    assert list(million.monitored(60)) == list(range(60))
    chosen = million.monitored(10_000)
    assert (len(set(chosen)), chosen[0], chosen[-1]) == (200, 0, 9999)
