"""Faces as CompreFace describes them; what is not known is left out."""

from __future__ import annotations

from typing import Any

from mien.server.compat.compreface.likeness import half_up
from mien.server.compat.compreface.requests import Options
from mien.server.compat.serving import Looked
from mien.server.engine import Engine


def described(looked: Looked, row: int, options: Options, *, exact: bool = False) -> dict[str, Any]:
    """One face: box, and what the plugins asked for.

    Args:
        looked: the faces of a picture.
        row: which of them.
        options: what to tell.
        exact: do not round the detector's score.
    """
    face, (width, height) = looked.faces.face(row), looked.seen.size
    left, top, right, bottom = face.box
    told: dict[str, Any] = {
        "box": {
            "probability": face.score if exact else half_up(face.score),
            "x_min": _within(left, width),
            "y_min": _within(top, height),
            "x_max": _within(right, width),
            "y_max": _within(bottom, height),
        }
    }
    if "landmarks" in options.plugins:
        told["landmarks"] = [[round(x), round(y)] for x, y in face.points]
    if "calculator" in options.plugins:
        told["embedding"] = looked.made.vectors[row].tolist()
    if options.status:
        told["execution_time"] = _times(looked)
    return told


def versions(engine: Engine, options: Options) -> dict[str, Any]:
    """``plugins_versions``, when asked for: the networks that answered, by what CompreFace calls their work."""
    if not options.status:
        return {}
    detector = engine.models.detector
    named = {"detector": detector, "calculator": engine.model.name}
    return {"plugins_versions": named | ({"landmarks": detector} if "landmarks" in options.plugins else {})}


def _times(looked: Looked) -> dict[str, float]:
    told = {"detector": looked.detector_s}
    if looked.templates is not None:
        told["calculator"] = looked.embedder_s
    return {name: round(seconds * 1000, 1) for name, seconds in told.items()}


def _within(value: float, most: int) -> int:
    return min(most, max(0, round(value)))
