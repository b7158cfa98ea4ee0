"""Dense linear algebra on one thread, so that results do not depend on the number of cores.

OpenBLAS shares work out among threads that wait for each other. On two cores it gains a tenth for a Cholesky
factor of 1,143 rows; with other work on the machine it took fifty times as long.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

SUFFIXES = ("64_", "")
PREFIXES = ("scipy_openblas", "openblas")


_LOCK = threading.Lock()
_INSIDE: list[list[int]] = []  # for each block that is open, in any thread, the numbers to go back to


@contextmanager
def one_thread() -> Iterator[None]:
    """Let numpy's and scipy's OpenBLAS use one thread inside a ``with`` block; others are left alone.

    Blocks may be nested and open in several threads: the first to open sets the number, the last to close
    sets it back. OpenBLAS must not change it while another thread computes.
    """
    controls = _controls()
    with _LOCK:
        before = [get() for get, _ in controls] if not _INSIDE else _INSIDE[-1]
        if not _INSIDE:
            for _, put in controls:
                put(1)
        _INSIDE.append(before)
    try:
        yield
    finally:
        with _LOCK:
            _INSIDE.pop()
            if not _INSIDE:
                for (_, put), count in zip(controls, before, strict=True):
                    put(count)


@cache
def _controls() -> list[tuple[Any, Any]]:
    """(get, set) the number of threads, for each OpenBLAS that is loaded."""
    import numpy.linalg._umath_linalg
    import scipy.linalg._flapack

    modules = (numpy.linalg._umath_linalg, scipy.linalg._flapack)
    found = [_control(str(module.__file__)) for module in modules]
    return [control for control in found if control is not None]


def _control(path: str) -> tuple[Any, Any] | None:
    """The functions in the library that an extension module is linked with; None when it is no OpenBLAS."""
    try:
        library = ctypes.CDLL(path)
    except OSError:
        return None
    for prefix in PREFIXES:
        for suffix in SUFFIXES:
            get = getattr(library, f"{prefix}_get_num_threads{suffix}", None)
            put = getattr(library, f"{prefix}_set_num_threads{suffix}", None)
            if get is not None and put is not None:
                return get, put
    return None
