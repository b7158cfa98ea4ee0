"""Files are there whole or not at all."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib.figure import Figure

from partialpool.errors import FileError
from partialpool.storage import files


def test_a_failure_leaves_the_old_file_and_no_temporary_one(tmp_path):
    path = tmp_path / "kept.txt"
    path.write_text("old")

    def half_write():
        with files.replacing(path) as temporary:
            temporary.write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half_write()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_is_replaced(tmp_path):
    path = tmp_path / "a.txt"
    files.write_text(path, "one")
    files.write_text(path, "zwölf\n\n")
    assert path.read_text(encoding="utf-8") == "zwölf\n"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_in_the_place_of_a_file_is_named(tmp_path):
    path = tmp_path / "a.txt"
    (path / "inside").mkdir(parents=True)
    with pytest.raises(FileError, match=r"cannot be written: a folder has that name.\n  Try: another name"):
        files.write_text(path, "one")
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.parametrize("name", ["", ".", "..", "/"])
def test_a_name_of_a_folder_is_no_name_of_a_file(name):
    with pytest.raises(FileError, match=r"The file '.*' cannot be written: a folder has that name"):
        files.write_text(Path(name), "one")


def test_a_pipe_or_a_device_is_not_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(FileError, match="pipe' cannot be written: a device has that name"):
        files.write_text(pipe, "one")
    assert pipe.is_fifo()


def test_a_link_stays_and_what_it_points_to_is_replaced(tmp_path):
    link, target = tmp_path / "latest.txt", tmp_path / "runs" / "7.txt"
    files.write_text(files.make_folder(target.parent) / target.name, "old")
    link.symlink_to(target)
    files.write_text(link, "new")
    assert link.is_symlink()
    assert target.read_text() == "new\n"


def test_the_home_folder_is_known(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert files.make_folder("~/pages") == tmp_path / "pages"
    figure = Figure()
    assert files.write_figure(Path("~/a.png"), figure) == tmp_path / "a.png"


def test_a_file_in_the_place_of_the_folder_is_named(tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(FileError, match=r"The folder '.*taken' cannot be written: File exists"):
        files.make_folder(tmp_path / "taken")
    with pytest.raises(FileError, match=r"The folder '.*below' cannot be written: Not a directory"):
        files.make_folder(tmp_path / "taken" / "below")


def test_json_takes_arrays_and_numpy_numbers(tmp_path):
    path = files.write_json(tmp_path / "a.json", {"n": np.int64(2), "x": np.array([0.5, 1.0]), "s": "ü"})
    assert json.loads(path.read_text(encoding="utf-8")) == {"n": 2, "x": [0.5, 1.0], "s": "ü"}


def test_json_refuses_what_it_cannot_write(tmp_path):
    with pytest.raises(TypeError, match="set cannot be written as JSON"):
        files.write_json(tmp_path / "a.json", {"s": {1}})
    assert list(tmp_path.iterdir()) == []


def test_tables_keep_all_digits(tmp_path):
    table = pd.DataFrame({"x": [1 / 3]}, index=["a|b"])
    path = files.write_csv(tmp_path / "a.csv", table, index_name="name")
    pd.testing.assert_frame_equal(pd.read_csv(path, index_col="name"), table.rename_axis("name"))
    assert files.write_csv(path, table).read_text().startswith("x\n0.333333333333333")


@pytest.mark.parametrize("labels", [pd.interval_range(0, 3), pd.period_range("2024-01", periods=3, freq="M")])
def test_labels_without_a_netcdf_type_are_written_as_text(tmp_path, labels):
    coords = {"g": np.array(labels, dtype=object)}
    tree = xr.DataTree.from_dict({"posterior": xr.Dataset({"x": ("g", [1.0, 2.0, 3.0])}, coords)})
    path = files.write_tree(tmp_path / "draws.nc", tree)
    with xr.open_datatree(path, engine="h5netcdf") as read:
        assert read["posterior"].coords["g"].to_numpy().tolist() == [str(label) for label in labels]
