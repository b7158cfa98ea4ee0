"""The commands for kept fits, on two small ones."""

from __future__ import annotations

import csv
import gzip
import io

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

import partialpool as pp


@pytest.fixture(scope="module")
def scores() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    school = np.repeat(["a", "b", "c", "d", "e"], [2, 5, 9, 14, 20])
    hours = rng.normal(size=50)
    level = dict(zip("abcde", rng.normal(size=5), strict=True))
    score = 1 + 2 * hours + [level[s] for s in school] + 0.3 * rng.normal(size=50)
    return pd.DataFrame({"school": school, "hours": hours, "score": score})


@pytest.fixture(scope="module")
def kept(scores, tmp_path_factory):
    """Paths of two fits, one of which lacks a predictor that matters, and of the first without rows."""
    folder = tmp_path_factory.mktemp("fits")
    fits = {
        name: pp.Model(formula, scores).fit(draws=150, chains=2, seed=1, progress=False)
        for name, formula in {
            "hours": "score ~ hours + (1 | school)",
            "plain": "score ~ (1 | school)",
        }.items()
    }
    paths = {name: fit.save(folder / f"{name}.nc") for name, fit in fits.items()}
    return paths | {"bare": fits["hours"].save(folder / "bare.nc", rows=False)}


@pytest.fixture
def new(tmp_path):
    path = tmp_path / "new.csv"
    pd.DataFrame({"school": ["a", "z"], "hours": [0.0, 1.0]}).to_csv(path, index=False)
    return path


@pytest.mark.parametrize("command", ["predict", "check", "loo", "report"])
def test_help_shows_examples(run, command):
    result = run(command, "--help")
    assert result.exit_code == 0
    assert f"Examples\n   partialpool {command}" in "\n".join(map(str.rstrip, result.stdout.splitlines()))


def test_predictions_of_categories_have_a_row_for_each(run, scores, tmp_path):
    table = scores.assign(grade=np.digitize(scores["score"], [0.0, 2.0]))
    fit = pp.Model("grade ~ hours", table, family="cumulative").fit(method="laplace", seed=1)
    fit.save(tmp_path / "fit.nc")
    new = pd.DataFrame({"hours": [0.0, None, 1.0], "grade": ["?", "?", "!"]})
    new.to_csv(tmp_path / "new.csv", index=False)
    files = tmp_path / "fit.nc", tmp_path / "new.csv"
    result = run("predict", *files, "--out", tmp_path / "p.csv", "--missing", "drop")
    written = pd.read_csv(tmp_path / "p.csv")
    assert written["hours"].tolist() == [0.0] * 3 + [1.0] * 3
    assert written["predicted_grade"].tolist() == [0, 1, 2] * 2
    expected = fit.predict({"hours": [0.0, 1.0]}, summary=True)
    np.testing.assert_allclose(written["mean"], expected["mean"], rtol=1e-12)
    assert "1 row with missing values was left out" in result.stdout


def test_predict_shows_and_writes_what_the_fit_predicts(run, kept, new, tmp_path):
    out = tmp_path / "out.csv"
    result = run("predict", kept["hours"], new, "--seed", "5", "--out", out)
    assert result.exit_code == 0, result.output
    assert result.stdout.endswith(f"Written: {out}\n")
    found = pd.read_csv(out)
    expected = pp.load_fit(kept["hours"]).predict(pd.read_csv(new), summary=True, seed=5)
    assert list(found.columns) == ["school", "hours", *expected.columns]
    np.testing.assert_allclose(found[expected.columns], expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("options", "groups"),
    [
        (("--groups", "none"), None),
        (("--groups", "average"), "average"),
        (("--groups", "school"), ["school"]),
    ],
)
def test_groups_mean_what_they_mean_in_python(run, kept, new, tmp_path, options, groups):
    out = tmp_path / "out.csv"
    assert run("predict", kept["bare"], new, *options, "--out", out).exit_code == 0
    expected = pp.load_fit(kept["hours"]).predict(pd.read_csv(new), summary=True, seed=19, groups=groups)
    np.testing.assert_allclose(pd.read_csv(out)["mean"], expected["mean"], rtol=1e-12)


def test_rows_that_are_left_out_are_told(run, kept, tmp_path):
    path = tmp_path / "gaps.csv"
    path.write_text("school,hours\na,\nb,1\n")
    result = run("predict", kept["hours"], path, "--missing", "drop")
    assert result.exit_code == 0, result.output
    assert "1 row with missing values was left out." in result.stdout


def test_check_writes_words_tables_and_figures(run, kept, tmp_path):
    result = run("check", kept["hours"], "--out", tmp_path / "checks")
    assert result.exit_code == 0, result.output
    assert "Posterior predictive check of score" in result.stdout
    names = {path.name for path in (tmp_path / "checks").iterdir()}
    assert names == {
        "check.txt", "check_statistics.csv", "check_groups_school.csv", "check_statistics.png",
        "check_distribution.png", "check_groups_school.png", "check_residuals.png",
    }  # fmt: skip


def test_loo_ranks_several_fits(run, kept):
    result = run("loo", kept["plain"], kept["hours"])
    assert result.exit_code == 0, result.output
    ranked = [line.split()[0] for line in result.stdout.partition("Compared")[2].splitlines()[-2:]]
    assert ranked == ["hours", "plain"]


def test_the_same_fit_twice_is_an_error(run, kept):
    result = run("loo", kept["plain"], kept["plain"])
    assert result.exit_code == 2
    assert "given twice" in result.stderr


def test_fits_of_one_name_in_two_folders_stay_apart(run, kept, tmp_path):
    other = tmp_path / "other" / "plain.nc"
    other.parent.mkdir()
    other.write_bytes(kept["hours"].read_bytes())
    result = run("loo", kept["plain"], other)
    assert result.exit_code == 0, result.output
    assert "other/plain" in result.stdout


def test_report_writes_a_page(run, kept, tmp_path):
    page = tmp_path / "page.html"
    assert run("report", kept["hours"], "--out", page, "--question", "Do hours pay?").exit_code == 0
    assert "<title>Do hours pay?</title>" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize("command", ["check", "loo"])
def test_what_needs_rows_says_so(run, kept, command):
    result = run(command, kept["bare"])
    assert result.exit_code == 1
    assert "this fit was saved without them" in result.stderr


def test_a_fit_that_is_not_there_is_an_error(run, tmp_path):
    result = run("report", tmp_path / "absent.nc")
    assert result.exit_code == 1
    assert "absent.nc' cannot be read: No such file" in result.stderr


WRITTEN = (
    "order,school,hours,flag,day,code,country,note,share"
    "\n"
    '11898508762506083287,a,2.50,yes,03/04/2024,1e3,NA,"a, ""b""",10%'
    "\n"
    "11898508762506083288,b,3,no,05/04/2024,10E2,ZA,,007"
    "\n"
    "0011,c,4,True,2024-04-05,+1,null,' ,.5"
    "\n"
)


@pytest.mark.parametrize("ending", ["csv", "tsv", "csv.gz"])
def test_columns_are_written_as_they_came(run, kept, tmp_path, ending):
    text = WRITTEN.replace(",", "\t") if ending == "tsv" else WRITTEN
    path, out = tmp_path / f"new.{ending}", tmp_path / "out.csv"
    path.write_bytes(gzip.compress(text.encode()) if ending.endswith("gz") else text.encode())
    result = run("predict", kept["hours"], path, "--out", out)
    assert result.exit_code == 0, result.output
    separator = "\t" if ending == "tsv" else ","
    given = list(csv.reader(io.StringIO(text), delimiter=separator))
    with out.open(newline="") as file:
        written = [row[: len(given[0])] for row in csv.reader(file)]
    assert written == given
    means = pp.load_fit(kept["hours"]).predict(
        {"school": ["a", "b", "c"], "hours": [2.5, 3, 4]}, summary=True
    )
    np.testing.assert_allclose(pd.read_csv(out)["mean"], means["mean"], rtol=1e-12)


def test_a_parquet_file_s_whole_numbers_are_written_whole(run, kept, tmp_path):
    path, out = tmp_path / "new.parquet", tmp_path / "out.csv"
    large = 1_460_000_000_000_000_001
    table = pa.table({"id": pa.array([large, None], pa.int64()), "school": ["a", "b"], "hours": [1.0, 2.0]})
    parquet.write_table(table, path)
    assert run("predict", kept["hours"], path, "--out", out).exit_code == 0
    assert pd.read_csv(out, dtype=str, keep_default_na=False)["id"].tolist() == [str(large), ""]


def test_a_spline_beyond_its_range_is_told_in_a_line(run, scores, tmp_path):
    fit = pp.Model("score ~ cr(hours, df=4)", scores).sample_prior(draws=10, seed=1)
    path = tmp_path / "new.csv"
    path.write_text("hours\n0\n99\n")
    result = run("predict", fit.save(tmp_path / "fit.nc"), path)
    assert result.exit_code == 0, result.output
    note = "Note: cr(hours, df=4) was fitted for values from"
    assert result.stderr.startswith(note)
    assert "1 row (row 1, counted from 0) is beyond, as far as 99" in result.stderr
