"""Fits under way: killed at any moment, they go on to the draws that one process would have made."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import partialpool as pp
from partialpool.errors import FileError, FitError
from partialpool.inference.draws import Draws
from partialpool.inference.nuts import engine, longer
from partialpool.inference.nuts import sample as nuts
from partialpool.inference.nuts.resume import resuming
from partialpool.model.geometry import Geometry
from partialpool.model.spec import ModelSpec
from partialpool.storage import draw_store, journal
from partialpool.storage.draw_store import is_store, open_store
from partialpool.storage.files import alone

MODEL = """
import numpy as np
import partialpool as pp

rng = np.random.default_rng(4)
n = {n}
x, g = rng.normal(size=n), rng.integers(0, 8, n)
y = x + rng.normal(size=8)[g] + rng.normal(size=n)
table = {{"y": y, "x": x, "g": g}}
model = pp.Model("y ~ x + (x | g)", table)
"""
FIT = """
from partialpool.inference.nuts import engine
engine.CHUNK_SECONDS = 0.05
model.fit(draws={draws}, chains=3, seed=2, cores=2, store={path!r}, progress=False)
"""


def make(n: int = 60) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(MODEL.format(n=n), names)
    return names


def make_model(n: int = 60) -> pp.Model:
    return make(n)["model"]


def assert_equal(a: Draws, b: Draws) -> None:
    np.testing.assert_array_equal(a.values, b.values)
    for name, values in a.stats.items():
        np.testing.assert_array_equal(values, b.stats[name])
    assert (a.warmup, a.seed, a.asked, a.attempts) == (b.warmup, b.seed, b.asked, b.attempts)
    assert not a.interrupted
    assert not b.interrupted


@pytest.fixture(scope="module")
def whole() -> pp.Fit:
    return make_model().fit(draws=150, chains=3, seed=2, cores=2, progress=False)


@pytest.fixture
def cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store that a person's Ctrl-C left with some draws of each chain, in several parts."""
    path, seen = tmp_path / "fit.nc", []
    append = draw_store.DrawStore.append

    def stop(self, part):
        append(self, part)
        seen.append(part)
        if len(seen) == 40:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(engine, "CHUNK_SECONDS", 1e-9)  # parts of one draw
        patch.setattr(draw_store.DrawStore, "append", stop)
        fit = make_model().fit(draws=150, chains=3, seed=2, cores=2, store=path, progress=False)
    assert fit.draws.interrupted
    found = next(f for f in fit.diagnose().findings if f.title == "Stopped early")
    assert found.advice == f"Go on from its file: {resuming(path)}"
    assert is_store(path)
    return path


def test_an_undisturbed_store_becomes_the_file_of_the_fit(tmp_path: Path, whole: pp.Fit) -> None:
    path = tmp_path / "fit.nc"
    fit = make_model().fit(draws=150, chains=3, seed=2, store=path, progress=False)
    assert not is_store(path)
    for made in (fit, pp.load_fit(path), pp.resume(path, progress=False)):
        assert_equal(made.draws, whole.draws)


def test_a_killed_process_goes_on_to_the_same_draws(tmp_path: Path) -> None:
    path, draws = tmp_path / "fit.nc", 300
    script = MODEL.format(n=2_000) + FIT.format(draws=draws, path=str(path))
    child = subprocess.Popen([sys.executable, "-c", script])
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and child.poll() is None:
        if path.exists() and path.read_bytes().count(b"PART") > 1:  # so the first record of draws is whole
            break
        time.sleep(0.005)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    assert is_store(path), "the child had finished"
    kept = sum(len(part.values) for part in open_store(path, 1).past[0].parts)
    assert 0 < kept < 3 * draws
    resumed = pp.resume(path, cores=1, progress=False)
    expected = make_model(2_000).fit(draws=draws, chains=3, seed=2, progress=False)
    # The child's linear algebra may round its last digits otherwise than this process's.
    np.testing.assert_allclose(resumed.draws.values, expected.draws.values, rtol=1e-4, atol=1e-6)
    assert_equal(pp.load_fit(path).draws, resumed.draws)


def test_an_interrupted_fit_goes_on(cut: Path, whole: pp.Fit) -> None:
    with pytest.raises(FileError) as error:
        pp.load_fit(cut)
    assert str(error.value) == (
        f"The file {str(cut)!r} is a fit that is not finished.\n"
        f"  Try: partialpool.resume({str(cut)!r}), or in a shell: partialpool resume {cut}"
    )
    assert_equal(pp.resume(cut, progress=False).draws, whole.draws)


def test_chains_that_go_on_after_their_draws_do_so_again(cut: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Draws of an interrupted fit that were too few are every second of more, as without interruption."""
    calls: list[int] = []

    def once(self: longer.Wanted, values: np.ndarray, n_steps: np.ndarray) -> bool:
        calls.append(n_steps.size)
        return len(calls) % 2 == 1

    monkeypatch.setattr(longer.Wanted, "more", once)
    expected = make_model().fit(draws=150, chains=3, seed=2, cores=2, progress=False).draws
    assert "every second of 300 draws" in expected.attempts[0]
    assert_equal(pp.resume(cut, progress=False).draws, expected)
    assert calls == [450] * 4


@pytest.mark.parametrize("lost", [1, 20, 700, 5000])
def test_a_last_record_that_was_cut_short_is_drawn_again(cut: Path, whole: pp.Fit, lost: int) -> None:
    os.truncate(cut, cut.stat().st_size - lost)
    assert_equal(pp.resume(cut, progress=False).draws, whole.draws)


def test_what_comes_after_damage_is_drawn_again(cut: Path, whole: pp.Fit) -> None:
    content = bytearray(cut.read_bytes())
    content[-3000] ^= 1
    cut.write_bytes(content)
    assert_equal(pp.resume(cut, progress=False).draws, whole.draws)


def test_going_on_needs_no_new_coordinates(cut: Path, whole: pp.Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another processor, or another quick fit, would choose others: positions would mean something else."""

    def refuse(spec: ModelSpec) -> Geometry:
        raise AssertionError("the coordinates are kept")

    monkeypatch.setattr(nuts, "choose_geometry", refuse)
    assert_equal(pp.resume(cut, progress=False).draws, whole.draws)


@pytest.mark.parametrize("at", [24, 25])  # writes: the head of a record, its content
@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_ctrl_c_within_a_record_costs_no_other_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: pp.Fit, at: int, share: float
) -> None:
    """Chains that were moving append after it: what they add counts."""
    path, n = tmp_path / "fit.nc", 0
    write, append, wait, after = journal._write_all, draw_store.DrawStore.append, engine.wait, []

    def stop(file, content):
        nonlocal n
        n += 1
        write(file, content[: int(share * len(content))] if n == at else content)
        if n == at:
            raise KeyboardInterrupt

    def note(self, part):
        append(self, part)
        if n > at:
            after.append((part.chain, part.rng.tolist()))

    def one_by_one(futures, **_):
        done = list(wait(futures)[0])
        return set(done[:1]), set(done[1:])

    with monkeypatch.context() as patch:
        patch.setattr(engine, "CHUNK_SECONDS", 1e-9)
        patch.setattr(engine, "wait", one_by_one)
        patch.setattr(journal, "_write_all", stop)
        patch.setattr(draw_store.DrawStore, "append", note)
        fit = make_model().fit(draws=150, chains=3, seed=2, cores=2, store=path, progress=False)
    assert fit.draws.interrupted
    assert after, "no chain was moving"
    kept = [(part.chain, part.rng.tolist()) for part in open_store(path, 1).past[0].parts]
    assert kept[-len(after) :] == after
    assert_equal(pp.resume(path, progress=False).draws, whole.draws)


def test_a_process_that_ended_during_warm_up_begins_again(cut: Path, whole: pp.Fit) -> None:
    start = cut.read_bytes().index(b"BEGN")
    os.truncate(cut, start)
    assert open_store(cut, 1).past == ()
    assert_equal(pp.resume(cut, progress=False).draws, whole.draws)


@pytest.mark.parametrize(
    ("where", "when", "what"),
    [
        (
            "_round",
            "before every chain had finished its warm-up",
            "the model and no draws, so the warm-up begins again",
        ),
        ("draw", "right after the warm-up", "the warm-up"),
    ],
)
def test_an_interruption_without_draws_points_to_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: pp.Fit, where: str, when: str, what: str
) -> None:
    path = tmp_path / "my fit.nc"
    move = getattr(engine._Crew, where)

    def stop(self, *arguments):
        self.stop[0] = 1  # as Ctrl-C does
        return move(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(engine._Crew, where, stop)
        with pytest.raises(FitError) as error:
            make_model().fit(draws=150, chains=3, seed=2, cores=2, store=path, progress=False)
    assert str(error.value) == (
        f"Sampling was stopped {when}: there are no draws to keep.\n"
        f"  Try: partialpool.resume({str(path)!r}), or in a shell: partialpool resume '{path}' "
        f"(the file has {what})"
    )
    resumed = pp.resume(path, progress=False)
    assert_equal(resumed.draws, whole.draws)
    assert resumed.draws.store is None


def test_a_second_run_goes_on_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten groups of three rows with a fixed large step diverge: the store then holds two runs."""
    monkeypatch.setattr(nuts, "FEW_GROUPS_TARGET_ACCEPT", 0.5)
    rng = np.random.default_rng(1)
    table = {"y": rng.normal(size=12), "g": np.arange(12) % 3}
    model = pp.Model("y ~ 1 + (1 | g)", table)
    expected = model.fit(draws=400, chains=2, seed=3, progress=False)
    assert len(expected.draws.attempts) >= 2, "this seed has no divergence: choose another"
    path = tmp_path / "fit.nc"
    append, seen = draw_store.DrawStore.append, []

    def stop(self, part):
        append(self, part)
        seen.append(part)
        if len(self.past) == 0 and path.read_bytes().count(b"BEGN") == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(draw_store.DrawStore, "append", stop)
        patch.setattr(engine, "CHUNK_SECONDS", 1e-9)
        assert model.fit(draws=400, chains=2, seed=3, store=path, progress=False).draws.interrupted
    assert len(open_store(path, 1).past) == 2
    assert_equal(pp.resume(path, progress=False).draws, expected.draws)


# --- what is refused ------------------------------------------------------------------------------------


def test_a_file_that_is_there_is_never_overwritten(tmp_path: Path, cut: Path) -> None:
    other = tmp_path / "other.nc"
    other.write_bytes(b"something")
    for path in (other, cut):
        before = path.read_bytes()
        with pytest.raises(FileError, match="is there already, and draws do not overwrite it"):
            make_model().fit(draws=10, chains=1, store=path, progress=False)
        assert path.read_bytes() == before


def test_a_store_in_use_says_so(cut: Path, whole: pp.Fit) -> None:
    with alone(cut), pytest.raises(FileError) as error:
        pp.resume(cut, progress=False)
    assert str(error.value) == (
        f"The file {str(cut)!r} is in use: draws are being written to it.\n"
        "  Try: wait for them, or stop that process first"
    )
    assert_equal(pp.resume(cut, progress=False).draws, whole.draws)


def test_another_format_says_so(cut: Path) -> None:
    cut.write_bytes(cut.read_bytes().replace(b"store 3 ", b"store 1\n", 1))
    with pytest.raises(FileError, match="is a store of format 1; this version of partialpool reads format 3"):
        pp.resume(cut, progress=False)


def test_another_version_says_so(cut: Path) -> None:
    version = pp.__version__
    before = cut.read_bytes().replace(f" {version}\n".encode(), b" 0.0.7\n", 1)
    cut.write_bytes(before)
    with pytest.raises(FileError) as error:
        pp.resume(cut, progress=False)
    assert str(error.value) == (
        f"The file {str(cut)!r} was begun by partialpool 0.0.7; this is partialpool {version}, which may "
        "move chains otherwise, so its draws would not be those of one run.\n"
        "  Try: go on with partialpool 0.0.7, or fit again in a new file"
    )
    assert cut.read_bytes() == before


@pytest.mark.parametrize("kept", ["BEGN", "PART"])
def test_draws_of_another_model_are_refused(cut: Path, tmp_path: Path, kept: str) -> None:
    """The model of other outcomes before the coordinates and draws of this one."""
    model, options = make_model(), open_store(cut, 1).options
    table = make()["table"]
    other = pp.Model("y ~ x + (x | g)", table | {"y": table["y"] + 1.0})
    place = tmp_path / "other.nc"
    draw_store.create_store(place, other.spec, model.name, other.formula, other.recipe, options)
    content = cut.read_bytes()
    end = len(content) if kept == "PART" else content.index(b"PART")
    before = place.read_bytes() + content[content.index(b"GEOM") : end]
    place.write_bytes(before)
    with pytest.raises(FileError) as error:
        pp.resume(place, progress=False)
    assert str(error.value).startswith(
        f"The draws in {str(place)!r} are of another density than its model has here: where chain 0 stands, "
        "the log density was -"
    )
    assert "fit again in a new file" in str(error.value)
    assert place.read_bytes() == before


@pytest.mark.parametrize("length", [20, 200])
def test_a_store_without_its_model_says_so(cut: Path, length: int) -> None:
    os.truncate(cut, length)
    with pytest.raises(FileError, match="before there were any draws"):
        pp.resume(cut, progress=False)


def test_what_is_no_store_says_so(tmp_path: Path) -> None:
    path = tmp_path / "no.nc"
    path.write_text("hello")
    with pytest.raises(FileError, match="is not a netCDF-4 file"):
        pp.resume(path, progress=False)
    with pytest.raises(FileError, match="is no fit under way"):
        open_store(path, 1)
    with pytest.raises(FileError, match="No such file"):
        pp.resume(tmp_path / "absent.nc", progress=False)


def test_a_folder_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="cannot be written"):
        make_model().fit(draws=10, chains=1, store=tmp_path / "a" / "b.nc", progress=False)
