"""Pictures with masks made from landmarks, and with things drawn over the face: material to begin with.

The truth about the face is what 68 points say, so a head that learns from it can at best be as good as they are, hair
belongs to the forehead, and real masks are better wherever they can be had. The truth about what was drawn is exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from mien.geometry.face_parts import OCCLUSION, PARTS, amodal_parts_of, occlusion_of, parts_of
from mien.parsing.mask_folder import Masked
from mien.parsing.occluders import SEEN, Random, backdrop, occlude
from mien.types.arrays import FloatArray, Pixels

TRUTHS: Final = {"parts": (*PARTS, "occluder"), "occlusion": OCCLUSION}
"""Classes by the name of the truth: the visible parts and what lies over them, or every part seen or covered."""
SIDE: Final = 256
"""Pixels of a made picture."""
REACH: Final = 2.2
"""Its side in sides of the face's box."""


@dataclass(frozen=True, slots=True)
class Making:
    """What is done to a picture before its mask is painted.

    Args:
        truth: a name of `TRUTHS`.
        kinds: occluders to draw from.
        bare: share of pictures that stay without one.
        moved: tilt, crop and seen-from-aside, in shares of the usual; 0 leaves the picture as it is.
        backdrops: share of pictures on a plain backdrop that get another.
    """

    truth: str = "occlusion"
    kinds: Sequence[str] = SEEN
    bare: float = 0.25
    moved: float = 1.0
    backdrops: float = 0.7


def make(pixels: Pixels, points: FloatArray, box: FloatArray, making: Making, random: Random) -> Masked:
    """A picture about one face with its mask.

    Args:
        pixels: (h, w, 3) uint8 RGB.
        points: (68, 2) pixels.
        box: (4,) of the face.
        making: how.
        random: where everything is drawn from.

    Returns:
        `SIDE` pixels square, without a name.
    """
    cut, points, box = _cut(pixels, points, box, making.moved, random)
    if random.random() < making.backdrops:
        cut = backdrop(cut, random)
    covered, kind = np.zeros(cut.shape[:2], np.bool_), ""
    if random.random() >= making.bare:
        kind = str(random.choice(list(making.kinds)))
        done = occlude(cut, points, kind, random)
        cut, covered = done.pixels, done.covered
    size = (SIDE, SIDE)
    if making.truth == "occlusion":
        labels = occlusion_of(amodal_parts_of(points, size), covered)
    else:
        labels = np.where(covered, np.uint8(len(PARTS)), parts_of(points, size)).astype(np.uint8)
    return Masked(kind, "", cut, labels, box)


def _cut(
    pixels: Pixels, points: FloatArray, box: FloatArray, moved: float, random: Random
) -> tuple[Pixels, FloatArray, FloatArray]:
    """The surroundings of a face by a perspective that also tilts and squeezes; the points and the box follow."""
    middle, half = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]).max() / 2 * REACH
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], np.float64)
    tilt = np.radians(20) * moved * random.uniform(-1, 1)
    turn = np.array([[np.cos(tilt), -np.sin(tilt)], [np.sin(tilt), np.cos(tilt)]])
    squeeze = 1 - 0.12 * moved * random.random((4, 2))
    shift = 0.06 * moved * random.uniform(-1, 1, 2)
    source = middle + half * ((corners * squeeze) @ turn + shift)
    matrix = cv2.getPerspectiveTransform(source.astype(np.float32), ((corners + 1) * SIDE / 2).astype(np.float32))
    factor = int(2 * half / SIDE)
    small = pixels
    if factor >= 2:  # a warp looks at 2x2 pixels only
        small = np.asarray(cv2.resize(pixels, None, fx=1 / factor, fy=1 / factor, interpolation=cv2.INTER_AREA))
    scale = np.diag([pixels.shape[1] / small.shape[1], pixels.shape[0] / small.shape[0], 1.0])
    cut = cv2.warpPerspective(
        small, matrix @ scale, (SIDE, SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    both = np.concatenate([points, box[[0, 1, 2, 1, 2, 3, 0, 3]].reshape(4, 2)]).astype(np.float32)
    there = cv2.perspectiveTransform(both[None], matrix)[0]
    around = there[-4:]
    ends = np.concatenate([np.sort(around, axis=0)[:2].mean(axis=0), np.sort(around, axis=0)[2:].mean(axis=0)])
    return np.asarray(cut, np.uint8), there[:-4], ends.astype(np.float32)
