"""Recognisability: how far an embedding lies from where the faces gather that nobody could recognise.

Chai et al., "Recognizability Embedding Enhancement for Very Low-Resolution Face Recognition and Quality Estimation",
CVPR 2023, arXiv 2304.10066: the index of a face grows with its distance to the centre of unrecognisable faces (U) and
to the nearest other person's (N), and falls with that to its own person's (P). The form
RI = d_U d_N / (d_P + d_N) with d = 1 - cos is our reading, the same as in training.

Whose face it is, is known in a gallery and not of a probe. The measure here needs no name: it is d_U, the first of the
two criteria. Faces become unrecognisable by seed, at four to seven pixels a side.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.errors import UsageError
from mien.models import load_embedder
from mien.quality.utility import Ground, Sights, measures
from mien.quality.utility.degradations import unrecognisable
from mien.quality.utility.vectors import raw_vectors, shares
from mien.types.arrays import Crops, Embeddings, FloatArray, unit_rows

MOST = 500
"""Faces that the centre is made of."""


@dataclass(frozen=True, slots=True)
class Recognisability:
    """Distance to the unrecognisable.

    Args:
        centres: (d,) unit vector for each network.
        shares: weight of each network's cosine.
    """

    centres: tuple[FloatArray, ...]
    shares: tuple[float, ...]

    def score(self, sights: Sights) -> FloatArray:
        """(n,) 1 - cosine to the centre, in 0..2."""
        score = np.ones(len(sights), np.float32)
        for centre, share, raw in zip(self.centres, self.shares, sights.raw, strict=True):
            score -= np.float32(share) * (unit_rows(raw) @ centre)
        return score


@measures.register("recognisability")
def recognisability(ground: Ground) -> Recognisability:
    """The measure for an embedder, with the centre of the examples' faces made unrecognisable.

    Raises:
        UsageError: no examples.
    """
    if ground.examples is None:
        raise UsageError("'recognisability' needs faces of other people to make unrecognisable: name some with --fit")
    embedder = load_embedder(ground.embedder, ground.settings)
    crops = _some(ground.examples.sights.crops[~ground.examples.harmed])
    raw = raw_vectors(embedder, unrecognisable(crops))
    return Recognisability(tuple(centre_of(unit_rows(part)) for part in raw), shares(embedder))


def _some(crops: Crops) -> Crops:
    return crops[:: -(-len(crops) // MOST)]


def centre_of(vectors: Embeddings) -> FloatArray:
    """(d,) direction of the mean of (n, d) unit rows."""
    centre: FloatArray = unit_rows(vectors.mean(axis=0, keepdims=True))[0]
    return centre


def recognisability_index(
    vectors: Embeddings, people: NDArray[np.int64], centres: Embeddings, lost: FloatArray
) -> FloatArray:
    """(n,) RI in 0..2 of faces whose people are known.

    Args:
        vectors: (n, d) unit rows.
        people: (n,) int64 rows of `centres`.
        centres: (p, d) unit rows, one a person, at least two.
        lost: (d,) unit vector, the centre of unrecognisable faces.
    """
    distances = np.maximum(1 - vectors @ centres.T, 0)
    rows = np.arange(len(vectors))
    own = distances[rows, people]
    distances[rows, people] = np.inf
    other = distances.min(axis=1)
    index: FloatArray = np.maximum(1 - vectors @ lost, 0) * other / np.maximum(own + other, 1e-6)
    return index
