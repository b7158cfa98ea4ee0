"""A fit under way, in a file that grows: what a killed process has drawn is there, and can be gone on from.

The file opens with a line that names its kind and format. Records follow, each a kind, a length, a checksum
and its content: the model, as the file of a fit with one draw of zeros a chain; the options; then for each
run its beginning and its parts. Nothing is rewritten: a record that is cut short or damaged ends what counts.
When all is drawn, the file of the whole fit takes its place.
"""

from __future__ import annotations

import io
import json
import os
import struct
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import asdict, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import FileError, build
from partialpool.formula.asked import Formula
from partialpool.formula.design import Recipe
from partialpool.inference.draws import Draws
from partialpool.inference.metric import Metric
from partialpool.inference.options import NutsOptions
from partialpool.inference.past import Beginning, Part, Past, resuming
from partialpool.inference.warmup import Tuning
from partialpool.model.spec import ModelSpec
from partialpool.results.fitted import Fitted
from partialpool.storage.files import unreadable, unwritable
from partialpool.storage.fit_file import STORE_NAME, load_fit, save_fit
from partialpool.storage.records import KeptFit

FORMAT = 1
_HEAD = struct.Struct("<4sQI")
_MODEL, _OPTIONS, _BEGINNING, _PART = b"MODL", b"OPTS", b"BEGN", b"PART"


class DrawStore:
    """A file that takes draws while they are made; see `inference.past.Store`.

    Attributes
    ----------
    path
        Where it is, and where the fit will be.
    kept
        The model, with a formula and recipe; its draws are empty.
    options
        What was asked.
    past
        What an earlier process left.
    """

    def __init__(self, path: Path, kept: KeptFit, options: NutsOptions, past: tuple[Past, ...] = ()) -> None:
        self.path, self.kept, self.options, self.past = path, kept, options, past

    def begin(self, beginning: Beginning) -> None:
        """Write the beginning of a run."""
        tuning = beginning.tuning
        arrays = {"positions": beginning.positions, "rng": beginning.rng}
        arrays |= {name: getattr(tuning.metric, name) for name in ("scale", "directions", "stretch")}
        step = np.array([tuning.step_size])
        self._append(_BEGINNING, _packed(**arrays, step=step, transitions=np.array([tuning.transitions])))

    def append(self, part: Part) -> None:
        """Write draws of a chain, and where they left it."""
        arrays = {name: getattr(part, name) for name in ("values", "stats", "position", "rng")}
        self._append(_PART, _packed(**arrays, chain=np.array([part.chain])))

    def finish(self, draws: Draws) -> KeptFit:
        """Put the file of the whole fit in the place of the store; keep the store of an interrupted one."""
        whole = replace(self.kept, fitted=Fitted(self.kept.fitted.model, draws))
        if not draws.interrupted:
            save_fit(self.path, whole)
        return whole

    def _append(self, kind: bytes, content: bytes) -> None:
        try:
            with self.path.open("ab") as file:
                _write(file, kind, content)
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
    try:
        with place.open("xb") as file:
            file.write(STORE_NAME + b"%d\n" % FORMAT)
            _write(file, _MODEL, _file_of(kept))
            _write(file, _OPTIONS, json.dumps(asked).encode())
    except FileExistsError as problem:
        raise build(
            FileError,
            f"The file {str(place)!r} is there already, and draws do not overwrite it.",
            hint=f"{resuming(place)}, if it is a fit under way; another name otherwise",
        ) from problem
    except OSError as problem:
        raise unwritable("file", place, problem) from problem
    return DrawStore(place, kept, options)


def open_store(path: str | os.PathLike[str], cores: int) -> DrawStore:
    """Open a store to go on with it; what a killed process left half written is cut off.

    Raises
    ------
    FileError
        When the file is absent, no store, of another format, or damaged before its first draws.
    """
    place = Path(path).expanduser()
    try:
        with place.open("r+b") as file:
            _require_format(file, place)
            records = list(_records(file))
            if records:
                file.truncate(records[-1][2])
    except OSError as problem:
        raise unreadable(place, problem) from problem
    contents = [(kind, content) for kind, content, _ in records]
    if [kind for kind, _ in contents[:2]] != [_MODEL, _OPTIONS]:
        raise build(
            FileError,
            f"The file {str(place)!r} was damaged, or its process ended, before there were any draws.",
            hint="delete it and fit again",
        )
    kept = _fit_of(contents[0][1])
    options = NutsOptions(**json.loads(contents[1][1]), cores=cores)
    return DrawStore(place, kept, options, tuple(_runs(contents[2:])))


def is_store(path: str | os.PathLike[str]) -> bool:
    """Say whether a file is a fit under way."""
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


def _packed(**arrays: NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def _write(file: BinaryIO, kind: bytes, content: bytes) -> None:
    file.write(_HEAD.pack(kind, len(content), zlib.crc32(content)))
    file.write(content)


def _require_format(file: BinaryIO, place: Path) -> None:
    line = file.readline(len(STORE_NAME) + 12)
    if not line.startswith(STORE_NAME):
        raise build(
            FileError,
            f"The file {str(place)!r} is no fit under way.",
            allowed='a file that fit(..., store="PATH") began',
        )
    form = line[len(STORE_NAME) :].strip()
    if form != b"%d" % FORMAT:
        raise build(
            FileError,
            f"The file {str(place)!r} is a store of format {form.decode(errors='replace')}; this version of "
            f"partialpool reads format {FORMAT}.",
            hint="go on with the version that began it, or fit again",
        )


def _records(file: BinaryIO) -> Iterator[tuple[bytes, bytes, int]]:
    """Kinds, contents and ends of the records that are whole."""
    size = os.fstat(file.fileno()).st_size
    while len(head := file.read(_HEAD.size)) == _HEAD.size:
        kind, length, checksum = _HEAD.unpack(head)
        if length > size - file.tell():
            return
        content = file.read(length)
        if zlib.crc32(content) != checksum:
            return
        yield kind, content, file.tell()


def _runs(records: list[tuple[bytes, bytes]]) -> Iterator[Past]:
    starts = [i for i, (kind, _) in enumerate(records) if kind == _BEGINNING]
    for start, end in pairwise([*starts, len(records)]):
        parts = [_part(content) for _, content in records[start + 1 : end]]
        yield Past(_beginning(records[start][1]), parts)


def _beginning(content: bytes) -> Beginning:
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        metric = Metric(arrays["scale"], arrays["directions"], arrays["stretch"])
        tuning = Tuning(metric, float(arrays["step"][0]), int(arrays["transitions"][0]))
        return Beginning(tuning, arrays["positions"], arrays["rng"])


def _part(content: bytes) -> Part:
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        names = ("values", "stats", "position", "rng")
        return Part(int(arrays["chain"][0]), *(arrays[name] for name in names))
