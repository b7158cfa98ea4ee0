"""Exponential and logarithm made of plain arithmetic, which the compiler turns into vector instructions.

Calls to the mathematical library are made one number at a time; these have no calls and no branches, so a
loop over cells handles several cells at once. Relative error below 1e-15, but for `exponential_single` (tests
compare with numpy).
Coefficients are interpolations at Chebyshev's nodes, found with 60 digits.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, register_jitable

# The error-free steps below must be done in their order: no reordering of sums here.
strict = register_jitable(error_model="numpy", fastmath={"contract", "nsz"}, forceinline=True)

LOG2_E = 1.4426950408889634
LN2 = 0.6931471805599453
LN2_HIGH = 0.6931471803691238  # its last bits are zero: k * LN2_HIGH is exact for |k| < 2^11
LN2_LOW = 1.9082149292705877e-10
# Adding it rounds to a whole number and leaves that number in the lowest bits (1.5 x 2^52).
ROUNDING = 6755399441055744.0
ROUNDING_BITS = 0x4338000000000000
ROOT_HALF_BITS = 0x3FE6A09E667F3BCD
FACTORS = 512
LARGEST = 709.0
SMALLEST = -708.0
# The same in single precision. Numbers of it must be typed, or arithmetic with them is done in double.
SINGLE_LOG2_E, SINGLE_ROUNDING, SINGLE_SMALLEST = (
    np.float32(LOG2_E),
    np.float32(12582912.0),
    np.float32(-87.0),
)
SINGLE_LN2_HIGH, SINGLE_LN2_LOW = np.float32(0.693359375), np.float32(-2.12194440055e-04)
SINGLE_TERMS = tuple(
    np.float32(c) for c in (0.5, 1.666657703e-01, 4.166655466e-02, 8.363173075e-03, 1.392617612e-03)
)


@intrinsic
def _bits(typingctx: Any, x: Any) -> Any:
    """The bits of a double, as an integer."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.bitcast(args[0], context.get_value_type(types.int64))

    return types.int64(types.float64), codegen


@intrinsic
def _exponent(typingctx: Any, x: Any) -> Any:
    """k of a positive double that is at least 2^k and less than 2^(k + 1)."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        integer = context.get_value_type(types.int64)
        biased = builder.lshr(builder.bitcast(args[0], integer), ir.Constant(integer, 52))
        return builder.sub(biased, ir.Constant(integer, 1023))

    return types.int64(types.float64), codegen


@intrinsic
def _double(typingctx: Any, x: Any) -> Any:
    """The double that has these bits."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.bitcast(args[0], context.get_value_type(types.float64))

    return types.float64(types.int64), codegen


@intrinsic
def _single_power(typingctx: Any, shifted: Any) -> Any:
    """2^k, in single precision, from k in the lowest bits of a number that it was rounded in."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        integer = ir.IntType(32)
        exponent = builder.add(builder.bitcast(args[0], integer), integer(127))
        return builder.bitcast(builder.shl(exponent, integer(23)), ir.FloatType())

    return types.float32(types.float32), codegen


@intrinsic
def where(typingctx: Any, condition: Any, yes: Any, no: Any) -> Any:
    """`yes` where the condition holds, `no` elsewhere; both are computed, so that there is no branch."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.select(*args)

    return types.float64(types.boolean, types.float64, types.float64), codegen


@strict
def _reduced(x):
    """(2^k, r) for x within [-708, 709] and x = k log 2 + r, |r| <= log(2) / 2."""
    shifted = x * LOG2_E + ROUNDING
    k = shifted - ROUNDING
    return _double((_bits(shifted) + 1023) << 52), (x - k * LN2_HIGH) - k * LN2_LOW


@strict
def _power_of_two(x):
    """(2^k, exp(r) - 1) for x held within [-708, 709] and x = k log 2 + r, |r| <= log(2) / 2."""
    power, r = _reduced(min(max(x, SMALLEST), LARGEST))
    # In pairs: a chain of multiplications half as long as from the highest power down.
    r2 = r * r
    r4 = r2 * r2
    p = (4.16666666666241279e-02 + 8.33333333333006183e-03 * r) * r2 + (0.5 + 1.66666666666666675e-01 * r)
    q = (2.48015212959543751e-05 + 2.75572684599970648e-06 * r) * r2 + (
        1.38888889172137169e-03 + 1.98412698630536169e-04 * r
    )
    p = ((2.76200884454097482e-07 + 2.51003854955103191e-08 * r) * r4 + q) * r4 + p
    return power, r + r2 * p


@strict
def exponential(x):
    """exp(x), x held within [-708, 709]."""
    power, rest = _power_of_two(x)
    return power + power * rest


@strict
def exponential_single(x):
    """exp(x) to seven digits, for x of at most 0, held at -87 from below.

    For weights and probabilities: half the work of `exponential`, as numbers of single precision are half as
    wide.
    """
    x = max(np.float32(x), SINGLE_SMALLEST)
    shifted = x * SINGLE_LOG2_E + SINGLE_ROUNDING
    k = shifted - SINGLE_ROUNDING
    r = (x - k * SINGLE_LN2_HIGH) - k * SINGLE_LN2_LOW
    a, b, c, d, e = SINGLE_TERMS
    power, r2 = _single_power(shifted), r * r
    return np.float64(power + power * (r + r2 * ((a + b * r) + r2 * ((c + d * r) + r2 * e))))


@strict
def exponential_ratio(x):
    """(a, b) whose ratio is exp(x), for x of at most 0, held at -708 from below; b lies within 0.8 and 1.2.

    For functions of exp(x) that divide anyway: two short polynomials in place of a long one. With
    tanh(r / 2) = odd / even, exp(r) is (even + odd) / (even - odd).
    """
    power, r = _reduced(max(x, SMALLEST))
    z = r * r
    even = 1.0 + z * (0.111108100414082089 + z * 0.000991762460162980619)
    odd = r * (0.5 + z * (0.0138873835403753847 + z * 3.30437127607055952e-05))
    return power * (even + odd), even - odd


@strict
def exponential_less_one(x):
    """exp(x) - 1, with all its digits near zero; x held within [-708, 709]."""
    power, rest = _power_of_two(x)
    return power * rest + (power - 1.0)


@strict
def mantissa_and_exponent(x):
    """(m, k) with x = m 2^k and m within [1, 2), for x as `logarithm` takes it.

    For sums of many logarithms: log of the product of up to `FACTORS` m, which cannot overflow, plus log(2)
    times the sum of k.
    """
    k = _exponent(x)
    return _double(_bits(x) - (k << 52)), k


@strict
def log_of_ratio(f, s):
    """log(1 + f) from s = f / (2 + f), for 1 + f between the root of a half and the root of two.

    That is 2 atanh(s) = 2 s + s^3 (2/3 + 2/5 s^2 + ...), written as f - f^2 / 2 + s (f^2 / 2 + s^2 ...), so
    that its first term has no rounding error (as in Sun's fdlibm, e_log.c).
    """
    z = s * s
    z2 = z * z
    p = (0.399999999998988905 * z + 0.666666666666666971) + (
        0.222222110893794934 * z + 0.285714286262538376
    ) * z2
    p += ((0.153316117220506524 * z + 0.181828924325370315) + 0.146178071534628287 * z2) * (z2 * z2)
    half = 0.5 * f * f
    return f - (half - s * (half + z * p))


@strict
def log_one_plus_ratio(a, b):
    """(log(1 + r), a / (a + b), b / (a + b)) for r = a / b in [0, 1]: one division serves all.

    log(1 + r) is 2 atanh(s) = 2 s + s^3 (2/3 + 2/5 s^2 + ...) with s = r / (2 + r), at most a third.
    """
    both, more = a + b, a + 2.0 * b
    inverse = 1.0 / (both * more)
    s = a * (both * inverse)
    z = s * s
    z2 = z * z
    p = (0.6666666666666697 + 0.39999999999560126 * z) + (0.2857142867666099 + 0.22222212557929713 * z) * z2
    q = (0.18182261108419745 + 0.15373274876358003 * z) + (0.135023424717571 + 0.10322669270499082 * z) * z2
    p = (q + 0.1687070066109721 * (z2 * z2)) * (z2 * z2) + p
    share = more * inverse
    return 2.0 * s + s * z * p, a * share, b * share


@strict
def logarithm(x):
    """log(x) for x from 2.3e-308, the smallest normal number, to the largest."""
    k = (_bits(x) - ROOT_HALF_BITS) >> 52
    f = _double(_bits(x) - (k << 52)) - 1.0
    whole = _double(k + ROUNDING_BITS) - ROUNDING
    return whole * LN2_HIGH + (log_of_ratio(f, f / (2.0 + f)) + whole * LN2_LOW)


@strict
def log_one_plus_any(v):
    """log(1 + v) for v > -1, with all its digits near zero."""
    w = 1.0 + v
    return logarithm(w) + (v - (w - 1.0)) / w
