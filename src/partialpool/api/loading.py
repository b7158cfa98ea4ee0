"""From a file to a fit."""

from __future__ import annotations

import os

from partialpool.api.fit import Fit
from partialpool.api.fittable import Fittable
from partialpool.api.sampling import draw_into
from partialpool.inference.cores import available_cores
from partialpool.storage import fit_file
from partialpool.storage.draw_store import is_store, open_store
from partialpool.storage.files import alone
from partialpool.storage.fit_records import KeptFit


def load_fit(path: str | os.PathLike[str]) -> Fit:
    """Open a fit that :meth:`Fit.save` wrote. Nothing in the file is executed.

    Raises
    ------
    FileError
        When the file is absent, damaged, of another kind, or from a version that this one cannot read.

    Examples
    --------
    >>> import partialpool as pp
    >>> model = pp.Model("y ~ 1 + (1 | g)", {"y": [1.0, 2.0, 4.0, 5.0], "g": ["a", "a", "b", "b"]})
    >>> fit = model.fit(draws=50, seed=1, progress=False)
    >>> from tempfile import mkdtemp
    >>> path = fit.save(mkdtemp() + "/fit.nc")
    >>> pp.load_fit(path).summary().equals(fit.summary())
    True
    """
    return _fit(fit_file.load_fit(path))


def resume(path: str | os.PathLike[str], *, cores: int | None = None, progress: bool = True) -> Fit:
    """Continue an interrupted ``fit(..., store=path)`` from the last draws in its file.

    The draws are those that one process would have made. A fit that is finished is loaded.

    Parameters
    ----------
    path
        The store.
    cores
        Processors to use, as of :meth:`Model.fit`; None for all that this process may use.
    progress
        Show a progress bar.

    Returns
    -------
    The fit, and in the file's place what :meth:`Fit.save` writes. Ctrl-C ends sampling early once more.

    Raises
    ------
    FileError
        When the file is absent, damaged, of another kind, in use by another process, or begun by another
        version, or when its draws are of another density than its model has here.
    """
    if not is_store(path):
        return load_fit(path)
    with alone(path):
        return _fit(draw_into(open_store(path, available_cores() if cores is None else cores), progress))


def _fit(kept: KeptFit) -> Fit:
    return Fit(Fittable(kept.fitted.model, kept.name, kept.formula, kept.recipe), kept.fitted.draws)
