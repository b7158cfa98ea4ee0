"""Random numbers by name: the same seed, purpose and key give the same numbers, in any order."""

from __future__ import annotations

import hashlib

import numpy as np


class Streams:
    """Streams of random numbers, one for each key: a strip of rows, a new group.

    The generator is Philox (Salmon et al., 2011, "Parallel random numbers: as easy as 1, 2, 3"), which can
    begin anywhere. One generator is set to each stream in turn, which takes 1 us where a new one takes 13.

    Parameters
    ----------
    seed
        The user's seed, any whole number.
    purpose
        What the numbers are for; streams of different purposes are independent.

    Examples
    --------
    >>> streams = Streams(1, "outcomes")
    >>> first, other, again = (float(streams.at(key).random()) for key in (7, 8, 7))
    >>> first == again, first == other
    (True, False)
    """

    def __init__(self, seed: int, purpose: str) -> None:
        digest = hashlib.blake2b(f"{seed}|{purpose}".encode(), digest_size=8).digest()
        self._key = np.array([int.from_bytes(digest, "little"), 0], dtype=np.uint64)
        self._bits = np.random.Philox(key=self._key)
        self._beginning = self._bits.state
        self._generator = np.random.Generator(self._bits)

    def at(self, key: int) -> np.random.Generator:
        """Go to the beginning of a stream.

        Parameters
        ----------
        key
            Which one, from 0 to 2**64 - 1.

        Returns
        -------
        A generator that is good until the next call.
        """
        self._beginning["state"]["key"][1] = key
        self._bits.state = self._beginning
        return self._generator


def stream(seed: int, purpose: str, key: int) -> np.random.Generator:
    """Open one stream by itself: see `Streams`."""
    return Streams(seed, purpose).at(key)
