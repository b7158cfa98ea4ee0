"""Random numbers inside compiled code: xoshiro256++, uniform and normal, 32 bytes of state a stream."""

from __future__ import annotations

import math

import numpy as np

from partialpool.kernels.native.compiling import kernel

# The ziggurat of Doornik (2005), "An improved ziggurat method to generate normal random samples": 128 layers
# of equal area, the lowest with the tail beyond EDGE.
LAYERS = 128
EDGE, _AREA = 3.442619855899, 9.91256303526217e-3


def _ziggurat() -> np.ndarray:
    """(129,) right ends of the layers, from the widest to 0."""
    ends = np.zeros(LAYERS + 1)
    height = math.exp(-0.5 * EDGE**2)
    ends[0], ends[1] = _AREA / height, EDGE
    for i in range(2, LAYERS):
        ends[i] = math.sqrt(-2.0 * math.log(_AREA / ends[i - 1] + height))
        height = math.exp(-0.5 * ends[i] ** 2)
    return ends


ENDS = _ziggurat()
INSIDE = ENDS[1:] / ENDS[:-1]  # share of each layer's width that lies under the curve whatever the height


@kernel
def _rotated(x, k):
    return (x << np.uint64(k)) | (x >> np.uint64(64 - k))


@kernel
def next_bits(state):
    """64 random bits: xoshiro256++ of Blackman and Vigna (2021); the (4,) state moves on."""
    total = state[0] + state[3]
    result = _rotated(total, 23) + state[0]
    shifted = state[1] << np.uint64(17)
    state[2] ^= state[0]
    state[3] ^= state[1]
    state[1] ^= state[2]
    state[0] ^= state[3]
    state[2] ^= shifted
    state[3] = _rotated(state[3], 45)
    return result


@kernel
def _share(bits):
    """The upper 53 bits as a number in [0, 1)."""
    return np.float64(bits >> np.uint64(11)) * 2.0**-53


@kernel
def uniform(state):
    """Uniform on [0, 1), of 53 bits."""
    return _share(next_bits(state))


@kernel
def _tail(state):
    """Standard normal given that it is beyond EDGE (Marsaglia 1964)."""
    while True:
        x = -math.log(1.0 - uniform(state)) / EDGE
        y = -math.log(1.0 - uniform(state))
        if y + y > x * x:
            return EDGE + x


@kernel
def normal(state):
    """Standard normal."""
    while True:
        bits = next_bits(state)
        layer = np.int64(bits & np.uint64(LAYERS - 1))
        share = 2.0 * _share(bits) - 1.0
        if abs(share) < INSIDE[layer]:
            return share * ENDS[layer]
        if layer == 0:
            x = _tail(state)
            return -x if share < 0.0 else x
        x = share * ENDS[layer]
        low = math.exp(-0.5 * (ENDS[layer] ** 2 - x * x))
        high = math.exp(-0.5 * (ENDS[layer + 1] ** 2 - x * x))
        if high + uniform(state) * (low - high) < 1.0:
            return x
