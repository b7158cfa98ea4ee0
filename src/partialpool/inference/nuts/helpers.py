"""Threads that help chains with their evaluations, for one run."""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.kernels.native.thread_team import (
    ACQUIRE,
    HEAD,
    MONITOR,
    N_HELPERS,
    N_TASKS,
    RELEASE,
    ROW,
    SIGNAL,
    native_close,
    native_help,
)

Integers = NDArray[np.int64]

# Python's locks as C has them.
_allocate = ctypes.CFUNCTYPE(ctypes.c_void_p)(("PyThread_allocate_lock", ctypes.pythonapi))
_free = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(("PyThread_free_lock", ctypes.pythonapi))
_acquire = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int)(
    ("PyThread_acquire_lock", ctypes.pythonapi)
)
_release = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(("PyThread_release_lock", ctypes.pythonapi))


@contextmanager
def team(n_helpers: int, n_callers: int) -> Iterator[Integers | None]:
    """Keep helpers ready while a block of code runs.

    Parameters
    ----------
    n_helpers
        Threads that take shares of evaluations, and sleep when there are none.
    n_callers
        Threads that evaluate at the same time; one more than that would do its evaluations alone.

    Yields
    ------
    The team as `kernels.native.thread_team` describes it, for a `Density`; None where there are no helpers.
    """
    if n_helpers <= 0:
        yield None
        return
    members, close = _new_team(n_helpers, n_callers), native_close()
    threads = [
        Thread(target=_help, args=(members, number), name=f"partialpool-helper-{number}", daemon=True)
        for number in range(n_helpers)
    ]
    try:
        for thread in threads:
            thread.start()
        yield members
    finally:
        close.ctypes(members.ctypes.data)
        for thread in threads:
            if thread.ident is not None:
                thread.join()


def _help(members: Integers, number: int) -> None:
    """Work as a helper; keeps the team's memory alive meanwhile."""
    native_help().ctypes(members.ctypes.data, number)


def _new_team(n_helpers: int, n_tasks: int) -> Integers:
    """Lay out a team whose members are awake; its locks live as long as the array."""
    members = np.zeros(HEAD + ROW * (n_tasks + n_helpers), np.int64)
    members[[N_TASKS, N_HELPERS]] = n_tasks, n_helpers
    members[[ACQUIRE, RELEASE]] = [_address(f) for f in (_acquire, _release)]
    locks = [_allocate() for _ in range(1 + n_tasks + n_helpers)]
    # Not at the interpreter's exit: a helper may still sleep then.
    weakref.finalize(members, _free_all, locks).atexit = False
    members[MONITOR] = locks[0]
    members[HEAD + SIGNAL :: ROW] = locks[1:]
    for lock in locks[1:]:
        _acquire(lock, 1)  # who sleeps acquires it once more, and waits for its release
    return members


def _address(function: Any) -> int:
    return ctypes.cast(function, ctypes.c_void_p).value or 0


def _free_all(locks: list[int]) -> None:
    for lock in locks:
        _free(lock)
