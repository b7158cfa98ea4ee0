"""Turn a constraint's two functions into C functions, which the density calls by address."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from numba import carray, types

from partialpool.kernels.native.compiling import compile_native

_DOUBLES = types.CPointer(types.float64)
FORWARD_SIGNATURE = types.float64(types.int64, types.int64, _DOUBLES, _DOUBLES, _DOUBLES)
BACKWARD_SIGNATURE = types.float64(types.int64, types.int64, *[_DOUBLES] * 5)

MOST_CONSTANTS = 8  # that a constraint may read; a nominal length, since arrays are not checked

Function = Callable[..., Any]


@cache
def constraint_functions(forward: Function, backward: Function) -> tuple[Any, Any]:
    """Compile the map of a constraint and its derivative.

    Parameters
    ----------
    forward, backward
        See `constraints.base.Constraint`.

    Returns
    -------
    C functions of (number of free numbers, number of values, free numbers, values, constants), and of these
    and (derivatives by the values, derivatives by the free numbers).
    """

    def into_values(n, m, free, values, constants):
        return forward(carray(free, (n,)), carray(values, (m,)), carray(constants, (MOST_CONSTANTS,)))

    def back(n, m, free, values, constants, values_bar, free_bar):
        f, v, c = carray(free, (n,)), carray(values, (m,)), carray(constants, (MOST_CONSTANTS,))
        backward(f, v, c, carray(values_bar, (m,)), carray(free_bar, (n,)))
        return 0.0

    return compile_native(into_values, FORWARD_SIGNATURE), compile_native(back, BACKWARD_SIGNATURE)
