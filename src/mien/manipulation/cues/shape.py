"""Differential: how the points of reference and live capture lie apart (Scherhag et al., BTAS 2018)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mien.geometry.align import similarity
from mien.manipulation.cues import Attack, cues
from mien.manipulation.looking import Seen
from mien.runtime import Session
from mien.types.arrays import FloatArray


@dataclass(frozen=True, slots=True)
class ShapeDifference:
    """The length of each point's way, once the live face is turned, scaled and shifted onto the reference.

    In units of the reference's eye distance. Mouth and jaw move with every smile, so this cue is a weak one.
    """

    attack: Attack = "morph"
    differential: bool = True

    def features(self, suspect: Seen, live: Seen | None) -> FloatArray:
        """(69,) of 68 points and their mean."""
        if live is None:
            raise ValueError("the differential cue needs a live capture")
        turn = similarity(live.points[None].astype(np.float32), suspect.points.astype(np.float32))[0]
        ways = live.points @ turn[:, :2].T + turn[:, 2] - suspect.points
        eyes = suspect.points[36:42].mean(axis=0) - suspect.points[42:48].mean(axis=0)
        lengths = np.linalg.norm(ways, axis=1) / max(float(np.linalg.norm(eyes)), 1.0)
        return np.append(lengths, lengths.mean()).astype(np.float32)


@cues.register("shape")
def shape(_encoder: Session | None) -> ShapeDifference:
    """The cue."""
    return ShapeDifference()
