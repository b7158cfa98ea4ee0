"""The commands from end to end, with few draws."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import partialpool as pp
from partialpool.api import sampling
from partialpool.inference.nuts import engine
from partialpool.inference.nuts.resume import resuming
from partialpool.storage.draw_store import DrawStore

FEW = ("--draws", "60", "--chains", "2", "--quiet")
FORMULA = "score ~ 1 + hours + (1 | school)"


@pytest.fixture(scope="module")
def scores(tmp_path_factory):
    rng = np.random.default_rng(3)
    school = np.repeat(["a", "b", "c", "d", "e"], [2, 5, 9, 14, 20])
    effect = dict(zip("abcde", rng.normal(size=5), strict=True))
    hours = rng.normal(size=len(school))
    score = 1 + 0.5 * hours + [effect[s] for s in school] + rng.normal(size=len(school))
    path = tmp_path_factory.mktemp("data") / "scores.csv"
    pd.DataFrame({"school": school, "hours": hours, "score": score}).to_csv(path, index=False)
    return path


@pytest.fixture
def interrupting(monkeypatch):
    """Make every fit look as if Ctrl-C had stopped it."""
    finish = sampling.draw_posterior

    def stop(*arguments):
        return replace(finish(*arguments), interrupted=True, asked=1000)

    monkeypatch.setattr(sampling, "draw_posterior", stop)


@pytest.mark.parametrize("command", ["demo", "fit", "compare"])
def test_help_shows_examples(run, command):
    result = run(command, "--help")
    assert result.exit_code == 0
    assert f"Examples\n   partialpool {command}" in "\n".join(map(str.rstrip, result.stdout.splitlines()))


def test_no_command_shows_the_commands(run):
    assert all(command in run().output for command in ("demo", "fit", "compare", "datasets"))


def test_version(run):
    assert run("--version").stdout == f"partialpool {pp.__version__}\n"


def test_datasets_are_listed_with_their_source(run):
    result = run("datasets")
    assert result.exit_code == 0
    assert result.stdout.startswith("bangladesh, 1,934 rows: woman, district, use.contraception")
    assert "Source: Data frame Contraception of the R package mlmRev" in result.stdout


def test_fit_tells_model_estimates_and_checks(run, scores):
    result = run("fit", scores, FORMULA, *FEW)
    assert result.exit_code == 0, result.output
    for words in (
        "50 rows; 5 groups of school, of 2 to 20 rows (median 9)",
        "Model ─",
        "1|school_sigma",
        "Fit: ",
    ):
        assert words in " ".join(result.stdout.split())
    assert "Files" not in result.stdout


def test_output_that_is_piped_is_plain_and_narrow(run, scores):
    lines = run("fit", scores, FORMULA, *FEW).stdout.splitlines()
    assert not any("\x1b" in line for line in lines)
    assert max(map(len, lines)) <= 100


def test_fit_writes_a_folder(run, scores, tmp_path):
    out = tmp_path / "out"
    result = run("fit", scores, FORMULA, *FEW, "--prob", "0.5", "--seed", "7", "--out", out)
    assert result.exit_code == 0, result.output
    assert f"Files {'─' * 74}\n{out}\n  report.html, summary.csv, diagnostics.txt" in result.stdout
    assert {"hdi_25%", "hdi_75%"} < set(pd.read_csv(out / "summary.csv").columns)
    assert "seed 7" in (out / "diagnostics.txt").read_text()
    assert "partialpool" in json.loads((out / "versions.json").read_text())


def test_a_stored_fit_is_gone_on_from_and_told(run, scores, tmp_path):
    store = tmp_path / "fit.nc"
    first = run("fit", scores, FORMULA, *FEW, "--store", store)
    assert first.exit_code == 0, first.output
    again = run("resume", store, "--quiet", "--out", tmp_path / "out")
    assert again.exit_code == 0, again.output
    table = first.stdout[first.stdout.index("parameter") : first.stdout.index("Checks")]
    assert table in again.stdout
    assert pp.load_fit(tmp_path / "out" / "fit.nc").summary().equals(pp.load_fit(store).summary())
    taken = run("fit", scores, FORMULA, *FEW, "--store", store)
    assert taken.exit_code == 1
    assert "is there already" in taken.stderr


def test_priors_and_parameters_reach_the_model(run, scores, tmp_path):
    result = run(
        *("fit", scores, FORMULA, *FEW, "--out", tmp_path),
        *("--prior", "hours=Normal(mean=0.25, sd=0.125)", "--parameter", "sigma=~ 1 + (1 | school)"),
    )
    assert result.exit_code == 0, result.output
    equations = (tmp_path / "equations.txt").read_text()
    assert "Normal(0.25, 0.125)" in equations
    assert "sigma_1|school_sigma" in (tmp_path / "summary.csv").read_text()


def test_compare_writes_a_report(run, scores, tmp_path):
    result = run("compare", scores, FORMULA, *FEW, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    for words in ("No pooling", "Partial pooling", "Complete pooling", "The most extreme disagreements ─"):
        assert words in result.stdout
    assert f"<title>Poolings compared: {FORMULA}</title>" in (tmp_path / "out" / "report.html").read_text()
    assert len(list((tmp_path / "out" / "figures").iterdir())) == 5


def test_the_demonstration_tells_the_whole_analysis(run, tmp_path):
    result = run("demo", *FEW, "--out", tmp_path)
    assert result.exit_code == 0, result.output
    assert "1,934 rows; 60 groups of district, of 2 to 118 rows (median 26)" in result.stdout
    assert "\n5. " in result.stdout
    assert f"partialpool {pp.versions()['partialpool']}, Python" in result.stdout
    table = pd.read_csv(tmp_path / "table.csv")
    assert list(table["group"]) == [i for i in range(1, 62) if i != 54]
    assert table["no_pooling_mean"][0] == pytest.approx(-1.05, abs=0.25)


def test_fit_by_nested_laplace_tells_its_own_checks(run, scores, tmp_path):
    result = run("fit", scores, FORMULA, *FEW, "--method", "laplace", "--out", tmp_path)
    assert result.exit_code == 0, result.output
    told = " ".join(result.stdout.split())
    assert "120 independent draws by nested Laplace, seed 19;" in told
    assert "parameter mean sd 89% HDI mcse ───" in told
    assert "120 independent draws: no chains" in told
    assert "R-hat" not in told
    assert pp.load_fit(tmp_path / "fit.nc").draws.method == "laplace"


@pytest.mark.parametrize("command", [("demo",), ("compare", "bangladesh", "urban ~ 1 + (1 | district)")])
def test_poolings_are_compared_by_nested_laplace(run, tmp_path, command):
    family = () if command == ("demo",) else ("--family", "bernoulli")
    result = run(*command, *family, *FEW, "--method", "laplace", "--out", tmp_path)
    assert result.exit_code == 0, result.output
    assert "120 independent draws by nested Laplace, seed 19" in result.stdout
    assert result.stdout.count("independent draws: no chains") == 3
    assert "R-hat" not in result.stdout


def test_options_of_the_other_method_are_wrong_options(run, scores):
    result = run("fit", scores, FORMULA, *FEW, "--method", "laplace", "--warmup", "100")
    assert result.exit_code == 2
    assert 'Error: warmup=100: method="laplace" draws at once' in result.stderr
    assert run("fit", scores, FORMULA, "--method", "vb").exit_code == 2


@pytest.mark.parametrize("command", ["fit", "compare"])
def test_an_interrupted_run_is_told_and_written(run, scores, tmp_path, interrupting, command):
    result = run(command, scores, FORMULA, *FEW, "--out", tmp_path)
    assert result.exit_code == 130, result.output
    assert "Stopped early: The run was interrupted" in result.stdout
    assert result.stderr == "Interrupted: results are of the draws made until then.\n"
    assert (tmp_path / "diagnostics.txt").exists()


def test_an_interrupted_run_with_a_store_says_how_to_go_on(run, scores, tmp_path, monkeypatch):
    store = tmp_path / "fit.nc"
    append, seen = DrawStore.append, []

    def stop(self, part):
        append(self, part)
        seen.append(part)
        if len(seen) == 20:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(DrawStore, "append", stop)
        patch.setattr(engine, "CHUNK_SECONDS", 1e-9)
        result = run("fit", scores, FORMULA, *FEW, "--store", store)
    assert result.exit_code == 130, result.output
    assert "Run the fit again" not in result.stdout
    assert f"Go on from its file: {resuming(store)}" in " ".join(result.stdout.split())
    assert result.stderr == (
        f"Interrupted: results are of the draws made until then.\n  Try: partialpool resume {store}\n"
    )
    assert run("resume", store, "--quiet").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("bangladsh", FORMULA),
            "no file or bundled dataset 'bangladsh'.\n  Allowed: bangladesh\n  Try: 'bangladesh'",
        ),
        (("absent.csv", FORMULA), "absent.csv"),
        (("bangladesh", "urban ~ agee"), "'agee'"),
        (("bangladesh", "urban ~ woman", "--family", "bernouli"), "'bernouli'"),
        (("bangladesh", "urban ~ woman", "--prior", "woman=Norml(0, 1)"), "Norml"),
        (("bangladesh", "urban ~ woman", "--prior", "womn=Normal(0, 1)"), "'womn'"),
    ],
)
def test_what_a_user_can_get_wrong_is_said_without_a_traceback(run, arguments, message):
    result = run("fit", *arguments)
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")
    assert message in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    "option",
    [
        ("--draws", "0"),
        ("--prob", "1.5"),
        ("--drawz", "3"),
        ("--prior", "x"),
        ("--prior", "a=Flat()", "--prior", "a=Flat()"),
    ],
)
def test_bad_options_have_a_code_of_their_own(run, option):
    result = run("fit", "bangladesh", "urban ~ woman", *option)
    assert result.exit_code == 2
    assert option[0] in result.stderr


def test_a_folder_that_cannot_be_written_is_said_before_the_fit(run, scores, tmp_path, monkeypatch):
    (tmp_path / "taken").write_text("")
    monkeypatch.setattr(pp.Model, "fit", lambda *_, **__: pytest.fail("the model was fitted"))
    result = run("fit", scores, FORMULA, *FEW, "--out", tmp_path / "taken")
    assert result.exit_code == 1
    assert "taken' cannot be written: File exists" in result.stderr


def test_help_needs_nothing_heavy():
    heavy = ["matplotlib", "xarray", "arviz_stats", "formulae", "duckdb", "scipy.stats"]
    code = f"import sys, partialpool.cli; print([m for m in {heavy} if m in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        == "[]\n"
    )
