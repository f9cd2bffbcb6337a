"""Whether a picture is there twice: two copies of one make a comparison that measures nothing.

Copies are found by what they show, not by their bytes: two perceptual hashes survive another size and compression, and
the embedding survives another crop. `Copies.later` is the second of each two, to be left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.errors import MienError
from mien.image import open_photo
from mien.types.arrays import FloatArray, Pixels

HASH_BITS = 4
"""Bits in which both hashes of two copies may differ. 300 UTKFace crops, halved in size or saved at quality 50,
differed from themselves by at most 2; of 2.9 million pairs of its pictures 7 come so near, all copies to the eye."""
SAME_PICTURE = 0.98
"""Cosine within one person: above the 0.976 that two photographs of one sitting (London set) reach."""
SAME_FACE = 0.90
"""Cosine across two people: of 4.1 million such pairs (LFW view 1, UTKFace) 8 reach it with each of the built-in
embedders, all of them one photograph to the eye; next come two photographs of one person."""
HASH_SIDE = 64
"""Pixels of the decode that hashes are taken from, at least."""
BLOCK = 512


@dataclass(frozen=True, slots=True)
class Copies:
    """Pictures that are there twice.

    Args:
        pairs: (earlier row, later row, why): ``hash`` or ``embedding``.
        later: (n,) bool, the rows to leave out so that each is there once.
    """

    pairs: tuple[tuple[int, int, str], ...]
    later: NDArray[np.bool_]


def hash_picture(pixels: Pixels) -> NDArray[np.uint64]:
    """(2,) uint64: the difference hash (of brightness, left to right) and the DCT hash of a picture (Zauner 2010)."""
    import cv2

    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    small = cv2.resize(grey, (9, 8), interpolation=cv2.INTER_AREA)
    waves = cv2.dct(cv2.resize(grey, (32, 32), interpolation=cv2.INTER_AREA))[:8, :8].ravel()
    bits = np.stack([(small[:, 1:] > small[:, :-1]).ravel(), waves > np.median(waves[1:])])
    return np.packbits(bits, axis=1).view(np.uint64).ravel()


def hash_files(
    paths: Sequence[Path], *, progress: Callable[[int, int], None] | None = None
) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
    """Hashes of picture files.

    Returns:
        (n, 2) uint64, and (n,) bool where a picture could not be read.
    """
    hashes = np.zeros((len(paths), 2), np.uint64)
    failed = np.zeros(len(paths), np.bool_)
    for row, path in enumerate(paths):
        try:
            hashes[row] = hash_picture(open_photo(path).decode(HASH_SIDE).pixels)
        except MienError:  # the pipeline names it among its failures
            failed[row] = True
        if progress:
            progress(row + 1, len(paths))
    return hashes, failed


def find_copies(
    people: NDArray[np.int64],
    *,
    hashes: NDArray[np.uint64] | None = None,
    vectors: FloatArray | None = None,
    failed: NDArray[np.bool_] | None = None,
) -> Copies:
    """Rows that show one picture.

    Args:
        people: (n,) int64, who each row is said to be.
        hashes: (n, 2) uint64.
        vectors: (n, d) float32, unit rows.
        failed: (n,) bool, rows without hash and vector.
    """
    number = len(people)
    usable = np.ones(number, bool) if failed is None else ~failed
    pairs: list[tuple[int, int, str]] = []
    for start in range(0, number, BLOCK):
        block = slice(start, start + BLOCK)
        both = np.triu(usable[block, None] & usable[None, start:], 1)
        by_hash = np.zeros_like(both)
        if hashes is not None:
            far = np.bitwise_count(hashes[block, None] ^ hashes[None, start:]).max(axis=2)
            by_hash = both & (far <= HASH_BITS)
        by_vector = np.zeros_like(both)
        if vectors is not None:
            same = people[block, None] == people[None, start:]
            by_vector = both & (vectors[block] @ vectors[start:].T >= np.where(same, SAME_PICTURE, SAME_FACE))
        rows = zip(*np.nonzero(by_hash | by_vector), strict=True)
        pairs += [(int(i) + start, int(j) + start, "hash" if by_hash[i, j] else "embedding") for i, j in rows]
    later = np.zeros(number, np.bool_)
    for i, j, _ in pairs:
        later[j] |= not later[i]
    return Copies(tuple(pairs), later)
