"""Makes the reference posteriors of the gallery: ``python tests/reference/gallery/make.py NAME...``.

Long runs of Stan's sampler (stanli) on programs that `programs.py` writes from the same description of a
model that the tests give to `partialpool`, by another route: no formula, no design, no cells and no code of
the package but its bundled data. A run that is not converged is not written.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial

import numpy as np
import stanli
from models import GALLERY, HERE, Factor, GalleryModel
from numpy.typing import NDArray
from programs import code, data, levels

sys.path.insert(0, str(HERE.parent))

from long_runs import run

Floats = NDArray[np.float64]


def named_draws(model: GalleryModel, fit: stanli.Fit) -> dict[str, Floats]:
    """Draws of every value that the reference keeps, each (chains, draws), by its name in results."""
    named = {"Intercept": np.asarray(fit.draws("intercept"))}
    named |= {name: np.asarray(fit.draws(f"beta[{k}]")) for k, name in enumerate(model.columns, 1)}
    if model.auxiliary:
        named[model.auxiliary[0]] = np.asarray(fit.draws("auxiliary"))
    for f, factor in enumerate(model.factors, 1):
        named |= factor_draws(model, factor, partial(_variable, fit, f))
    return named


def _variable(fit: stanli.Fit, f: int, name: str) -> Floats:
    return np.asarray(fit.draws(f"{name}{f}"))


def factor_draws(model: GalleryModel, factor: Factor, take: partial[Floats]) -> dict[str, Floats]:
    """Draws of a factor's sds, correlation and effects by their names in results."""
    sd, b = take("sd"), take("b")
    effects = [f"1|{factor.name}"] + ([f"{factor.slope[0]}|{factor.name}"] if factor.slope else [])
    named = {f"{effect}_sigma": sd[..., k] for k, effect in enumerate(effects)}
    if factor.slope:
        named[f"{factor.name}_corr[1, {factor.slope[0]}]"] = take("rho")
    groups = list(enumerate(levels(model, factor)))
    return named | {f"{e}[{label}]": b[..., j, k] for k, e in enumerate(effects) for j, label in groups}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="all by default")
    parser.add_argument("--scale", type=float, default=1.0, help="how many times the usual number of draws")
    parser.add_argument("--delta", type=float, default=0.98, help="target acceptance rate")
    arguments = parser.parse_args()
    for chosen in arguments.names or GALLERY:
        model = GALLERY[chosen]
        named = partial(named_draws, model)
        run(HERE / f"{chosen}.json", code(model), data(model), named, arguments.scale, arguments.delta)
