"""Made faces: the azimuthal spectrum of the picture's own pixels (Durall, Keuper & Keuper, CVPR 2020)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mien.manipulation.cues import Attack, cues
from mien.manipulation.looking import Seen
from mien.manipulation.spectra import azimuthal, luminance
from mien.runtime import Session
from mien.types.arrays import FloatArray

LARGEST = 512
"""Pixels; of a larger face the middle is taken. It is never resized: that would move or remove what is looked for."""


@dataclass(frozen=True, slots=True)
class Spectrum:
    """Eighty rings."""

    attack: Attack = "made"
    differential: bool = False

    def features(self, suspect: Seen, live: Seen | None) -> FloatArray:
        """(80,)."""
        del live
        face = suspect.cut(1.2)
        y, x = (max(0, (side - LARGEST) // 2) for side in face.shape[:2])
        return azimuthal(luminance(np.ascontiguousarray(face[y : y + LARGEST, x : x + LARGEST])))


@cues.register("spectrum")
def spectrum(_encoder: Session | None) -> Spectrum:
    """The cue."""
    return Spectrum()
