"""Write files completely or not at all: under a temporary name, which is then changed."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from partialpool import errors

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr
    from matplotlib.figure import Figure

DPI = 150

# Kinds of figures, with the metadata that would make equal figures unequal files.
_UNDATED = {".png": {"Software": None}, ".svg": {"Date": None}, ".pdf": {"CreationDate": None}}


def make_folder(folder: str | os.PathLike[str]) -> Path:
    """Make a folder and its parents; one that exists is kept, with whatever is in it.

    Raises
    ------
    FileError
        When the path is a file, or the folder may not be made.
    """
    path = Path(folder).expanduser()
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise unwritable("folder", path, problem) from problem
    return path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Lend a temporary path beside `path`, which takes its place when the block ends well.

    When the block fails, whatever `path` held before is untouched and the temporary file is removed. A link
    stays one: the file that it points to is replaced.

    Raises
    ------
    FileError
        When the file cannot be written.
    """
    try:
        place = _place_of_file(path)
        temporary = place.with_name(f".{place.name}.{os.getpid()}.tmp")
        try:
            yield temporary
            temporary.replace(place)
        finally:
            with suppress(OSError):
                temporary.unlink()
    except OSError as problem:
        raise unwritable("file", path, problem) from problem


@contextmanager
def alone(path: str | os.PathLike[str]) -> Iterator[None]:
    """Hold a file for this process while the block lasts; the system lets go of it however the process ends.

    Where files have no locks of this kind (Windows) nothing is held.

    Raises
    ------
    FileError
        When another process holds it, or it cannot be opened.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    place = Path(path).expanduser()
    try:
        file = place.open("rb")
    except OSError as problem:
        raise unreadable(place, problem) from problem
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as problem:
            raise errors.build(
                errors.FileError,
                f"The file {str(place)!r} is in use: draws are being written to it.",
                hint="wait for them, or stop that process first",
            ) from problem
        yield


def write_text(path: Path, text: str) -> Path:
    """Write text in UTF-8, ending in one newline."""
    with replacing(path) as temporary:
        temporary.write_text(text.rstrip("\n") + "\n", encoding="utf-8")
    return path


def write_json(path: Path, value: Mapping[str, Any]) -> Path:
    """Write a JSON object, a line a name; arrays become lists, and numbers of numpy plain numbers."""
    lines = (f"  {_json(name)}: {_json(item)}" for name, item in value.items())
    return write_text(path, "{\n" + ",\n".join(lines) + "\n}")


def write_csv(path: Path, table: pd.DataFrame, *, index_name: str | None = None) -> Path:
    """Write a table with all its digits, its index first when that is given a name."""
    with replacing(path) as temporary:
        table.to_csv(temporary, index=index_name is not None, index_label=index_name)
    return path


def write_figure(path: Path, figure: Figure) -> Path:
    """Write a figure as PNG, SVG or PDF, as the ending of the name says, without the date.

    Raises
    ------
    OptionError
        When the ending is none of these.
    FileError
        When the file cannot be written.
    """
    import matplotlib as mpl

    path = path.expanduser()
    kind = path.suffix.lower()
    if kind not in _UNDATED:
        problem = (
            f"The figure cannot be written to {str(path)!r}: the ending says as what, and it is {kind!r}."
        )
        raise errors.build(errors.OptionError, problem, allowed=", ".join(_UNDATED))
    with replacing(path) as temporary, mpl.rc_context({"svg.hashsalt": "partialpool"}):
        look: dict[str, Any] = {"dpi": DPI, "bbox_inches": "tight", "metadata": _UNDATED[kind]}
        figure.savefig(temporary, format=kind.removeprefix("."), **look)
    return path


def write_tree(path: Path, tree: xr.DataTree) -> Path:
    """Write labelled draws as netCDF, which xarray and ArviZ read back.

    The file is made in memory first: HDF5 crashes the program when a disk is full, Python says so.
    """
    tree = tree.map_over_datasets(_with_plain_labels)
    encoding = {group.path: _encoding(group.to_dataset(inherit=False)) for group in tree.subtree}
    with replacing(path) as temporary:
        temporary.write_bytes(tree.to_netcdf(engine="h5netcdf", encoding=encoding))
    return path


def _encoding(dataset: xr.Dataset) -> dict[str, dict[str, Any]]:
    """Give numbers checksums; compress those of rows and groups, since draws are too random for it to pay."""
    encoding = {}
    for name, variable in dataset.variables.items():
        if variable.dims and variable.dtype.kind in "biuf":
            packed = {} if "draw" in variable.dims else {"zlib": True, "complevel": 1, "shuffle": True}
            encoding[str(name)] = {"fletcher32": True, **packed}
    return encoding


def _with_plain_labels(dataset: xr.Dataset) -> xr.Dataset:
    """Write labels that netCDF has no type for (intervals, periods, times with zones) as text."""
    odd = {
        name: [str(label) for label in labels.to_numpy()]
        for name, labels in dataset.coords.items()
        if labels.dtype == object or not hasattr(labels.dtype, "itemsize")
    }
    return dataset.assign_coords(odd)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def _place_of_file(path: Path) -> Path:
    """Follow links; refuse to put a file where there is something else, which a rename might replace."""
    place = Path(os.path.realpath(path))
    if place.is_dir():
        raise IsADirectoryError(errno.EISDIR, "a folder has that name")
    if place.exists() and not place.is_file():
        raise FileExistsError(errno.EEXIST, "a device has that name")
    return place


def unreadable(path: Path, problem: OSError) -> errors.FileError:
    """Make the error for a file that the system does not let us read."""
    return errors.build(
        errors.FileError, f"The file {str(path)!r} cannot be read: {problem.strerror or problem}."
    )


def unwritable(what: str, path: Path, problem: OSError) -> errors.FileError:
    """Make the error for a file or folder that the system does not let us write."""
    return errors.build(
        errors.FileError,
        f"The {what} {str(path)!r} cannot be written: {problem.strerror or problem}.",
        hint="another name or folder, one that you may write to",
    )
