"""Parts of a face as polygons between the 68 points of iBUG 300-W, painted into maps of class numbers.

The points of a part are named in the order of its outline. What no point marks is drawn by proportion: the hairline by
the rule of thirds (brows to nose and hairline to brows are about as long), brows and wings of the nose by widening.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.types.arrays import FloatArray

Outline: TypeAlias = NDArray[np.float64]
"""(k, 2) x y in pixels."""
Labels: TypeAlias = NDArray[np.uint8]
"""(h, w) uint8, the number of a class for every pixel."""

PARTS: Final = ("background", "skin", "brows", "eyes", "nose", "upper lip", "inner mouth", "lower lip")
"""Classes of `parts_of`; the number is the place."""
AMODAL: Final = ("background", "rest", "eyes", "nose", "mouth")
"""Classes of `amodal_parts_of`: parts of the face as they lie, whatever lies upon them."""
OCCLUSION: Final = (*AMODAL, *(f"covered {part}" for part in AMODAL[1:]))
"""Classes of `occlusion_of`: a part as it is seen, and the same part below something."""
ACTION_UNITS: Final = ("elsewhere", "cheeks", "chin", "brows", "nose", "eyes", "mouth")
"""Classes of `action_units_of`. Units of Ekman & Friesen's FACS that move them: brows 1, 2, 4; eyes 5, 7; cheeks 6 and
the fold of 12; nose 9; mouth 10 to 16, 18 to 28; chin 17, 26."""

LEFT_BROW, RIGHT_BROW = slice(17, 22), slice(22, 27)
LEFT_EYE, RIGHT_EYE = slice(36, 42), slice(42, 48)
_HAIRLINE = 0.8
"""Height of the visible forehead over that from the nose's base to the brows; hair covers the rest of the third."""
_BROW = 0.11
"""Half height of a brow over its length."""
_WING = 0.4
"""How far the wings of the nose pass the nostrils' corners, over the distance to the nose's base."""


def parts_of(points: FloatArray, size: tuple[int, int]) -> Labels:
    """Number in `PARTS` of every pixel.

    Args:
        points: (68, 2) pixels.
        size: (width, height) of the map.
    """
    p = points.astype(np.float64)
    outer, inner = p[48:60], p[60:68]
    return paint(
        (
            (1, face_outline(p)),
            (2, _brow(p, LEFT_BROW)),
            (2, _brow(p, RIGHT_BROW)),
            (3, p[LEFT_EYE]),
            (3, p[RIGHT_EYE]),
            (4, nose_outline(p)),
            (5, np.concatenate([outer[:7], inner[4::-1]])),
            (7, np.concatenate([outer[6:], outer[:1], inner[:1], inner[:3:-1]])),
            (6, inner),
        ),
        size,
    )


def amodal_parts_of(points: FloatArray, size: tuple[int, int]) -> Labels:
    """Number in `AMODAL` of every pixel; the eyes with what glasses cover of their surroundings."""
    p = points.astype(np.float64)
    return paint(
        (
            (1, face_outline(p)),
            (3, nose_outline(p)),
            (2, grown(hull(p[LEFT_EYE]), 1.5)),
            (2, grown(hull(p[RIGHT_EYE]), 1.5)),
            (4, hull(p[48:60])),
        ),
        size,
    )


def occlusion_of(parts: Labels, covered: NDArray[np.bool_]) -> Labels:
    """Numbers in `OCCLUSION` from those in `AMODAL` and what is covered, both (h, w)."""
    step = np.uint8(len(AMODAL) - 1)
    return np.where(covered & (parts > 0), parts + step, parts).astype(np.uint8)


def action_units_of(points: FloatArray, size: tuple[int, int]) -> Labels:
    """Number in `ACTION_UNITS` of every pixel."""
    p = points.astype(np.float64)
    brows, raised = p[17:27], p[17:27] + 0.35 * _up(p)
    return paint(
        (
            (1, hull([*p[0:5], p[48], p[31], p[39], p[41], p[36]])),
            (1, hull([*p[12:17], p[54], p[35], p[42], p[46], p[45]])),
            (2, hull([*p[4:13], *p[55:60]])),
            (3, hull([*brows, *raised, p[27]])),
            (4, nose_outline(p)),
            (5, grown(hull(p[LEFT_EYE]), 1.4)),
            (5, grown(hull(p[RIGHT_EYE]), 1.4)),
            (6, grown(hull(p[48:60]), 1.15)),
        ),
        size,
    )


def face_outline(p: Outline) -> Outline:
    """Jaw, and above it half an ellipse from temple to temple up to the hairline."""
    middle, half = (p[0] + p[16]) / 2, (p[16] - p[0]) / 2
    top = p[17:27].mean(axis=0) + _HAIRLINE * _up(p) - middle
    turn = np.linspace(0, np.pi, 17)[1:-1, None]
    return np.concatenate([p[:17], middle + np.cos(turn) * half + np.sin(turn) * top])


def nose_outline(p: Outline) -> Outline:
    """Bridge, wings and base."""
    left, right = p[31] + _WING * (p[31] - p[33]), p[35] + _WING * (p[35] - p[33])
    side = 0.35 * (p[35] - p[31])
    return np.array(
        [p[27] - side, p[27] + side, p[29] + side, right, p[35], p[34], p[33], p[32], p[31], left, p[29] - side]
    )


def hull(points: Sequence[Outline] | Outline) -> Outline:
    """The convex hull of points."""
    return np.asarray(cv2.convexHull(np.asarray(points, np.float32)).reshape(-1, 2), np.float64)


def grown(outline: Outline, factor: float) -> Outline:
    """An outline so many times larger about its mean."""
    middle = outline.mean(axis=0)
    larger: Outline = middle + factor * (outline - middle)
    return larger


def paint(outlines: Iterable[tuple[int, Outline]], size: tuple[int, int]) -> Labels:
    """Outlines filled with their numbers, later ones over earlier ones, to a sixteenth of a pixel; 0 elsewhere."""
    labels = np.zeros((size[1], size[0]), np.uint8)
    for number, outline in outlines:
        # a pixel's middle is at 0.5 here and at 0 in OpenCV
        cv2.fillPoly(labels, [np.rint((outline - 0.5) * 16).astype(np.int32)], number, shift=4)
    return labels


def _brow(p: Outline, which: slice) -> Outline:
    line = p[which]
    thick = _BROW * np.linalg.norm(line[-1] - line[0]) * _up(p) / (np.linalg.norm(_up(p)) or 1.0)
    return np.concatenate([line + thick, (line - thick)[::-1]])


def _up(p: Outline) -> Outline:
    """From the nose's base to the brows."""
    up: Outline = p[17:27].mean(axis=0) - p[33]
    return up
