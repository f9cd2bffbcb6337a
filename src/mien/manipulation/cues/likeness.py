"""Differential: the cosine alone, as the matcher sees it; what every other differential cue must beat."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mien.manipulation.cues import Attack, cues
from mien.manipulation.looking import Seen
from mien.runtime import Session
from mien.types.arrays import FloatArray


@dataclass(frozen=True, slots=True)
class Likeness:
    """One cosine an embedder."""

    attack: Attack = "morph"
    differential: bool = True

    def features(self, suspect: Seen, live: Seen | None) -> FloatArray:
        """(2,) with the default embedders."""
        if live is None:
            raise ValueError("the differential cue needs a live capture")
        return np.array([float(v @ live.vectors[name]) for name, v in suspect.vectors.items()], np.float32)


@cues.register("likeness")
def likeness(_encoder: Session | None) -> Likeness:
    """The cue."""
    return Likeness()
