"""A file that grows during sampling, from which an interrupted fit can be resumed.

The file opens with a line that names its kind, its format and the version that began it. Records follow
(`storage.journal`): the model, as the file of a fit with one draw of zeros a chain; the options; the
sampler's coordinates; then for each run its beginning and its parts. Nothing is rewritten: a record that is
cut short or damaged ends what counts. When all is drawn, the file of the whole fit takes its place.
"""

from __future__ import annotations

import io
import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from partialpool.errors import FileError, build
from partialpool.formula.formula import Formula
from partialpool.formula.recipe import Recipe
from partialpool.inference.draws import Draws
from partialpool.inference.nuts.resume import Beginning, Part, Past, resuming
from partialpool.inference.options import NutsOptions
from partialpool.model.geometry import Geometry
from partialpool.model.spec import ModelSpec
from partialpool.results.fitted import Fitted
from partialpool.storage.arrays import from_arrays, to_arrays
from partialpool.storage.files import unreadable, unwritable
from partialpool.storage.fit_file import STORE_NAME, load_fit, save_fit
from partialpool.storage.fit_records import KeptFit
from partialpool.storage.journal import Journal, Record, create_journal, open_journal
from partialpool.version import __version__

FORMAT = 3
_MODEL, _OPTIONS, _GEOMETRY, _BEGINNING, _PART = b"MODL", b"OPTS", b"GEOM", b"BEGN", b"PART"

R = TypeVar("R")


class DrawStore:
    """A file that takes draws while they are made; see `inference.nuts.resume.Store`.

    Attributes
    ----------
    kept
        The model, with a formula and recipe; its draws are empty.
    options
        What was asked.
    past
        What an earlier process left.
    geometry
        The coordinates that its positions are in; None before they were chosen.
    """

    def __init__(
        self,
        journal: Journal,
        kept: KeptFit,
        options: NutsOptions,
        past: tuple[Past, ...] = (),
        geometry: Geometry | None = None,
    ) -> None:
        self._journal, self.kept, self.options, self.past = journal, kept, options, past
        self.geometry = geometry

    @property
    def path(self) -> Path:
        """Where it is, and where the fit will be."""
        return self._journal.path

    def settle(self, geometry: Geometry) -> None:
        """Write the coordinates of all runs."""
        self._append(_GEOMETRY, geometry)
        self.geometry = geometry

    def begin(self, beginning: Beginning) -> None:
        """Write the beginning of a run."""
        self._append(_BEGINNING, beginning)

    def append(self, part: Part) -> None:
        """Write draws of a chain, and its state after them."""
        self._append(_PART, part)

    def finish(self, draws: Draws) -> KeptFit:
        """Put the file of the whole fit in the place of the store; keep the store of an interrupted one."""
        whole = replace(self.kept, fitted=Fitted(self.kept.fitted.model, draws))
        if not draws.interrupted:
            save_fit(self.path, whole)
        return whole

    def _append(self, kind: bytes, record: Any) -> None:
        try:
            self._journal.append(kind, _packed(record))
        except OSError as problem:
            raise unwritable("file", self.path, problem) from problem


def create_store(
    path: str | os.PathLike[str],
    spec: ModelSpec,
    name: str,
    formula: Formula,
    recipe: Recipe,
    options: NutsOptions,
) -> DrawStore:
    """Begin a store in a new file.

    Parameters
    ----------
    path
        The file, which must not be there yet.
    spec, name, formula, recipe
        The model, as `KeptFit` has it.
    options
        What is asked.

    Raises
    ------
    FileError
        When the file is there already or cannot be written.
    """
    place = Path(path).expanduser()
    kept = KeptFit(Fitted(spec, _no_draws(spec, options)), name, formula, recipe)
    asked = asdict(options)
    del asked["cores"]  # of this machine, and without effect on the draws
    records = [(_MODEL, _file_of(kept)), (_OPTIONS, json.dumps(asked).encode())]
    try:
        journal = create_journal(place, STORE_NAME + f"{FORMAT} {__version__}\n".encode(), records)
    except FileExistsError as problem:
        raise build(
            FileError,
            f"The file {str(place)!r} is there already, and draws do not overwrite it.",
            hint=f"{resuming(place)}, if it is a fit under way; another name otherwise",
        ) from problem
    except OSError as problem:
        raise unwritable("file", place, problem) from problem
    return DrawStore(journal, kept, options)


def open_store(path: str | os.PathLike[str], cores: int) -> DrawStore:
    """Open a store to continue it; a record that a killed process left incomplete is ignored.

    Raises
    ------
    FileError
        When the file is absent, no store, of another format or version, or damaged before its first draws.
    """
    place = Path(path).expanduser()
    try:
        with place.open("rb") as file:
            line = file.readline(len(STORE_NAME) + 40)
        _require_ours(line, place)
        journal, records = open_journal(place, len(line))
    except FileError:
        raise
    except OSError as problem:
        raise unreadable(place, problem) from problem
    if [kind for kind, _ in records[:2]] != [_MODEL, _OPTIONS]:
        raise _without_draws(place)
    kept = _fit_of(records[0][1])
    options = NutsOptions(**json.loads(records[1][1]), cores=cores)
    geometry = next((_unpacked(Geometry, content) for kind, content in records if kind == _GEOMETRY), None)
    return DrawStore(journal, kept, options, tuple(_runs(records)), geometry)


def is_store(path: str | os.PathLike[str]) -> bool:
    """Say whether a file is an unfinished fit."""
    try:
        with Path(path).expanduser().open("rb") as file:
            return file.read(len(STORE_NAME)) == STORE_NAME
    except OSError:
        return False


def _no_draws(spec: ModelSpec, options: NutsOptions) -> Draws:
    """One draw of zeros a chain: files have no arrays of no draws."""
    values = np.zeros((options.chains, 1, spec.layout.n_values))
    return Draws(
        values,
        stats={},
        method="nuts",
        seed=options.seed,
        warmup=0,
        seconds=0.0,
        attempts=(),
        interrupted=True,
        asked=options.draws,
        target_accept=options.target_accept,
    )


def _file_of(fit: KeptFit) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return save_fit(Path(folder) / "fit.nc", fit).read_bytes()


def _fit_of(content: bytes) -> KeptFit:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "fit.nc"
        place.write_bytes(content)
        return load_fit(place)


def _packed(record: Any) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **to_arrays(record))
    return buffer.getvalue()


def _unpacked(kind: type[R], content: bytes) -> R:
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return from_arrays(kind, dict(arrays))


def _require_ours(line: bytes, place: Path) -> None:
    """Go by the first line: another version may have other coordinates, steps, or densities."""
    if not line.startswith(STORE_NAME):
        raise build(
            FileError,
            f"The file {str(place)!r} is no fit under way.",
            allowed='a file that fit(..., store="PATH") began',
        )
    if not line.endswith(b"\n"):
        raise _without_draws(place)
    form, _, version = line[len(STORE_NAME) :].strip().decode(errors="replace").partition(" ")
    if form != str(FORMAT):
        raise build(
            FileError,
            f"The file {str(place)!r} is a store of format {form}; this version of partialpool reads format "
            f"{FORMAT}.",
            hint="go on with the version that began it, or fit again in a new file",
        )
    if version != __version__:
        raise build(
            FileError,
            f"The file {str(place)!r} was begun by partialpool {version}; this is partialpool {__version__}, "
            "which may move chains otherwise, so its draws would not be those of one run.",
            hint=f"go on with partialpool {version}, or fit again in a new file",
        )


def _without_draws(place: Path) -> FileError:
    return build(
        FileError,
        f"The file {str(place)!r} was damaged, or its process ended, before there were any draws.",
        hint="delete it and fit again",
    )


def _runs(records: list[Record]) -> Iterator[Past]:
    starts = [i for i, (kind, _) in enumerate(records) if kind == _BEGINNING]
    for start, end in pairwise([*starts, len(records)]):
        parts = [_unpacked(Part, content) for _, content in records[start + 1 : end]]
        yield Past(_unpacked(Beginning, records[start][1]), parts)
