"""Single: how much fine noise is left, part by part; interpolation and averaging of two pictures take some of it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from mien.manipulation.cues import Attack, cues
from mien.manipulation.looking import Seen
from mien.manipulation.spectra import luminance
from mien.runtime import Session
from mien.types.arrays import FloatArray

SIDE, GRID, LEVELS = 256, 4, 3


@dataclass(frozen=True, slots=True)
class Residual:
    """In each of 16 parts of the face and at three scales: logarithm of the residual's spread, and its tails.

    The residual is what a median of 3 x 3 leaves over; the tail is the mean fourth power over the squared variance,
    which edges of ghosts raise.
    """

    attack: Attack = "morph"
    differential: bool = False

    def features(self, suspect: Seen, live: Seen | None) -> FloatArray:
        """(96,)."""
        del live
        grey = luminance(suspect.cut(1.0, SIDE))
        told = []
        for _ in range(LEVELS):
            left = grey - cv2.medianBlur(grey, 3)
            cells = np.stack([c for row in np.array_split(left, GRID) for c in np.array_split(row, GRID, axis=1)])
            variance = np.square(cells).mean(axis=(1, 2)) + 1e-2
            told += [np.log(variance) / 2, np.log((cells**4).mean(axis=(1, 2)) / variance**2 + 1e-2)]
            grey = np.asarray(cv2.resize(grey, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.float32)
        return np.concatenate(told).astype(np.float32)


@cues.register("residual")
def residual(_encoder: Session | None) -> Residual:
    """The cue."""
    return Residual()
