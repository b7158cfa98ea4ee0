"""Exponential and logarithm made of plain arithmetic, which the compiler turns into vector instructions.

Calls to the mathematical library are made one number at a time; these have no calls and no branches, so a
loop over cells handles several cells at once. Relative error below 1e-15 (tests compare with numpy).
"""

from __future__ import annotations

from typing import Any

from numba import types
from numba.extending import intrinsic, register_jitable

# The error-free steps below must be done in their order: no reordering of sums here.
strict = register_jitable(error_model="numpy", fastmath={"contract", "nsz"}, forceinline=True)

LOG2_E = 1.4426950408889634
LN2_HIGH = 0.6931471803691238  # its last bits are zero: k * LN2_HIGH is exact for |k| < 2^11
LN2_LOW = 1.9082149292705877e-10
# Adding it rounds to a whole number and leaves that number in the lowest bits (1.5 x 2^52).
ROUNDING = 6755399441055744.0
ONE_BITS = 0x3FF0000000000000
LARGEST = 709.0
SMALLEST = -708.0


@intrinsic
def _bits(typingctx: Any, x: Any) -> Any:
    """The bits of a double, as an integer."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.bitcast(args[0], context.get_value_type(types.int64))

    return types.int64(types.float64), codegen


@intrinsic
def _double(typingctx: Any, x: Any) -> Any:
    """The double that has these bits."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.bitcast(args[0], context.get_value_type(types.float64))

    return types.float64(types.int64), codegen


@strict
def exponential(x):
    """exp(x), x held within [-708, 709]: x = k log 2 + r, then Taylor's polynomial of degree 13 in r."""
    x = min(max(x, SMALLEST), LARGEST)
    shifted = x * LOG2_E + ROUNDING
    k = shifted - ROUNDING
    r = (x - k * LN2_HIGH) - k * LN2_LOW
    p = 1.6059043836821613e-10
    p = p * r + 2.08767569878681e-09
    p = p * r + 2.505210838544172e-08
    p = p * r + 2.755731922398589e-07
    p = p * r + 2.7557319223985893e-06
    p = p * r + 2.48015873015873e-05
    p = p * r + 1.984126984126984e-04
    p = p * r + 1.388888888888889e-03
    p = p * r + 8.333333333333333e-03
    p = p * r + 4.1666666666666664e-02
    p = p * r + 1.6666666666666666e-01
    p = p * r + 0.5
    p = p * r + 1.0
    p = p * r + 1.0
    return p * _double((_bits(shifted) + 1023) << 52)


@strict
def unit_step(x):
    """1.0 for x >= 0, 0.0 below, from the sign bit: a comparison would become a branch."""
    return _double(ONE_BITS & ~(_bits(x) >> 63))


@strict
def log_one_plus(e):
    """log(1 + e) for e in [0, 1]: twice the series of atanh(s) with s = e / (2 + e), at most 1/3."""
    s = e / (2.0 + e)
    q = s * s
    p = 1.0 / 33.0
    p = p * q + 1.0 / 31.0
    p = p * q + 1.0 / 29.0
    p = p * q + 1.0 / 27.0
    p = p * q + 1.0 / 25.0
    p = p * q + 1.0 / 23.0
    p = p * q + 1.0 / 21.0
    p = p * q + 1.0 / 19.0
    p = p * q + 1.0 / 17.0
    p = p * q + 1.0 / 15.0
    p = p * q + 1.0 / 13.0
    p = p * q + 1.0 / 11.0
    p = p * q + 1.0 / 9.0
    p = p * q + 1.0 / 7.0
    p = p * q + 1.0 / 5.0
    p = p * q + 1.0 / 3.0
    p = p * q + 1.0
    return 2.0 * s * p
