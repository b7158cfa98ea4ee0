"""Threads of OpenBLAS: one inside a block, as many as before once the last block is closed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from partialpool.inference.blas import _controls, one_thread


def numbers() -> list[int]:
    return [get() for get, _ in _controls()]


def test_blocks_in_several_threads_leave_the_number_as_it_was() -> None:
    before, both = numbers(), Barrier(2)

    def work(_: int) -> list[int]:
        with one_thread():
            both.wait()
            with one_thread():
                return numbers()

    with ThreadPoolExecutor(2) as pool:
        assert all(found == [1] * len(before) for found in pool.map(work, range(2)))
    assert numbers() == before


def test_a_failure_inside_sets_the_number_back() -> None:
    before = numbers()
    with pytest.raises(ZeroDivisionError), one_thread():
        raise ZeroDivisionError
    assert numbers() == before
