"""Random numbers that depend on nothing but their place: seed, epoch, index and purpose.

Each is the output of SplitMix64 (Steele, Lea & Flood, OOPSLA 2014) at a state that names its place, so that a picture
is changed in the same way whatever batch, thread, process or restart it falls into.
"""

from __future__ import annotations

import zlib
from typing import Final

import numpy as np
from numpy.typing import NDArray

GAMMA: Final = 0x9E3779B97F4A7C15
_MASK: Final = (1 << 64) - 1


def uniform(seed: int, epoch: int, index: NDArray[np.int64], purpose: str, count: int = 1) -> NDArray[np.float64]:
    """(n, count) float64 in 0..1, 1 excluded.

    Args:
        seed: of the run.
        epoch: of the run.
        index: (n,) place within the epoch.
        purpose: what they are for; another purpose gives others.
        count: numbers for each index.
    """
    stream = 0
    for word in (seed, epoch, zlib.crc32(purpose.encode())):
        stream = int(mix(np.array([(stream ^ (word & _MASK)) + GAMMA & _MASK], np.uint64))[0])
    states = mix(np.uint64(stream) + _times(index.astype(np.uint64)))
    words = mix(states[:, None] + _times(np.arange(1, count + 1, dtype=np.uint64)))
    numbers: NDArray[np.float64] = np.ldexp((words >> np.uint64(11)).astype(np.float64), -53)
    return numbers


def mix(states: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The output function of SplitMix64."""
    z = (states ^ (states >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def _times(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Steps of the state, modulo 2^64."""
    return numbers * np.uint64(GAMMA)
