"""DeepFace's distances. All of them fall as the cosine rises, so one measured threshold serves them all."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final, TypeAlias

import numpy as np

from mien.compare import at_fmr, fmr_for_pairs
from mien.compat.settings import current
from mien.errors import UsageError
from mien.types.arrays import AnyArray, Embeddings, FloatArray
from mien.types.score import OperatingPoint, OperatingTable

Metric: TypeAlias = str | Callable[[AnyArray, AnyArray], Any]
DIGITS: Final = 6
"""Decimals of distances and thresholds, which are compared as they are shown."""


def _chord(cosine: float) -> float:
    return math.sqrt(max(0.0, 2 - 2 * cosine))


DISTANCES: Final[dict[str, Callable[[float], float]]] = {
    "cosine": lambda cosine: 1 - cosine,
    "euclidean": _chord,  # templates have length 1
    "euclidean_l2": _chord,
    "angular": lambda cosine: math.acos(min(1.0, max(-1.0, cosine))) / math.pi,
}


def distance_of(cosine: float, metric: str) -> float:
    """A cosine as a distance of DeepFace, to six decimals."""
    return round(DISTANCES[metric](cosine), DIGITS)


def check_metric(metric: Metric, threshold: float | None, *, may_call: bool = True) -> None:
    """Raise UsageError unless distances can be measured and judged so."""
    if isinstance(metric, str):
        if metric not in DISTANCES:
            raise UsageError(f"no distance metric '{metric}'; there are {', '.join(DISTANCES)}", code="unknown-metric")
    elif not may_call:
        raise UsageError("galleries are searched by cosine, euclidean, euclidean_l2 or angular, not by a function")
    elif threshold is None:
        raise UsageError("a distance function of your own needs a threshold")


def distances_of(probes: Embeddings, references: Embeddings, scores: FloatArray, metric: Metric) -> AnyArray:
    """(n, m) float64 distances of all pairs; `scores` are their cosines."""
    if isinstance(metric, str):
        return np.array([[distance_of(float(score), metric) for score in row] for row in scores]).reshape(scores.shape)
    rows = [[float(metric(probe, reference)) for reference in references] for probe in probes]
    return np.array(rows).reshape(scores.shape)


def point_for_pairs(table: OperatingTable, pairs: int) -> OperatingPoint:
    """Where one of so many pairs matches, so that any of them falsely does at the configured rate."""
    return at_fmr(table, fmr_for_pairs(current().fmr, max(1, pairs)))


def confidence_of(distance: float, threshold: float, metric: Metric) -> float:
    """Where a distance lies: 51..100 for a match (100 = the same), 0..49 otherwise (0 = strangers); no probability.

    Args:
        distance: of the pair.
        threshold: a match is at most that far.
        metric: of both; a function of one's own gives 51 or 49, as with DeepFace.
    """
    if not isinstance(metric, str):
        return 51.0 if distance <= threshold else 49.0
    if distance <= threshold:
        return round(100 - 49 * min(1.0, max(0.0, distance / threshold if threshold > 0 else 0.0)), 2)
    strangers = distance_of(0.0, metric)
    room = strangers - threshold
    return round(49 * min(1.0, max(0.0, (strangers - distance) / room)), 2) if room > 0 else 0.0
