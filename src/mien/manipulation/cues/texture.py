"""Single: local binary patterns (Ojala et al., PAMI 2002), which blending makes smoother (Raghavendra et al. 2016)."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from mien.manipulation.cues import Attack, cues
from mien.manipulation.looking import Seen
from mien.manipulation.spectra import luminance
from mien.runtime import Session
from mien.types.arrays import AnyArray, FloatArray, Pixels

SIDE, GRID = 256, 4
AROUND = ((-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1))


def _classes() -> AnyArray:
    """(256,) the rotation-invariant uniform pattern of each byte: ones in it, or 9 where they lie in several runs."""
    bits = (np.arange(256)[:, None] >> np.arange(8)) & 1
    changes = (bits != np.roll(bits, 1, axis=1)).sum(axis=1)
    return np.where(changes <= 2, bits.sum(axis=1), 9).astype(np.uint8)


CLASSES = _classes()


def patterns(grey: FloatArray) -> AnyArray:
    """(h, w) to (h - 2, w - 2) uint8 0..9: which of the eight neighbours are not darker, told by their number alone."""
    middle = grey[1:-1, 1:-1]
    height, width = grey.shape
    code = np.zeros(middle.shape, np.uint8)
    for bit, (dy, dx) in enumerate(AROUND):
        near = grey[1 + dy : height - 1 + dy, 1 + dx : width - 1 + dx]
        code |= (near >= middle).astype(np.uint8) << bit
    return CLASSES[code]


@dataclass(frozen=True, slots=True)
class Texture:
    """Shares of the ten patterns in each of 16 parts of the face, at two scales."""

    attack: Attack = "morph"
    differential: bool = False

    def features(self, suspect: Seen, live: Seen | None) -> FloatArray:
        """(320,)."""
        del live
        face = suspect.cut(1.0, SIDE)
        half: Pixels = np.asarray(cv2.resize(face, (SIDE // 2, SIDE // 2), interpolation=cv2.INTER_AREA), np.uint8)
        return np.concatenate([_shares(patterns(np.rint(luminance(each)))) for each in (face, half)])


def _shares(found: AnyArray) -> FloatArray:
    cells = [part for row in np.array_split(found, GRID) for part in np.array_split(row, GRID, axis=1)]
    shares = [np.bincount(cell.ravel(), minlength=10) / cell.size for cell in cells]
    return np.concatenate(shares).astype(np.float32)


@cues.register("texture")
def texture(_encoder: Session | None) -> Texture:
    """The cue."""
    return Texture()
