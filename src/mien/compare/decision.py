"""The one decision rule."""

from __future__ import annotations

from mien.types.score import OperatingPoint


def matches(score: float, point: OperatingPoint) -> bool:
    """Whether a comparison score is a match at an operating point: score >= threshold."""
    return score >= point.threshold
