"""A score as CompreFace's `similarity`, whose clients decide at 0.5.

CompreFace maps the Euclidean distance d of unit embeddings by (tanh((c0 - d) * c1) + 1) / 2 with two constants for each
model. Here c0 is the distance at the threshold in force, which was measured for an error rate, and c1 gives 0.01 to
vectors without likeness (cosine 0). So 0.5 is the decision, and the map rises with the score.
"""

from __future__ import annotations

import math

from mien.compare import matches
from mien.errors import UsageError
from mien.types.score import OperatingPoint

STRANGERS = 0.01
"""Similarity of two vectors that stand at a right angle."""
UNIT = 100_000
"""Similarities have five decimals."""


def similarity_of(score: float, point: OperatingPoint) -> float:
    """A cosine as a number from 0 to 1 with five decimals, at least 0.5 exactly when it matches.

    Args:
        score: cosine.
        point: the threshold in force.

    Raises:
        UsageError: the threshold does not tell people from strangers: the rate asked for is too high.
    """
    if point.threshold <= 0:
        raise UsageError(f"at a threshold of {point.threshold:g} strangers match; ask for a lower rate")
    decision, strangers = _distance(point.threshold), _distance(0.0)
    steepness = math.log(1 / STRANGERS - 1) / (strangers - decision)
    exact = 1 / (1 + math.exp(steepness * (_distance(score) - decision)))
    shown = half_up(exact)
    if matches(score, point):
        return max(0.5, shown)
    return min(0.5 - 1 / UNIT, shown)


def half_up(value: float) -> float:
    """Rounded to five decimals as CompreFace does, halves up."""
    return math.floor(value * UNIT + 0.5) / UNIT


def _distance(cosine: float) -> float:
    return math.sqrt(max(0.0, 2 - 2 * cosine))
