"""Fine detail of the face: sharpness, and what compression has left in it.

OFIQ asks trained models for both, a random forest over gradients and a network that estimates structural similarity.
These two are arithmetic: their native values and parameters are our own, so they agree with OFIQ's in order at best.
"""

from __future__ import annotations

from math import hypot, nan
from typing import Final

import cv2
import numpy as np

from mien.quality.components import component
from mien.quality.conversion import Sigmoid, falling
from mien.quality.portrait import Plane, Portrait
from mien.types.arrays import FloatArray

EYES: Final = 56.0
"""Eye distance in pixels at which sharpness is looked at, half of that in OFIQ's frame: blur that no embedder sees,
with its 35 px, is not held against a large picture, and a small one that must grow to it is soft."""
REBLUR: Final = 9
"""Pixels of the box that the face is blurred with once more."""
BLOCK: Final = 8
"""Side of a JPEG block."""
MOST: Final = 400
"""Pixels of a face's width and height, in its middle, that blocks are looked for in."""
LEAST: Final = 3 * BLOCK


@component("sharpness", Sigmoid(0.33, 0.05), advice="hold still, clean the lens, focus on the face")
def sharpness(portrait: Portrait) -> float:
    """Share of the variation between neighbouring pixels that one more blur takes away, of 0..1.

    A sharp face loses much, a blurred one little (Crete et al., The blur effect, HVEI 2007, there as 1 minus this).
    """
    grey = _at_eye_distance(portrait)
    if min(grey.shape) < 2 * REBLUR:
        return nan
    kept = [
        _kept(grey, np.asarray(cv2.blur(grey, (REBLUR, 1)), np.float32), axis=1),
        _kept(grey, np.asarray(cv2.blur(grey, (1, REBLUR)), np.float32), axis=0),
    ]
    return 1 - max(kept)


def _kept(grey: FloatArray, blurred: FloatArray, axis: int) -> float:
    """Share of the variation along an axis that is left after the blur."""
    before, after = (np.abs(np.diff(each, axis=axis)) for each in (grey, blurred))
    total = float(before.sum())
    return 1 - float(np.maximum(before - after, 0).sum()) / total if total else 1.0


def _at_eye_distance(portrait: Portrait) -> FloatArray:
    """The face's box of landmarks in grey, averaged down or grown to `EYES`."""
    # Floats: whole numbers would turn the faint slopes of a blurred face into steps, which are sharp.
    grey = face_grey(portrait).astype(np.float32)
    factor = EYES / max(portrait.eye_distance * portrait.image.scale[0], 1e-6)
    width, height = (max(1, round(side * factor)) for side in grey.shape[::-1])
    if max(width, height) > 8 * EYES or not grey.size:
        return np.empty((0, 0), np.float32)
    way = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(grey, (width, height), interpolation=way), np.float32)


def face_grey(portrait: Portrait) -> Plane:
    """(h, w) uint8: the box around the landmarks, in pixels of the decoded picture."""
    points = portrait.landmarks * np.array(portrait.image.scale)
    width, height = portrait.image.size
    x0, y0 = np.clip(np.floor(points.min(axis=0)), 0, (width, height)).astype(int)
    x1, y1 = np.clip(np.ceil(points.max(axis=0)), 0, (width, height)).astype(int)
    part = portrait.image.pixels[y0:y1, x0:x1]
    return np.asarray(cv2.cvtColor(part, cv2.COLOR_RGB2GRAY), np.uint8) if part.size else part[..., 0]


@component("compression_artifacts", falling(1.1, 0.25), advice="save with less compression; no messenger's copy")
def compression_artifacts(portrait: Portrait) -> float:
    """How much steeper the picture is at the borders of 8-pixel blocks than between them, wherever the grid lies.

    Blind to compression before the picture was last resized (after Wang and Bovik's blockiness, ICIP 2000).
    """
    grey = _middle(face_grey(portrait))
    if min(grey.shape) < LEAST:
        return nan
    across = cv2.reduce(cv2.absdiff(grey[:, 1:], grey[:, :-1]), 0, cv2.REDUCE_AVG, dtype=cv2.CV_32F)
    down = cv2.reduce(cv2.absdiff(grey[1:], grey[:-1]), 1, cv2.REDUCE_AVG, dtype=cv2.CV_32F)
    return hypot(_steepest(np.asarray(across, np.float32)), _steepest(np.asarray(down, np.float32))) / 2**0.5


def _middle(grey: Plane) -> Plane:
    top, left = ((side - min(side, MOST)) // 2 for side in grey.shape)
    return grey[top : top + MOST, left : left + MOST]


def _steepest(profile: FloatArray) -> float:
    """The steepest of the eight phases of a profile of mean steps over the median one, less 1."""
    steps = profile.ravel()
    phases = np.array([steps[start::BLOCK].mean() for start in range(BLOCK)])
    usual = float(np.median(phases))
    return float(phases.max()) / usual - 1 if usual else 0.0
