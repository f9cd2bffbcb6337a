"""Length of the embedding before it is brought to length 1.

Networks with a margin loss give short vectors to faces of which they see little (Meng et al., MagFace, CVPR 2021, and
Kim et al., AdaFace, CVPR 2022, who use it in training; here no training is needed).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mien.models import load_embedder
from mien.quality.utility import Ground, Sights, measures
from mien.quality.utility.vectors import shares
from mien.types.arrays import FloatArray


@dataclass(frozen=True, slots=True)
class Norm:
    """The length; of several networks the geometric mean by their shares, so that no network's scale counts."""

    shares: tuple[float, ...]

    def score(self, sights: Sights) -> FloatArray:
        """(n,) logarithm of the length."""
        lengths = [np.linalg.norm(part.astype(np.float64), axis=1) for part in sights.raw]
        logs = [share * np.log(np.maximum(part, 1e-12)) for share, part in zip(self.shares, lengths, strict=True)]
        score: FloatArray = np.sum(logs, axis=0).astype(np.float32)
        return score


@measures.register("norm")
def norm(ground: Ground) -> Norm:
    """The measure for an embedder."""
    return Norm(shares(load_embedder(ground.embedder, ground.settings)))
