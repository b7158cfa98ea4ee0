"""How to sample, as a person may ask for it."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from partialpool.errors import OptionError, build

WARMUP = 1000

Method = Literal["nuts", "laplace"]
Progress = Callable[[int, int, int], None]


@dataclass(frozen=True)
class NutsOptions:
    """How to sample with NUTS.

    Attributes
    ----------
    draws, chains
        Draws kept of each chain, and chains.
    warmup
        Warm-up draws of each chain at most.
    cores
        Chains run at once; with large data, cores beyond the number of chains help them.
    target_accept
        Acceptance rate that the step size is tuned for; None for 0.8, or 0.98 where an sd is learnt from
        ten groups or fewer, or from groups that tell as little as three.
    """

    draws: int = 1000
    chains: int = 4
    warmup: int = WARMUP
    seed: int = 0
    cores: int = 1
    target_accept: float | None = None

    def __post_init__(self) -> None:
        _check_numbers(self, draws=1, chains=1, warmup=50, cores=1, seed=0)
        if self.target_accept is not None and not 0.5 <= self.target_accept < 1:
            raise build(OptionError, f"target_accept is {self.target_accept!r}.", allowed="0.5 up to 1")


@dataclass(frozen=True)
class LaplaceOptions:
    """How many draws to make from a nested Laplace approximation.

    Attributes
    ----------
    draws, chains
        Draws are independent: chains only give them the shape that other draws have.
    cores
        Processors to use.
    """

    draws: int = 1000
    chains: int = 4
    seed: int = 0
    cores: int = 1

    def __post_init__(self) -> None:
        _check_numbers(self, draws=1, chains=1, cores=1, seed=0)


def _check_numbers(options: Any, **least: int) -> None:
    """Raise OptionError unless these options are whole numbers, each at least so large."""
    for name, lowest in least.items():
        value = getattr(options, name)
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < lowest:
            raise build(OptionError, f"{name} is {value!r}.", allowed=f"a whole number from {lowest} on")


def chosen_seed(seed: int | None) -> int:
    """Take a person's seed, or a random one for None.

    Raises
    ------
    OptionError
        When it is no whole number from 0 on.
    """
    if seed is None:
        return secrets.randbelow(2**31)
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise build(OptionError, f"seed={seed!r} is not a seed.", allowed="a whole number from 0, or None")
    return int(seed)
