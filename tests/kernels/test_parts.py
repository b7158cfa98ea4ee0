"""Kernels that other kernels call: translated once each, and right in every C function they end in."""

from __future__ import annotations

import numba
from numba import types

from partialpool.kernels.native.compiling import kernel
from partialpool.kernels.native.part_compiler import _Part

SIGNATURE = types.float64(types.float64, types.float64)


@kernel
def _square(x):
    return x * x


@kernel
def _fourth(x):
    return _square(_square(x))


def _sum(x, y):
    return _fourth(x) + _square(y)


def _difference(x, y):
    return _fourth(x) - _square(y)


def test_two_functions_share_their_kernels() -> None:
    """A kernel called twice, by a kernel and by two C functions, is linked into both."""
    assert numba.cfunc(SIGNATURE)(_sum).ctypes(2.0, 3.0) == 25.0
    assert numba.cfunc(SIGNATURE)(_difference).ctypes(2.0, 3.0) == 7.0


def test_a_kernel_is_not_compiled_by_itself() -> None:
    """That is what it saves: only the whole is optimised and made machine code."""
    numba.cfunc(SIGNATURE)(_sum)
    (found,) = _fourth.overloads.values()
    assert isinstance(found.library, _Part)
