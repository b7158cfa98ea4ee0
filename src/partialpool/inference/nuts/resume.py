"""What a run stores as it goes, so that another process can continue it."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import FileError, build
from partialpool.inference.nuts.warmup import Tuning
from partialpool.model.geometry import Geometry

Floats = NDArray[np.float64]

# Between processors a density differs by the rounding of its sums; another model's differs by far more.
RELATIVE, ABSOLUTE = 1e-8, 1e-6


@dataclass(frozen=True)
class Beginning:
    """A run at the end of its warm-up.

    Attributes
    ----------
    tuning
        What warm-up found.
    positions
        (chains, n_dim).
    rng
        (chains, 4), the states of the chains' random numbers.
    log_density
        (chains,) at the positions: by it another process knows that it has the same density.
    """

    tuning: Tuning
    positions: Floats
    rng: NDArray[np.uint64]
    log_density: Floats


@dataclass(frozen=True)
class Part:
    """Consecutive draws of one chain, and the chain's state after them.

    Attributes
    ----------
    chain
        Its number.
    values, stats
        (n, n_values) and (n, 8), as the compiled sampler writes them.
    position, rng
        (n_dim,) and (4,) after the last of them.
    """

    chain: int
    values: Floats
    stats: Floats
    position: Floats
    rng: NDArray[np.uint64]


@dataclass(frozen=True)
class Past:
    """A run up to where it stopped: its beginning, and its parts in order."""

    beginning: Beginning
    parts: Sequence[Part]


class Store(Protocol):
    """Where runs are stored. One sampling is one run, or two where the first diverged."""

    @property
    def path(self) -> Path:
        """The file it is."""

    @property
    def past(self) -> Sequence[Past]:
        """Runs of an earlier process, the last of which may be unfinished."""

    @property
    def geometry(self) -> Geometry | None:
        """The coordinates of an earlier process's positions; None before they were chosen."""

    def settle(self, geometry: Geometry) -> None:
        """Take the coordinates of all runs."""

    def begin(self, beginning: Beginning) -> None:
        """Take the beginning of the next run."""

    def append(self, part: Part) -> None:
        """Take draws of the run that began last."""


def resuming(path: str | os.PathLike[str]) -> str:
    """Say how to continue from a store, in Python and in a shell.

    Examples
    --------
    >>> print(resuming("my fit.nc"))
    partialpool.resume('my fit.nc'), or in a shell: partialpool resume 'my fit.nc'
    """
    return f"partialpool.resume({str(path)!r}), or in a shell: partialpool resume {shlex.quote(str(path))}"


def require_same_density(path: Path, before: Sequence[float], now: Sequence[float]) -> None:
    """Refuse to continue chains of another density.

    Parameters
    ----------
    before, now
        (chains,) log densities where the chains stand: as they were kept, as they are.

    Raises
    ------
    FileError
        When they differ by more than rounding.
    """
    other = np.flatnonzero(~np.isclose(now, before, RELATIVE, ABSOLUTE))
    if len(other):
        i = int(other[0])
        raise build(
            FileError,
            f"The draws in {str(path)!r} are of another density than its model has here: where chain {i} "
            f"stands, the log density was {before[i]:.10g} and is {now[i]:.10g}.",
            hint="go on with the Python packages that it was begun with, or fit again in a new file",
        )
