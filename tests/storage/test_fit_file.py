"""A fit comes back from its file as it was, and a file that is none of ours says so."""

from __future__ import annotations

import errno
import json
import os
import resource
import signal
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from tests.formula.same import assert_same
from tests.priors.cases import CASES as PRIOR_CASES
from tests.results.approximations import GOOD
from tests.storage.kept import CASES, TABLE, N, keep, kept_case, kept_poolings, make_draws, make_table

import partialpool as pp
from partialpool.data import frame
from partialpool.errors import DataError, FileError
from partialpool.formula.conform import conform
from partialpool.formula.earlier_designs import require_same_columns
from partialpool.model.equations import equations
from partialpool.priors.base import Prior
from partialpool.priors.registry import PRIORS, parse_prior
from partialpool.results.diagnostics import diagnose
from partialpool.results.group_effects import group_table
from partialpool.results.summaries import summary
from partialpool.results.tree import posterior_dataset
from partialpool.storage import files
from partialpool.storage.fit_file import load_fit, save_fit
from partialpool.storage.fit_records import KeptFit, prior_text

NEW = make_table(seed=6, n=9)


PRIOR_DRAWS = {"method": "prior", "stats": {}, "attempts": (), "target_accept": None, "warmup": 0}


LAPLACE_DRAWS = {
    "method": "laplace", "stats": {}, "attempts": ("Nested Laplace.",), "target_accept": None, "warmup": 0,
    "approximation": replace(GOOD, pareto_k=-np.inf, acceptance=0.1 + 0.2),
}  # fmt: skip


class Shelf:
    """Fits and their files, each made once; tests read and copy them, and never change one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cache  # noqa: B019 - it lives as long as the tests
    def fit(self, name: str) -> KeptFit:
        if name == "prior draws":
            return keep(pp.Model("y ~ x + (1 | g)", TABLE), **PRIOR_DRAWS)
        if name == "laplace draws":
            return keep(pp.Model("y ~ x + (1 | g)", TABLE), **LAPLACE_DRAWS)
        return kept_case(name) if name in CASES else kept_poolings()[name]

    @cache  # noqa: B019
    def path(self, name: str, rows: bool = True) -> Path:
        return save_fit(self.folder / f"{name}_{rows}.nc", self.fit(name), rows)


ALL = (*CASES, "no pooling", "complete pooling", "prior draws", "laplace draws")


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    return Shelf(tmp_path_factory.mktemp("kept"))


@pytest.fixture(scope="module")
def saved(shelf: Shelf) -> Path:
    return shelf.path("survey")


# ---- what comes back --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ALL)
def test_everything_comes_back_to_the_last_bit(name: str, shelf: Shelf) -> None:
    fit, found = shelf.fit(name), load_fit(shelf.path(name))
    assert_same(found.fitted, fit.fitted)
    assert (found.name, found.formula) == (fit.name, fit.formula)
    assert_same_on_new_rows(found, fit)


@pytest.mark.parametrize("name", ALL)
def test_without_rows_all_but_the_rows_comes_back(name: str, shelf: Shelf) -> None:
    fit, found = shelf.fit(name), load_fit(shelf.path(name, rows=False))
    model, wanted = found.fitted.model, fit.fitted.model
    assert model.design.n_rows == model.cells.index.n_cells == 0
    assert_same(found.fitted.draws, fit.fitted.draws)
    assert_same(model.layout, wanted.layout)
    assert_same(model.priors, wanted.priors)
    assert model.family == wanted.family
    assert_same_on_new_rows(found, fit)
    with pytest.raises(DataError, match=r"Leave-one-out .* saved without them"):
        found.fitted.require_rows("Leave-one-out cross-validation")


def assert_same_on_new_rows(found: KeptFit, fit: KeptFit) -> None:
    design = conform(found.recipe.evaluate(NEW), found.fitted.model.design)
    assert_same(design, conform(fit.recipe.evaluate(NEW), fit.fitted.model.design))
    for predictor in design.predictors.values():
        names = found.fitted.model.design.predictors[predictor.parameter].population.names
        assert predictor.population.names == names
        assert predictor.population.matrix.shape == (len(NEW), len(names))


@pytest.mark.parametrize("rows", [True, False])
def test_summaries_and_tables_are_the_same(rows: bool, shelf: Shelf) -> None:
    fit, found = shelf.fit("two").fitted, load_fit(shelf.path("two", rows)).fitted
    one, other = (posterior_dataset(f.draws, f.model.layout) for f in (found, fit))
    xr.testing.assert_identical(one, other)
    assert summary(one).equals(summary(other))
    assert str(diagnose(found, one)) == str(diagnose(fit, other))
    tables = [group_table(f, totals=True) for f in (found, fit)]
    without_sizes = [table.drop(columns="n") for table in tables]
    assert without_sizes[0].equals(without_sizes[1])
    if rows:
        assert tables[0].equals(tables[1])
        assert equations(found.model) == equations(fit.model)


@pytest.mark.parametrize("rows", [True, False])
def test_a_loaded_fit_is_saved_again_as_the_same_file(rows: bool, shelf: Shelf, tmp_path: Path) -> None:
    first = shelf.path("memory", rows)
    again = save_fit(tmp_path / "again.nc", load_fit(first))
    assert again.read_bytes() == first.read_bytes()


@pytest.mark.parametrize("few", [0, 5000], ids=["combinations", "rows"])
def test_no_row_is_in_a_file_without_rows(few: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(frame, "FEW", few)
    table = TABLE.assign(secret=np.arange(N) + 0.123456789, y=TABLE["y"] + 777.25)
    model = pp.Model("y ~ scale(secret) + (secret | g)", pd.concat([table] * 3))
    assert (model.design.row is None) == (few > 0)
    path = save_fit(tmp_path / "fit.nc", keep(model), rows=False)
    with h5py.File(path) as file:
        assert sorted(file) == ["partialpool", "posterior", "sample_stats"]
        assert list(file["partialpool"]) == ["record"]
    content = path.read_bytes()
    for number in (*table["y"].head(5), *table["secret"].head(5)):
        assert np.float64(number).tobytes() not in content
        assert repr(float(number)).encode() not in content


def test_each_column_is_kept_once(tmp_path: Path) -> None:
    path = save_fit(tmp_path / "fit.nc", keep(pp.Model("y ~ x + count + offset(count) + (x | g)", TABLE)))
    with h5py.File(path) as file:
        own = [name for name in file["partialpool"] if name.startswith("column")]
        record = json.loads(file["partialpool/record"][()])
    # Ones, x, and count and g as they were; count as a real number is the offset, which ArviZ's groups have.
    assert len(own) == 4
    population = record["design"]["predictors"][0]["population"]["columns"]
    assert population[2] == record["design"]["predictors"][0]["offset"] == "constant_data/offset"


# ---- the file is ArviZ's too ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CASES)
def test_xarray_opens_the_file(name: str, shelf: Shelf) -> None:
    fit = shelf.fit(name).fitted
    tree = xr.open_datatree(shelf.path(name)).load()
    for variable in fit.model.layout.variables:
        values = tree["posterior"].dataset[variable.name.replace("/", "\N{DIVISION SLASH}")]
        np.testing.assert_array_equal(values, variable.take(fit.draws.values))
    np.testing.assert_array_equal(tree["sample_stats"]["diverging"], fit.draws.stats["diverging"])
    (outcome,) = tree["observed_data"].data_vars.values()
    np.testing.assert_array_equal(outcome, fit.model.design.outcome.values)
    if name == "dates":
        days = tree["posterior"].coords["day__factor_dim"].to_numpy()
        assert [str(day)[:10] for day in days] == ["2023-01-09", "2024-05-01", "2024-05-02"]
    tree.close()


def test_names_that_would_be_the_same_in_a_file_are_refused(tmp_path: Path) -> None:
    table = TABLE.assign(**{"a/b": TABLE["x"], "a\N{DIVISION SLASH}b": TABLE["y"] ** 2})
    fit = keep(pp.Model("y ~ `a/b` + `a\N{DIVISION SLASH}b`", table))
    with pytest.raises(FileError, match="Two variables of the fit would be called 'a∕b' in a file"):
        save_fit(tmp_path / "fit.nc", fit)


# ---- priors and families as text --------------------------------------------------------------------------


def every_prior() -> list[Prior]:
    found = [pp.Normal(0.1 + 0.2, pp.HalfNormal(1e-300)), parse_prior("AtMeans(StudentT(3, -1e22, 2.5))")]
    return [
        *found,
        pp.Normal(np.float64(1 / 3), np.float32(0.1)),
        *(case.prior for case in PRIOR_CASES.values()),
    ]


@pytest.mark.parametrize("prior", every_prior(), ids=str)
def test_a_prior_comes_back_with_all_its_digits(prior: Prior) -> None:
    assert parse_prior(prior_text(prior)) == prior


def test_every_registered_prior_is_tried() -> None:
    assert {type(prior).__name__ for prior in every_prior()} == set(PRIORS)


# ---- what goes wrong while writing ------------------------------------------------------------------------


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES, errno.EROFS])
def test_what_was_there_stays_when_writing_fails(
    code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "fit.nc"
    path.write_bytes(b"what was there")

    def fail(self: Path, data: bytes) -> int:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(Path, "write_bytes", fail)
    with pytest.raises(FileError, match=rf"fit.nc' cannot be written: {os.strerror(code)}"):
        save_fit(path, kept_case("plain"))
    assert path.read_bytes() == b"what was there"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_said_by_the_system_itself(tmp_path: Path) -> None:
    path = tmp_path / "fit.nc"
    path.write_bytes(b"what was there")
    limits, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.getsignal(signal.SIGXFSZ)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        with pytest.raises(FileError, match=r"fit.nc' cannot be written: File too large"):
            save_fit(path, kept_case("plain"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert path.read_bytes() == b"what was there"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_of_that_name_stays(tmp_path: Path) -> None:
    (tmp_path / "fit.nc" / "inside").mkdir(parents=True)
    with pytest.raises(FileError, match=r"fit.nc' cannot be written: a folder has that name"):
        save_fit(tmp_path / "fit.nc", kept_case("plain"))
    assert [p.name for p in (tmp_path / "fit.nc").iterdir()] == ["inside"]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"nowhere/fit.nc' cannot be written: No such file"):
        save_fit(tmp_path / "nowhere" / "fit.nc", kept_case("plain"))


def test_a_model_with_a_prior_of_its_own_kind_is_refused(tmp_path: Path) -> None:
    class Mine(pp.Normal):
        pass

    fit = kept_case("plain")
    model = replace(fit.fitted.model, priors={**fit.fitted.model.priors, "x": Mine(0, 1)})
    with pytest.raises(pp.errors.PartialPoolError, match="Mine"):
        save_fit(tmp_path / "fit.nc", replace(fit, fitted=replace(fit.fitted, model=model)))
    assert list(tmp_path.iterdir()) == []


# ---- an approximation -------------------------------------------------------------------------------------


def test_a_file_from_before_there_were_approximations_is_read(saved: Path, tmp_path: Path) -> None:
    path = change_record(copy_of(saved, tmp_path), lambda record: record["draws"].pop("approximation"))
    assert load_fit(path).fitted.draws.approximation is None


def test_an_approximation_that_makes_no_sense_is_told(shelf: Shelf, tmp_path: Path) -> None:
    def change(record: dict[str, Any]) -> None:
        del record["draws"]["approximation"]["points"]

    path = change_record(copy_of(shelf.path("laplace draws"), tmp_path), change)
    with pytest.raises(FileError, match=r"damaged or changed: .*points"):
        load_fit(path)


# ---- what is not a kept fit -------------------------------------------------------------------------------


def copy_of(saved: Path, folder: Path) -> Path:
    path = folder / "copy.nc"
    path.write_bytes(saved.read_bytes())
    return path


def change_record(path: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    with h5py.File(path, "r+") as file:
        record = json.loads(file["partialpool/record"][()])
        change(record)
        del file["partialpool/record"]
        file["partialpool/record"] = json.dumps(record)
        del file["partialpool"].attrs["record_checksum"]
    return path


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"absent.nc' cannot be read: No such file"):
        load_fit(tmp_path / "absent.nc")
    with pytest.raises(FileError, match=r"cannot be read: Is a directory"):
        load_fit(tmp_path)


@pytest.mark.parametrize("content", [b"y,x\n1,2\n", b"CDF\x01\0\0\0\0", b""], ids=["csv", "netcdf3", "empty"])
def test_a_file_of_another_kind_is_named(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "other"
    path.write_bytes(content)
    with pytest.raises(
        FileError, match=r"(is not a netCDF-4 file|is empty): it is no fit that partialpool saved"
    ):
        load_fit(path)


@pytest.mark.parametrize("share", [0.001, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_told(saved: Path, share: float, tmp_path: Path) -> None:
    path = copy_of(saved, tmp_path)
    content = path.read_bytes()
    path.write_bytes(content[: max(20, int(share * len(content)))])
    with pytest.raises(FileError, match=r"cannot be read back, damaged or changed: .*\n  Try: a backup"):
        load_fit(path)


@pytest.mark.parametrize("name", ["posterior/Intercept", "posterior/1|g"])
def test_a_draw_that_changed_on_the_way_is_told(name: str, saved: Path, tmp_path: Path) -> None:
    path = copy_of(saved, tmp_path)
    with h5py.File(path) as file:
        start = file[name].id.get_chunk_info(0).byte_offset
    content = bytearray(path.read_bytes())
    content[start + 11] ^= 1
    path.write_bytes(content)
    with pytest.raises(FileError, match="cannot be read back, damaged or changed"):
        load_fit(path)


def test_files_of_other_programs_are_told(tmp_path: Path) -> None:
    fit = kept_case("plain").fitted
    draws = files.write_tree(tmp_path / "draws.nc", pp_tree(fit))
    with pytest.raises(FileError, match=r"draws.nc' has draws but no model: .*\n.*\n  Try: xarray"):
        load_fit(draws)
    xr.Dataset({"t": ("time", [1.0])}).to_netcdf(tmp_path / "weather.nc", engine="h5netcdf")
    with pytest.raises(FileError, match="is a netCDF or HDF5 file of other content: it is no fit"):
        load_fit(tmp_path / "weather.nc")


def pp_tree(fit: Any) -> xr.DataTree:
    return xr.DataTree.from_dict({"posterior": posterior_dataset(fit.draws, fit.model.layout)})


@pytest.mark.parametrize(
    ("form", "hint"), [(5, "update partialpool"), (0, r"load it with partialpool 7\.8, or fit again")]
)
def test_a_file_of_another_format_says_what_to_do(saved: Path, form: int, hint: str, tmp_path: Path) -> None:
    path = copy_of(saved, tmp_path)
    with h5py.File(path, "r+") as file:
        file["partialpool"].attrs["format"] = form
        file["partialpool"].attrs["version"] = "7.8"
    said = rf"saved by partialpool 7\.8 in format {form}; .* reads the formats 1, 2, 3 and 4\.\n  Try: {hint}"
    with pytest.raises(FileError, match=said):
        load_fit(path)


@pytest.mark.parametrize("form", [1, 2])
def test_files_of_earlier_formats_are_read_and_have_no_table(form: int, saved: Path, tmp_path: Path) -> None:
    path = copy_of(saved, tmp_path)

    def as_it_was(record: dict[str, Any]) -> None:
        record["design"].pop("frame")
        if form == 1:
            record.pop("covariances", None)
            for predictor in record["design"]["predictors"]:
                for term in predictor["groups"]:
                    term.pop("shared"), term.pop("covariance")

    change_record(path, as_it_was)
    with h5py.File(path, "r+") as file:
        file["partialpool"].attrs["format"] = form
    old, new = pp.load_fit(path), pp.load_fit(saved)
    np.testing.assert_array_equal(old.draws.values, new.draws.values)
    pd.testing.assert_frame_equal(old.predict(summary=True), new.predict(summary=True))
    pd.testing.assert_frame_equal(old.predict(new.data, summary=True), new.predict(summary=True))
    for fit in (old, pp.load_fit(old.save(tmp_path / "again.nc"))):
        with pytest.raises(DataError, match=r"not the columns of the table\.\n  Try: fit again and save"):
            _ = fit.data


@pytest.mark.parametrize("case", ["survey", "memory", "nested", "several groups a row"])
def test_a_file_of_format_3_predicts_as_it_did(case: str, shelf: Shelf, tmp_path: Path) -> None:
    saved = shelf.path(case)
    path = change_record(copy_of(saved, tmp_path), lambda record: record["memory"].pop("arithmetic"))
    with h5py.File(path, "r+") as file:
        file["partialpool"].attrs["format"] = 3
    old, new = load_fit(path), load_fit(saved)
    again = load_fit(save_fit(tmp_path / "again.nc", old))
    for fit in (old, again):
        assert_same(fit.recipe.evaluate(NEW), new.recipe.evaluate(NEW))
        assert_same(fit.fitted.model.design, new.fitted.model.design)


@pytest.mark.parametrize("case", [*CASES, "no pooling", "complete pooling"])
def test_columns_that_are_computed_again_are_those_of_the_fit(case: str) -> None:
    fit = kept_case(case) if case in CASES else kept_poolings()[case]
    require_same_columns(fit.recipe, fit.fitted.model.design)


HOSTILE = "__import__('os').system('touch {}')"


@pytest.mark.parametrize("place", ["formula", "family", "priors", "parameters"])
def test_nothing_in_a_file_is_run(saved: Path, place: str, tmp_path: Path) -> None:
    witness = tmp_path / "witness"
    text = HOSTILE.format(witness)

    def change(record: dict[str, Any]) -> None:
        texts = {"formula": f"lab ~ {text}", "family": text, "priors": {"x": text}}
        record[place] = texts.get(place, {"sigma": f"~ {text}"})

    path = change_record(copy_of(saved, tmp_path), change)
    with pytest.raises(FileError, match=r"cannot be read back, damaged or changed: "):
        load_fit(path)
    assert not witness.exists()


BROKEN: dict[str, Callable[[dict[str, Any]], None]] = {
    "no priors": lambda r: r.update(priors={}),
    "no memory": lambda r: r.update(memory={}),
    "no name": lambda r: r.pop("name"),
    "more draws": lambda r: r["draws"].update(draws=51),
    "another index": lambda r: r["design"]["predictors"][0]["groups"][0].update(index="constant_data/absent"),
    "floats as an index": lambda r: r["design"]["predictors"][0]["groups"][0].update(
        index=r["design"]["outcome"]["values"]
    ),
    "more rows": lambda r: r["design"].update(n_rows=10**6),
    "another transform": lambda r: r["memory"]["predictors"]["mu"]["population"]["learnt"][1][0].update(
        call=True
    ),
    "a deep prior": lambda r: r["priors"].update(x="Normal(0, " * 9999),
    "levels that are called": lambda r: r["memory"]["factors"][0].update(levels=[{"eval": "1"}]),
    "fewer groups": lambda r: r["memory"]["factors"][0].update(
        levels=[{"array": {"dtype": "<i8", "shape": [2], "values": [3, 7]}}]
    ),
}


@pytest.mark.parametrize("change", BROKEN.values(), ids=BROKEN)
def test_a_record_that_does_not_fit_is_told(
    saved: Path, change: Callable[[dict[str, Any]], None], tmp_path: Path
) -> None:
    path = change_record(copy_of(saved, tmp_path), change)
    with pytest.raises(FileError, match=r"cannot be read back, damaged or changed: "):
        load_fit(path)


@pytest.fixture(scope="module")
def joined(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fit whose rows share combinations: of text, dates, categories, whole numbers, true and false."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(frame, "FEW", 0)
        model = pp.Model("y ~ flag + cut + (1 | h) + (1 | day) + (1 | g)", pd.concat([TABLE] * 3))
    assert model.design.row is not None
    return save_fit(tmp_path_factory.mktemp("joined") / "fit.nc", keep(model))


def column_of(record: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(c for c in record["design"]["frame"]["columns"] if c["name"] == name)
    return found


BROKEN_FRAMES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "too few combinations": lambda r: r["design"]["frame"].update(n=3),
    "more combinations than rows": lambda r: r["design"]["frame"].update(n=10**9),
    "no number of combinations": lambda r: r["design"]["frame"].update(n="12"),
    "no row": lambda r: r["design"]["frame"].pop("row"),
    "rows as they are": lambda r: r["design"]["frame"].update(row=None),
    "rows of floats": lambda r: r["design"]["frame"].update(row=r["design"]["outcome"]["values"]),
    "no columns": lambda r: r["design"]["frame"].pop("columns"),
    "one name twice": lambda r: column_of(r, "g").update(name="h"),
    "a name in both parts": lambda r: r["design"]["frame"]["others"][0].update(name="h"),
    "a kind of column that there is not": lambda r: column_of(r, "flag").update(kind="complex128"),
    "another type": lambda r: column_of(r, "g").update(kind="float64"),
    "a column of every row": lambda r: column_of(r, "g").update(values=r["design"]["frame"]["row"]),
    "a label less": lambda r: column_of(r, "h")["labels"].pop(),
    "a label twice": lambda r: column_of(r, "h").update(labels=["a", "a", "b"]),
    "no place": lambda r: column_of(r, "g").update(values="partialpool/absent"),
    "a kind of labels that there is not": lambda r: r["design"]["frame"]["kinds"].update(h="eval"),
    "labels of a column of numbers": lambda r: r["design"]["frame"]["kinds"].update(g="text"),
    "labels of no column": lambda r: r["design"]["frame"]["kinds"].update(absent="text"),
    "labels that are called": lambda r: column_of(r, "h").update(labels=[{"eval": "1"}] * 3),
}


@pytest.mark.parametrize("change", BROKEN_FRAMES.values(), ids=BROKEN_FRAMES)
def test_raw_columns_that_do_not_fit_are_told(
    joined: Path, change: Callable[[dict[str, Any]], None], tmp_path: Path
) -> None:
    path = change_record(copy_of(joined, tmp_path), change)
    with pytest.raises(FileError, match=r"cannot be read back, damaged or changed: "):
        load_fit(path)


@pytest.mark.parametrize("number", [-1, 2, 10**9])
def test_a_row_of_another_combination_is_told(number: int, joined: Path, tmp_path: Path) -> None:
    """Also one that leaves a combination without a row."""
    path = copy_of(joined, tmp_path)
    with h5py.File(path, "r+") as file:
        row = file[json.loads(file["partialpool/record"][()])["design"]["frame"]["row"]]
        row[:] = np.where(row[:] == 1, number, row[:])
    with pytest.raises(FileError, match="rows are of other combinations than there are"):
        load_fit(path)


def test_raw_columns_take_the_space_of_their_combinations(joined: Path) -> None:
    """One number a row says which combination it is, one which row; the outcome is there already."""
    with h5py.File(joined) as file:
        lengths = [v.shape[0] for name, v in file["partialpool"].items() if name.startswith("co")]
        record = json.loads(file["partialpool/record"][()])["design"]["frame"]
    assert record["n"] == len(TABLE[["flag", "cut", "h", "day", "g"]].drop_duplicates()) < N
    assert {*lengths} == {3 * N, record["n"]}
    assert lengths.count(3 * N) == 2
    assert record["others"][0]["values"] == "observed_data/y"


@pytest.mark.parametrize("place", ["posterior/Intercept", "observed_data/lab", "partialpool/column_0"])
def test_an_array_of_another_size_is_not_read(place: str, saved: Path, tmp_path: Path) -> None:
    """It claims 8 TB, and takes none of them: a file of a few bytes must not fill the memory."""
    path = copy_of(saved, tmp_path)
    with h5py.File(path, "r+") as file:
        del file[place]
        file.create_dataset(place, shape=(10**6, 10**6), dtype="f8", chunks=(1000, 1000))
    with pytest.raises(FileError, match=r"has the shape \(1000000, 1000000\), not \("):
        load_fit(path)


def test_draws_are_never_shared_with_the_file(saved: Path) -> None:
    one, other = load_fit(saved), load_fit(saved)
    one.fitted.draws.values[:] = 0
    assert_same(other.fitted.draws, make_draws(other.fitted.model.layout))


def test_a_flipped_bit_in_the_record_is_noticed(tmp_path: Path) -> None:
    """Labels, levels, means and priors stand in it: another one would be another answer."""
    table = pd.DataFrame(
        {"y": np.arange(24) % 5.0, "x": np.arange(24) % 7.0, "c": ["red", "blue"] * 12, "g": list("abcd") * 6}
    )
    fit = pp.Model("y ~ scale(x) + c + (1 | g)", table).sample_prior(draws=10, seed=1)
    raw = fit.save(tmp_path / "a.nc").read_bytes()
    start = raw.find(b'{"name"')
    stop = raw.find(b'"approximation"', start)
    assert 0 < start < stop
    rng = np.random.default_rng(0)
    for place in rng.integers(start, stop, 60):
        damaged = bytearray(raw)
        damaged[place] ^= 1 << int(rng.integers(8))
        (tmp_path / "b.nc").write_bytes(damaged)
        with pytest.raises(FileError, match="cannot be read back, damaged or changed"):
            pp.load_fit(tmp_path / "b.nc")


def test_a_file_without_a_checksum_still_loads(tmp_path: Path) -> None:
    fit = pp.Model("y ~ 1 + (1 | g)", {"y": [0.0, 1, 2, 3], "g": list("abab")}).sample_prior(draws=10, seed=1)
    path = fit.save(tmp_path / "a.nc")
    with h5py.File(path, "r+") as file:
        del file["partialpool"].attrs["record_checksum"]
    np.testing.assert_array_equal(pp.load_fit(path).draws.values, fit.draws.values)
