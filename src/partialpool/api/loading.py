"""From a file to a fit."""

from __future__ import annotations

import os

from partialpool.api.fit import Fit
from partialpool.api.fittable import Fittable
from partialpool.storage import fit_file


def load_fit(path: str | os.PathLike[str]) -> Fit:
    """Open a fit that :meth:`Fit.save` kept. Nothing in the file is run.

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
    kept = fit_file.load_fit(path)
    return Fit(Fittable(kept.fitted.model, kept.name, kept.formula, kept.recipe), kept.fitted.draws)
