"""Makes the reference posteriors of brms' programs: ``python tests/reference/brms/make.py NAME...``."""

from __future__ import annotations

import argparse
import sys
from functools import partial

import numpy as np
import stanli
from models import HERE, MODELS
from numpy.typing import NDArray
from programs import PROGRAMS, data, named_draws

sys.path.insert(0, str(HERE.parent))

from long_runs import run


def named(name: str, fit: stanli.Fit) -> dict[str, NDArray[np.float64]]:
    """Draws of every value that the reference keeps."""
    return named_draws(name, lambda variable: np.asarray(fit.draws(variable)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="all by default")
    parser.add_argument("--scale", type=float, default=2.0, help="how many times the usual number of draws")
    parser.add_argument("--delta", type=float, default=0.99, help="target acceptance rate")
    arguments = parser.parse_args()
    for chosen in arguments.names or MODELS:
        path, draws = HERE / f"{chosen}.json", partial(named, chosen)
        run(path, PROGRAMS[chosen].code, data(chosen), draws, arguments.scale, arguments.delta)
