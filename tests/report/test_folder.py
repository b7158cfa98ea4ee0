"""A folder holds everything, replaces only its own files, and its page stands alone."""

from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from tests.report.invented import FakePools

from partialpool.errors import FileError
from partialpool.report.folder import write_fit, write_pools

VERSIONS = {"partialpool": "0.1.0", "numpy": "2"}
ABOUT = {"question": "Do groups differ?", "source": "somewhere", "versions": VERSIONS}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    return write_pools(FakePools(), tmp_path_factory.mktemp("pools") / "out", **ABOUT)


def test_a_fit_is_written_whole(fit, tmp_path):
    written = write_fit(fit, tmp_path / "new" / "out", prob=0.5, **ABOUT)
    assert [p.name for p in written] == [
        "report.html",
        "summary.csv",
        "diagnostics.txt",
        "equations.txt",
        "fit.nc",
        "model.stan",
        "model.data.json",
        "versions.json",
    ]
    assert sorted((tmp_path / "new" / "out").iterdir()) == sorted(written)
    place = written[0].parent
    table = pd.read_csv(place / "summary.csv", index_col="parameter")
    pd.testing.assert_frame_equal(table, fit.summary(prob=0.5).rename_axis("parameter"))
    assert (place / "model.stan").read_text() == "model {}\n"
    assert json.loads((place / "model.data.json").read_text()) == {"N": 12, "y": [0, 1]}
    assert (
        "4 chains of 200 draws after 400 of warm-up, seed 19, 0.25 s"
        in (place / "diagnostics.txt").read_text()
    )


def test_draws_are_read_back_with_their_labels(fit, tmp_path):
    write_fit(fit, tmp_path, prob=0.89, **ABOUT)
    with xr.open_datatree(tmp_path / "fit.nc", engine="h5netcdf") as tree:
        posterior = tree["posterior"].to_dataset()
        assert list(posterior["g__factor_dim"].values) == ["north", "south", "west"]
        np.testing.assert_array_equal(posterior["1|g"], fit.draws.values[..., 2:])
        assert tree["sample_stats"]["diverging"].dtype == bool


def test_an_interrupted_fit_says_so(interrupted_fit, tmp_path):
    write_fit(interrupted_fit, tmp_path, prob=0.89, **ABOUT)
    for name in ("diagnostics.txt", "report.html"):
        assert "The run was interrupted: there are 4 chains of 150 draws" in (tmp_path / name).read_text()


def test_a_comparison_is_written_whole(written):
    place = written[0].parent
    assert sorted(str(p.relative_to(place)) for p in written) == sorted(
        [
            "report.html",
            "table.csv",
            "explanation.txt",
            "diagnostics.txt",
            "equations.txt",
            "versions.json",
            *(f"summary_{pooling}_pooling.csv" for pooling in ("no", "partial", "complete")),
            *(f"fit_{pooling}_pooling.nc" for pooling in ("no", "partial", "complete")),
            *(
                f"figures/{name}.png"
                for name in ("forest_no_pooling", "forests_side_by_side", "sd", "predictions", "shrinkage")
            ),
        ]
    )
    assert {p for p in place.rglob("*") if p.is_file()} == set(written)
    assert all(p.read_bytes().startswith(b"\x89PNG") for p in written if p.suffix == ".png")


def test_texts_name_their_pooling(written):
    for name in ("diagnostics.txt", "equations.txt"):
        text = (written[0].parent / name).read_text(encoding="utf-8")
        assert re.findall(r"^(\w+ pooling)$", text, re.M) == [
            "No pooling",
            "Partial pooling",
            "Complete pooling",
        ]


def test_a_second_run_replaces_its_own_files_and_leaves_others(written, pools):
    place = written[0].parent
    page = written[0].read_bytes()
    (place / "notes.txt").write_text("mine")
    written[0].write_text("old")
    assert write_pools(pools, place, **ABOUT) == written
    assert (place / "notes.txt").read_text() == "mine"
    assert written[0].read_bytes() == page
    (place / "notes.txt").unlink()
    assert {p for p in place.rglob("*") if p.is_file()} == set(written)


def test_a_folder_that_cannot_be_made_is_an_error(fit, tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(FileError, match=r"The folder '.*taken' cannot be written"):
        write_fit(fit, tmp_path / "taken", prob=0.89, **ABOUT)
