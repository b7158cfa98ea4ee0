"""A team of threads: each share is done once, whoever does it, and nobody is left behind."""

from __future__ import annotations

import ctypes
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
import pytest
from numba import carray, types

from partialpool.inference.nuts.helpers import team
from partialpool.kernels.native.pointers import as_pointer
from partialpool.kernels.native.thread_team import native_close, share_out

NOBODY = np.zeros(0, np.int64)


@numba.cfunc(types.int64(types.int64, types.int64))
def count(argument, share):
    """Add one to the share's place, and take a time that differs from share to share."""
    places = carray(as_pointer(argument), (share + 1,), np.int64)
    total = 0.0
    for i in range(1000 * (share % 7)):
        total += np.sin(i * 1.0)
    places[share] += 1 if total < 1e9 else 2
    return 0


@numba.njit(nogil=True)
def evaluate(members, function, places, times):
    """Share the counting out, again and again."""
    for _ in range(times):
        share_out(members, function, places.ctypes.data, places.shape[0])


def counted(members: np.ndarray | None, n_shares: int, times: int) -> np.ndarray:
    places = np.zeros(n_shares, np.int64)
    evaluate(NOBODY if members is None else members, count.address, places, times)
    return places


def helpers() -> list[threading.Thread]:
    return [t for t in threading.enumerate() if t.name.startswith("partialpool-helper")]


@pytest.mark.parametrize("n_helpers", [0, 1, 3, 8])
@pytest.mark.parametrize("n_shares", [0, 1, 2, 5, 64])
def test_every_share_is_done_once(n_helpers: int, n_shares: int) -> None:
    with team(n_helpers, 1) as members:
        assert len(helpers()) == n_helpers
        np.testing.assert_array_equal(counted(members, n_shares, 200), 200)
    assert not helpers()


@pytest.mark.parametrize("n_tasks", [1, 2, 4])
def test_several_callers_share_the_helpers(n_tasks: int) -> None:
    """Also where there are more of them than the team can serve: the others work alone."""
    with team(2, n_tasks) as members, ThreadPoolExecutor(4) as callers:
        done = [callers.submit(counted, members, n, 300) for n in (2, 3, 17, 40)]
        for places in done:
            np.testing.assert_array_equal(places.result(), 300)


thread_ident = ctypes.CFUNCTYPE(ctypes.c_ulong)(("PyThread_get_thread_ident", ctypes.pythonapi))


@numba.cfunc(types.int64(types.int64, types.int64))
def sign(argument, share):
    """Write which thread does the share, after a while."""
    total = 0.0
    for i in range(100_000):
        total += np.sin(i * 1.0)
    places = carray(as_pointer(argument), (share + 1,), np.int64)
    places[share] = np.int64(thread_ident()) + np.int64(total > 1e9)
    return 0


def test_helpers_take_shares_and_so_does_the_caller() -> None:
    signed = np.zeros((20, 40), np.int64)
    with team(2, 1) as members:
        for places in signed:
            evaluate(members, sign.address, places, 1)
        own, others = threading.get_ident(), {t.ident for t in helpers()}
    assert set(np.unique(signed)) == {own, *others}


def test_a_closed_team_leaves_its_callers_to_themselves() -> None:
    with team(2, 1) as members, ThreadPoolExecutor(1) as caller:
        work = caller.submit(counted, members, 20, 3000)
        time.sleep(0.02)
        native_close().ctypes(members.ctypes.data)
        np.testing.assert_array_equal(work.result(), 3000)
        np.testing.assert_array_equal(counted(members, 20, 3), 3)
    assert not helpers()


def test_helpers_end_whatever_ends_the_block() -> None:
    for problem in (KeyboardInterrupt, ValueError):
        with pytest.raises(problem), team(3, 2):
            raise problem
        assert not helpers()


def test_helpers_sleep_while_there_is_nothing_to_do() -> None:
    with team(4, 1) as members:
        counted(members, 64, 10)
        started = time.process_time()
        time.sleep(0.3)
        assert time.process_time() - started < 0.1
