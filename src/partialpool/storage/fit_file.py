"""A fit in one netCDF file, which ArviZ opens, and the same fit from the file.

The groups are those of ArviZ's schema, and one of ours, ``partialpool``: a text ``record`` (JSON) of formula,
family, priors, names, and what terms have learnt, the design's columns that no other group has, and known
covariances between groups. Reading parses text and copies numbers; nothing in a file is ever run.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from partialpool.errors import FileError, PartialPoolError, build
from partialpool.inference.nuts.resume import resuming
from partialpool.model.names import ROWS
from partialpool.results.fitted import Fitted
from partialpool.results.tree import to_datatree
from partialpool.storage.designs import OWN_GROUP, ColumnStore
from partialpool.storage.files import unreadable, write_tree
from partialpool.storage.fit_records import KeptFit, from_record, to_record
from partialpool.storage.kept_covariances import covariance_variables
from partialpool.version import __version__

if TYPE_CHECKING:
    import xarray as xr

# The number goes up when older versions of the program could not read the file, or would read it wrongly.
FORMAT = 4
# Files of format 1 have rows of one group a factor, and no covariances; those of 2 no raw columns.
# Up to format 3 names of expressions lost their brackets, and -x**2 was the square of -x.
_READ = (1, 2, 3, 4)
CHECKSUM = "record_checksum"  # of the record's bytes: one flipped bit could be another label
COMBINATIONS = "__combination__"  # dimension of what rows with equal raw columns share
_HDF5 = b"\x89HDF\r\n\x1a\n"
STORE_NAME = b"partialpool store "  # what a fit under way opens with, see `storage.draw_store`
_OF_ROWS = ("observed_data", "constant_data")
_DAMAGE = (
    ArithmeticError, AttributeError, LookupError, MemoryError, OSError, RecursionError, RuntimeError,
    TypeError, ValueError,
)  # fmt: skip


def save_fit(path: str | os.PathLike[str], fit: KeptFit, rows: bool = True) -> Path:
    """Write a fit to a file.

    Parameters
    ----------
    path
        The file; one that is there is replaced when the new one is complete.
    fit
        The fit, with its formula and recipe.
    rows
        False keeps no row of the table: for data that may not leave, or are too large.

    Returns
    -------
    The path.

    Raises
    ------
    FileError
        When the file cannot be written, or the fit holds something that cannot be kept.
    """
    import xarray as xr

    rows = rows and fit.fitted.model.design.n_rows > 0  # a fit that was loaded without them has none to keep
    tree = _arviz_groups(fit.fitted, rows)
    store = ColumnStore(tree)
    record = to_record(fit, store if rows else None)
    written = json.dumps(record)
    text = np.array(written, dtype=object)  # not four bytes a character
    columns = {name: (ROWS, column) for name, column in store.columns.items()}
    columns |= {name: (COMBINATIONS, column) for name, column in store.combinations.items()}
    attrs = {"format": FORMAT, "version": __version__, CHECKSUM: _checksum(written.encode())}
    matrices = covariance_variables(fit.recipe.covariances)
    tree[OWN_GROUP] = xr.DataTree(xr.Dataset({"record": ((), text), **columns, **matrices}, attrs=attrs))
    return write_tree(Path(path).expanduser(), tree)


def load_fit(path: str | os.PathLike[str]) -> KeptFit:
    """Read a fit that `save_fit` wrote.

    Returns
    -------
    The fit, its values bit for bit those that were saved.

    Raises
    ------
    FileError
        When the file is absent, damaged, of another kind, or from a version that this one cannot read.
    """
    import h5py

    path = Path(path).expanduser()
    _require_hdf5(path)
    try:
        with h5py.File(path, "r", locking=False) as file:
            return from_record(_record(file, path), file)
    except FileError:
        raise
    except (PartialPoolError, *_DAMAGE) as problem:
        raise build(
            FileError,
            f"The file {str(path)!r} cannot be read back, damaged or changed: {_first_line(problem)}.",
            hint="a backup of the file, or fit and save again",
        ) from problem


def _arviz_groups(fitted: Fitted, rows: bool) -> xr.DataTree:
    model = fitted.model
    tree = to_datatree(fitted.draws, model.layout, model.design)
    return tree if rows else tree.filter(lambda node: node.name not in _OF_ROWS)


def _require_hdf5(path: Path) -> None:
    """Tell by its first bytes whether a file can be one of ours."""
    try:
        with path.open("rb") as file:
            start = file.read(len(STORE_NAME))
    except OSError as problem:
        raise unreadable(path, problem) from problem
    if start == STORE_NAME:
        raise build(
            FileError,
            f"The file {str(path)!r} is a fit that is not finished.",
            hint=resuming(path),
        )
    if not start.startswith(_HDF5):
        raise _foreign(path, "is not a netCDF-4 file" if start else "is empty")


def _record(file: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Read the record of a file whose format this version knows."""
    if OWN_GROUP not in file:
        what = (
            "has draws but no model" if "posterior" in file else "is a netCDF or HDF5 file of other content"
        )
        raise _foreign(path, what)
    attrs = file[OWN_GROUP].attrs
    form, version = int(np.ravel(attrs["format"])[0]), _text(attrs["version"])
    if form not in _READ:
        newer, listed = form > FORMAT, f"{', '.join(map(str, _READ[:-1]))} and {_READ[-1]}"
        raise build(
            FileError,
            f"The file {str(path)!r} was saved by partialpool {version} in format {form}; "
            f"this is partialpool {__version__}, which reads the formats {listed}.",
            hint="update partialpool" if newer else f"load it with partialpool {version}, or fit again",
        )
    text: bytes = file[OWN_GROUP]["record"][()]
    if CHECKSUM in attrs and _text(attrs[CHECKSUM]) != _checksum(text):  # which earlier files lack
        raise ValueError("the record of the model is not the one that was written")
    record: dict[str, Any] = json.loads(text)
    return record


def _checksum(text: bytes) -> str:
    return hashlib.blake2b(text, digest_size=16).hexdigest()


def _text(attribute: Any) -> str:
    """Read an attribute of a netCDF file, which is an array, even of one text."""
    (found,) = np.ravel(attribute)
    return found.decode() if isinstance(found, bytes) else str(found)


def _foreign(path: Path, what: str) -> FileError:
    return build(
        FileError,
        f"The file {str(path)!r} {what}: it is no fit that partialpool saved.",
        allowed="a file that fit.save(path) wrote",
        hint="xarray.open_datatree(path) if it holds draws of another program",
    )


def _first_line(problem: BaseException) -> str:
    return (str(problem) or type(problem).__name__).splitlines()[0].rstrip(".")
