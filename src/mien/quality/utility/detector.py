"""The detector's confidence: what comes for free, and what others have to beat."""

from __future__ import annotations

from dataclasses import dataclass

from mien.quality.utility import Ground, Sights, measures
from mien.types.arrays import FloatArray


@dataclass(frozen=True, slots=True)
class Confidence:
    """The detector's score, 0..1."""

    def score(self, sights: Sights) -> FloatArray:
        """(n,) as it stands."""
        return sights.scores


@measures.register("detector")
def detector(ground: Ground) -> Confidence:
    """The measure; the same for every embedder."""
    return Confidence()
