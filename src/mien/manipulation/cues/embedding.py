"""Differential: how the templates of reference and live capture differ (Scherhag et al., IEEE TIFS 2020)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mien.manipulation.cues import Attack, cues
from mien.manipulation.looking import Seen
from mien.runtime import Session
from mien.types.arrays import FloatArray


@dataclass(frozen=True, slots=True)
class Embedding:
    """Of each embedder the squared difference of every number, and the cosine.

    A morph lies between two people: it is farther from either than their own reference is, and not in every direction
    alike. The published method gives signed differences to a support vector machine; a linear detector needs squares.
    """

    attack: Attack = "morph"
    differential: bool = True

    def features(self, suspect: Seen, live: Seen | None) -> FloatArray:
        """(642,) with the default embedders."""
        if live is None:
            raise ValueError("the differential cue needs a live capture")
        parts = []
        for name, vector in suspect.vectors.items():
            other = live.vectors[name]
            parts += [np.square(vector - other), [float(vector @ other)]]
        return np.concatenate(parts).astype(np.float32)


@cues.register("embedding")
def embedding(_encoder: Session | None) -> Embedding:
    """The cue."""
    return Embedding()
